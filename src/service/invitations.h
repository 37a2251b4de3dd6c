#ifndef SLIPWAY_SERVICE_INVITATIONS_H
#define SLIPWAY_SERVICE_INVITATIONS_H

/*
 * Invitations: an administrator names address, role and organisation; who gets the mail chooses a
 * password and has the account. A link works once, for a week; inviting again replaces it.
 */

#include "account/invitation.h"
#include "service/issue_tokens.h"

struct new_invitation {
	span email, role;
	span organisation; /* id or name, or empty */
};
/*
 * *ret_link is empty when the link goes out by mail; where mail is off it is the link, for the
 * caller to hand over. ERR_CONFLICT "email_taken"; the rules for roles and organisations are those
 * of account_create().
 */
err invitation_create(struct task *t, const struct new_invitation *n, struct invitation *ret,
	span *ret_link) MUST_USE;
err invitation_page(struct task *t, span after, size_t limit, struct invitation **ret,
	size_t *ret_count) MUST_USE;
err invitation_withdraw(struct task *t, span id) MUST_USE;

/*
 * Makes the account and opens its first session. Roles that permit more than personal things must
 * have a second factor. ERR_DENIED "invitation_invalid" for a token that is unknown, used,
 * withdrawn or too old.
 */
err invitation_accept(
	struct task *t, span token, span password, bool cookie, struct issued_tokens *ret) MUST_USE;

#endif
