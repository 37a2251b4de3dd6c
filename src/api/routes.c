/*
 * The one table of routes. A row: method, path, permission, handler, query, body, sink, status of
 * success, summary, schema of the answer, whether device tokens are accepted.
 */
#include "api/handlers.h"

#include "base/banned.h"

#define V1 "/api/v1"
#define END                                                                                        \
	{                                                                                          \
		NULL, FIELD_END, false, 0, 0, NULL, NULL, NULL                                     \
	}

const struct route routes[] = {
	/* Server */
	{"GET", "/healthz", ALLOW_ANYONE, get_health, NULL, NULL, NULL, 200,
		"Whether the process answers", "health", false},
	{"GET", "/readyz", ALLOW_ANYONE, get_readiness, NULL, NULL, NULL, 200,
		"Whether requests can be served: database reachable, published state current",
		"readiness", false},
	{"GET", "/metrics", ALLOW_ANYONE, get_metrics, NULL, NULL, NULL, 200,
		"Metrics in the Prometheus text format", "text/plain", false},
	{"GET", "/.well-known/jwks.json", ALLOW_ANYONE, get_jwks, NULL, NULL, NULL, 200,
		"The public keys tokens are signed with", "jwks", false},
	{"GET", V1 "/openapi.json", ALLOW_ANYONE, get_openapi, NULL, NULL, NULL, 200,
		"This document", "application/json", false},
};
const size_t routes_count = ARRAY_LEN(routes);
