/* Sealing on both engines: order, no gaps, no forks, no going on from what others made. */
#include "chained.h"

#include <pthread.h>

static void seals_in_order(void **state)
{
	AUTO_PTR(arena) a = arena_new();
	struct audit_report *r;
	struct chained c;

	chained_open(&c, test_db(state), "/tmp");
	assert_int_equal(chained_seal(&c), 0);
	assert_false(chained_keep(&c, true)); /* nothing to keep */
	for (int i = 0; i < 1203; i++)
		chained_add(&c, "x");
	assert_int_equal(chained_seal(&c), 1203);
	assert_int_equal(chained_seal(&c), 0);
	chained_add(&c, "y");
	assert_ok(chained_verify(a, &c, &r));
	assert_true(r->intact);
	assert_int_equal(r->entries, 1203);
	assert_int_equal(r->unsealed, 1);
	assert_int_equal(r->head.seq, 1203);
	chained_close(&c);
}

static void keeps_when_it_is_time(void **state)
{
	struct chained c;

	chained_open(&c, test_db(state), "/tmp");
	chained_add(&c, "x");
	chained_seal(&c);
	assert_true(chained_keep(&c, false)); /* the first one */
	assert_false(chained_keep(&c, true)); /* nothing new */
	chained_add(&c, "x");
	chained_seal(&c);
	assert_false(chained_keep(&c, false));
	c.now_us += INT64_C(600000000);
	assert_true(chained_keep(&c, false)); /* an interval */
	for (int i = 0; i < AUDIT_KEEP_ENTRIES; i++)
		chained_add(&c, "x");
	chained_seal(&c);
	assert_true(chained_keep(&c, false)); /* as many entries */
	chained_add(&c, "x");
	chained_seal(&c);
	assert_true(chained_keep(&c, true)); /* the end */
	chained_close(&c);
}

struct search_case {
	struct audit_search search;
	const char *found; /* objects, in order */
};

struct searching {
	struct arena *arena;
	const struct audit_search *search;
	struct audit_entry *list;
	size_t count;
};

static err search_body(struct db_tx *tx, void *arg)
{
	struct searching *s = arg;

	return audit_find_many(tx, s->arena, s->search, &s->list, &s->count);
}

static void searches(void **state)
{
	static const struct search_case rows[] = {
		{{.limit = 2}, "Du_x Cat%"},
		{{.limit = 2, .beyond = 3}, "Bee Ant"},
		{{.limit = 9, .oldest_first = true}, "Ant Bee Cat% Du_x"},
		{{.limit = 9, .oldest_first = true, .beyond = 2}, "Cat% Du_x"},
		{{.limit = 9, .text = SPAN_INIT("CAT")}, "Cat%"},
		{{.limit = 9, .text = SPAN_INIT("%")}, "Cat%"},
		{{.limit = 9, .text = SPAN_INIT("u_x")}, "Du_x"},
		{{.limit = 9, .text = SPAN_INIT("\\")}, ""},
		{{.limit = 9, .text = SPAN_INIT("' OR 1=1 --")}, ""},
		{{.limit = 9, .object = SPAN_INIT("Bee")}, "Bee"},
		{{.limit = 9, .object = SPAN_INIT("bee")}, ""},
		{{.limit = 9, .action = SPAN_INIT("release.")}, "Du_x Cat% Bee Ant"},
		{{.limit = 9, .action = SPAN_INIT("release_")}, ""},
		{{.limit = 9, .action = SPAN_INIT("publish")}, ""},
		{{.limit = 9, .outcome = SPAN_INIT("refused")}, ""},
		{{.limit = 9, .actor = SPAN_INIT("acc_1"), .from_us = NOW + 2000}, "Du_x Cat% Bee"},
		{{.limit = 9, .to_us = NOW + 2000}, "Ant"},
	};
	AUTO_PTR(arena) a = arena_new();
	struct chained c;

	chained_open(&c, test_db(state), "/tmp");
	chained_add(&c, "Ant");
	chained_add(&c, "Bee");
	chained_add(&c, "Cat%");
	chained_add(&c, "Du_x");
	chained_seal(&c);
	chained_add(&c, "Eel"); /* not sealed: not shown */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct searching s = {.arena = a, .search = &rows[i].search};
		AUTO(buf) found = {0};

		assert_ok(db_transact(c.db, DB_READ, search_body, &s));
		buf_init(&found, 100);
		for (size_t n = 0; n < s.count; n++)
			buf_addf(&found, "%s%.*s", n ? " " : "", SPAN_ARG(s.list[n].object));
		assert_span(buf_span(&found), rows[i].found);
	}
	chained_close(&c);
}

/* Several programs over one database, each with a key of its own, adding and sealing at once. */
#define PLANES  3
#define ENTRIES 60

struct plane {
	struct chained chained;
	pthread_t thread;
};

static void *add_and_seal(void *arg)
{
	struct plane *p = arg;

	for (int i = 0; i < ENTRIES; i++) {
		int64_t count;
		struct chained_entry e = {NOW + i * 1000, "x"};
		err failed = db_transact(p->chained.db, DB_WRITE, chained_add_body, &e);

		if (!failed)
			failed = audit_seal(p->chained.log, NOW + i, &count);
		if (failed)
			return (void *)(uintptr_t)failed;
	}
	return NULL;
}

static void planes_make_one_chain(void **state)
{
	struct test_database *t = test_database_of(state);
	AUTO_PTR(arena) a = arena_new();
	struct plane planes[PLANES];
	struct audit_report *r;

	for (size_t i = 0; i < PLANES; i++) {
		struct db *db = test_db_open(
			t, (struct db_options){.max_sessions = 4, .wait_us = 20000000});

		chained_open(&planes[i].chained, db, "/tmp");
	}
	for (size_t i = 0; i < PLANES; i++)
		assert_int_equal(
			pthread_create(&planes[i].thread, NULL, add_and_seal, &planes[i]), 0);
	for (size_t i = 0; i < PLANES; i++) {
		void *failed;

		pthread_join(planes[i].thread, &failed);
		assert_int_equal((uintptr_t)failed, OK);
	}
	for (size_t i = 0; i < PLANES; i++) {
		(void)chained_seal(&planes[i].chained);
		assert_ok(chained_verify(a, &planes[i].chained, &r));
		assert_int_equal(r->entries, PLANES * ENTRIES);
		assert_int_equal(r->unsealed, 0);
		/* The last one to seal signed with its own key, which two of three do not trust. */
		assert_true(r->findings_count <= 1);
		for (size_t n = 0; n < r->findings_count; n++)
			assert_int_equal(r->findings[n].kind, AUDIT_UNKNOWN_KEY);
	}
	for (size_t i = 0; i < PLANES; i++) {
		struct db *db = planes[i].chained.db;

		chained_close(&planes[i].chained);
		db_close(db);
	}
}

static void guards(void **state)
{
	static const char *const rows[] = {"DELETE FROM audit", "DELETE FROM audit WHERE seq = 1",
		"DELETE FROM audit WHERE seq IS NULL", "UPDATE audit SET actor = 'x' WHERE seq = 1",
		"UPDATE audit SET seq = NULL", "UPDATE audit SET seq = 7 WHERE seq = 2",
		"UPDATE audit SET hash = hash", "UPDATE audit SET detail = '{}' WHERE seq IS NULL",
		"UPDATE audit SET seq = 3 WHERE seq IS NULL",
		("INSERT INTO audit (id, at, actor, action, object, outcome, ip_prefix, request_id, "
		 "detail, seq) VALUES ('a', 1, '', '', '', '', '', '', '', 3)"),
		"DELETE FROM audit_checkpoints", "UPDATE audit_checkpoints SET seq = 9"};
	static const char *const replaces[] = {
		("INSERT OR REPLACE INTO audit (id, at, actor, action, object, outcome, ip_prefix, "
		 "request_id, detail) SELECT id, 1, '', '', '', '', '', '', '' FROM audit"),
		"REPLACE INTO audit SELECT * FROM audit WHERE seq = 1"};
	AUTO_PTR(arena) a = arena_new();
	struct audit_report *r;
	struct chained c;

	chained_open(&c, test_db(state), "/tmp");
	chained_add(&c, "x");
	chained_add(&c, "x");
	chained_seal(&c);
	assert_true(chained_keep(&c, true));
	chained_add(&c, "x");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(run_script(c.db, rows[i]) != OK, rows[i]);
	for (size_t i = 0; db_is_sqlite(c.db) && i < ARRAY_LEN(replaces); i++)
		assert_row(run_script(c.db, replaces[i]) != OK, replaces[i]);
	if (!db_is_sqlite(c.db)) {
		assert_int_not_equal(run_script(c.db, "TRUNCATE audit"), OK);
		assert_int_not_equal(run_script(c.db, "TRUNCATE audit_checkpoints"), OK);
	}
	assert_int_equal(chained_seal(&c), 1);
	assert_ok(chained_verify(a, &c, &r));
	assert_true(r->intact);
	chained_close(&c);
}

/* What we did not make is not gone on from: that would be to sign it. */
static void foreign_heads(void **state)
{
	static const char *const rows[] = {
		"UPDATE audit_head SET seq = 1",
		"UPDATE audit_head SET at = at + 1",
		"UPDATE audit_head SET signature = NULL",
		"UPDATE audit_head SET kid = 'other'",
		"UPDATE audit_head SET kid = '../x'",
		"UPDATE audit_head SET seq = 0, hash = NULL, kid = ''",
		("UPDATE audit_head SET seq = 1, hash = (SELECT hash FROM audit_checkpoints WHERE seq = 1), "
		 "at = (SELECT at FROM audit_checkpoints WHERE seq = 1), "
		 "signature = (SELECT signature FROM audit_checkpoints WHERE seq = 1)"),
		"DELETE FROM audit_head",
	};
	struct chained c;

	chained_open(&c, test_db(state), "/tmp");
	chained_add(&c, "x");
	chained_seal(&c);
	assert_true(chained_keep(&c, true));
	chained_add(&c, "x");
	chained_seal(&c);
	assert_true(chained_keep(&c, true));
	chained_add(&c, "x");
	assert_ok(run_script(c.db, "CREATE TABLE head_copy AS SELECT * FROM audit_head"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t count;

		assert_ok(run_script(c.db, rows[i]));
		assert_row(audit_seal(c.log, c.now_us, &count) == ERR_CORRUPT, rows[i]);
		assert_ok(run_script(c.db, "DELETE FROM audit_head; "
					   "INSERT INTO audit_head SELECT * FROM head_copy"));
	}
	assert_int_equal(chained_seal(&c), 1);
	chained_close(&c);
}

/* A backup is older than the checkpoints beside it, and says so by its incarnation. */
static void restored(void **state)
{
	AUTO_PTR(arena) a = arena_new();
	struct audit_report *r;
	struct chained c;

	chained_open(&c, test_db(state), "/tmp");
	drop_guards(c.db);
	chained_add(&c, "x");
	chained_seal(&c);
	assert_true(chained_keep(&c, true));
	assert_ok(run_script(c.db, "CREATE TABLE head_copy AS SELECT * FROM audit_head"));
	chained_add(&c, "x");
	chained_seal(&c);
	assert_true(chained_keep(&c, true));
	assert_ok(run_script(c.db,
		"DELETE FROM audit WHERE seq > 1; DELETE FROM audit_checkpoints WHERE seq > 1; "
		"DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM head_copy; "
		"UPDATE change_head SET incarnation = incarnation + 1"));
	chained_add(&c, "y");
	assert_int_equal(chained_seal(&c), 1);
	assert_ok(chained_verify(a, &c, &r));
	assert_false(r->intact);
	for (size_t i = 0; i < r->findings_count; i++)
		assert_int_equal(r->findings[i].kind, AUDIT_RESTORED);
	const char *file = c.file;

	assert_ok(audit_verify(a,
		&(struct audit_verification){.db = c.db,
			.keys_dir = c.dir,
			.files = &file,
			.files_count = 1,
			.accept_restored = true},
		&r));
	assert_true(r->intact);
	assert_true(chained_keep(&c, false)); /* the first of the new incarnation */
	chained_close(&c);
}

static void keys(void **state)
{
	AUTO_PTR(arena) a = arena_new();
	struct audit_report *r;
	struct chained c, other;

	chained_open(&c, test_db(state), "/tmp");
	chained_add(&c, "x");
	chained_seal(&c);
	assert_true(chained_keep(&c, true));
	/* Opened again: the same key. */
	audit_log_close(c.log);
	assert_ok(audit_log_open(
		&(struct audit_log_options){
			.db = c.db, .keys_dir = c.dir, .file = c.file, .now_us = NOW},
		&c.log));
	chained_add(&c, "x");
	chained_seal(&c);
	assert_ok(chained_verify(a, &c, &r));
	assert_true(r->intact);
	/* Another machine seals with a key this one does not know. */
	chained_open(&other, c.db, "/tmp");
	chained_add(&other, "x");
	chained_seal(&other);
	assert_ok(chained_verify(a, &c, &r));
	assert_int_equal(r->findings_count, 1);
	assert_int_equal(r->findings[0].kind, AUDIT_UNKNOWN_KEY);
	chained_close(&other);
	chained_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH_ENGINES(seals_in_order),
		ON_BOTH_ENGINES(keeps_when_it_is_time),
		ON_BOTH_ENGINES(searches),
		ON_BOTH_ENGINES(planes_make_one_chain),
		ON_BOTH_ENGINES(guards),
		ON_BOTH_ENGINES(foreign_heads),
		ON_BOTH_ENGINES(restored),
		ON_BOTH_ENGINES(keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
