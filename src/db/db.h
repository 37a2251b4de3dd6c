#ifndef SLIPWAY_DB_DB_H
#define SLIPWAY_DB_DB_H

/*
 * One interface to the two databases: SQLite (embedded) and PostgreSQL. Everything happens in a
 * transaction that is a function: db_transact() runs the body, commits when it returns OK, rolls
 * back otherwise, and runs it again when the database asks for it (serialisation failure, deadlock,
 * lost connection before commit). So a body may run several times, and on another thread than the
 * caller's, which waits: it must take no lock, must not act on the outside world, and must set its
 * results from scratch on each run.
 *
 * Isolation is serialisable on both engines. SQLite: one writer at a time, WAL, synchronous=FULL,
 * and group commit: concurrent writers share one fsync, and each returns only after it. PostgreSQL:
 * pooled connections without session state (safe behind a transaction pooler).
 *
 * Statements are named blocks in src/FLOOR/FLOOR.sql; the build turns each file into
 * FLOOR_queries.h with one `extern const struct db_statement` per block. There is no SQL text in .c
 * files. In the text: $1 … $n for parameters, numbered in order of first appearance.
 *
 * Values are text, 64-bit integers, bytes and NULL. Times are integers (microseconds), booleans
 * 0/1. Any thread may call db_transact; a transaction belongs to the thread its body runs on.
 */

#include "base/arena.h"

struct db;
struct db_tx;
struct db_rows;
struct db_statement;

enum db_mode {
	DB_READ, /* a snapshot; writing is ERR_BUG */
	DB_WRITE,
	/*
	 * A write that first locks a row all of its kind lock (by an UPDATE), and from then on must
	 * see everything that was committed before it had the lock: on PostgreSQL each statement
	 * sees what was committed when it began (read committed), and no transaction is undone for
	 * having run beside this one.
	 */
	DB_WRITE_IN_TURN
};

/* Tells about a statement slower than the limit, a retry, or an engine's error message. */
enum db_event { DB_EVENT_SLOW, DB_EVENT_RETRY, DB_EVENT_ERROR };
typedef void db_observer(void *ctx, enum db_event event, const char *statement_name,
	int64_t duration_us, const char *engine_message);

struct db_options {
	const char *url;       /* "sqlite:PATH" or "postgresql://…" */
	unsigned max_sessions; /* connections at most: PostgreSQL, and SQLite's readers */
	int64_t wait_us;       /* how long to wait for a free session before ERR_BUSY */
	int64_t slow_us;       /* DB_EVENT_SLOW from here on */
	db_observer *observer; /* may be NULL; called from any thread */
	void *observer_ctx;
};

/*
 * Opens the pool; keeps nothing of options. Does not migrate. ERR_INVALID for a bad URL,
 * ERR_UNAVAILABLE when the server does not answer, ERR_NOT_FOUND or ERR_DENIED for the directory of
 * a SQLite file, ERR_IO, ERR_CORRUPT.
 *
 * A SQLite file is made if absent, readable by its owner only. Its path may be relative and is
 * never made absolute: the process must not change its working directory while it is open. A
 * symbolic link in the place of the file is ERR_INVALID.
 */
err db_open(const struct db_options *options, struct db **ret) MUST_USE;
void db_close(struct db *db); /* accepts NULL; no transaction may be running */
bool db_is_sqlite(const struct db *db);

/*
 * Brings the schema up to date: applies the numbered migrations that are compiled in and not yet
 * recorded, each in a transaction of its own, one process at a time. ERR_CONFLICT when the database
 * is newer than this program; ERR_CORRUPT when a recorded migration's checksum differs.
 */
err db_migrate(struct db *db, unsigned *ret_applied) MUST_USE;
err db_schema_version(struct db *db, unsigned *ret) MUST_USE;

typedef err db_body(struct db_tx *tx, void *arg);
/*
 * Runs body in a transaction. Gives what body returned, or ERR_BUSY (no session free, or still
 * conflicting after the retries), ERR_UNAVAILABLE (server gone), ERR_NO_SPACE, ERR_IO, ERR_CORRUPT.
 * OK from a DB_WRITE means: on disk. ERR_UNAVAILABLE, ERR_IO and ERR_NO_SPACE from a DB_WRITE mean:
 * not known to be on disk. A failed statement fails the transaction, also when the body goes on and
 * returns OK. A transaction inside a body is ERR_BUG.
 */
err db_transact(struct db *db, enum db_mode mode, db_body *body, void *arg) MUST_USE;

enum db_type { DB_NULL_VALUE, DB_INT_VALUE, DB_TEXT_VALUE, DB_BLOB_VALUE };
struct db_value {
	enum db_type type;
	int64_t number;
	span bytes; /* borrowed */
};

#define DB_INT(n)  ((struct db_value){.type = DB_INT_VALUE, .number = (n)})
#define DB_TEXT(s) ((struct db_value){.type = DB_TEXT_VALUE, .bytes = (s)})
#define DB_CSTR(s) ((struct db_value){.type = DB_TEXT_VALUE, .bytes = span_from(s)})
#define DB_BLOB(s) ((struct db_value){.type = DB_BLOB_VALUE, .bytes = (s)})
#define DB_NULL    ((struct db_value){.type = DB_NULL_VALUE})
/* NULL for the empty span, NULL for zero: for optional columns. */
#define DB_OPT_TEXT(s) db_optional_text(s)
#define DB_OPT_INT(n)  db_optional_int(n)
struct db_value db_optional_text(span s);
struct db_value db_optional_int(int64_t n);

#define DB_ARGS_(...)  ((const struct db_value[]){__VA_ARGS__ __VA_OPT__(, ) DB_NULL})
#define DB_COUNT_(...) (ARRAY_LEN(DB_ARGS_(__VA_ARGS__)) - 1)

/*
 * Runs a statement that gives no rows. ERR_CONFLICT: a unique, foreign key or check constraint was
 * violated (the transaction is then to be left with an error). ERR_INVALID: a text that is not
 * UTF-8 or contains NUL. ERR_BUG: wrong number of arguments, a statement that gives rows.
 */
#define db_exec(tx, statement, ...)                                                                \
	db_exec_values(tx, &(statement), DB_ARGS_(__VA_ARGS__), DB_COUNT_(__VA_ARGS__), NULL)
/* As db_exec, and tells how many rows were changed. */
#define db_change(tx, ret_changed, statement, ...)                                                 \
	db_exec_values(tx, &(statement), DB_ARGS_(__VA_ARGS__), DB_COUNT_(__VA_ARGS__), ret_changed)
err db_exec_values(struct db_tx *tx, const struct db_statement *s, const struct db_value *args,
	size_t count, int64_t *ret_changed) MUST_USE;

/*
 * Runs a statement that gives rows. The rows are read with db_next() and must be finished
 * (AUTO_PTR(db_rows)) before the next statement of this transaction.
 */
#define db_query(tx, ret_rows, statement, ...)                                                     \
	db_query_values(tx, &(statement), DB_ARGS_(__VA_ARGS__), DB_COUNT_(__VA_ARGS__), ret_rows)
err db_query_values(struct db_tx *tx, const struct db_statement *s, const struct db_value *args,
	size_t count, struct db_rows **ret_rows) MUST_USE;

/* As db_query, and steps to the first row; ERR_NOT_FOUND when there is none. */
#define db_get(tx, ret_rows, statement, ...)                                                       \
	db_get_values(tx, &(statement), DB_ARGS_(__VA_ARGS__), DB_COUNT_(__VA_ARGS__), ret_rows)
err db_get_values(struct db_tx *tx, const struct db_statement *s, const struct db_value *args,
	size_t count, struct db_rows **ret_rows) MUST_USE;

/* Steps to the next row. *ret_row is false at the end. */
err db_next(struct db_rows *rows, bool *ret_row) MUST_USE;
void db_rows_free(struct db_rows *rows); /* accepts NULL */
DEFINE_AUTO_PTR(db_rows)

/*
 * Columns of the present row, from 0. NULL reads as 0 and as the empty span. Borrowed until the
 * next step. A column that is not there or of another type reads as NULL and fails the transaction
 * (ERR_BUG).
 */
int64_t db_int(struct db_rows *rows, unsigned column);
span db_text(struct db_rows *rows, unsigned column);
span db_blob(struct db_rows *rows, unsigned column);
bool db_is_null(struct db_rows *rows, unsigned column);
/* Copies in arena a. */
span db_text_in(struct db_rows *rows, unsigned column, struct arena *a);

#endif
