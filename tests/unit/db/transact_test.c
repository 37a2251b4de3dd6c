/* Transactions: the counting of many threads, isolation, rollback, what a body may not do. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/db.h"
#include "db/statement.h"

static const struct db_statement counter_insert = {
	"counter_insert", "INSERT INTO meta (name, value) VALUES ($1, $2)", 2};
static const struct db_statement counter_value = {
	"counter_value", "SELECT CAST(value AS BIGINT) FROM meta WHERE name = $1", 1};
static const struct db_statement counter_add = {
	"counter_add", "UPDATE change_head SET seq = seq + 1 WHERE one = 1", 0};
static const struct db_statement counter_get = {
	"counter_get", "SELECT seq FROM change_head WHERE one = 1", 0};

static err add(struct db_tx *tx, void *arg)
{
	(void)arg;
	return db_exec(tx, counter_add);
}
static err get(struct db_tx *tx, void *arg)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool row;
	err e = db_query(tx, &rows, counter_get);
	if (!e)
		e = db_next(rows, &row);
	*(int64_t *)arg = e ? 0 : db_int(rows, 0);
	return e;
}
static err twice(struct db_tx *tx, void *arg)
{
	err e = db_exec(tx, counter_insert, DB_CSTR("a"), DB_CSTR("1"));
	if (!e)
		e = db_exec(tx, counter_insert, DB_CSTR("a"), DB_CSTR("1"));
	*(err *)arg = e;
	return e;
}
static void *adder(void *arg)
{
	for (int i = 0; i < 100; i++)
		assert_int_equal(db_transact(arg, DB_WRITE, add, NULL), OK);
	return NULL;
}
static void ob(void *c, enum db_event e, const char *n, int64_t d, const char *m)
{
	(void)c;
	print_message("event %d %s %ld %s\n", e, n, (long)d, m);
}
static void test_all(void **state)
{
	(void)state;
	(void)counter_value;
	char dir[] = "/tmp/slipway-db-XXXXXX", url[100];
	assert_non_null(mkdtemp(dir));
	(void)snprintf(url, sizeof(url), "sqlite:%s/x.db", dir);
	struct db_options o = {.url = url,
		.max_sessions = 8,
		.wait_us = 5000000,
		.slow_us = 1000000,
		.observer = ob};
	struct db *db;
	unsigned n = 0;
	assert_int_equal(db_open(&o, &db), OK);
	assert_int_equal(db_schema_version(db, &n), OK);
	assert_int_equal(n, 0);
	assert_int_equal(db_migrate(db, &n), OK);
	assert_int_equal(n, 1);
	assert_int_equal(db_migrate(db, &n), OK);
	assert_int_equal(n, 0);
	assert_int_equal(db_schema_version(db, &n), OK);
	assert_int_equal(n, 1);
	err e;
	assert_int_equal(db_transact(db, DB_WRITE, twice, &e), ERR_CONFLICT);
	assert_int_equal(db_transact(db, DB_READ, add, NULL), ERR_BUG);
	pthread_t t[64];
	for (int i = 0; i < 64; i++)
		pthread_create(&t[i], NULL, adder, db);
	for (int i = 0; i < 64; i++)
		pthread_join(t[i], NULL);
	int64_t v;
	assert_int_equal(db_transact(db, DB_READ, get, &v), OK);
	assert_int_equal(v, 6400);
	db_close(db);
}
int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
