#ifndef SLIPWAY_FEDERATION_ISSUERS_H
#define SLIPWAY_FEDERATION_ISSUERS_H

/*
 * What other servers publish of themselves, fetched and remembered: discovery documents and key
 * sets. And with these: verification of any token of a trusted issuer, for sign-in through a
 * provider as well as for CI systems that exchange their tokens.
 *
 *     discovery    kept for an hour; the old one for a day while a new one cannot be had
 *     keys         likewise; fetched again before that when a token names an unknown kid, but not
 *                  more than once a minute (a stranger's tokens must not make us a hammer)
 *     failure      remembered for ten seconds
 *     at once      one request fetches; while there is nothing yet a few more wait for what comes
 *                  of it, and the rest is told that it cannot be had
 *
 * Everything is fetched through the guarded client of net/foreign.h. Thread-safe; a first call may
 * take as long as two requests.
 */

#include "federation/discovery.h"
#include "federation/foreign_token.h"

struct foreign;
struct issuers;

#define ISSUERS_MAX 64 /* remembered at once; of more the one least lately used is forgotten */

/* Keeps foreign. Gives. */
struct issuers *issuers_new(struct foreign *foreign);
void issuers_free(struct issuers *s); /* accepts NULL */
DEFINE_AUTO_PTR(issuers)

/*
 * The issuer's discovery document, in arena a. ERR_UNAVAILABLE: it cannot be had, *ret_problem says
 * why ("the discovery document names another issuer"); it is an error of the other side or of the
 * configuration. fresh: fetched now, whatever is remembered.
 */
err issuer_discover(struct issuers *s, struct arena *a, span issuer, bool fresh, int64_t now_us,
	struct discovery *ret, const char **ret_problem) MUST_USE;

/* How many keys the issuer has that can be used, fetched now. As issuer_discover. */
err issuer_count_keys(struct issuers *s, struct arena *a, span issuer, int64_t now_us,
	size_t *ret_count, const char **ret_problem) MUST_USE;

/*
 * Verifies a token of expected->issuer, which must be one that is trusted: nobody may choose it.
 * OK; *ret_claims dies with arena a. ERR_DENIED: *ret_verdict says what is wrong with the token.
 * ERR_UNAVAILABLE: the keys cannot be had, *ret_problem says why.
 */
err issuer_verify(struct issuers *s, struct arena *a, span token,
	const struct foreign_expected *expected, int64_t now_us, json_t **ret_claims,
	enum foreign_verdict *ret_verdict, const char **ret_problem) MUST_USE;

#endif
