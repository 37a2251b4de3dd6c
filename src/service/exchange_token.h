#ifndef SLIPWAY_SERVICE_EXCHANGE_TOKEN_H
#define SLIPWAY_SERVICE_EXCHANGE_TOKEN_H

/*
 * A CI job exchanges the token its provider gave it for an access token of ours (RFC 8693), and
 * uses that. Nothing is asked of an issuer that no workload identity names.
 *
 * Which identity it is: the one that is named, or else the first by name, of those of the token's
 * issuer that may be used, whose audience the token is for and whose conditions all fit. Each token
 * of a provider is good for one exchange.
 *
 * Failures have the codes of RFC 6749 and RFC 8693 as their reasons, and say what did not fit in
 * words that tell the holder of the token no more than the token does. What was refused with a
 * signature that is right is in the audit log as `workload.exchange`.
 */

#include "service/service.h"

/* Parameters as they came; empty: absent. */
struct token_exchange {
	span subject_token, subject_token_type, requested_token_type;
	span identity; /* id or name of the workload identity */
	span audience, resource;
	span scope;    /* permissions, and product:NAME; empty: all there is */
	span base_url; /* of this server */
	bool actor;    /* there is an actor_token */
};

struct token_exchanged {
	span access_token, scope; /* in t's arena */
	int64_t expires_in_s;
};

/*
 * ERR_INVALID "invalid_request", "invalid_grant", "invalid_scope", "invalid_target"; ERR_LIMIT
 * "exchange_throttled" after refusals; ERR_UNAVAILABLE when the issuer's keys cannot be had.
 */
err exchange_token(
	struct task *t, const struct token_exchange *x, struct token_exchanged *ret) MUST_USE;

#endif
