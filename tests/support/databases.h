#ifndef SLIPWAY_TESTS_SUPPORT_DATABASES_H
#define SLIPWAY_TESTS_SUPPORT_DATABASES_H

/*
 * Tests that run on both engines. Rows of a cmocka table:
 *
 *   static void finds_it(void **state)
 *   {
 *           struct db *db = test_db(state);
 *           …
 *   const struct CMUnitTest tests[] = {ON_BOTH_ENGINES(finds_it), …};
 *
 * Each row gets a new, migrated database. Name `test_databases` among the dependencies of the
 * test's row in tests/unit/meson.build.
 */

#include <stdatomic.h>

#include "db/db.h"

struct test_database {
	struct db *db; /* NULL: the engine is not installed */
	char url[256];
	char directory[64]; /* SQLite: where the file lies; else "" */
	/* What the observer was told, by enum db_event. */
	atomic_uint events[DB_EVENT_ERROR + 1];
};

/* The database of the running test. Skips the test where the engine is not installed. */
struct db *test_db(void **state);
struct test_database *test_database_of(void **state);

/* A second pool over the same database: others fields of options as given. The caller closes it. */
struct db *test_db_open(struct test_database *t, struct db_options options);

/* Setup and teardown of a row. */
int test_database_sqlite(void **state);
int test_database_postgres(void **state);
int test_database_done(void **state);

#define ON_SQLITE(test)                                                                            \
	{                                                                                          \
#test " (sqlite)", test, test_database_sqlite, test_database_done, NULL            \
	}
#define ON_POSTGRESQL(test)                                                                        \
	{                                                                                          \
#test " (postgresql)", test, test_database_postgres, test_database_done, NULL      \
	}
#define ON_BOTH_ENGINES(test) ON_SQLITE(test), ON_POSTGRESQL(test)

#endif
