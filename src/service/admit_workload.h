#ifndef SLIPWAY_SERVICE_ADMIT_WORKLOAD_H
#define SLIPWAY_SERVICE_ADMIT_WORKLOAD_H

/*
 * Jobs with an access token that came of an exchange (exchange_token.h). What the token says is
 * held against the database with every request, as with API keys: what ends an identity is in force
 * at once.
 */

#include "service/service.h"
#include "token/token.h"

/* True for the claims of an access token that came of an exchange. */
bool token_is_of_workload(const struct token_claims *c);

/* What such a token is worth now. In t's arena. */
struct workload_holder {
	span workload, permissions;
	span job; /* JSON: what the provider said of the job */
};
/*
 * c: claims that were verified. ERR_UNAUTHENTICATED once the identity was changed, disabled or
 * deleted, or the account it is of was disabled or deleted.
 */
err workload_admit(
	struct task *t, const struct token_claims *c, struct workload_holder *ret) MUST_USE;

#endif
