/* Every named statement of the program is prepared on both real engines, against the real schema.
 */
#include "support/databases.h"

#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "db/statement.h"
#include "test.h"

extern const struct db_statement *const all_statements[];
extern const size_t all_statements_count;

static bool check(const struct db_statement *s, const char *error, int params)
{
	if (error)
		print_error("%s: %s\n", s->name, error);
	else if (params != (int)s->params)
		print_error("%s: has %d parameters, not %u\n", s->name, params, s->params);
	return !error && params == (int)s->params;
}

/* Types are enforced in every table. */
static void tables_are_strict(void **state)
{
	const char *path = test_database_of(state)->url + strlen("sqlite:");
	sqlite3 *handle;
	sqlite3_stmt *tables;
	int strict = 0;

	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(handle,
				 "SELECT name, strict FROM pragma_table_list "
				 "WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
				 -1, &tables, NULL),
		SQLITE_OK);
	for (; sqlite3_step(tables) == SQLITE_ROW; strict++)
		assert_row(sqlite3_column_int(tables, 1) == 1,
			(const char *)sqlite3_column_text(tables, 0));
	assert_true(strict > 10);
	(void)sqlite3_finalize(tables);
	(void)sqlite3_close(handle);
}

static void on_sqlite(void **state)
{
	const char *path = test_database_of(state)->url + strlen("sqlite:");
	sqlite3 *handle;
	bool good = true;

	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	assert_true(all_statements_count > 0);
	for (size_t i = 0; i < all_statements_count; i++) {
		const struct db_statement *s = all_statements[i];
		sqlite3_stmt *prepared = NULL;
		int rc = sqlite3_prepare_v2(handle, s->text, -1, &prepared, NULL);

		good &= check(s, rc ? sqlite3_errmsg(handle) : NULL,
			sqlite3_bind_parameter_count(prepared));
		(void)sqlite3_finalize(prepared);
	}
	(void)sqlite3_close(handle);
	assert_true(good);
}

static bool prepare_on_postgres(PGconn *connection, const struct db_statement *s)
{
	PGresult *prepared = PQprepare(connection, s->name, s->text, 0, NULL);
	PGresult *described = PQdescribePrepared(connection, s->name);
	bool failed = PQresultStatus(prepared) != PGRES_COMMAND_OK;
	bool good = check(s, failed ? PQresultErrorMessage(prepared) : NULL, PQnparams(described));

	PQclear(prepared);
	PQclear(described);
	return good;
}

static void on_postgres(void **state)
{
	PGconn *connection = PQconnectdb(test_database_of(state)->url);
	bool good = true;

	assert_int_equal(PQstatus(connection), CONNECTION_OK);
	for (size_t i = 0; i < all_statements_count; i++)
		good &= prepare_on_postgres(connection, all_statements[i]);
	PQfinish(connection);
	assert_true(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SQLITE(tables_are_strict), ON_SQLITE(on_sqlite), ON_POSTGRESQL(on_postgres)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
