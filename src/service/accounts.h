#ifndef SLIPWAY_SERVICE_ACCOUNTS_H
#define SLIPWAY_SERVICE_ACCOUNTS_H

/*
 * Accounts and organisations, administered. Nobody gives a role, or touches an account of a role,
 * that has a permission they lack themselves. The last active administrator stays one.
 */

#include "account/account.h"
#include "service/service.h"

/*
 * Giving a role, and acting on one who has it, needs to reach as far oneself (permissions_cover):
 * ERR_DENIED "role_beyond_yours".
 */
err role_within_reach(struct task *t, span role, span permissions) MUST_USE;

/* For use cases about accounts, inside a db body. ------------------------------------------------
 */

/* By id or e-mail address, if it is the caller's to deal with. ERR_NOT_FOUND. */
err account_resolve(
	struct db_tx *tx, struct task *t, span id_or_email, struct account *ret) MUST_USE;
/*
 * May the caller make an account of this role there? *organisation (id, name or empty) becomes an
 * id: for those who administer one organisation always that.
 */
err account_admit(struct db_tx *tx, struct task *t, span role, span *organisation,
	span *ret_permissions) MUST_USE;
/* ERR_CONFLICT "last_admin" when no active administrator would be left; after NULL: deleted. */
err account_check_last_admin(struct db_tx *tx, struct task *t, const struct account *before,
	const struct account *after) MUST_USE;
/*
 * Where the caller puts something: *organisation (id, name or empty) becomes an id or stays empty.
 * Who administers one organisation does so only there: empty becomes theirs, and any other,
 * existing or not, is ERR_DENIED "beyond_your_organisation". ERR_INVALID "unknown_organisation".
 */
err account_organisation(struct db_tx *tx, struct task *t, span *organisation) MUST_USE;
/* What they see of lists: *organisation becomes theirs, for others it stays. */
err account_own_organisation(struct task *t, span *organisation) MUST_USE;
err account_check_email(struct task *t, span email) MUST_USE;

/* Administration. --------------------------------------------------------------------------------
 */

struct new_account {
	span email, role, password;
	span organisation; /* id or name, or empty */
};
err account_create(struct task *t, const struct new_account *n, struct account *ret) MUST_USE;

/* Members that are not set stay. */
struct account_change {
	bool set_email, set_role, set_password, set_organisation, set_state;
	span email, role, password;
	span organisation; /* id or name; empty: none */
	bool disabled;
};
/*
 * A new password and disabling end all sessions and tokens of the account; other changes make its
 * access tokens stale. In force at once.
 */
err account_change(struct task *t, span id_or_email, const struct account_change *c,
	struct account *ret) MUST_USE;
/* By id or e-mail address. ERR_NOT_FOUND. */
err account_get(struct task *t, span id_or_email, struct account *ret) MUST_USE;
err account_page(
	struct task *t, span after, size_t limit, struct account **ret, size_t *ret_count) MUST_USE;

/*
 * Ends all that the account can do, everywhere and at once, and deletes it with all that is its
 * own. ERR_CONFLICT "licences_running" while it has licences that have not ended, unless they may
 * be deleted. id_or_email empty: the caller's own, from a session.
 */
err account_remove(struct task *t, span id_or_email, bool delete_licences) MUST_USE;

err organisation_create(struct task *t, span name, struct organisation *ret) MUST_USE;
/* By id or name. ERR_NOT_FOUND. */
err organisation_get(struct task *t, span id_or_name, struct organisation *ret) MUST_USE;
err organisation_page(struct task *t, span after, size_t limit, struct organisation **ret,
	size_t *ret_count) MUST_USE;

/* Its accounts. */
err organisation_members(struct task *t, span id_or_name, span after, size_t limit,
	struct account **ret, size_t *ret_count) MUST_USE;
err organisation_change(
	struct task *t, span id_or_name, span name, struct organisation *ret) MUST_USE;
/* ERR_CONFLICT "organisation_not_empty" while anything belongs to it. */
err organisation_remove(struct task *t, span id_or_name) MUST_USE;

#endif
