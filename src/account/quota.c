/*
 * A fixed table of buckets. One is kept as the time at which it will be full again (the generic
 * cell rate algorithm): a full one is as good as none. Hard rule: the table never grows, whatever
 * is thrown at it; keys are hashed with a secret of this process, so that nobody can aim at another
 * subject's set.
 */
#include "account/quota.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/random.h"

#include "base/banned.h"

#define WAYS     8
#define SETS     2048
#define KEY_SIZE 16
#define NS_IN_S  INT64_C(1000000000)

struct bucket {
	uint8_t key[KEY_SIZE];
	int64_t full_at_ns; /* in the past: full, or never used */
};

struct quotas {
	pthread_mutex_t lock;
	uint8_t secret[32];
	struct bucket buckets[SETS][WAYS];
};

struct quotas *quotas_new(void)
{
	struct quotas *q = calloc(1, sizeof(*q));

	if (!q)
		abort();
	pthread_mutex_init(&q->lock, NULL);
	random_bytes(q->secret, sizeof(q->secret));
	return q;
}

void quotas_free(struct quotas *q)
{
	if (!q)
		return;
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static void make_key(const struct quotas *q, const struct quota_subject *s, uint8_t ret[32])
{
	uint8_t inner[32];

	hmac_sha256(span_of(q->secret, sizeof(q->secret)), span_from(s->kind), inner);
	hmac_sha256(span_of(inner, sizeof(inner)), s->name, ret);
}

/* The subject's bucket, or the fullest of the set in its place. */
static struct bucket *find_locked(struct quotas *q, const uint8_t key[32])
{
	struct bucket *set = q->buckets[(key[30] << 8 | key[31]) % SETS], *fullest = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (memcmp(set[i].key, key, KEY_SIZE) == 0)
			return &set[i];
		if (set[i].full_at_ns < fullest->full_at_ns)
			fullest = &set[i];
	}
	memcpy(fullest->key, key, KEY_SIZE);
	fullest->full_at_ns = 0;
	return fullest;
}

/* Nanoseconds as microseconds, rounded up: nobody is told to come a moment too early. */
static int64_t us_of(int64_t ns)
{
	return (ns + 999) / 1000;
}

err quota_take(
	struct quotas *q, const struct quota_subject *s, int64_t now_us, struct quota_left *ret)
{
	const int64_t now_ns = now_us * 1000, each_ns = NS_IN_S / s->per_second;
	const int64_t size_ns = each_ns * s->burst;
	uint8_t key[32];

	make_key(q, s, key);
	pthread_mutex_lock(&q->lock);
	struct bucket *b = find_locked(q, key);
	int64_t missing_ns = MAX(b->full_at_ns - now_ns, 0);
	bool taken = missing_ns + each_ns <= size_ns;

	if (taken) {
		missing_ns += each_ns;
		b->full_at_ns = now_ns + missing_ns;
	}
	pthread_mutex_unlock(&q->lock);
	ret->requests = missing_ns < size_ns ? (uint32_t)((size_ns - missing_ns) / each_ns) : 0;
	ret->full_in_us = us_of(missing_ns);
	ret->wait_us = taken ? 0 : us_of(missing_ns + each_ns - size_ns);
	return taken ? OK : ERR_LIMIT;
}
