#ifndef SLIPWAY_FEDERATION_ASK_H
#define SLIPWAY_FEDERATION_ASK_H

/*
 * The round trip to an identity provider: where a browser is sent, and what the code it brings back
 * says of its user. Authorisation code flow with PKCE (RFC 9700, OpenID Connect Core 1.0); with
 * nonce where there is an ID token.
 */

#include "federation/issuers.h"
#include "federation/provider.h"

struct foreign;

/* The parts of one round trip. */
struct round_trip {
	const struct provider *provider;
	span redirect_uri;
	span state, nonce, verifier; /* verifier: of PKCE */
};

/* Where it went wrong: for machines, and for the log and administrators. In an arena. */
struct ask_failure {
	const char *reason;  /* "provider_unavailable", "provider_refused", "token_invalid" */
	const char *problem; /* no secrets */
};

/* Who asks, and with what. */
struct asking {
	struct issuers *issuers;
	struct foreign *foreign;
	struct arena *arena;
	int64_t now_us;
	struct ask_failure failure;
};

/* The URL the browser goes to. ERR_UNAVAILABLE, ask->failure says why. */
err ask_authorization_url(
	struct asking *ask, const struct round_trip *trip, const char **ret) MUST_USE;
/*
 * Exchanges the code and finds out who its user is; ret in the arena. secret: the client's, or
 * empty. ERR_UNAVAILABLE: the provider cannot be asked; ERR_DENIED: what it said does not count.
 */
err ask_who(struct asking *ask, const struct round_trip *trip, span secret, span code,
	struct vouched *ret) MUST_USE;

/*
 * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6). *ret_claims has sid or
 * sub, jti and exp, and dies with the arena. ERR_DENIED, ERR_UNAVAILABLE as ask_who.
 */
err ask_logout(
	struct asking *ask, const struct provider *p, span token, json_t **ret_claims) MUST_USE;

/* Tells whether the provider can be asked; *ret_keys is how many of its keys can be used. */
err ask_test(struct asking *ask, const struct provider *p, size_t *ret_keys) MUST_USE;

/*
 * Who claims say somebody is; spans borrow from claims. A pure function of them; ERR_INVALID
 * without a subject.
 */
err vouched_from_claims(struct arena *a, const struct provider_settings *s, const json_t *claims,
	struct vouched *ret) MUST_USE;

#endif
