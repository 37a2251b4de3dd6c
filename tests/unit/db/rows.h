#ifndef SLIPWAY_TESTS_UNIT_DB_ROWS_H
#define SLIPWAY_TESTS_UNIT_DB_ROWS_H

/* Statements over two tables of the schema, for tests of the database layer itself. */

#include "db/db.h"
#include "db/statement.h"

#define TEST_STATEMENT(id, params, text)                                                           \
	static const struct db_statement id UNUSED = {#id, text, params}

TEST_STATEMENT(meta_insert, 2, "INSERT INTO meta (name, value) VALUES ($1, $2)");
TEST_STATEMENT(meta_set, 2, "UPDATE meta SET value = $1 WHERE name = $2");
TEST_STATEMENT(meta_get, 1, "SELECT value FROM meta WHERE name = $1");
TEST_STATEMENT(meta_names, 0, "SELECT name FROM meta ORDER BY name");
TEST_STATEMENT(meta_count, 0, "SELECT COUNT(*) FROM meta");
TEST_STATEMENT(meta_clear, 0, "DELETE FROM meta");
TEST_STATEMENT(head_add, 0, "UPDATE change_head SET seq = seq + 1 WHERE one = 1");
TEST_STATEMENT(
	head_add_returning, 1, "UPDATE change_head SET seq = seq + $1 WHERE one = 1 RETURNING seq");
TEST_STATEMENT(head_get, 0, "SELECT seq FROM change_head WHERE one = 1");
TEST_STATEMENT(head_insert, 1,
	"INSERT INTO change_head (one, seq, incarnation, horizon) VALUES ($1, 0, 0, 0)");
TEST_STATEMENT(change_insert, 5,
	"INSERT INTO changes (key, seq, value, deleted, expires_at) VALUES ($1, $2, $3, $4, $5)");
TEST_STATEMENT(change_get, 1, "SELECT seq, value, deleted, expires_at FROM changes WHERE key = $1");
TEST_STATEMENT(change_all, 0, "SELECT key, seq FROM changes ORDER BY seq");
TEST_STATEMENT(key_insert, 0,
	"INSERT INTO publisher_keys (id, product_id, key_id, public_key, created_at) "
	"VALUES ('k', 'no such product', 'k', 'p', 1)");

/* Bodies. arg of the readers: where the number goes. */
static inline err head_add_body(struct db_tx *tx, void *arg UNUSED)
{
	return db_exec(tx, head_add);
}

static inline err one_number(struct db_tx *tx, const struct db_statement *s, int64_t *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool row = false;
	err e = db_query_values(tx, s, NULL, 0, &rows);

	if (!e)
		e = db_next(rows, &row);
	*ret = !e && row ? db_int(rows, 0) : -1;
	return e;
}

static inline err head_get_body(struct db_tx *tx, void *arg)
{
	return one_number(tx, &head_get, arg);
}

static inline err meta_count_body(struct db_tx *tx, void *arg)
{
	return one_number(tx, &meta_count, arg);
}

#endif
