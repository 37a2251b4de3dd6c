#ifndef SLIPWAY_ACCOUNT_ROLE_H
#define SLIPWAY_ACCOUNT_ROLE_H

/*
 * Roles that an installation makes for itself, besides the built-in ones of policy.h: a name and a
 * list of permissions with the words that narrow it. Everything that takes a transaction runs
 * inside a body of db_transact(); what it gives lives in arena a.
 */

#include "db/db.h"

#define ROLE_NAME_MAX 40
#define ROLES_MAX     1000

struct role {
	span name, title;
	span permissions;
	int64_t max_sessions; /* 0: as the setting says */
	int64_t created_at_us;
	int64_t holders; /* accounts that have it */
	bool built_in;
};

/* a-z first, then a-z, 0-9 and '-', ROLE_NAME_MAX at most. */
bool role_name_is_valid(span name);
/* A built-in or a stored one. */
err role_find(
	struct db_tx *tx, struct arena *a, span name, struct role *ret, bool *ret_found) MUST_USE;
/* All: the built-in ones first. Holders of these are not counted. */
err role_list(struct db_tx *tx, struct arena *a, struct role **ret, size_t *ret_count) MUST_USE;
/* ERR_CONFLICT when the name is taken. */
err role_insert(struct db_tx *tx, const struct role *r) MUST_USE;
err role_update(struct db_tx *tx, const struct role *r) MUST_USE;
/* From now on holders with a password may do nothing before they have a second factor. */
err role_require_factor(struct db_tx *tx, span name) MUST_USE;
err role_delete(struct db_tx *tx, span name) MUST_USE;
/* Ids of accounts that have the role, behind the id `after`. */
err role_holder_ids(struct db_tx *tx, struct arena *a, span name, span after, size_t limit,
	span **ret, size_t *ret_count) MUST_USE;

#endif
