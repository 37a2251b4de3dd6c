/*
 * A fixed table of those who failed. Hard rule: it never grows, whatever is thrown at it. The rule
 * of counting stands here and, for nodes that count together, in throttle.lua (see limit.h); a test
 * drives both through the same histories.
 */
#include "account/throttle.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "account/limit.h"
#include "base/time.h"

#include "base/banned.h"

#define WAYS       8
#define SETS       2048
#define KEY_SIZE   16
#define DOUBLE_MAX 20 /* 2^20 s is beyond any window worth having */
#define WHAT       "throttle"

struct entry {
	uint8_t key[KEY_SIZE];
	uint32_t count; /* 0: free */
	int64_t last_us;
	int64_t memory; /* of Redis, which holds the same; 0: counted here */
};

struct throttle {
	pthread_mutex_t lock;
	unsigned attempts;
	int64_t window_us;
	struct limit_place place;
	struct redis_script count, less;
	struct entry entries[SETS][WAYS];
};

/* One attempt on its way. */
struct attempt {
	uint8_t key[LIMIT_KEY_SIZE];
	uint32_t permitted;
	uint32_t seen; /* in the table, when Redis was asked */
	int64_t now_us;
};

struct throttle *throttle_new(unsigned attempts, int64_t window_us)
{
	struct throttle *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	pthread_mutex_init(&t->lock, NULL);
	t->attempts = attempts;
	t->window_us = window_us;
	limit_place_init(&t->place);
	return t;
}

void throttle_share(struct throttle *t, const struct limit_sharing *s)
{
	limit_place_share(&t->place, s);
	redis_script_init(&t->count, throttle_lua);
	redis_script_init(&t->less, throttle_less_lua);
}

void throttle_free(struct throttle *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* The table ----------------------------------------------------------------------------------- */

static struct entry *find_locked(struct throttle *t, const uint8_t key[LIMIT_KEY_SIZE])
{
	struct entry *set = t->entries[(key[30] << 8 | key[31]) % SETS];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].count && memcmp(set[i].key, key, KEY_SIZE) == 0)
			return &set[i];
	return NULL;
}

/* The subject's entry, or the one of the set that was used longest ago, emptied. */
static struct entry *take_locked(struct throttle *t, const uint8_t key[LIMIT_KEY_SIZE])
{
	struct entry *set = t->entries[(key[30] << 8 | key[31]) % SETS], *oldest = &set[0],
		     *e = find_locked(t, key);

	if (e)
		return e;
	for (size_t i = 0; i < WAYS; i++) {
		if (!set[i].count) {
			oldest = &set[i];
			break;
		}
		if (set[i].last_us < oldest->last_us)
			oldest = &set[i];
	}
	memcpy(oldest->key, key, KEY_SIZE);
	oldest->count = 0;
	oldest->last_us = 0;
	oldest->memory = 0;
	return oldest;
}

/* Not above 0: an attempt is permitted. */
static int64_t wait_left(
	const struct throttle *t, uint32_t permitted, uint32_t count, int64_t age_us)
{
	if (count < permitted)
		return 0;
	return MIN(TIME_SECOND << MIN(count - permitted, DOUBLE_MAX), t->window_us) - age_us;
}

static int64_t count_here(struct throttle *t, const struct attempt *a)
{
	pthread_mutex_lock(&t->lock);
	struct entry *e = take_locked(t, a->key);

	if (a->now_us - e->last_us > t->window_us)
		e->count = 0;
	int64_t wait = wait_left(t, a->permitted, e->count, a->now_us - e->last_us);

	if (wait <= 0) {
		e->count++;
		e->last_us = a->now_us;
		e->memory = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return wait;
}

/* Together ------------------------------------------------------------------------------------ */

/* What is known here, if it still means anything. */
static void read_mirror(struct throttle *t, struct attempt *a, struct limit_question *q)
{
	pthread_mutex_lock(&t->lock);
	const struct entry *e = find_locked(t, a->key);

	a->seen = e ? e->count : 0;
	if (e && a->now_us - e->last_us <= t->window_us) {
		q->memory = e->memory;
		q->in[2] = e->count;
		q->in[3] = MAX(a->now_us - e->last_us, 0);
	}
	pthread_mutex_unlock(&t->lock);
}

/*
 * Answers of two threads may overtake each other, and the mirror then is one attempt behind until
 * the next: Redis decides, so that costs nothing. What was counted here since the question stays.
 */
static void write_mirror(struct throttle *t, const struct attempt *a, const struct limit_answer *r)
{
	pthread_mutex_lock(&t->lock);
	struct entry *e = take_locked(t, a->key);
	uint32_t count = (uint32_t)r->out[1];
	bool alone_since = e->count && !e->memory && e->count != a->seen;

	e->count = alone_since ? MAX(e->count, count) : count;
	e->last_us = a->now_us - r->out[2];
	e->memory = alone_since ? 0 : r->memory;
	pthread_mutex_unlock(&t->lock);
}

static err count_together(struct throttle *t, struct attempt *a, int64_t *ret_wait)
{
	struct limit_question q = {.script = &t->count,
		.what = WHAT,
		.key = a->key,
		.now_us = a->now_us,
		.in = {a->permitted, t->window_us},
		.in_count = 4,
		.out_count = 3};
	struct limit_answer r;

	read_mirror(t, a, &q);
	err e = limit_ask(&t->place, &q, &r);

	if (e)
		return e;
	bool counted = r.out[0] != 0;

	if (r.out[1] < 1 || r.out[1] > UINT32_MAX)
		return ERR_UNAVAILABLE;
	write_mirror(t, a, &r);
	*ret_wait = counted ? 0 : MAX(1, wait_left(t, a->permitted, (uint32_t)r.out[1], r.out[2]));
	return OK;
}

err throttle_try(
	struct throttle *t, const struct throttle_subject *s, int64_t now_us, int64_t *ret_wait_us)
{
	struct attempt a = {.permitted = t->attempts * s->factor, .now_us = now_us};
	int64_t wait;

	limit_key(&t->place, s->kind, s->name, a.key);
	if (count_together(t, &a, &wait))
		wait = count_here(t, &a);
	if (wait <= 0)
		return OK;
	*ret_wait_us = wait;
	return ERR_LIMIT;
}

/*
 * Takes attempts back, here and in Redis: one, or all. One that was counted here alone is not in
 * Redis; taken from there, it would be somebody else's.
 */
static void take_back(struct throttle *t, const struct throttle_subject *s, bool all)
{
	const uint32_t attempts = all ? UINT32_MAX : 1;
	struct limit_question q = {.script = &t->less,
		.what = WHAT,
		.in = {attempts, t->window_us},
		.in_count = 2,
		.out_count = 1};
	uint8_t key[LIMIT_KEY_SIZE];
	struct limit_answer r;

	limit_key(&t->place, s->kind, s->name, key);
	q.key = key;
	pthread_mutex_lock(&t->lock);
	struct entry *e = find_locked(t, key);
	bool here_alone = e && !e->memory;

	if (e)
		e->count -= MIN(attempts, e->count);
	pthread_mutex_unlock(&t->lock);
	/* Unheard, it is too many there until the window has passed: the safe side. */
	if (all || !here_alone)
		(void)!limit_ask(&t->place, &q, &r);
}

void throttle_forget(struct throttle *t, const struct throttle_subject *s)
{
	take_back(t, s, true);
}

void throttle_undo(struct throttle *t, const struct throttle_subject *s)
{
	take_back(t, s, false);
}
