#ifndef SLIPWAY_ACCOUNT_QUOTA_H
#define SLIPWAY_ACCOUNT_QUOTA_H

/*
 * How many requests a caller may make: a bucket of tokens each, refilled at a steady rate. In the
 * memory of this process, of a fixed size: the bucket that is nearest to full makes room. Shared,
 * the nodes of a database take from the same buckets, in Redis, and each for itself while that is
 * away (limit.h). Any thread.
 */

#include "base/span.h"

struct quotas;

/* Gives; aborts when memory is out. */
struct quotas *quotas_new(void);
void quotas_free(struct quotas *q); /* accepts NULL */
DEFINE_AUTO_PTR(quotas)
struct limit_sharing;
/* To be called before the first request. Keeps s->redis. */
void quotas_share(struct quotas *q, const struct limit_sharing *s);

/* Subjects of different kinds ("account", "key") never meet. */
struct quota_subject {
	const char *kind;
	span name;
	uint32_t per_second; /* at least 1, at most 1000000 */
	uint32_t burst;      /* size of the bucket: at least 1 */
};

struct quota_left {
	uint32_t requests;  /* may be made at once */
	int64_t full_in_us; /* until the bucket is full again */
	int64_t wait_us;    /* until one request may be made; 0: now */
};

/* Takes one token. OK, or ERR_LIMIT with nothing taken; *ret is written in both cases. */
err quota_take(struct quotas *q, const struct quota_subject *s, int64_t now_us,
	struct quota_left *ret) MUST_USE;

#endif
