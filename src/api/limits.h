#ifndef SLIPWAY_API_LIMITS_H
#define SLIPWAY_API_LIMITS_H

/*
 * Requests per second of one account (limit.account; its devices and browsers count for it) or of
 * one API key (limit.key). nginx limits addresses before this.
 */

#include "api/exchange.h"

/*
 * Counts the request for its caller and says in RateLimit-Policy and RateLimit what is left
 * (draft-ietf-httpapi-ratelimit-headers). ERR_LIMIT "too_many_requests" when nothing is. Callers
 * without an account are not counted.
 */
err limits_take(struct exchange *x) MUST_USE;

#endif
