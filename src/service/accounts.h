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

err organisation_create(struct task *t, span name, struct organisation *ret) MUST_USE;
/* By id or name. ERR_NOT_FOUND. */
err organisation_get(struct task *t, span id_or_name, struct organisation *ret) MUST_USE;
err organisation_page(struct task *t, span after, size_t limit, struct organisation **ret,
	size_t *ret_count) MUST_USE;

#endif
