/* What only the PostgreSQL engine does: conflicts run again, a server that goes and comes back. */
#include "support/databases.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "support/postgres.h"
#include "sys/clock.h"
#include "rows.h"
#include "test.h"

static int64_t head(struct db *db)
{
	int64_t n = -1;

	assert_ok(db_transact(db, DB_READ, head_get_body, &n));
	return n;
}

/* Another program changes the row under our transaction, in as many of its runs as told. */
struct disturbed {
	PGconn *other;
	unsigned runs, disturbances;
	bool swallow; /* the body claims success */
};

static err disturbed_body(struct db_tx *tx, void *arg)
{
	struct disturbed *d = arg;
	int64_t n;

	d->runs++;
	assert_ok(one_number(tx, &head_get, &n)); /* the snapshot is taken */
	if (d->runs <= d->disturbances)
		PQclear(PQexec(d->other, head_add.text));
	err e = db_exec(tx, head_add);

	return d->swallow ? OK : e;
}

static void conflicts_run_again(void **state)
{
	static const struct {
		const char *name;
		unsigned disturbances, runs;
		bool swallow;
		err want;
	} rows[] = {
		{"none", 0, 1, false, OK},
		{"one", 1, 2, false, OK},
		{"one that the body hides", 1, 2, true, OK},
		{"eleven", 11, 12, false, OK},
		{"for ever", 1000, 12, false, ERR_BUSY},
		{"for ever, hidden", 1000, 12, true, ERR_BUSY},
	};
	struct test_database *t = test_database_of(state);
	struct disturbed d = {.other = PQconnectdb(t->url)};
	int64_t want = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		d.runs = 0;
		d.disturbances = rows[i].disturbances;
		d.swallow = rows[i].swallow;
		t->events[DB_EVENT_RETRY] = 0;
		assert_row(db_transact(t->db, DB_WRITE, disturbed_body, &d) == rows[i].want,
			rows[i].name);
		assert_row(d.runs == rows[i].runs, rows[i].name);
		assert_row(t->events[DB_EVENT_RETRY] == rows[i].runs - 1, rows[i].name);
		want += MIN(rows[i].disturbances, rows[i].runs) + (rows[i].want == OK);
		assert_row(head(t->db) == want, rows[i].name);
	}
	assert_int_equal(t->events[DB_EVENT_ERROR], 0); /* conflicts are no errors */
	PQfinish(d.other);
}

/* Two transactions that lock two rows in opposite order: the server ends one, it runs again. */
struct locker {
	struct db *db;
	const char *first, *second;
	atomic_uint *arrived;
	unsigned runs;
};

static err lock_two(struct db_tx *tx, void *arg)
{
	struct locker *l = arg;
	int64_t give_up = clock_monotonic_us() + 2000000;
	err e = db_exec(tx, meta_set, DB_CSTR(l->first), DB_CSTR(l->first));

	if (l->runs++ == 0)
		++*l->arrived;
	while (*l->arrived < 2 && clock_monotonic_us() < give_up)
		(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	return e ? e : db_exec(tx, meta_set, DB_CSTR(l->first), DB_CSTR(l->second));
}

static void *lock_two_run(void *arg)
{
	struct locker *l = arg;

	assert_ok(db_transact(l->db, DB_WRITE, lock_two, l));
	return NULL;
}

static err two_rows(struct db_tx *tx, void *arg UNUSED)
{
	assert_ok(db_exec(tx, meta_insert, DB_CSTR("a"), DB_CSTR("")));
	return db_exec(tx, meta_insert, DB_CSTR("b"), DB_CSTR(""));
}

static void deadlock(void **state)
{
	atomic_uint arrived = 0;
	struct db *db = test_db(state);
	struct locker l[2] = {{.db = db, .first = "a", .second = "b", .arrived = &arrived},
		{.db = db, .first = "b", .second = "a", .arrived = &arrived}};
	pthread_t threads[2];

	assert_ok(db_transact(db, DB_WRITE, two_rows, NULL));
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, lock_two_run, &l[i]), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(l[0].runs + l[1].runs >= 3);
}

/* A server that goes and comes back ------------------------------------------------------------ */

static void stopped_server(void **state)
{
	struct db *db = test_db(state);
	int64_t n, start;

	assert_ok(db_transact(db, DB_WRITE, head_add_body, NULL));
	postgres_tell("stop");
	for (enum db_mode mode = DB_READ; mode <= DB_WRITE; mode++) {
		start = clock_monotonic_us();
		assert_int_equal(db_transact(db, mode, head_get_body, &n), ERR_UNAVAILABLE);
		assert_true(clock_monotonic_us() - start < 2000000);
	}
	postgres_tell("start");
	assert_int_equal(head(db), 1);
	assert_ok(db_transact(db, DB_WRITE, head_add_body, NULL));
	assert_int_equal(head(db), 2);
}

/* Between two transactions: nobody notices, though every idle connection is dead. */
struct crowd {
	struct db *db;
	pthread_barrier_t *inside;
};

static err meet_body(struct db_tx *tx, void *arg)
{
	int64_t n;
	err e = one_number(tx, &head_get, &n);

	(void)pthread_barrier_wait(arg);
	return e;
}

static void *meet(void *arg)
{
	struct crowd *c = arg;

	assert_ok(db_transact(c->db, DB_READ, meet_body, c->inside));
	return NULL;
}

static void restarted_server(void **state)
{
	struct test_database *t = test_database_of(state);
	pthread_barrier_t inside;
	struct crowd c = {.db = t->db, .inside = &inside};
	pthread_t threads[8];

	assert_int_equal(pthread_barrier_init(&inside, NULL, 8), 0);
	for (int i = 0; i < 8; i++) /* opens eight connections */
		assert_int_equal(pthread_create(&threads[i], NULL, meet, &c), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	postgres_tell("stop");
	postgres_tell("start");
	assert_ok(db_transact(t->db, DB_WRITE, head_add_body, NULL));
	assert_int_equal(head(t->db), 1);
	assert_int_equal(t->events[DB_EVENT_ERROR], 0);
	(void)pthread_barrier_destroy(&inside);
}

/* In the middle of a transaction: it runs again, on a new connection. */
static err restart_inside(struct db_tx *tx, void *arg)
{
	unsigned *runs = arg;
	err e = db_exec(tx, head_add);

	if (!e && ++*runs == 1) {
		postgres_tell("stop");
		postgres_tell("start");
	}
	return e ? e : db_exec(tx, head_add);
}

static void restarted_inside(void **state)
{
	struct test_database *t = test_database_of(state);
	unsigned runs = 0;

	assert_ok(db_transact(t->db, DB_WRITE, restart_inside, &runs));
	assert_int_equal(runs, 2);
	assert_int_equal(head(t->db), 2);
	assert_int_equal(t->events[DB_EVENT_RETRY], 1);
}

/* When the COMMIT is on its way nobody knows whether it was done: it must not run again. */
static err stop_before_commit(struct db_tx *tx, void *arg)
{
	unsigned *runs = arg;
	err e = db_exec(tx, head_add);

	++*runs;
	postgres_tell("stop");
	postgres_tell("start");
	return e;
}

static void unknown_commit(void **state)
{
	struct db *db = test_db(state);
	unsigned runs = 0;

	assert_int_equal(db_transact(db, DB_WRITE, stop_before_commit, &runs), ERR_UNAVAILABLE);
	assert_int_equal(runs, 1);
	assert_int_equal(head(db), 0);
}

/* It accepts connections and says nothing. */
static void silent_server(void **state)
{
	struct test_database *t = test_database_of(state);
	char url[300];
	struct db *db;

	(void)snprintf(url, sizeof(url), "%s&connect_timeout=2", t->url);
	postgres_tell("pause");
	err e = db_open(&(struct db_options){.url = url, .max_sessions = 1}, &db);

	postgres_tell("resume");
	assert_int_equal(e, ERR_UNAVAILABLE);
	assert_int_equal(head(t->db), 0);
}

/* Nothing stays in a session that a pooler would hand to somebody else. */
static err leave_settings(struct db_tx *tx, void *arg)
{
	static const struct db_statement timeout = {
		"timeout", "SELECT current_setting('statement_timeout')", 0};
	AUTO_PTR(db_rows) rows = NULL;
	bool row;

	(void)arg;
	assert_ok(db_query(tx, &rows, timeout));
	assert_ok(db_next(rows, &row));
	assert_span(db_text(rows, 0), "30s");
	return OK;
}

static void no_session_state(void **state)
{
	struct test_database *t = test_database_of(state);
	struct db *db =
		test_db_open(t, (struct db_options){.max_sessions = 1, .slow_us = INT64_MAX});
	PGconn *other = PQconnectdb(t->url);

	for (int i = 0; i < 3; i++)
		assert_ok(db_transact(db, DB_READ, leave_settings, NULL));
	/* Of the one session: no prepared statement, no transaction left open. */
	PGresult *idle = PQexec(other,
		"SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() "
		"AND pid <> pg_backend_pid() AND state <> 'idle'");

	assert_string_equal(PQgetvalue(idle, 0, 0), "0");
	PQclear(idle);
	PQfinish(other);
	db_close(db);
}

/* The rows 1, 2 and the failure of the third; the rest is never asked for. */
TEST_STATEMENT(fails_late, 0, "SELECT 1 / (3 - n) FROM generate_series(1, 1000000) n");
TEST_STATEMENT(many_rows, 0, "SELECT n FROM generate_series(1, 200000) n");

struct reading {
	const struct db_statement *statement;
	int64_t most, seen; /* rows wanted, rows read */
	err told;           /* by db_query() or db_next() */
};

static err read_some(struct db_tx *tx, void *arg)
{
	struct reading *r = arg;
	AUTO_PTR(db_rows) rows = NULL;
	bool row = true;

	r->seen = 0;
	r->told = db_query_values(tx, r->statement, NULL, 0, &rows);
	while (!r->told && r->seen < r->most && row) {
		r->told = db_next(rows, &row);
		r->seen += !r->told && row;
	}
	return OK;
}

/* Rows come one by one: whoever stops early sees no failure behind, but the transaction does. */
static void rows_one_by_one(void **state)
{
	static const struct {
		const struct db_statement *statement;
		int64_t most, seen;
		err told, result;
	} rows[] = {
		{&fails_late, 1000, 2, ERR_BUG, ERR_BUG},
		{&fails_late, 2, 2, OK, ERR_BUG},
		{&fails_late, 0, 0, OK, ERR_BUG},
		{&many_rows, 0, 0, OK, OK},
		{&many_rows, 1, 1, OK, OK},
		{&many_rows, INT64_MAX, 200000, OK, OK},
	};
	struct db *db = test_db(state);
	int64_t before = head(db);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reading r = {.statement = rows[i].statement, .most = rows[i].most};

		assert_int_equal(db_transact(db, DB_READ, read_some, &r), rows[i].result);
		assert_int_equal(r.seen, rows[i].seen);
		assert_int_equal(r.told, rows[i].told);
		assert_int_equal(head(db), before); /* the connection is as good as before */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_POSTGRESQL(conflicts_run_again),
		ON_POSTGRESQL(deadlock),
		ON_POSTGRESQL(stopped_server),
		ON_POSTGRESQL(restarted_server),
		ON_POSTGRESQL(restarted_inside),
		ON_POSTGRESQL(unknown_commit),
		ON_POSTGRESQL(silent_server),
		ON_POSTGRESQL(no_session_state),
		ON_POSTGRESQL(rows_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
