#ifndef SLIPWAY_API_AUTHENTICATE_H
#define SLIPWAY_API_AUTHENTICATE_H

/*
 * Who is asking: turns the credentials of a request into its caller. No credentials make an
 * anonymous caller; presented ones that do not hold fail with ERR_UNAUTHENTICATED and never make an
 * anonymous one. Revocations count from the moment the published state holds them.
 */

#include "service/service.h"
#include "token/token.h"

/*
 * authorization: the header's value, empty when absent; device: whether device tokens are accepted.
 * Fills kind, account, role … of t->caller, in t->arena. *ret_problem (when presented credentials
 * fail) is a constant text for WWW-Authenticate.
 */
err authenticate(
	struct task *t, span authorization, bool device, const char **ret_problem) MUST_USE;

/*
 * Whether an access or device token would be accepted now, and what it says, in t's arena; *ret is
 * written only then. The caller stays who they are.
 */
err token_inspect(struct task *t, span token, struct token_claims *ret, bool *ret_active) MUST_USE;

/*
 * The same for a browser's cookie; cookies is the Cookie header. No session cookie in it: OK, and
 * an anonymous caller.
 */
err authenticate_cookie(struct task *t, span cookies) MUST_USE;

#define SESSION_COOKIE "__Host-sid"
/* The value of a cookie; twice is as good as forged, and gives what is never valid. */
span find_cookie(span cookies, const char *name);

#endif
