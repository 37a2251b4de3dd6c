#ifndef SLIPWAY_FEDERATION_FOREIGN_TOKEN_H
#define SLIPWAY_FEDERATION_FOREIGN_TOKEN_H

/*
 * JSON Web Tokens that others signed: ID tokens, logout tokens, the tokens of CI systems. Our own
 * are token/token.h's. Pure: the keys and the present are arguments (issuers.h gets keys).
 *
 * RFC 8725 throughout: the algorithm is the key's (RS256, PS256, ES256 or EdDSA; `none` and HMAC do
 * not exist), keys are found by kid and never by what the token carries (jku, jwk, x5u), `crit` and
 * `zip` are refused, a member twice is refused in the header and in the claims, iss and aud must be
 * the expected ones, and exp and iat must be there.
 */

#include <jansson.h>

#include "federation/key_set.h"

struct arena;

#define FOREIGN_TOKEN_MAX      16384
#define FOREIGN_TOKEN_LEEWAY_S 30

/* verdict, code, what it says to an administrator */
#define FOREIGN_VERDICTS(X)                                                                        \
	X(FOREIGN_OK, "ok", "The token is valid")                                                  \
	X(FOREIGN_MALFORMED, "malformed", "It is not a signed JSON Web Token")                     \
	X(FOREIGN_WRONG_TYPE, "wrong_type", "It is a token of another type")                       \
	X(FOREIGN_UNKNOWN_KEY, "unknown_key", "The issuer's key set has no key of its kid")        \
	X(FOREIGN_WRONG_ALGORITHM, "wrong_algorithm", "Its algorithm is not the one of its key")   \
	X(FOREIGN_BAD_SIGNATURE, "bad_signature", "Its signature is not the issuer's")             \
	X(FOREIGN_WRONG_ISSUER, "wrong_issuer", "It is from another issuer")                       \
	X(FOREIGN_WRONG_AUDIENCE, "wrong_audience", "It is for another audience")                  \
	X(FOREIGN_MISSING_CLAIM, "missing_claim", "It lacks sub, exp or iat")                      \
	X(FOREIGN_NOT_YET_VALID, "not_yet_valid", "It is from the future")                         \
	X(FOREIGN_EXPIRED, "expired", "It has expired")                                            \
	X(FOREIGN_WRONG_NONCE, "wrong_nonce", "It is not for this sign-in (nonce)")                \
	X(FOREIGN_WRONG_HASH, "wrong_hash", "It does not belong to the access token (at_hash)")    \
	X(FOREIGN_WRONG_EVENT, "wrong_event", "It is not a logout token")

#define FOREIGN_ENUM(verdict, code, text) verdict,
enum foreign_verdict { FOREIGN_VERDICTS(FOREIGN_ENUM) FOREIGN_VERDICT_COUNT };
#undef FOREIGN_ENUM

const char *foreign_verdict_name(enum foreign_verdict v); /* "bad_signature" … */
const char *foreign_verdict_text(enum foreign_verdict v); /* without a full stop */

struct foreign_expected {
	span issuer;
	span audience;
	/* Acceptable `typ` besides none at all, space-separated, without "application/". */
	const char *types;
	bool sub_optional; /* logout tokens */
};

/*
 * Verifies text at now_s. With FOREIGN_OK *ret_claims has all claims and dies with arena a. Until
 * then nothing in the token was acted on but its kid. Any thread.
 */
enum foreign_verdict foreign_token_verify(const struct key_set *keys, span text,
	const struct foreign_expected *expected, int64_t now_s, struct arena *a,
	json_t **ret_claims) MUST_USE;

/*
 * The kid in the header of an unverified token, in arena a: to know whether newer keys are to be
 * fetched. Empty when it has none or is no token.
 */
span foreign_token_kid(struct arena *a, span text);
/* The algorithm it names, likewise: once it was verified, that of its key. */
span foreign_token_algorithm(struct arena *a, span text);
/*
 * The issuer an unverified token claims to be of, in arena a: to choose among the trusted issuers
 * the one whose keys decide. Empty when it is no token.
 */
span foreign_token_issuer(struct arena *a, span text);
/*
 * Whether an unverified token claims to be for this audience: to choose among audiences that are
 * ours the one to verify it with.
 */
bool foreign_token_is_for(struct arena *a, span text, span audience);

#endif
