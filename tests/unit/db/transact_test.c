/* Transactions on both engines: what is refused, what is rolled back, what many threads do. */
#include "support/databases.h"

#include <pthread.h>
#include <time.h>

#include "sys/clock.h"
#include "rows.h"
#include "test.h"

#define THREADS 64

static int64_t head(struct db *db)
{
	int64_t n = -1;

	assert_ok(db_transact(db, DB_READ, head_get_body, &n));
	return n;
}

static int64_t count(struct db *db)
{
	int64_t n = -1;

	assert_ok(db_transact(db, DB_READ, meta_count_body, &n));
	return n;
}

static void pause_ms(long ms)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* What is refused ------------------------------------------------------------------------------ */

static void bad_urls(void **state UNUSED)
{
	static const struct {
		const char *url;
		err want;
	} rows[] = {
		{"", ERR_INVALID},
		{"sqlite:", ERR_INVALID},
		{"mysql://x", ERR_INVALID},
		{"/tmp/x.db", ERR_INVALID},
		{"postgresql://[", ERR_INVALID},
		{"postgresql:///x?nonsense=1", ERR_INVALID},
		{"postgresql:///x?host=%2Ftmp%2Fno-such-directory", ERR_UNAVAILABLE},
		{"postgresql://127.0.0.1:15449/x?sslmode=disable", ERR_UNAVAILABLE},
		{"sqlite:/tmp/no-such-directory/x.db", ERR_NOT_FOUND},
		{"sqlite:/tmp", ERR_IO},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct db *db = NULL;
		err e = db_open(&(struct db_options){.url = rows[i].url, .max_sessions = 1}, &db);

		assert_row(e == rows[i].want, rows[i].url);
		assert_row(!db, rows[i].url);
	}
}

/* Each body makes one mistake and claims success; the transaction must fail and leave nothing. */
static err insert_then(struct db_tx *tx)
{
	return db_exec(tx, meta_insert, DB_CSTR("a"), DB_CSTR("1"));
}

static err same_key_twice(struct db_tx *tx, void *arg UNUSED)
{
	assert_ok(insert_then(tx));
	assert_int_equal(insert_then(tx), ERR_CONFLICT);
	return OK;
}

static err no_parent(struct db_tx *tx, void *arg UNUSED)
{
	assert_ok(insert_then(tx));
	assert_int_equal(db_exec(tx, key_insert), ERR_CONFLICT);
	return OK;
}

static err check_violated(struct db_tx *tx, void *arg UNUSED)
{
	assert_ok(insert_then(tx));
	assert_int_equal(db_exec(tx, head_insert, DB_INT(2)), ERR_CONFLICT);
	return OK;
}

static err null_refused(struct db_tx *tx, void *arg UNUSED)
{
	assert_ok(insert_then(tx));
	assert_int_equal(db_exec(tx, meta_insert, DB_CSTR("b"), DB_NULL), ERR_CONFLICT);
	return OK;
}

static err too_few_arguments(struct db_tx *tx, void *arg UNUSED)
{
	assert_ok(insert_then(tx));
	assert_int_equal(db_exec(tx, meta_insert, DB_CSTR("b")), ERR_BUG);
	return OK;
}

static err too_many_arguments(struct db_tx *tx, void *arg UNUSED)
{
	assert_ok(insert_then(tx));
	assert_int_equal(db_exec(tx, head_add, DB_INT(1)), ERR_BUG);
	return OK;
}

static err text_with_nul(struct db_tx *tx, void *arg UNUSED)
{
	assert_ok(insert_then(tx));
	assert_int_equal(
		db_exec(tx, meta_insert, DB_CSTR("b"), DB_TEXT(SPAN("x\0y"))), ERR_INVALID);
	return OK;
}

static err text_not_utf8(struct db_tx *tx, void *arg UNUSED)
{
	assert_ok(insert_then(tx));
	assert_int_equal(db_exec(tx, meta_insert, DB_CSTR("b"), DB_CSTR("\xff")), ERR_INVALID);
	return OK;
}

static err exec_of_a_query(struct db_tx *tx, void *arg UNUSED)
{
	assert_ok(insert_then(tx));
	assert_int_equal(db_exec(tx, meta_count), ERR_BUG);
	return OK;
}

static err statement_while_rows_are_open(struct db_tx *tx, void *arg UNUSED)
{
	struct db_rows *rows; /* and not freed: the transaction does it */

	assert_ok(insert_then(tx));
	assert_ok(db_query(tx, &rows, meta_names));
	assert_int_equal(db_exec(tx, head_add), ERR_BUG);
	return OK;
}

static err column_that_is_not_there(struct db_tx *tx, void *arg UNUSED)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool row;

	assert_ok(insert_then(tx));
	assert_ok(db_query(tx, &rows, meta_names));
	assert_ok(db_next(rows, &row));
	(void)db_text(rows, 1);
	return OK;
}

static err text_read_as_a_number(struct db_tx *tx, void *arg UNUSED)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool row;

	assert_ok(insert_then(tx));
	assert_ok(db_query(tx, &rows, meta_names));
	assert_ok(db_next(rows, &row));
	assert_int_equal(db_int(rows, 0), 0);
	assert_int_equal(db_next(rows, &row), ERR_BUG);
	return OK;
}

static err column_before_the_first_row(struct db_tx *tx, void *arg UNUSED)
{
	AUTO_PTR(db_rows) rows = NULL;

	assert_ok(insert_then(tx));
	assert_ok(db_query(tx, &rows, meta_names));
	(void)db_text(rows, 0);
	return OK;
}

static err nested(struct db_tx *tx, void *arg)
{
	int64_t n;

	assert_ok(insert_then(tx));
	return db_transact(arg, DB_READ, head_get_body, &n);
}

static err error_of_the_body(struct db_tx *tx, void *arg UNUSED)
{
	assert_ok(insert_then(tx));
	return ERR_EXPIRED;
}

static err own_words_for_a_conflict(struct db_tx *tx, void *arg UNUSED)
{
	assert_ok(insert_then(tx));
	return insert_then(tx) == ERR_CONFLICT ? ERR_LIMIT : ERR_BUG;
}

static void mistakes(void **state)
{
	static const struct {
		const char *name;
		db_body *body;
		err want;
	} rows[] = {
		{"same key twice", same_key_twice, ERR_CONFLICT},
		{"foreign key", no_parent, ERR_CONFLICT},
		{"check", check_violated, ERR_CONFLICT},
		{"not null", null_refused, ERR_CONFLICT},
		{"too few arguments", too_few_arguments, ERR_BUG},
		{"too many arguments", too_many_arguments, ERR_BUG},
		{"NUL in text", text_with_nul, ERR_INVALID},
		{"text not UTF-8", text_not_utf8, ERR_INVALID},
		{"exec of a query", exec_of_a_query, ERR_BUG},
		{"rows still open", statement_while_rows_are_open, ERR_BUG},
		{"no such column", column_that_is_not_there, ERR_BUG},
		{"text as number", text_read_as_a_number, ERR_BUG},
		{"no row yet", column_before_the_first_row, ERR_BUG},
		{"nested", nested, ERR_BUG},
		{"the body's error", error_of_the_body, ERR_EXPIRED},
		{"the body's words", own_words_for_a_conflict, ERR_LIMIT},
	};
	struct db *db = test_db(state);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_row(
			db_transact(db, DB_WRITE, rows[i].body, db) == rows[i].want, rows[i].name);
		assert_row(count(db) == 0, rows[i].name);
	}
	assert_ok(db_transact(db, DB_WRITE, head_add_body, NULL)); /* and life goes on */
	assert_int_equal(head(db), 1);
}

static void writing_in_a_read(void **state)
{
	struct db *db = test_db(state);

	assert_int_equal(db_transact(db, DB_READ, head_add_body, NULL), ERR_BUG);
	assert_int_equal(head(db), 0);
	assert_int_equal(test_database_of(state)->events[DB_EVENT_ERROR], 1);
}

/* Limits --------------------------------------------------------------------------------------- */

struct holder {
	struct db *db;
	enum db_mode mode;
	atomic_bool inside, leave;
};

static err hold_body(struct db_tx *tx, void *arg)
{
	struct holder *h = arg;
	int64_t n;
	err e = one_number(tx, &head_get, &n);

	h->inside = true;
	while (!h->leave)
		pause_ms(1);
	return e;
}

static void *hold(void *arg)
{
	struct holder *h = arg;

	assert_ok(db_transact(h->db, h->mode, hold_body, h));
	return NULL;
}

static void no_session_free(void **state)
{
	struct test_database *t = test_database_of(state);
	struct db *db = test_db_open(
		t, (struct db_options){.max_sessions = 1, .wait_us = 50000, .slow_us = INT64_MAX});

	for (enum db_mode mode = DB_READ; mode <= DB_WRITE; mode++) {
		struct holder h = {.db = db, .mode = mode};
		pthread_t thread;
		int64_t n, start;

		assert_int_equal(pthread_create(&thread, NULL, hold, &h), 0);
		while (!h.inside)
			pause_ms(1);
		start = clock_monotonic_us();
		assert_int_equal(db_transact(db, mode, head_get_body, &n), ERR_BUSY);
		assert_true(clock_monotonic_us() - start >= 50000);
		h.leave = true;
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_ok(db_transact(db, mode, head_get_body, &n));
	}
	db_close(db);
}

static void slow_is_told(void **state)
{
	struct test_database *t = test_database_of(state);
	struct db *db = test_db_open(
		t, (struct db_options){.max_sessions = 1, .wait_us = 50000, .slow_us = 0});

	assert_ok(db_transact(db, DB_WRITE, head_add_body, NULL));
	assert_int_equal(t->events[DB_EVENT_SLOW], 2); /* the statement and the commit */
	db_close(db);
}

/* Many threads --------------------------------------------------------------------------------- */

struct adder {
	struct db *db;
	unsigned times, failures;
};

/* Reads, then writes what it read plus one: loses counts unless transactions are serialisable. */
static err read_add_write(struct db_tx *tx, void *arg UNUSED)
{
	char text[24];
	int64_t n = 0;
	AUTO_PTR(db_rows) rows = NULL;
	bool row;
	err e = db_query(tx, &rows, meta_get, DB_CSTR("counter"));

	if (!e)
		e = db_next(rows, &row);
	if (!e)
		e = span_to_i64(db_text(rows, 0), &n);
	if (e)
		return e;
	db_rows_free(rows);
	rows = NULL;
	(void)snprintf(text, sizeof(text), "%lld", (long long)n + 1);
	return db_exec(tx, meta_set, DB_CSTR(text), DB_CSTR("counter"));
}

static void *add_many(void *arg)
{
	struct adder *a = arg;

	for (unsigned i = 0; i < a->times; i++)
		if (db_transact(a->db, DB_WRITE, read_add_write, NULL))
			a->failures++;
	return NULL;
}

static err counter_start(struct db_tx *tx, void *arg UNUSED)
{
	return db_exec(tx, meta_insert, DB_CSTR("counter"), DB_CSTR("0"));
}

static err counter_value(struct db_tx *tx, void *arg)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool row;
	err e = db_query(tx, &rows, meta_get, DB_CSTR("counter"));

	if (!e)
		e = db_next(rows, &row);
	return e ? e : span_to_i64(db_text(rows, 0), arg);
}

static void many_threads_one_row(void **state)
{
	struct db *db = test_db(state);
	struct adder adders[THREADS];
	pthread_t threads[THREADS];
	unsigned times = db_is_sqlite(db) ? 50 : 4, failures = 0;
	int64_t n;

	assert_ok(db_transact(db, DB_WRITE, counter_start, NULL));
	for (int i = 0; i < THREADS; i++) {
		adders[i] = (struct adder){.db = db, .times = times};
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, &adders[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		failures += adders[i].failures;
	}
	assert_int_equal(failures, 0);
	assert_ok(db_transact(db, DB_READ, counter_value, &n));
	assert_int_equal(n, THREADS * times);
}

/*
 * Write skew: two doctors on call, each may leave while the other stays. Each reads both rows and
 * writes its own; snapshot isolation alone would let both go.
 */
static atomic_uint doctors_read;

struct doctor {
	struct db *db;
	const char *name;
	unsigned runs;
	err result;
};

static err leave_call(struct db_tx *tx, void *arg)
{
	struct doctor *d = arg;
	int64_t on_call;
	err e = one_number(tx, &meta_count, &on_call);
	int64_t give_up = clock_monotonic_us() + 300000;

	if (e)
		return e;
	if (d->runs++ == 0)
		doctors_read++;
	while (doctors_read < 2 && clock_monotonic_us() < give_up)
		pause_ms(1); /* so that both have read before one writes, if the engine lets them */
	static const struct db_statement leave = {"leave", "DELETE FROM meta WHERE name = $1", 1};

	return on_call < 2 ? ERR_DENIED : db_exec(tx, leave, DB_CSTR(d->name));
}

static void *doctor_run(void *arg)
{
	struct doctor *d = arg;

	d->result = db_transact(d->db, DB_WRITE, leave_call, d);
	return NULL;
}

static err two_on_call(struct db_tx *tx, void *arg UNUSED)
{
	err e = db_exec(tx, meta_insert, DB_CSTR("alice"), DB_CSTR(""));

	return e ? e : db_exec(tx, meta_insert, DB_CSTR("bob"), DB_CSTR(""));
}

static void write_skew(void **state)
{
	struct db *db = test_db(state);
	struct doctor doctors[2] = {{.db = db, .name = "alice"}, {.db = db, .name = "bob"}};
	pthread_t threads[2];

	doctors_read = 0;
	assert_ok(db_transact(db, DB_WRITE, two_on_call, NULL));
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, doctor_run, &doctors[i]), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(count(db), 1);
	assert_int_equal(doctors[0].result + doctors[1].result, OK + ERR_DENIED);
}

/* A snapshot does not move under its reader. */
static err read_twice(struct db_tx *tx, void *arg)
{
	struct holder *h = arg;
	int64_t before, after;
	err e = one_number(tx, &head_get, &before);

	h->inside = true;
	while (!h->leave)
		pause_ms(1);
	if (!e)
		e = one_number(tx, &head_get, &after);
	return e ? e : before == after ? OK : ERR_CORRUPT;
}

static void *read_twice_run(void *arg)
{
	struct holder *h = arg;

	assert_ok(db_transact(h->db, DB_READ, read_twice, h));
	return NULL;
}

static void snapshot(void **state)
{
	struct holder h = {.db = test_db(state)};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, read_twice_run, &h), 0);
	while (!h.inside)
		pause_ms(1);
	assert_ok(db_transact(h.db, DB_WRITE, head_add_body, NULL));
	h.leave = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(head(h.db), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_urls),
		ON_BOTH_ENGINES(mistakes),
		ON_BOTH_ENGINES(writing_in_a_read),
		ON_BOTH_ENGINES(no_session_free),
		ON_BOTH_ENGINES(slow_is_told),
		ON_BOTH_ENGINES(many_threads_one_row),
		ON_BOTH_ENGINES(write_skew),
		ON_BOTH_ENGINES(snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
