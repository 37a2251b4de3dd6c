/*
 * A fixed table of those who failed. Hard rule: it never grows, whatever is thrown at it; keys are
 * hashed with a secret of this process, so that nobody can aim at another subject's set.
 */
#include "account/throttle.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "crypto/digest.h"
#include "crypto/random.h"

#include "base/banned.h"

#define WAYS       8
#define SETS       2048
#define KEY_SIZE   16
#define DOUBLE_MAX 20 /* 2^20 s is beyond any window worth having */

struct entry {
	uint8_t key[KEY_SIZE];
	uint32_t count; /* 0: free */
	int64_t last_us;
};

struct throttle {
	pthread_mutex_t lock;
	unsigned attempts;
	int64_t window_us;
	uint8_t secret[32];
	struct entry entries[SETS][WAYS];
};

struct throttle *throttle_new(unsigned attempts, int64_t window_us)
{
	struct throttle *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	pthread_mutex_init(&t->lock, NULL);
	t->attempts = attempts;
	t->window_us = window_us;
	random_bytes(t->secret, sizeof(t->secret));
	return t;
}

void throttle_free(struct throttle *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void make_key(const struct throttle *t, const struct throttle_subject *s, uint8_t ret[32])
{
	uint8_t inner[32];

	hmac_sha256(span_of(t->secret, sizeof(t->secret)), span_from(s->kind), inner);
	hmac_sha256(span_of(inner, sizeof(inner)), s->name, ret);
}

static struct entry *find_locked(struct throttle *t, const uint8_t key[32])
{
	struct entry *set = t->entries[(key[30] << 8 | key[31]) % SETS];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].count && memcmp(set[i].key, key, KEY_SIZE) == 0)
			return &set[i];
	return NULL;
}

/* The subject's entry, or the one of the set that was used longest ago, emptied. */
static struct entry *take_locked(struct throttle *t, const uint8_t key[32])
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
	return oldest;
}

static int64_t wait_after(const struct throttle *t, uint32_t over)
{
	return MIN(TIME_SECOND << MIN(over, DOUBLE_MAX), t->window_us);
}

err throttle_try(
	struct throttle *t, const struct throttle_subject *s, int64_t now_us, int64_t *ret_wait_us)
{
	uint32_t permitted = t->attempts * s->factor;
	uint8_t key[32];
	int64_t wait = 0;

	make_key(t, s, key);
	pthread_mutex_lock(&t->lock);
	struct entry *e = take_locked(t, key);

	if (now_us - e->last_us > t->window_us)
		e->count = 0;
	if (e->count >= permitted)
		wait = e->last_us + wait_after(t, e->count - permitted) - now_us;
	if (wait <= 0) {
		e->count++;
		e->last_us = now_us;
	}
	pthread_mutex_unlock(&t->lock);
	if (wait <= 0)
		return OK;
	*ret_wait_us = wait;
	return ERR_LIMIT;
}

void throttle_forget(struct throttle *t, const struct throttle_subject *s)
{
	uint8_t key[32];

	make_key(t, s, key);
	pthread_mutex_lock(&t->lock);
	struct entry *e = find_locked(t, key);

	if (e)
		e->count = 0;
	pthread_mutex_unlock(&t->lock);
}

void throttle_undo(struct throttle *t, const struct throttle_subject *s)
{
	uint8_t key[32];

	make_key(t, s, key);
	pthread_mutex_lock(&t->lock);
	struct entry *e = find_locked(t, key);

	if (e)
		e->count--;
	pthread_mutex_unlock(&t->lock);
}
