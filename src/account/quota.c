/*
 * A fixed table of buckets. One is kept as the time at which it will be full again (the generic
 * cell rate algorithm): a full one is as good as none. Hard rule: the table never grows, whatever
 * is thrown at it. The rule stands here and, for nodes that count together, in quota.lua (see
 * limit.h); a test drives both through the same histories.
 */
#include "account/quota.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "account/limit.h"

#include "base/banned.h"

#define WAYS     8
#define SETS     2048
#define KEY_SIZE 16
#define NS_IN_S  INT64_C(1000000000)

struct bucket {
	uint8_t key[KEY_SIZE];
	int64_t full_at_ns; /* in the past: full, or never used */
	int64_t memory;     /* of Redis, which holds the same; 0: taken from here */
};

struct quotas {
	pthread_mutex_t lock;
	struct limit_place place;
	struct redis_script script;
	struct bucket buckets[SETS][WAYS];
};

/* One request on its way. */
struct request {
	uint8_t key[LIMIT_KEY_SIZE];
	int64_t now_ns, each_ns, size_ns;
	/* How it went. */
	bool taken;
	int64_t missing_ns;
};

struct quotas *quotas_new(void)
{
	struct quotas *q = calloc(1, sizeof(*q));

	if (!q)
		abort();
	pthread_mutex_init(&q->lock, NULL);
	limit_place_init(&q->place);
	return q;
}

void quotas_share(struct quotas *q, const struct limit_sharing *s)
{
	limit_place_share(&q->place, s);
	redis_script_init(&q->script, quota_lua);
}

void quotas_free(struct quotas *q)
{
	if (!q)
		return;
	pthread_mutex_destroy(&q->lock);
	free(q);
}

/* The subject's bucket, or the fullest of the set in its place. */
static struct bucket *find_locked(struct quotas *q, const uint8_t key[LIMIT_KEY_SIZE])
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
	fullest->memory = 0;
	return fullest;
}

static void take_here(struct quotas *q, struct request *r)
{
	pthread_mutex_lock(&q->lock);
	struct bucket *b = find_locked(q, r->key);

	r->missing_ns = MAX(b->full_at_ns - r->now_ns, 0);
	r->taken = r->missing_ns + r->each_ns <= r->size_ns;
	if (r->taken) {
		r->missing_ns += r->each_ns;
		b->full_at_ns = r->now_ns + r->missing_ns;
		b->memory = 0;
	}
	pthread_mutex_unlock(&q->lock);
}

/* As in throttle.c, answers that overtake each other put the mirror one request behind. */
static err take_together(struct quotas *q, struct request *r)
{
	struct limit_question ask = {.script = &q->script,
		.what = "quota",
		.key = r->key,
		.now_us = r->now_ns / 1000,
		.in = {r->each_ns, r->size_ns},
		.in_count = 3,
		.out_count = 2};
	struct limit_answer answer;

	pthread_mutex_lock(&q->lock);
	struct bucket *b = find_locked(q, r->key);
	const int64_t asked_ns = b->full_at_ns;

	ask.memory = b->memory;
	ask.in[2] = MAX(b->full_at_ns - r->now_ns, 0);
	pthread_mutex_unlock(&q->lock);
	err e = limit_ask(&q->place, &ask, &answer);

	if (e || answer.out[1] < 0)
		return ERR_UNAVAILABLE;
	r->taken = answer.out[0] != 0;
	r->missing_ns = answer.out[1];
	pthread_mutex_lock(&q->lock);
	b = find_locked(q, r->key);
	bool alone_since = !b->memory && b->full_at_ns != asked_ns;

	b->full_at_ns = MAX(r->now_ns + r->missing_ns, alone_since ? b->full_at_ns : 0);
	b->memory = alone_since ? 0 : answer.memory;
	pthread_mutex_unlock(&q->lock);
	return OK;
}

/* Nanoseconds as microseconds, rounded up: nobody is told to come a moment too early. */
static int64_t us_of(int64_t ns)
{
	return (ns + 999) / 1000;
}

err quota_take(
	struct quotas *q, const struct quota_subject *s, int64_t now_us, struct quota_left *ret)
{
	struct request r = {.now_ns = now_us * 1000, .each_ns = NS_IN_S / s->per_second};

	r.size_ns = r.each_ns * s->burst;
	limit_key(&q->place, s->kind, s->name, r.key);
	if (take_together(q, &r))
		take_here(q, &r);
	int64_t left_ns = r.size_ns - r.missing_ns;

	ret->requests = left_ns > 0 ? (uint32_t)(left_ns / r.each_ns) : 0;
	ret->full_in_us = us_of(r.missing_ns);
	ret->wait_us = r.taken ? 0 : us_of(r.each_ns - left_ns);
	return r.taken ? OK : ERR_LIMIT;
}
