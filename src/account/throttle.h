#ifndef SLIPWAY_ACCOUNT_THROTTLE_H
#define SLIPWAY_ACCOUNT_THROTTLE_H

/*
 * Slows down guessing: after `attempts` failures of one subject within the window each further one
 * must wait twice as long as the one before, up to the window. In the memory of this process, of a
 * fixed size: the subject that failed longest ago makes room. Shared, the nodes of a database count
 * together in Redis, and each for itself while that is away (limit.h). Any thread.
 */

#include "base/span.h"

struct throttle;

/* Gives; aborts when memory is out. attempts at least 1. */
struct throttle *throttle_new(unsigned attempts, int64_t window_us);
void throttle_free(struct throttle *t); /* accepts NULL */
DEFINE_AUTO_PTR(throttle)
struct limit_sharing;
/* To be called before the first attempt. Keeps s->redis. */
void throttle_share(struct throttle *t, const struct limit_sharing *s);

/* Subjects of different kinds ("account", "address") never meet. */
struct throttle_subject {
	const char *kind;
	span name;
	unsigned factor; /* times `attempts` are free: many accounts may share an address */
};

/*
 * Counts an attempt before it is made, so that many at once cannot slip through. OK, or ERR_LIMIT
 * with how long to wait (such an attempt is not counted).
 */
err throttle_try(struct throttle *t, const struct throttle_subject *s, int64_t now_us,
	int64_t *ret_wait_us) MUST_USE;
/* The attempt succeeded: nothing counts against the subject any more. */
void throttle_forget(struct throttle *t, const struct throttle_subject *s);
/* The attempt was no failure, but says nothing of those before. */
void throttle_undo(struct throttle *t, const struct throttle_subject *s);

#endif
