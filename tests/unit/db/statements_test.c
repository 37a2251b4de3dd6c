/* Every named statement of the program is prepared on the real engines, against the real schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "db/db.h"
#include "db/statement.h"

extern const struct db_statement *const all_statements[];
extern const size_t all_statements_count;

static void test_sqlite(void **state)
{
	char dir[] = "/tmp/slipway-statements-XXXXXX", url[64];
	unsigned applied;
	struct db *db;
	sqlite3 *handle;
	int bad = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(url, sizeof(url), "sqlite:%s/a.db", dir);
	assert_int_equal(db_open(&(struct db_options){.url = url, .max_sessions = 1}, &db), OK);
	assert_int_equal(db_migrate(db, &applied), OK);
	assert_int_equal(sqlite3_open(url + strlen("sqlite:"), &handle), SQLITE_OK);
	assert_true(all_statements_count > 0);
	for (size_t i = 0; i < all_statements_count; i++) {
		const struct db_statement *s = all_statements[i];
		sqlite3_stmt *prepared = NULL;

		if (sqlite3_prepare_v2(handle, s->text, -1, &prepared, NULL)) {
			print_error("%s: %s\n", s->name, sqlite3_errmsg(handle));
			bad++;
		} else if (sqlite3_bind_parameter_count(prepared) != (int)s->params) {
			print_error("%s: not %u parameters\n", s->name, s->params);
			bad++;
		}
		(void)sqlite3_finalize(prepared);
	}
	(void)sqlite3_close(handle);
	db_close(db);
	(void)unlink(url + strlen("sqlite:"));
	(void)rmdir(dir);
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sqlite)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
