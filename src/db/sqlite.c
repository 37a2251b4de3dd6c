/*
 * The SQLite engine: a pool of connections that only read, each transaction a snapshot, and one
 * connection that writes (sqlite_writer.c). Rows are stepped lazily.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/pool.h"
#include "db/sqlite.h"
#include "base/banned.h"

/* Statements ----------------------------------------------------------------------------------- */

static int bind_one(sqlite3_stmt *prepared, int at, const struct db_value *v, bool copy)
{
	/* A NULL pointer would bind NULL; the empty value is something else. */
	const char *bytes = v->bytes.len ? v->bytes.ptr : "";
	sqlite3_destructor_type lifetime = copy ? SQLITE_TRANSIENT : SQLITE_STATIC;

	switch (v->type) {
	case DB_INT_VALUE:
		return sqlite3_bind_int64(prepared, at, v->number);
	case DB_TEXT_VALUE:
		return sqlite3_bind_text64(
			prepared, at, bytes, v->bytes.len, lifetime, SQLITE_UTF8);
	case DB_BLOB_VALUE:
		return sqlite3_bind_blob64(prepared, at, bytes, v->bytes.len, lifetime);
	case DB_NULL_VALUE:
		break;
	}
	return sqlite3_bind_null(prepared, at);
}

static void give_back(sqlite3_stmt *prepared)
{
	(void)sqlite3_reset(prepared);          /* repeats the error of the step */
	(void)sqlite3_clear_bindings(prepared); /* cannot fail */
}

static err prepare(struct db_tx *tx, const struct db_statement *s, const struct db_value *args,
	bool copy, sqlite3_stmt **ret)
{
	struct sqlite_session *session = tx->session;
	err e = sqlite_statement(session, s, ret);

	if (e)
		return e;
	for (unsigned i = 0; i < s->params; i++) {
		if (bind_one(*ret, (int)i + 1, &args[i], copy)) {
			e = sqlite_failure(session, s->name);
			give_back(*ret);
			return e;
		}
	}
	return OK;
}

static err engine_exec(struct db_tx *tx, const struct db_statement *s, const struct db_value *args,
	int64_t *ret_changed)
{
	struct sqlite_session *session = tx->session;
	sqlite3_stmt *prepared;
	err e = prepare(tx, s, args, false, &prepared);

	if (e)
		return e;
	int rc = sqlite3_step(prepared);

	if (rc == SQLITE_ROW)
		e = ERR_BUG; /* gives rows: a matter for db_query */
	else if (rc != SQLITE_DONE)
		e = sqlite_failure(session, s->name);
	else
		*ret_changed =
			sqlite3_stmt_readonly(prepared) ? 0 : sqlite3_changes64(session->handle);
	give_back(prepared);
	return e;
}

/* rows->position: 1 while the first row, stepped to by engine_query, waits to be given. */
static err step(struct db_rows *rows, bool *ret_row)
{
	int rc = sqlite3_step(rows->cursor);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return sqlite_failure(rows->tx->session, rows->statement->name);
	*ret_row = rc == SQLITE_ROW;
	return OK;
}

/* Steps once at once: an INSERT … RETURNING acts here, as on PostgreSQL, and not only when read. */
static err engine_query(struct db_rows *rows, const struct db_value *args)
{
	sqlite3_stmt *prepared;
	bool row = false;
	/* The caller lends its values for this call only; the rows come later: copy. */
	err e = prepare(rows->tx, rows->statement, args, true, &prepared);

	if (e)
		return e;
	rows->cursor = prepared;
	e = step(rows, &row);
	if (!e)
		rows->position = row ? 1 : -1;
	return e;
}

static err engine_next(struct db_rows *rows, bool *ret_row)
{
	err e = OK;
	bool row = rows->position == 1;

	if (rows->position == 0)
		e = step(rows, &row);
	if (e)
		return e;
	rows->position = row ? 0 : -1; /* a step beyond the end would start again */
	*ret_row = row;
	return OK;
}

static void engine_finish(struct db_rows *rows)
{
	give_back(rows->cursor);
}

static err engine_column(struct db_rows *rows, unsigned column, struct db_value *ret)
{
	sqlite3_stmt *prepared = rows->cursor;
	int at = (int)column;

	if (at >= sqlite3_column_count(prepared))
		return ERR_BUG;
	switch (sqlite3_column_type(prepared, at)) {
	case SQLITE_INTEGER:
		*ret = DB_INT(sqlite3_column_int64(prepared, at));
		return OK;
	case SQLITE_TEXT:
	case SQLITE_BLOB: {
		const void *bytes = sqlite3_column_blob(prepared, at); /* NULL when empty */

		*ret = DB_BLOB(
			span_of(bytes ? bytes : "", (size_t)sqlite3_column_bytes(prepared, at)));
		return OK;
	}
	case SQLITE_NULL:
		*ret = DB_NULL;
		return OK;
	default:
		return ERR_BUG; /* a floating point number: there are none */
	}
}

static err engine_script(struct db_tx *tx, const char *text)
{
	struct sqlite_session *session = tx->session;

	return sqlite3_exec(session->handle, text, NULL, NULL, NULL)
		       ? sqlite_failure(session, "migration")
		       : OK;
}

static err engine_lock_schema(struct db_tx *tx UNUSED)
{
	return OK; /* the write transaction is the lock */
}

/* Transactions --------------------------------------------------------------------------------- */

static err read_snapshot(struct db *db, struct sqlite_session *s, db_body *body, void *arg)
{
	static const struct db_statement begin = {"begin", "BEGIN DEFERRED", 0};
	static const struct db_statement commit = {"commit", "COMMIT", 0};
	struct db_tx tx = {.db = db, .session = s, .mode = DB_READ};
	err e = sqlite_control(s, &begin);

	if (e)
		return e;
	e = db_run_body(&tx, body, arg);
	err ended = sqlite3_get_autocommit(s->handle) ? OK : sqlite_control(s, &commit);

	return e ? e : ended;
}

static err engine_read(struct db *db, db_body *body, void *arg)
{
	struct sqlite_state *state = db->state;
	struct sqlite_session *s = NULL;
	void *idle;
	err e = pool_take(state->readers, db->wait_us, &idle);

	if (e)
		return e;
	s = idle;
	if (!s)
		e = sqlite_session_open(db, false, &s);
	if (!e)
		e = read_snapshot(db, s, body, arg);
	/* A transaction that would not end is not handed to the next. */
	if (s && !sqlite3_get_autocommit(s->handle)) {
		sqlite_session_close(s);
		s = NULL;
	}
	pool_give(state->readers, s);
	return e;
}

static err engine_transact(
	struct db *db, enum db_mode mode, bool script UNUSED, db_body *body, void *arg)
{
	struct sqlite_state *state = db->state;

	return mode == DB_READ ? engine_read(db, body, arg)
			       : sqlite_write(db, state->writer, body, arg);
}

/* Opening -------------------------------------------------------------------------------------- */

static err sync_directory_of(const char *path)
{
	char *copy = strdup(path);

	if (!copy)
		return ERR_NOMEM;
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err e = fd < 0 || fsync(fd) ? err_from_errno(errno) : OK;

	if (fd >= 0)
		(void)close(fd); /* only read from */
	free(copy);
	return e;
}

/*
 * SQLite would make the file readable to all; -wal and -shm take after it. An existing file is not
 * touched: closing another descriptor of it would drop the locks of this process (POSIX).
 */
static err create_private(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST ? OK : err_from_errno(errno);
	if (close(fd))
		return err_from_errno(errno);
	return sync_directory_of(path);
}

static void engine_close(struct db *db)
{
	struct sqlite_state *state = db->state;

	pool_free(state->readers, sqlite_session_close);
	sqlite_writer_free(state->writer); /* last: its close moves the WAL into the database */
	free(state->path);
	free(state);
}

static err engine_open(struct db *db, const char *where)
{
	struct sqlite_session *session = NULL;
	struct sqlite_state *state = calloc(1, sizeof(*state));

	if (!state)
		return ERR_NOMEM;
	db->state = state;
	state->path = strdup(where);
	state->readers = pool_new(db->max_sessions);
	err e = state->path ? create_private(where) : ERR_NOMEM;

	if (!e)
		e = sqlite_session_open(db, true, &session);
	if (!e)
		state->writer = sqlite_writer_new(session);
	else
		engine_close(db);
	return e;
}

static const struct db_statement has_schema = {"schema_exists",
	"SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'",
	0};

const struct db_engine db_sqlite_engine = {
	.open = engine_open,
	.close = engine_close,
	.transact = engine_transact,
	.exec = engine_exec,
	.query = engine_query,
	.next = engine_next,
	.finish = engine_finish,
	.column = engine_column,
	.script = engine_script,
	.lock_schema = engine_lock_schema,
	.has_schema = &has_schema,
	.is_sqlite = true,
};
