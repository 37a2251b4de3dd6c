#ifndef SLIPWAY_SERVER_SHARED_LIMITS_H
#define SLIPWAY_SERVER_SHARED_LIMITS_H

#include "service/service.h"

/*
 * Has sign_ins and quotas of s counted in the Redis of the settings, if there is one: sets
 * s->redis, to be freed after both. A Redis that does not answer is no failure: it is logged, and
 * each node counts for itself until it does. To be called before the first request.
 */
err shared_limits_open(struct service *s) MUST_USE;

#endif
