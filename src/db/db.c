/*
 * What is the same for both engines: arguments are checked before an engine sees them, a failed
 * statement ends its transaction, rows are finished before the next statement, transactions do not
 * nest, and everything slow is told to the observer.
 */
#include "db/db.h"

#include <stdlib.h>
#include <string.h>

#include "db/engine.h"
#include "sys/clock.h"
#include "sys/metrics.h"
#include "base/banned.h"

/* A second transaction inside a body would wait for the session its own thread holds. */
static _Thread_local unsigned running;

void db_observe(struct db *db, enum db_event event, const char *name, int64_t duration_us,
	const char *message)
{
	if (db->observer)
		db->observer(db->observer_ctx, event, name, duration_us, message);
}

void db_observe_duration(struct db *db, const char *name, int64_t duration_us)
{
	if (duration_us >= db->slow_us)
		db_observe(db, DB_EVENT_SLOW, name, duration_us, "");
}

static const char *strip_scheme(const char *url, const struct db_engine **ret)
{
	static const char sqlite[] = "sqlite:";

	if (strncmp(url, sqlite, sizeof(sqlite) - 1) == 0) {
		*ret = &db_sqlite_engine;
		return url + sizeof(sqlite) - 1;
	}
	*ret = strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0
		       ? &db_postgres_engine
		       : NULL;
	return url;
}

err db_open(const struct db_options *options, struct db **ret)
{
	const struct db_engine *engine;
	const char *where = strip_scheme(options->url, &engine);

	if (!engine || !*where || !options->max_sessions)
		return ERR_INVALID;
	struct db *db = calloc(1, sizeof(*db));

	if (!db)
		return ERR_NOMEM;
	*db = (struct db){.engine = engine,
		.max_sessions = options->max_sessions,
		.wait_us = options->wait_us,
		.slow_us = options->slow_us,
		.observer = options->observer,
		.observer_ctx = options->observer_ctx};
	err e = engine->open(db, where);

	if (e) {
		free(db);
		return e;
	}
	*ret = db;
	return OK;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	db->engine->close(db);
	free(db);
}

bool db_is_sqlite(const struct db *db)
{
	return db->engine->is_sqlite;
}

/* Transactions ----------------------------------------------------------------------------------
 */

static err transact(struct db *db, enum db_mode mode, bool script, db_body *body, void *arg)
{
	if (running)
		return ERR_BUG;
	running++;
	int64_t begun_us = clock_monotonic_us();
	err e = db->engine->transact(db, mode, script, body, arg);

	metric_observe_us(METRIC_DB_SECONDS, mode == DB_READ ? "read" : "write",
		clock_monotonic_us() - begun_us);
	running--;
	return e;
}

err db_transact(struct db *db, enum db_mode mode, db_body *body, void *arg)
{
	return transact(db, mode, false, body, arg);
}

err db_transact_script(struct db *db, db_body *body, void *arg)
{
	return transact(db, DB_WRITE, true, body, arg);
}

err db_run_body(struct db_tx *tx, db_body *body, void *arg)
{
	err e = body(tx, arg);

	db_rows_free(&tx->rows);
	return e ? e : tx->failed;
}

static err fail(struct db_tx *tx, err e)
{
	if (e && !tx->failed)
		tx->failed = e;
	return e;
}

/* Statements ------------------------------------------------------------------------------------
 */

struct db_value db_optional_text(span s)
{
	return s.len ? DB_TEXT(s) : DB_NULL;
}

struct db_value db_optional_int(int64_t n)
{
	return n ? DB_INT(n) : DB_NULL;
}

/* PostgreSQL refuses such text; SQLite would keep it and cut it at the NUL somewhere later. */
static bool is_storable(const struct db_value *v)
{
	return v->type != DB_TEXT_VALUE ||
	       (span_find(v->bytes, '\0') == v->bytes.len && span_is_utf8(v->bytes));
}

static err check_call(
	struct db_tx *tx, const struct db_statement *s, const struct db_value *args, size_t count)
{
	if (tx->failed)
		return tx->failed;
	if (tx->rows.statement || count != s->params)
		return ERR_BUG;
	for (size_t i = 0; i < count; i++)
		if (!is_storable(&args[i]))
			return ERR_INVALID;
	return OK;
}

err db_exec_values(struct db_tx *tx, const struct db_statement *s, const struct db_value *args,
	size_t count, int64_t *ret_changed)
{
	int64_t changed = 0, start = clock_monotonic_us();
	err e = check_call(tx, s, args, count);

	if (!e)
		e = tx->db->engine->exec(tx, s, args, &changed);
	db_observe_duration(tx->db, s->name, clock_monotonic_us() - start);
	if (!e && ret_changed)
		*ret_changed = changed;
	return fail(tx, e);
}

err db_query_values(struct db_tx *tx, const struct db_statement *s, const struct db_value *args,
	size_t count, struct db_rows **ret_rows)
{
	int64_t start = clock_monotonic_us();
	err e = check_call(tx, s, args, count);

	if (e)
		return fail(tx, e);
	tx->rows = (struct db_rows){.tx = tx, .statement = s};
	e = tx->db->engine->query(&tx->rows, args);
	tx->rows.spent_us = clock_monotonic_us() - start;
	if (e) {
		db_rows_free(&tx->rows);
		return fail(tx, e);
	}
	*ret_rows = &tx->rows;
	return OK;
}

err db_script(struct db_tx *tx, const char *name, const char *text)
{
	int64_t start = clock_monotonic_us();
	err e = tx->failed ? tx->failed : tx->db->engine->script(tx, text);

	db_observe_duration(tx->db, name, clock_monotonic_us() - start);
	return fail(tx, e);
}

/* Rows ------------------------------------------------------------------------------------------
 */

err db_next(struct db_rows *rows, bool *ret_row)
{
	struct db_tx *tx = rows->tx;
	int64_t start = clock_monotonic_us();

	if (tx->failed)
		return tx->failed;
	arena_free(rows->scratch);
	rows->scratch = NULL;
	err e = tx->db->engine->next(rows, &rows->has_row);

	rows->spent_us += clock_monotonic_us() - start;
	if (e) {
		rows->has_row = false;
		return fail(tx, e);
	}
	*ret_row = rows->has_row;
	return OK;
}

err db_get_values(struct db_tx *tx, const struct db_statement *s, const struct db_value *args,
	size_t count, struct db_rows **ret_rows)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found = false;
	err e = db_query_values(tx, s, args, count, &rows);

	if (!e)
		e = db_next(rows, &found);
	if (e || !found)
		return e ? e : ERR_NOT_FOUND;
	*ret_rows = rows;
	rows = NULL; /* the caller's now */
	return OK;
}

void db_rows_free(struct db_rows *rows)
{
	if (!rows || !rows->statement)
		return;
	if (rows->cursor)
		rows->tx->db->engine->finish(rows);
	db_observe_duration(rows->tx->db, rows->statement->name, rows->spent_us);
	arena_free(rows->scratch);
	*rows = (struct db_rows){0};
}

/* A wrong column or type is a mistake of the program: it fails the transaction with ERR_BUG. */
static struct db_value column(struct db_rows *rows, unsigned number, bool want_int)
{
	struct db_value v = DB_NULL;
	err e = rows->has_row ? rows->tx->db->engine->column(rows, number, &v) : ERR_BUG;

	if (!e && v.type != DB_NULL_VALUE && (v.type == DB_INT_VALUE) != want_int)
		e = ERR_BUG;
	if (e) {
		(void)fail(rows->tx, e); /* told by the next call and by the transaction */
		return DB_NULL;
	}
	return v;
}

int64_t db_int(struct db_rows *rows, unsigned number)
{
	return column(rows, number, true).number;
}

span db_blob(struct db_rows *rows, unsigned number)
{
	struct db_value v = column(rows, number, false);

	return v.type == DB_NULL_VALUE ? SPAN_EMPTY : v.bytes;
}

span db_text(struct db_rows *rows, unsigned number)
{
	return db_blob(rows, number);
}

bool db_is_null(struct db_rows *rows, unsigned number)
{
	struct db_value v = DB_NULL;
	err e = rows->has_row ? rows->tx->db->engine->column(rows, number, &v) : ERR_BUG;

	(void)fail(rows->tx, e); /* as in column() */
	return v.type == DB_NULL_VALUE;
}

span db_text_in(struct db_rows *rows, unsigned number, struct arena *a)
{
	return arena_span(a, db_text(rows, number));
}
