/*
 * Group commit. SQLite has one writer at a time, and a durable commit costs an fsync. So writers
 * take turns inside one transaction of the database, and the last of a burst commits for all:
 *
 *   first     BEGIN IMMEDIATE
 *   each      SAVEPOINT · body · RELEASE, or ROLLBACK TO when the body fails
 *   last      COMMIT: one fsync; then the members are told how it went, and return
 *
 * "Last" is whoever finds nobody waiting for the turn, or finds the group full or old. While it
 * commits it keeps the turn, and those who arrive meanwhile are the next group.
 *
 *   IDLE --BEGIN (join_group)--> OPEN --COMMIT or ROLLBACK (close_group)--> IDLE
 *
 * Hard rules: a member returns only after the COMMIT that contains it, with its result; so does a
 * member whose body failed, for it may have judged by what earlier members wrote. The connection
 * and w->group belong to the holder of the turn. After an I/O error nothing is tried again: the
 * group fails. (The next commit overwrites the frames of a failed one in the WAL, because only a
 * synced commit moves its end; so nothing is ever written behind what may not be on disk.)
 */
#include <pthread.h>
#include <stdlib.h>

#include "db/sqlite.h"
#include "db/turn.h"
#include "sys/clock.h"
#include "base/time.h"
#include "base/banned.h"

#define GROUP_MEMBERS 64
/* Bounds what the first member waits for slow bodies behind it. */
#define GROUP_AGE_US (10 * TIME_MS)

/* Shared by its members; the last to leave frees it. */
struct group {
	pthread_mutex_t lock;
	pthread_cond_t closed_cond;
	unsigned members; /* who hold a reference */
	bool closed;
	err result;
	/* Written by the holder of the turn only. */
	unsigned joined, succeeded;
	int64_t begun_us;
};

struct sqlite_writer {
	struct turn turn;
	struct sqlite_session
		*session;    /* NULL after a ROLLBACK that failed, until the next write */
	struct group *group; /* NULL: no transaction is open */
};

static const struct db_statement begin = {"begin", "BEGIN IMMEDIATE", 0};
static const struct db_statement commit = {"commit", "COMMIT", 0};
static const struct db_statement rollback = {"rollback", "ROLLBACK", 0};
static const struct db_statement savepoint = {"savepoint", "SAVEPOINT member", 0};
static const struct db_statement release = {"release", "RELEASE member", 0};
static const struct db_statement undo = {"undo", "ROLLBACK TO member", 0};

/* The group ------------------------------------------------------------------------------------ */

static struct group *group_new(void)
{
	struct group *g = calloc(1, sizeof(*g));

	if (!g)
		abort();                                /* small: as the arenas do */
	(void)pthread_mutex_init(&g->lock, NULL);       /* cannot fail on Linux */
	(void)pthread_cond_init(&g->closed_cond, NULL); /* cannot fail on Linux */
	g->begun_us = clock_monotonic_us();
	return g;
}

static void group_ref(struct group *g)
{
	(void)pthread_mutex_lock(&g->lock);
	g->members++;
	(void)pthread_mutex_unlock(&g->lock);
}

static void group_announce(struct group *g, err result)
{
	(void)pthread_mutex_lock(&g->lock);
	g->closed = true;
	g->result = result;
	(void)pthread_cond_broadcast(&g->closed_cond);
	(void)pthread_mutex_unlock(&g->lock);
}

/* Waits for the result, gives up the reference. */
static err group_result_unref(struct group *g)
{
	(void)pthread_mutex_lock(&g->lock);
	while (!g->closed)
		(void)pthread_cond_wait(&g->closed_cond, &g->lock);
	err result = g->result;
	bool last = --g->members == 0;

	(void)pthread_mutex_unlock(&g->lock);
	if (last) {
		(void)pthread_cond_destroy(&g->closed_cond);
		(void)pthread_mutex_destroy(&g->lock);
		free(g);
	}
	return result;
}

/* With the turn -------------------------------------------------------------------------------- */

/* Gives the open group, and a reference to it. */
static err join_group(struct db *db, struct sqlite_writer *w, struct group **ret)
{
	err e = w->session ? OK : sqlite_session_open(db, true, &w->session);

	if (!e && !w->group) {
		e = sqlite_begin_new_wal(w->session);
		if (!e)
			e = sqlite_control(w->session, &begin);
		if (!e)
			w->group = group_new();
	}
	if (e)
		return e;
	w->group->joined++;
	group_ref(w->group);
	*ret = w->group;
	return OK;
}

static err undo_member(struct sqlite_writer *w)
{
	/* Some failures make SQLite roll the whole transaction back by itself. */
	if (sqlite3_get_autocommit(w->session->handle))
		return ERR_IO;
	err e = sqlite_control(w->session, &undo);

	return e ? e : sqlite_control(w->session, &release);
}

/* *ret_fatal: what the group is to fail with, OK when only this member failed, or nobody. */
static err run_member(
	struct db *db, struct sqlite_writer *w, db_body *body, void *arg, err *ret_fatal)
{
	struct db_tx tx = {.db = db, .session = w->session, .mode = DB_WRITE};
	err e = sqlite_control(w->session, &savepoint);

	if (e) {
		*ret_fatal = e;
		return e;
	}
	e = db_run_body(&tx, body, arg);
	if (!e)
		e = sqlite_control(w->session, &release);
	if (!e)
		w->group->succeeded++;
	*ret_fatal = !e ? OK : sqlite_is_fatal(tx.failed) ? tx.failed : undo_member(w);
	return e;
}

static void close_group(struct db *db, struct sqlite_writer *w, err result)
{
	struct group *g = w->group;
	sqlite3 *handle = w->session->handle;
	int64_t start = clock_monotonic_us();

	if (!result && g->succeeded)
		result = sqlite_control(w->session, &commit);
	if (!sqlite3_get_autocommit(handle) && sqlite_control(w->session, &rollback)) {
		sqlite_session_close(w->session);
		w->session = NULL;
	}
	db_observe_duration(db, "commit", clock_monotonic_us() - start);
	w->group = NULL;
	group_announce(g, result);
}

/* Whether the group goes on: then the turn is with its next member. */
static bool pass_on(struct sqlite_writer *w)
{
	struct group *g = w->group;

	return g->joined < GROUP_MEMBERS && clock_monotonic_us() - g->begun_us < GROUP_AGE_US &&
	       turn_pass(&w->turn);
}

err sqlite_write(struct db *db, struct sqlite_writer *w, db_body *body, void *arg)
{
	struct group *g;
	err fatal, e = turn_enter(&w->turn, db->wait_us);

	if (e)
		return e;
	e = join_group(db, w, &g);
	if (e) {
		turn_leave(&w->turn);
		return e;
	}
	e = run_member(db, w, body, arg, &fatal);
	if (fatal || !pass_on(w)) {
		close_group(db, w, fatal);
		turn_leave(&w->turn);
	}
	fatal = group_result_unref(g);
	return fatal ? fatal : e;
}

/* ---------------------------------------------------------------------------------------------- */

struct sqlite_writer *sqlite_writer_new(struct sqlite_session *session)
{
	struct sqlite_writer *w = calloc(1, sizeof(*w));

	if (!w)
		abort(); /* a few hundred bytes at start-up */
	turn_init(&w->turn, 1);
	w->session = session;
	return w;
}

void sqlite_writer_free(struct sqlite_writer *w)
{
	if (!w)
		return;
	sqlite_session_close(w->session);
	turn_done(&w->turn);
	free(w);
}
