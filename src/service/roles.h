#ifndef SLIPWAY_SERVICE_ROLES_H
#define SLIPWAY_SERVICE_ROLES_H

/*
 * Roles an installation makes for itself. Nobody makes or changes a role that reaches further than
 * they do. A changed role is in force for everybody who has it: their tokens become stale.
 */

#include "account/role.h"
#include "service/service.h"

/* Members that are not set stay (all are set when a role is created). */
struct role_input {
	bool set_title, set_permissions, set_products, set_organisation, set_max_sessions;
	span title;
	span permissions; /* space-separated names, without words that narrow */
	span products;    /* space-separated names of products; empty: not narrowed */
	bool own_organisation;
	int64_t max_sessions;
};

err role_create(struct task *t, span name, const struct role_input *in, struct role *ret) MUST_USE;
err role_change(struct task *t, span name, const struct role_input *in, struct role *ret) MUST_USE;
/* ERR_CONFLICT while accounts have it. */
err role_remove(struct task *t, span name) MUST_USE;
err role_show(struct task *t, span name, struct role *ret) MUST_USE;
err role_page(struct task *t, struct role **ret, size_t *ret_count) MUST_USE;

/* The parts of a list of permissions, in t's arena: names, products, and whether narrowed to an
 * organisation. */
void permissions_split(struct arena *a, span list, span *ret_names, span *ret_products,
	bool *ret_own_organisation);
/* What both lists permit, as narrow as either, in arena a; nothing when that is too long. */
span permissions_common(struct arena *a, span list, span other);
/*
 * The list of these parts as the caller may give it away: every permission is theirs, every product
 * within their reach, and the list is as narrow as their own. ERR_INVALID as permissions_join();
 * ERR_DENIED "permission_missing", "beyond_scope". In t's arena.
 */
err permissions_give(
	struct db_tx *tx, struct task *t, span names, span products, span *ret) MUST_USE;
/* The list of these parts. ERR_INVALID for a permission or product there is not. */
err permissions_join(struct db_tx *tx, struct task *t, span names, span products,
	bool own_organisation, span *ret) MUST_USE;

#endif
