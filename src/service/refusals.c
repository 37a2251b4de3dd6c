/* Hard rule: bounded memory and no I/O: this is on the way of every refused request. */
#include "service/refusals.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

struct slot {
	struct refusal what; /* count: not handed over yet */
	bool used;
};

struct refusals {
	pthread_mutex_t lock;
	int64_t window_started_us;
	struct slot slots[REFUSALS_MAX + 1]; /* the last one: others */
	bool fresh[REFUSALS_MAX + 1];        /* not handed over at all in this window */
};

struct refusals *refusals_new(void)
{
	struct refusals *r = calloc(1, sizeof(*r));

	if (!r)
		abort();                          /* a few kilobytes at the start */
	(void)pthread_mutex_init(&r->lock, NULL); /* cannot fail without attributes */
	return r;
}

void refusals_free(struct refusals *r)
{
	if (!r)
		return;
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}

static bool is_same(const struct refusal *a, const struct refusal *b)
{
	return strcmp(a->actor, b->actor) == 0 && strcmp(a->actor_kind, b->actor_kind) == 0 &&
	       strcmp(a->ip_prefix, b->ip_prefix) == 0 && strcmp(a->action, b->action) == 0 &&
	       strcmp(a->object, b->object) == 0 && strcmp(a->reason, b->reason) == 0;
}

static struct slot *find_slot_locked(struct refusals *r, const struct refusal *one)
{
	size_t i = 0;

	while (i < REFUSALS_MAX && r->slots[i].used && !is_same(&r->slots[i].what, one))
		i++;
	return &r->slots[i];
}

/* Those that found no slot of their own: from anybody, to anything. */
static const struct refusal others = {.actor = "others",
	.action = "access",
	.object = "others",
	.reason = "too many different ones"};

static void count_locked(struct refusals *r, const struct refusal *one, uint64_t count)
{
	struct slot *s = find_slot_locked(r, one);
	size_t at = (size_t)(s - r->slots);

	if (!s->used) {
		s->used = true;
		r->fresh[at] = at < REFUSALS_MAX; /* "others" wait for the window's end */
		s->what = at < REFUSALS_MAX ? *one : others;
		s->what.at_us = one->at_us;
		s->what.count = 0;
	}
	if (s->what.count == 0)
		s->what.at_us = one->at_us;
	s->what.count += count;
}

void refusals_count(struct refusals *r, const struct refusal *one, int64_t now_us)
{
	struct refusal copy = *one;

	copy.at_us = now_us;
	(void)pthread_mutex_lock(&r->lock);
	count_locked(r, &copy, 1);
	(void)pthread_mutex_unlock(&r->lock);
}

size_t refusals_take(
	struct refusals *r, int64_t now_us, bool all, struct refusal ret[REFUSALS_DUE_MAX])
{
	size_t count = 0;

	(void)pthread_mutex_lock(&r->lock);
	bool ends = all || now_us - r->window_started_us >= REFUSAL_WINDOW_US ||
		    now_us < r->window_started_us;

	for (size_t i = 0; i < ARRAY_LEN(r->slots); i++) {
		struct slot *s = &r->slots[i];

		if (s->used && s->what.count > 0 && (ends || r->fresh[i])) {
			ret[count++] = s->what;
			s->what.count = 0;
		}
		r->fresh[i] = false;
		if (ends)
			s->used = false;
	}
	if (ends)
		r->window_started_us = now_us;
	(void)pthread_mutex_unlock(&r->lock);
	return count;
}

void refusals_put_back(struct refusals *r, const struct refusal *list, size_t count)
{
	(void)pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < count; i++)
		count_locked(r, &list[i], list[i].count);
	(void)pthread_mutex_unlock(&r->lock);
}
