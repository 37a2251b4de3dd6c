#ifndef SLIPWAY_SERVICE_DEVICE_GRANT_H
#define SLIPWAY_SERVICE_DEVICE_GRANT_H

/*
 * Signing in a program from a browser (RFC 8628). The program begins and polls; a person who is
 * signed in types its short code, sees what asks and from where, and decides. The session that
 * comes of it has the proof of the person's: neither another second factor nor a fresher one.
 *
 * Failures have the codes of RFC 6749 and RFC 8628 as their reasons.
 */

#include "account/device_code.h"
#include "service/issue_tokens.h"

#define DEVICE_GRANT_LIFE_S     600
#define DEVICE_GRANT_INTERVAL_S 5

/* Programs that may ask. */
struct oauth_client {
	const char *id, *title;
	const char *most; /* permissions it gets at most, or NULL */
};
const struct oauth_client *oauth_client_find(span id); /* NULL: there is no such */

struct device_grant {
	span device_code, user_code;
};
/*
 * ERR_INVALID "invalid_client", "invalid_scope"; ERR_LIMIT "sign_in_throttled" after many from the
 * caller's network. scope: permissions and product:NAME; or empty.
 */
err device_grant_begin(
	struct task *t, span client_id, span scope, struct device_grant *ret) MUST_USE;
/* What waits under the code. ERR_NOT_FOUND "user_code_unknown"; ERR_LIMIT after wrong ones. */
err device_grant_show(struct task *t, span user_code, struct device_code *ret) MUST_USE;
/* As device_grant_show; the caller's session vouches for the device's. */
err device_grant_decide(struct task *t, span user_code, bool approve) MUST_USE;
/*
 * The tokens, once. ERR_INVALID "authorization_pending", "slow_down", "expired_token",
 * "invalid_grant"; ERR_DENIED "access_denied". *ret_scope is what the tokens permit at most.
 */
err device_grant_poll(struct task *t, span client_id, span device_code, struct issued_tokens *ret,
	span *ret_scope) MUST_USE;

#endif
