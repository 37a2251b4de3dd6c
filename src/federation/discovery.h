#ifndef SLIPWAY_FEDERATION_DISCOVERY_H
#define SLIPWAY_FEDERATION_DISCOVERY_H

/*
 * What an OpenID provider says of itself (OpenID Connect Discovery 1.0, RFC 8414). Pure.
 */

#include "base/arena.h"

#define DISCOVERY_MAX_BYTES 65536
#define DISCOVERY_URL_MAX   2048

struct discovery {
	span issuer, authorization_endpoint, token_endpoint, jwks_uri;
	span userinfo_endpoint, end_session_endpoint; /* or empty */
	bool names_itself; /* authorization responses carry `iss` (RFC 9207) */
	/* Why nobody can sign in through it, in the arena; NULL: they can. CI systems sign tokens
	 * and do nothing else. */
	const char *sign_in_problem;
};

/* Where the document of an issuer stands, in arena a. */
const char *discovery_url(struct arena *a, span issuer);
/*
 * Reads the document of `issuer`. NULL, with ret in arena a; else what is wrong with it: it names
 * another issuer, has no keys …
 */
const char *discovery_parse(
	struct arena *a, span json, span issuer, struct discovery *ret) MUST_USE;

#endif
