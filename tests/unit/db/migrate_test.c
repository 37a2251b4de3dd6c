/* Migrations on both engines: again, from many processes, newer, changed. */
#include "support/databases.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/migration.h"
#include "support/postgres.h"
#include "rows.h"
#include "test.h"

TEST_STATEMENT(record_newer, 1,
	"INSERT INTO schema_migrations (number, name, checksum, applied_at) "
	"VALUES ($1, 'from the future', 'c', 0)");
TEST_STATEMENT(record_change, 0, "UPDATE schema_migrations SET checksum = 'x' WHERE number = 1");
TEST_STATEMENT(record_forget, 0, "DELETE FROM schema_migrations WHERE number = 1");
TEST_STATEMENT(record_count, 0, "SELECT COUNT(*) FROM schema_migrations");

static unsigned last_number(void)
{
	return db_migrations[db_migrations_count - 1].number;
}

static err count_body(struct db_tx *tx, void *arg)
{
	return one_number(tx, &record_count, arg);
}

static void again(void **state)
{
	struct db *db = test_db(state);
	unsigned applied = 99, version = 99;
	int64_t recorded;

	assert_ok(db_migrate(db, &applied));
	assert_int_equal(applied, 0);
	assert_ok(db_schema_version(db, &version));
	assert_int_equal(version, last_number());
	assert_ok(db_transact(db, DB_READ, count_body, &recorded));
	assert_int_equal(recorded, db_migrations_count - 1);
}

static err make_newer(struct db_tx *tx, void *arg UNUSED)
{
	return db_exec(tx, record_newer, DB_INT(last_number() + 1));
}

static void newer_database(void **state)
{
	struct db *db = test_db(state);
	unsigned applied = 99, version;

	assert_ok(db_transact(db, DB_WRITE, make_newer, NULL));
	assert_int_equal(db_migrate(db, &applied), ERR_CONFLICT);
	assert_int_equal(applied, 99);
	assert_ok(db_schema_version(db, &version));
	assert_int_equal(version, last_number() + 1);
}

static err change(struct db_tx *tx, void *arg UNUSED)
{
	return db_exec(tx, record_change);
}

static void changed_migration(void **state)
{
	struct db *db = test_db(state);
	unsigned applied;

	assert_ok(db_transact(db, DB_WRITE, change, NULL));
	assert_int_equal(db_migrate(db, &applied), ERR_CORRUPT);
}

static err forget(struct db_tx *tx, void *arg UNUSED)
{
	return db_exec(tx, record_forget);
}

TEST_STATEMENT(forget_mail, 0, "DELETE FROM schema_migrations WHERE name = 'mail'");
TEST_STATEMENT(drop_mail, 0, "DROP TABLE mail_outbox");

static err without_mail(struct db_tx *tx, void *arg UNUSED)
{
	err e = db_exec(tx, forget_mail);

	return e ? e : db_exec(tx, drop_mail);
}

/* One with a lower number that came later is applied all the same. */
static void late_migration(void **state)
{
	struct db *db = test_db(state);
	unsigned applied = 99;
	int64_t recorded;

	assert_ok(db_transact(db, DB_WRITE, without_mail, NULL));
	assert_ok(db_migrate(db, &applied));
	assert_int_equal(applied, 1);
	assert_ok(db_transact(db, DB_READ, count_body, &recorded));
	assert_int_equal(recorded, db_migrations_count - 1);
}

/* A migration that fails leaves no record and no table of its own. */
static void failing_migration(void **state)
{
	struct test_database *t = test_database_of(state);
	unsigned applied;
	int64_t recorded;

	assert_ok(db_transact(t->db, DB_WRITE, forget, NULL));
	assert_int_equal(db_migrate(t->db, &applied), ERR_BUG); /* its tables exist */
	assert_true(t->events[DB_EVENT_ERROR] > 0);
	assert_ok(db_transact(t->db, DB_READ, count_body, &recorded));
	assert_int_equal(recorded, db_migrations_count - 2);
}

/* Several processes start at once on an empty database: each migration is applied once. */
static int migrating_child(const char *url, int start)
{
	struct db *db;
	unsigned applied, version;
	char go;

	if (read(start, &go, 1) != 0)
		return 100;
	err e = db_open(
		&(struct db_options){.url = url, .max_sessions = 1, .wait_us = 20000000}, &db);

	if (e)
		return 100 + (int)e;
	e = db_migrate(db, &applied);
	if (e)
		return 150 + (int)e;
	if (db_schema_version(db, &version) || version != last_number())
		return 200;
	db_close(db);
	return (int)applied;
}

static void migrate_at_once(const char *url)
{
	pid_t children[4];
	int start[2], status, applied = 0;

	assert_int_equal(pipe(start), 0);
	for (int i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			(void)close(start[1]);
			_exit(migrating_child(url, start[0]));
		}
	}
	(void)close(start[0]);
	(void)close(start[1]); /* go */
	for (int i = 0; i < 4; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 100);
		applied += WEXITSTATUS(status);
	}
	assert_int_equal(applied, db_migrations_count - 1);
}

static void at_once_sqlite(void **state UNUSED)
{
	for (int i = 0; i < 5; i++) {
		static const char *const names[] = {"x.db", "x.db-wal", "x.db-shm"};
		char directory[] = "/tmp/slipway-migrate-XXXXXX", path[64], url[80];

		assert_non_null(mkdtemp(directory));
		(void)snprintf(path, sizeof(path), "%s/x.db", directory);
		(void)snprintf(url, sizeof(url), "sqlite:%s", path);
		migrate_at_once(url);
		for (size_t n = 0; n < ARRAY_LEN(names); n++) {
			(void)snprintf(path, sizeof(path), "%s/%s", directory, names[n]);
			(void)unlink(path); /* two that close at once leave -wal and -shm behind */
		}
		assert_int_equal(rmdir(directory), 0);
	}
}

static void at_once_postgresql(void **state UNUSED)
{
	char url[256];

	if (!postgres_available()) {
		print_message("skipped: no PostgreSQL is installed\n");
		skip();
	}
	postgres_new_database(url, sizeof(url));
	migrate_at_once(url);
}

/* The schema's version before there is a schema. */
static void empty_database(void **state UNUSED)
{
	char directory[] = "/tmp/slipway-migrate-XXXXXX", path[64], url[80];
	unsigned version = 99;
	struct db *db;

	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/x.db", directory);
	(void)snprintf(url, sizeof(url), "sqlite:%s", path);
	assert_ok(db_open(&(struct db_options){.url = url, .max_sessions = 1}, &db));
	assert_ok(db_schema_version(db, &version));
	assert_int_equal(version, 0);
	db_close(db);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_database),
		ON_BOTH_ENGINES(again),
		ON_BOTH_ENGINES(newer_database),
		ON_BOTH_ENGINES(changed_migration),
		ON_BOTH_ENGINES(late_migration),
		ON_BOTH_ENGINES(failing_migration),
		cmocka_unit_test(at_once_sqlite),
		cmocka_unit_test(at_once_postgresql),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
