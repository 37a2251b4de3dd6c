/* Values and rows come back as they were put in, from both engines alike. */
#include "support/databases.h"

#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "test.h"

#define BLOB_BYTES (1 << 20)

struct change {
	span key, value;
	bool value_is_null;
	int64_t seq, deleted, expires_at;
};

static err put(struct db_tx *tx, void *arg)
{
	const struct change *c = arg;

	return db_exec(tx, change_insert, DB_BLOB(c->key), DB_INT(c->seq),
		c->value_is_null ? DB_NULL : DB_BLOB(c->value), DB_INT(c->deleted),
		DB_OPT_INT(c->expires_at));
}

static err compare(struct db_tx *tx, void *arg)
{
	const struct change *c = arg;
	AUTO_PTR(db_rows) rows = NULL;
	bool row;

	assert_ok(db_query(tx, &rows, change_get, DB_BLOB(c->key)));
	assert_ok(db_next(rows, &row));
	assert_true(row);
	assert_int_equal(db_int(rows, 0), c->seq);
	assert_int_equal(db_is_null(rows, 1), c->value_is_null);
	assert_true(span_eq(db_blob(rows, 1), c->value));
	assert_int_equal(db_int(rows, 2), c->deleted);
	assert_int_equal(db_is_null(rows, 3), c->expires_at == 0);
	assert_int_equal(db_int(rows, 3), c->expires_at);
	assert_ok(db_next(rows, &row));
	assert_false(row);
	assert_ok(db_next(rows, &row)); /* beyond the end it stays at the end */
	assert_false(row);
	return OK;
}

static void round_trip(void **state)
{
	struct db *db = test_db(state);
	char *big = malloc(BLOB_BYTES), all[256];

	for (int i = 0; i < BLOB_BYTES; i++)
		big[i] = (char)(i * 31 >> 3);
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	struct change rows[] = {
		{.key = SPAN("null"), .value = SPAN_EMPTY, .value_is_null = true, .seq = 1},
		{.key = SPAN("empty"), .value = SPAN_EMPTY, .seq = 2},
		{.key = SPAN("empty without pointer"), .value = {NULL, 0}, .seq = 3},
		{.key = SPAN_EMPTY, .value = SPAN("an empty key"), .seq = 4},
		{.key = SPAN("every byte"), .value = {all, sizeof(all)}, .seq = 5},
		{.key = SPAN("\\x41\\"),
			.value = SPAN("\\x41"),
			.seq = 6}, /* as PostgreSQL writes bytes */
		{.key = SPAN("large"), .value = {big, BLOB_BYTES}, .seq = 7},
		{.key = SPAN("largest"),
			.value = SPAN("v"),
			.seq = INT64_MAX,
			.deleted = INT64_MAX,
			.expires_at = INT64_MAX},
		{.key = SPAN("smallest"),
			.value = SPAN("v"),
			.seq = INT64_MIN,
			.deleted = -1,
			.expires_at = INT64_MIN},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_ok(db_transact(db, DB_WRITE, put, &rows[i]));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_ok(db_transact(db, DB_READ, compare, &rows[i]));
	free(big);
}

static err put_texts(struct db_tx *tx, void *arg UNUSED)
{
	static const char *const names[] = {
		"b", "Z", "a", "A", "\xc3\xa4", "", "a-b", "ab", "10", "9"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_ok(db_exec(tx, meta_insert, DB_CSTR(names[i]), DB_CSTR(names[i])));
	return OK;
}

static err read_in_order(struct db_tx *tx, void *arg)
{
	static const char *const want[] = {
		"", "10", "9", "A", "Z", "a", "a-b", "ab", "b", "\xc3\xa4"};
	struct arena *a = arg;
	span got[ARRAY_LEN(want)];
	AUTO_PTR(db_rows) rows = NULL;
	size_t count = 0;
	bool row;

	assert_ok(db_query(tx, &rows, meta_names));
	for (;; count++) {
		assert_ok(db_next(rows, &row));
		if (!row)
			break;
		assert_true(count < ARRAY_LEN(want));
		got[count] = db_text_in(rows, 0, a);
	}
	assert_int_equal(count, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_span(got[i], want[i]);
	return OK;
}

/* Pages of lists hang on it: text is ordered by its bytes, whatever the database's collation. */
static void order_of_text(void **state)
{
	struct db *db = test_db(state);
	AUTO_PTR(arena) a = arena_new();

	assert_ok(db_transact(db, DB_WRITE, put_texts, NULL));
	assert_ok(db_transact(db, DB_READ, read_in_order, a));
}

static err changed_rows(struct db_tx *tx, void *arg UNUSED)
{
	static const struct db_statement upsert = {"upsert",
		"INSERT INTO meta (name, value) VALUES ($1, $2) "
		"ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		2};
	static const struct db_statement ignore = {"ignore",
		"INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", 2};
	int64_t n = -1;

	assert_ok(db_change(tx, &n, meta_set, DB_CSTR("1"), DB_CSTR("a")));
	assert_int_equal(n, 0);
	assert_ok(db_change(tx, &n, upsert, DB_CSTR("a"), DB_CSTR("1")));
	assert_int_equal(n, 1);
	assert_ok(db_change(tx, &n, upsert, DB_CSTR("a"), DB_CSTR("2")));
	assert_int_equal(n, 1);
	assert_ok(db_change(tx, &n, ignore, DB_CSTR("a"), DB_CSTR("3")));
	assert_int_equal(n, 0);
	assert_ok(db_exec(tx, meta_insert, DB_CSTR("b"), DB_CSTR("")));
	assert_ok(db_change(tx, &n, meta_clear));
	assert_int_equal(n, 2);
	return OK;
}

static void changed(void **state)
{
	assert_ok(db_transact(test_db(state), DB_WRITE, changed_rows, NULL));
}

/* It acts when it is run, also when nobody reads its row, and its number may be 64 bits wide. */
static err returning_unread(struct db_tx *tx, void *arg UNUSED)
{
	AUTO_PTR(db_rows) rows = NULL;

	return db_query(tx, &rows, head_add_returning, DB_INT(INT64_C(1) << 40));
}

static err returning_read(struct db_tx *tx, void *arg)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool row;

	assert_ok(db_query(tx, &rows, head_add_returning, DB_INT(1)));
	assert_ok(db_next(rows, &row));
	*(int64_t *)arg = db_int(rows, 0);
	return OK;
}

static void returning(void **state)
{
	struct db *db = test_db(state);
	int64_t n;

	assert_ok(db_transact(db, DB_WRITE, returning_unread, NULL));
	assert_ok(db_transact(db, DB_WRITE, returning_read, &n));
	assert_int_equal(n, (INT64_C(1) << 40) + 1);
	assert_ok(db_transact(db, DB_READ, head_get_body, &n));
	assert_int_equal(n, (INT64_C(1) << 40) + 1);
}

static err kinds_of_numbers(struct db_tx *tx, void *arg UNUSED)
{
	static const struct db_statement query = {"numbers",
		"SELECT COUNT(*), SUM(seq), MAX(seq) = $1, 7, CAST(NULL AS BIGINT), "
		"CASE WHEN MAX(seq) > $2 THEN 1 ELSE 0 END FROM change_head",
		2};
	static const int64_t want[] = {1, 0, 1, 7, 0, 0};
	AUTO_PTR(db_rows) rows = NULL;
	bool row;

	assert_ok(db_query(tx, &rows, query, DB_INT(0), DB_INT(INT64_C(1) << 40)));
	assert_ok(db_next(rows, &row));
	for (unsigned i = 0; i < ARRAY_LEN(want); i++)
		assert_int_equal(db_int(rows, i), want[i]);
	assert_true(db_is_null(rows, 4));
	return OK;
}

static void numbers(void **state)
{
	assert_ok(db_transact(test_db(state), DB_READ, kinds_of_numbers, NULL));
}

/* Arguments are lent for the call only; the rows come later. */
static err arguments_are_borrowed(struct db_tx *tx, void *arg UNUSED)
{
	static const struct db_statement query = {
		"echo", "SELECT name FROM meta WHERE name <> $1 ORDER BY name", 1};
	char *name = strdup("a");
	AUTO_PTR(db_rows) rows = NULL;
	bool row;

	assert_ok(put_texts(tx, NULL));
	assert_ok(db_query(tx, &rows, query, DB_CSTR(name)));
	memset(name, 'b', 1);
	free(name);
	for (int i = 0; i < 9; i++) {
		assert_ok(db_next(rows, &row));
		assert_true(row && !span_is(db_text(rows, 0), "a"));
	}
	assert_ok(db_next(rows, &row));
	assert_false(row);
	return OK;
}

static void borrowed(void **state)
{
	assert_ok(db_transact(test_db(state), DB_WRITE, arguments_are_borrowed, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH_ENGINES(round_trip),
		ON_BOTH_ENGINES(order_of_text),
		ON_BOTH_ENGINES(changed),
		ON_BOTH_ENGINES(returning),
		ON_BOTH_ENGINES(numbers),
		ON_BOTH_ENGINES(borrowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
