/*
 * The publisher thread: the one writer of this node's published state.
 *
 * It compares the state's position with the feed's head. If the state stands in the same
 * incarnation, not before the tombstone horizon and not after the head, it applies the changes
 * since its position; otherwise (a new state, a restored database, a node that was away for too
 * long) it replaces the whole state by the feed's present content. Both are one transaction of the
 * state, so readers never see a half.
 *
 * Hard rule: the database is read in one snapshot and the state is written after it has ended.
 */
#include "feed/feed.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "feed/feed_queries.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/metrics.h"

#include "base/banned.h"

/* How often the feed is looked at when nobody waits: changes made by other control planes. */
#define POLL_US         (250 * INT64_C(1000))
#define READER_CHECK_US (5 * INT64_C(1000000))

struct publisher {
	struct db *db;
	struct state *state;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* position moved, somebody waits, or stop */
	uint64_t position;      /* of the state; under lock */
	uint64_t wanted;        /* highest sequence waited for; under lock */
	bool stop;              /* under lock */
};

struct delta {
	struct arena *arena;
	struct state_position from, to;
	struct state_change *changes;
	size_t count, capacity;
};

static err read_head(struct db_tx *tx, struct delta *d, uint64_t *ret_horizon)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found = false;
	err e = db_query(tx, &rows, feed_head);

	if (!e)
		e = db_next(rows, &found);
	if (e)
		return e;
	if (!found)
		return ERR_CORRUPT;
	d->to.seq = (uint64_t)db_int(rows, 0);
	d->to.incarnation = (uint64_t)db_int(rows, 1);
	*ret_horizon = (uint64_t)db_int(rows, 2);
	return OK;
}

static err add_change(struct delta *d, struct db_rows *rows)
{
	if (d->count == d->capacity) {
		size_t capacity = d->capacity ? d->capacity * 2 : 64;
		struct state_change *more = arena_try_array(d->arena, capacity, sizeof(*more));

		if (!more)
			return ERR_NOMEM;
		for (size_t i = 0; i < d->count; i++)
			more[i] = d->changes[i];
		d->changes = more;
		d->capacity = capacity;
	}
	d->changes[d->count++] = (struct state_change){
		.key = arena_span(d->arena, db_blob(rows, 0)),
		.value = arena_span(d->arena, db_blob(rows, 1)),
		.deleted = db_int(rows, 2) != 0,
	};
	return OK;
}

static bool needs_everything(const struct delta *d, uint64_t horizon)
{
	return d->from.incarnation != d->to.incarnation || d->from.seq > d->to.seq ||
	       d->from.seq < horizon;
}

static err read_delta(struct db_tx *tx, void *arg)
{
	struct delta *d = arg;
	struct state_position at = d->from;
	uint64_t horizon;
	err e = read_head(tx, d, &horizon);

	d->count = 0;
	if (e || (at.seq == d->to.seq && at.incarnation == d->to.incarnation))
		return e;
	if (needs_everything(d, horizon))
		at.seq = 0;
	AUTO_PTR(db_rows) rows = NULL;

	e = db_query(tx, &rows, feed_since, DB_INT((int64_t)at.seq));
	while (!e) {
		bool found = false;

		e = db_next(rows, &found);
		if (e || !found)
			break;
		e = add_change(d, rows);
	}
	d->from = at;
	return e;
}

static err position_of(struct state *s, struct state_position *ret)
{
	struct state_view view;
	err e = state_begin(s, &view);

	if (e)
		return e;
	state_position(&view, ret);
	state_end(&view);
	return OK;
}

/* Brings the state up to the feed's head. *ret_seq is where it stands afterwards. */
static err catch_up(struct publisher *p, uint64_t *ret_seq)
{
	AUTO_PTR(arena) a = arena_new();
	struct delta d = {.arena = a};
	err e = position_of(p->state, &d.from);
	const struct state_position before = d.from;

	if (!e)
		e = db_transact(p->db, DB_READ, read_delta, &d);
	if (e)
		return e;
	if (before.seq != d.to.seq || before.incarnation != d.to.incarnation) {
		d.to.issued_at_us = clock_wall_us();
		e = state_apply(p->state, &d.from, &d.to, d.changes, d.count);
	}
	if (!e)
		*ret_seq = d.to.seq;
	return e;
}

/*
 * Sleeps until somebody waits for more than the state holds, or the poll is due. Tells what was
 * waited for when the work began.
 */
static bool wait_for_work(struct publisher *p, uint64_t *ret_wanted)
{
	struct timespec until;
	int waited = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail for this clock */
	until.tv_nsec += POLL_US * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&p->lock);
	while (!p->stop && p->wanted <= p->position && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&p->changed, &p->lock, &until);
	bool go_on = !p->stop;

	*ret_wanted = p->wanted;
	pthread_mutex_unlock(&p->lock);
	return go_on;
}

/*
 * The state stands at position. A wish that was there before the database was read and is still
 * not met never will be (its database was replaced): it is dropped, or the thread would spin. A
 * wish that came in the meantime stays.
 */
static void moved(struct publisher *p, uint64_t position, uint64_t wanted_before)
{
	pthread_mutex_lock(&p->lock);
	p->position = position;
	if (p->wanted == wanted_before && p->wanted > position)
		p->wanted = position;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	metric_set(METRIC_STATE_SEQ, NULL, (int64_t)position);
}

static void *run(void *arg)
{
	struct publisher *p = arg;
	int64_t readers_checked_us = 0;
	err last = OK;
	uint64_t position, wanted;

	while (wait_for_work(p, &wanted)) {
		err e = catch_up(p, &position);

		if (!e)
			moved(p, position, wanted);
		if (e != last && e)
			log_error("the published state cannot follow the database", LOG_ERR(e));
		else if (e != last)
			log_info("the published state follows the database again");
		if (e) /* somebody may be waiting: do not spin */
			(void)nanosleep(&(struct timespec){0, POLL_US * 1000}, NULL);
		last = e;
		if (clock_monotonic_us() - readers_checked_us > READER_CHECK_US) {
			state_check_readers(p->state);
			readers_checked_us = clock_monotonic_us();
		}
	}
	return NULL;
}

err publisher_start(struct db *db, struct state *state, struct publisher **ret)
{
	struct publisher *p = calloc(1, sizeof(*p));
	pthread_condattr_t attributes;
	err e;

	if (!p)
		return ERR_NOMEM;
	p->db = db;
	p->state = state;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	e = catch_up(p, &p->position);
	/* Before the thread: from then on the position is its own. */
	metric_set(METRIC_STATE_SEQ, NULL, (int64_t)p->position);
	if (!e && pthread_create(&p->thread, NULL, run, p) != 0)
		e = ERR_NOMEM;
	if (e) {
		free(p);
		return e;
	}
	*ret = p;
	return OK;
}

void publisher_stop(struct publisher *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

err publisher_wait(struct publisher *p, uint64_t seq, int64_t timeout_us)
{
	struct timespec until;
	int waited = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail for this clock */
	until.tv_sec += timeout_us / 1000000;
	until.tv_nsec += timeout_us % 1000000 * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&p->lock);
	if (seq > p->wanted) {
		p->wanted = seq;
		pthread_cond_broadcast(&p->changed);
	}
	while (p->position < seq && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&p->changed, &p->lock, &until);
	bool there = p->position >= seq;

	pthread_mutex_unlock(&p->lock);
	return there ? OK : ERR_UNAVAILABLE;
}

uint64_t publisher_position(struct publisher *p)
{
	pthread_mutex_lock(&p->lock);
	uint64_t position = p->position;

	pthread_mutex_unlock(&p->lock);
	return position;
}
