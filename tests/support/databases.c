#include "support/databases.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/postgres.h"
#include "test.h"

static void count_event(
	void *ctx, enum db_event event, const char *name, int64_t duration_us, const char *message)
{
	struct test_database *t = ctx;

	(void)name;
	(void)duration_us;
	(void)message;
	t->events[event]++;
}

struct db *test_db_open(struct test_database *t, struct db_options options)
{
	struct db *db;

	options.url = t->url;
	if (!options.observer) {
		options.observer = count_event;
		options.observer_ctx = t;
	}
	assert_ok(db_open(&options, &db));
	return db;
}

static void open_and_migrate(struct test_database *t)
{
	unsigned applied;

	t->db = test_db_open(t,
		(struct db_options){
			.max_sessions = 16, .wait_us = 20000000, .slow_us = INT64_C(3600000000)});
	assert_ok(db_migrate(t->db, &applied));
}

int test_database_sqlite(void **state)
{
	struct test_database *t = calloc(1, sizeof(*t));

	*state = t;
	(void)snprintf(t->directory, sizeof(t->directory), "/tmp/slipway-test-XXXXXX");
	assert_non_null(mkdtemp(t->directory));
	(void)snprintf(t->url, sizeof(t->url), "sqlite:%s/slipway.db", t->directory);
	open_and_migrate(t);
	return 0;
}

int test_database_postgres(void **state)
{
	struct test_database *t = calloc(1, sizeof(*t));

	*state = t;
	if (postgres_available()) {
		postgres_new_database(t->url, sizeof(t->url));
		open_and_migrate(t);
	}
	return 0;
}

int test_database_done(void **state)
{
	static const char *const names[] = {"slipway.db", "slipway.db-wal", "slipway.db-shm"};
	struct test_database *t = *state;
	char path[128];

	db_close(t->db);
	for (size_t i = 0; t->directory[0] && i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", t->directory, names[i]);
		(void)unlink(path);
	}
	if (t->directory[0])
		assert_int_equal(rmdir(t->directory), 0); /* nothing else was left there */
	free(t);
	return 0;
}

struct test_database *test_database_of(void **state)
{
	struct test_database *t = *state;

	if (!t->db) {
		print_message("skipped: no PostgreSQL is installed\n");
		skip();
	}
	return t;
}

struct db *test_db(void **state)
{
	return test_database_of(state)->db;
}
