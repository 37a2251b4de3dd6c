/*
 * Group commit. SQLite has one writer at a time, and a durable commit costs an fsync. So whoever
 * finds nobody writing leads: it runs its own body and those of all who come meanwhile in one
 * transaction of the database, and commits once for all of them.
 *
 *   leader    BEGIN IMMEDIATE
 *   each      SAVEPOINT · body · RELEASE, or ROLLBACK TO when the body fails
 *   leader    COMMIT: one fsync; then the first who came during it leads, and the members are told
 *
 * A group ends when nobody waits, or when it is full or old. The others sleep once, from their call
 * to their result: handing the connection from thread to thread instead would cost each of them a
 * second sleep, and a change of threads is dearer than most bodies.
 *
 * Hard rules: a member returns only after the COMMIT that contains it, with its result; so does a
 * member whose body failed, for it may have judged by what earlier members wrote. The connection
 * belongs to the leader. After an I/O error nothing is tried again: the group fails. (The next
 * commit overwrites the frames of a failed one in the WAL, because only a synced commit moves its
 * end; so nothing is ever written behind what may not be on disk.)
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "db/sqlite.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "base/time.h"
#include "base/banned.h"

#define GROUP_MEMBERS 64
/* Bounds what the first member waits for slow bodies behind it. */
#define GROUP_AGE_US (10 * TIME_MS)

/* One call of sqlite_write(), on its thread's stack. */
struct member {
	struct member *next; /* in the queue, then in the group */
	db_body *body;
	void *arg;
	span request;                        /* what its thread logs for */
	enum { QUEUED, LEADS, TAKEN } state; /* under the writer's lock */
	err result;
	/* A lock of its own: those who are woken together do not meet at one. */
	pthread_mutex_t lock;
	pthread_cond_t woken_cond;
	bool woken; /* it leads, or the result is there */
};

struct members {
	struct member *first, **end;
};

struct sqlite_writer {
	pthread_mutex_t lock;
	bool is_led;
	struct members queue; /* who wait to be taken into a group */
	/* The leader's; NULL after a ROLLBACK that failed, until the next write. */
	struct sqlite_session *session;
};

static const struct db_statement begin = {"begin", "BEGIN IMMEDIATE", 0};
static const struct db_statement commit = {"commit", "COMMIT", 0};
static const struct db_statement rollback = {"rollback", "ROLLBACK", 0};
static const struct db_statement savepoint = {"savepoint", "SAVEPOINT member", 0};
static const struct db_statement release = {"release", "RELEASE member", 0};
static const struct db_statement undo = {"undo", "ROLLBACK TO member", 0};

/* The queue ------------------------------------------------------------------------------------ */

static void append(struct members *list, struct member *m)
{
	m->next = NULL;
	*list->end = m;
	list->end = &m->next;
}

static struct member *take_first(struct members *list)
{
	struct member *m = list->first;

	if (!m)
		return NULL;
	list->first = m->next;
	if (!list->first)
		list->end = &list->first;
	return m;
}

static void leave_queue_locked(struct members *queue, const struct member *m)
{
	struct member **at = &queue->first;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	if (!*at)
		queue->end = at;
}

static bool lead_or_queue(struct sqlite_writer *w, struct member *m)
{
	(void)pthread_mutex_lock(&w->lock);
	bool leads = !w->is_led;

	if (leads)
		w->is_led = true;
	else
		append(&w->queue, m);
	(void)pthread_mutex_unlock(&w->lock);
	return leads;
}

static struct member *next_member(struct sqlite_writer *w)
{
	(void)pthread_mutex_lock(&w->lock);
	struct member *m = take_first(&w->queue);

	if (m)
		m->state = TAKEN;
	(void)pthread_mutex_unlock(&w->lock);
	return m;
}

/* m may be gone when this returns. */
static void wake(struct member *m)
{
	(void)pthread_mutex_lock(&m->lock);
	m->woken = true;
	(void)pthread_cond_signal(&m->woken_cond);
	(void)pthread_mutex_unlock(&m->lock);
}

static void pass_lead(struct sqlite_writer *w)
{
	(void)pthread_mutex_lock(&w->lock);
	struct member *m = take_first(&w->queue);

	if (m)
		m->state = LEADS;
	w->is_led = m != NULL;
	(void)pthread_mutex_unlock(&w->lock);
	if (m)
		wake(m);
}

static struct timespec deadline_after(int64_t us)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
	us += t.tv_nsec / 1000;
	t.tv_sec += us / TIME_SECOND;
	t.tv_nsec = us % TIME_SECOND * 1000;
	return t;
}

static bool is_woken_in_time(struct member *m, int64_t wait_us)
{
	struct timespec deadline = deadline_after(wait_us);
	int problem = 0;

	(void)pthread_mutex_lock(&m->lock);
	while (!m->woken && problem != ETIMEDOUT)
		problem = pthread_cond_clockwait(
			&m->woken_cond, &m->lock, CLOCK_MONOTONIC, &deadline);
	bool woken = m->woken;

	(void)pthread_mutex_unlock(&m->lock);
	return woken;
}

static void wait_until_woken(struct member *m)
{
	(void)pthread_mutex_lock(&m->lock);
	while (!m->woken)
		(void)pthread_cond_wait(&m->woken_cond, &m->lock);
	(void)pthread_mutex_unlock(&m->lock);
}

/* ERR_BUSY: not taken in time. OK: m has its result, or leads. */
static err wait_in_queue(struct sqlite_writer *w, struct member *m, int64_t wait_us)
{
	if (is_woken_in_time(m, wait_us))
		return OK;
	(void)pthread_mutex_lock(&w->lock);
	bool queued = m->state == QUEUED;

	if (queued)
		leave_queue_locked(&w->queue, m);
	(void)pthread_mutex_unlock(&w->lock);
	if (!queued) /* in a group: its result comes */
		wait_until_woken(m);
	return queued ? ERR_BUSY : OK;
}

/* The group ------------------------------------------------------------------------------------ */

static err begin_group(struct db *db, struct sqlite_writer *w)
{
	err e = w->session ? OK : sqlite_session_open(db, true, &w->session);

	if (!e)
		e = sqlite_begin_new_wal(w->session);
	return e ? e : sqlite_control(w->session, &begin);
}

static err undo_member(struct sqlite_writer *w)
{
	/* Some failures make SQLite roll the whole transaction back by itself. */
	if (sqlite3_get_autocommit(w->session->handle))
		return ERR_IO;
	err e = sqlite_control(w->session, &undo);

	return e ? e : sqlite_control(w->session, &release);
}

/* Sets m->result; gives what the group is to fail with: OK when only this member failed. */
static err run_member(struct db *db, struct sqlite_writer *w, struct member *m)
{
	struct db_tx tx = {.db = db, .session = w->session, .mode = DB_WRITE};
	err e = sqlite_control(w->session, &savepoint);

	m->result = e;
	if (e)
		return e;
	e = db_run_body(&tx, m->body, m->arg);
	if (!e)
		e = sqlite_control(w->session, &release);
	m->result = e;
	return !e ? OK : sqlite_is_fatal(tx.failed) ? tx.failed : undo_member(w);
}

static err end_group(struct db *db, struct sqlite_writer *w, err result, bool any)
{
	int64_t start = clock_monotonic_us();

	if (!result && any)
		result = sqlite_control(w->session, &commit);
	if (!sqlite3_get_autocommit(w->session->handle) && sqlite_control(w->session, &rollback)) {
		sqlite_session_close(w->session);
		w->session = NULL;
	}
	db_observe_duration(db, "commit", clock_monotonic_us() - start);
	return result;
}

/* Takes members in until the group ends; gives how all of it went. */
static err run_group(
	struct db *db, struct sqlite_writer *w, struct member *leader, struct members *group)
{
	int64_t begun_us = clock_monotonic_us();
	struct member *m = leader;
	unsigned joined = 0;
	bool any = false;
	err e = begin_group(db, w);

	if (e)
		return e;
	do {
		if (m != leader)
			append(group, m);
		log_borrow_request(m->request);
		e = run_member(db, w, m);
		any |= m->result == OK;
		m = !e && ++joined < GROUP_MEMBERS && clock_monotonic_us() - begun_us < GROUP_AGE_US
			    ? next_member(w)
			    : NULL;
	} while (m);
	log_borrow_request(leader->request);
	return end_group(db, w, e, any);
}

static err lead(struct db *db, struct sqlite_writer *w, struct member *leader)
{
	struct members group = {.end = &group.first};
	struct member *m;
	err failed = run_group(db, w, leader, &group);

	pass_lead(w);
	/* A member is gone once it is woken. */
	while ((m = take_first(&group))) {
		if (failed)
			m->result = failed;
		wake(m);
	}
	return failed ? failed : leader->result;
}

/* Until its result is there, whoever ran it. */
static err take_part(struct db *db, struct sqlite_writer *w, struct member *m)
{
	if (!lead_or_queue(w, m)) {
		err e = wait_in_queue(w, m, db->wait_us);

		if (e || m->state == TAKEN)
			return e ? e : m->result;
	}
	return lead(db, w, m);
}

err sqlite_write(struct db *db, struct sqlite_writer *w, db_body *body, void *arg)
{
	struct member mine = {.body = body, .arg = arg, .request = log_request()};

	(void)pthread_mutex_init(&mine.lock, NULL);      /* cannot fail on Linux */
	(void)pthread_cond_init(&mine.woken_cond, NULL); /* cannot fail on Linux */
	err e = take_part(db, w, &mine);

	(void)pthread_cond_destroy(&mine.woken_cond); /* nobody waits */
	(void)pthread_mutex_destroy(&mine.lock);      /* nor holds it */
	return e;
}

/* ---------------------------------------------------------------------------------------------- */

struct sqlite_writer *sqlite_writer_new(struct sqlite_session *session)
{
	struct sqlite_writer *w = calloc(1, sizeof(*w));

	if (!w)
		abort();                          /* a few hundred bytes at start-up */
	(void)pthread_mutex_init(&w->lock, NULL); /* cannot fail on Linux */
	w->queue.end = &w->queue.first;
	w->session = session;
	return w;
}

void sqlite_writer_free(struct sqlite_writer *w)
{
	if (!w)
		return;
	sqlite_session_close(w->session);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}
