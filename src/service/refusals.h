#ifndef SLIPWAY_SERVICE_REFUSALS_H
#define SLIPWAY_SERVICE_REFUSALS_H

/*
 * Refused requests on their way into the audit log. Whoever is refused decides how often, so they
 * are counted here first: within a window of a minute, equal ones (same actor, network, action,
 * object and reason) become one entry at once and one with the count of the rest at its end. What
 * does not fit into REFUSALS_MAX different ones becomes one count of "others". So a flood of them
 * adds at most 2 × REFUSALS_MAX + 1 entries a minute. Thread-safe.
 */

#include "base/span.h"

#define REFUSALS_MAX      32
#define REFUSAL_TEXT_MAX  128 /* longer ones are cut */
#define REFUSAL_WINDOW_US INT64_C(60000000)

struct refusal {
	char actor[REFUSAL_TEXT_MAX], actor_kind[16], ip_prefix[64];
	char action[REFUSAL_TEXT_MAX], object[REFUSAL_TEXT_MAX], reason[REFUSAL_TEXT_MAX];
	char request_id[REFUSAL_TEXT_MAX]; /* of the first one; no part of what makes them equal */
	int64_t at_us;                     /* of the first one */
	uint64_t count;
};

struct refusals;

struct refusals *refusals_new(void);    /* aborts when memory is out */
void refusals_free(struct refusals *r); /* accepts NULL */
/* Copies what one says (its count and time aside). */
void refusals_count(struct refusals *r, const struct refusal *one, int64_t now_us);
/*
 * Moves what is due to ret: new ones, and at the end of the window (or with `all`) the counts.
 * Gives how many.
 */
#define REFUSALS_DUE_MAX (REFUSALS_MAX + 1)
size_t refusals_take(
	struct refusals *r, int64_t now_us, bool all, struct refusal ret[REFUSALS_DUE_MAX]);
/* Puts what could not be written back, so that it is not lost. */
void refusals_put_back(struct refusals *r, const struct refusal *list, size_t count);

#endif
