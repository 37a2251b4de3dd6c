#ifndef SLIPWAY_NET_BREAKER_H
#define SLIPWAY_NET_BREAKER_H

/*
 * A circuit breaker: says whether a service that has failed is worth asking, so that one that is
 * down costs its callers nothing but a probe now and then. Pure: clock and lock are the caller's.
 *
 *            failures in a row (tell)             pause is over (ask)
 *   CLOSED --------------------------> OPEN ---------------------------> PROBING
 *     ^                                 ^                                   |
 *     |                                 +-- the probe failed (tell): -------+
 *     |                                     twice the pause                 |
 *     +----------------------------------- it succeeded (tell) -------------+
 *
 * While closed everybody may ask, while open nobody, while probing only who was given the probe.
 * An outcome counts only in the state it was asked in: what comes late from calls begun before the
 * breaker opened or closed says nothing about now.
 */

#include "base/base.h"

struct breaker_rules {
	unsigned failures;    /* in a row that open it; at least 1 */
	int64_t pause_us;     /* before the first probe */
	int64_t pause_max_us; /* what doubling ends at */
};

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_PROBING };

struct breaker {
	const struct breaker_rules *rules_;
	enum breaker_state state_;
	uint64_t era_; /* of the present state: what a ticket is good for */
	unsigned failures_;
	int64_t pause_us_, probe_at_us_;
};

/* Closed. Keeps rules. */
void breaker_init(struct breaker *b, const struct breaker_rules *rules);
/* A ticket to ask the service with, whose outcome must be told; 0: it is not to be asked now. */
uint64_t breaker_ask(struct breaker *b, int64_t now_us);
/* How it went. True when that changed whether the service is asked: it opened, or closed. */
bool breaker_tell(struct breaker *b, uint64_t ticket, bool good, int64_t now_us);
enum breaker_state breaker_state(const struct breaker *b);

#endif
