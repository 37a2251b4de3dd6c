#ifndef SLIPWAY_SERVICE_FEDERATED_SIGN_IN_H
#define SLIPWAY_SERVICE_FEDERATED_SIGN_IN_H

/*
 * Signing in through an identity provider, and linking an account to one.
 *
 *     begin ──▶ the provider ──▶ finish ──▶ session, or a ticket for the second factor
 *
 * The round trip belongs to one browser: a cookie it holds, of which the database has the hash, is
 * where nonce and PKCE verifier are derived from; state is a ticket. So a code that was obtained in
 * one browser is of no use in another (login CSRF, code injection).
 *
 * An account is found by (issuer, subject) and nothing else. An identity is linked to an existing
 * account only by its owner, from a session; or when the provider says that the address was
 * verified and is configured as the authority for its domain. Otherwise an account is made, if one
 * of the provider's rules gives it a role. The role and organisation of accounts that were made so
 * follow the rules at each sign-in; where no rule fits any more, the account loses what it had.
 */

#include "base/time.h"
#include "service/issue_tokens.h"

#define ROUND_TRIP_US         (10 * TIME_MINUTE)
#define ROUND_TRIP_COOKIE_MAX 64
#define RETURN_TO_MAX         512

struct departure {
	const char *url; /* where the browser is to go */
	span cookie;     /* which it keeps */
};
/*
 * provider: id or name. return_to: empty or a path of this server; ERR_INVALID for anything that a
 * browser could understand as another server. base_url: of this server, without a slash at the end.
 * link: for the caller's account, from a session. ERR_NOT_FOUND, ERR_UNAVAILABLE; ERR_LIMIT
 * "sign_in_throttled".
 */
struct departing {
	span provider, return_to, base_url;
	bool link;
};
err federation_begin(struct task *t, const struct departing *d, struct departure *ret) MUST_USE;

/* What the browser brings back. */
struct arrival {
	span provider, state, code, issuer, error, cookie;
};
/*
 * As far as it came, also on failure: return_to and link. Then one of: linked; a ticket for the
 * second factor and the ways to answer; a session.
 */
struct arrived {
	span return_to;
	bool link;
	span mfa_token, ways;
	struct issued_tokens tokens;
};
/*
 * Failures have a reason: "sign_in_expired" (unknown state, other browser, too late),
 * "access_denied", "provider_refused", "provider_unavailable", "issuer_mismatch", "token_invalid",
 * "email_unverified", "account_exists", "no_account", "not_permitted", "identity_taken",
 * "account_disabled"; ERR_LIMIT "sign_in_throttled" after many from the caller's network.
 */
err federation_finish(struct task *t, const struct arrival *in, struct arrived *ret) MUST_USE;

/*
 * What the provider asks for by a logout token: its sessions here end. ERR_INVALID
 * "logout_token_invalid".
 */
err federation_logout(struct task *t, span provider, span logout_token) MUST_USE;

/*
 * Where the caller's browser may go to sign out at the provider its session came from, too; NULL:
 * nowhere. Asked before the session ends.
 */
err federation_logout_url(struct task *t, span base_url, const char **ret) MUST_USE;

#endif
