#ifndef SLIPWAY_DB_ENGINE_H
#define SLIPWAY_DB_ENGINE_H

/*
 * What an engine (sqlite.c, postgres.c) does for db.c. db.c checks arguments, measures, and keeps
 * the rules that hold on both engines; an engine talks to its library and translates its errors.
 *
 * The first failed statement of a transaction decides its fate (tx->failed): statements after it
 * are refused, and the transaction never commits, whatever its body returns. PostgreSQL works so by
 * itself; SQLite is made to.
 */

#include "db/db.h"
#include "db/statement.h"

/* At most one set of rows is open per transaction, so it lives inside it. */
struct db_rows {
	struct db_tx *tx;
	const struct db_statement *statement; /* NULL: not open */
	void *cursor;                         /* sqlite3_stmt or PGresult, the engine's */
	int position;                         /* the engine's */
	bool has_row;
	int64_t spent_us;
	struct arena *scratch; /* decoded values of the present row; NULL until needed */
};

struct db_tx {
	struct db *db;
	void *session; /* the engine's connection */
	enum db_mode mode;
	err failed;
	struct db_rows rows;
};

struct db_engine {
	/* where: the URL (PostgreSQL) or the path (SQLite). Sets db->state. */
	err (*open)(struct db *db, const char *where);
	void (*close)(struct db *db);
	/* script: a DDL transaction of db_migrate(): read committed, no time limit, may use script.
	 */
	err (*transact)(struct db *db, enum db_mode mode, bool script, db_body *body, void *arg);
	err (*exec)(struct db_tx *tx, const struct db_statement *s, const struct db_value *args,
		int64_t *ret_changed);
	/* Runs up to the first row; sets rows->cursor. */
	err (*query)(struct db_rows *rows, const struct db_value *args);
	err (*next)(struct db_rows *rows, bool *ret_row);
	void (*finish)(struct db_rows *rows);
	/* Text and blob both come as bytes; DB_INT_VALUE for every whole number. */
	err (*column)(struct db_rows *rows, unsigned column, struct db_value *ret);
	/* Several statements, without parameters. */
	err (*script)(struct db_tx *tx, const char *text);
	/* One process migrates at a time: until this transaction ends. */
	err (*lock_schema)(struct db_tx *tx);
	const struct db_statement
		*has_schema; /* one row, one integer: is there schema_migrations? */
	bool is_sqlite;
};

extern const struct db_engine db_sqlite_engine;
extern const struct db_engine db_postgres_engine;

struct db {
	const struct db_engine *engine;
	void *state; /* the engine's */
	unsigned max_sessions;
	int64_t wait_us, slow_us;
	db_observer *observer;
	void *observer_ctx;
};

/*
 * Runs the body once in a transaction the engine has begun. OK: the engine is to commit. Closes
 * rows the body left open.
 */
err db_run_body(struct db_tx *tx, db_body *body, void *arg) MUST_USE;
/* db_transact with the script flag, for db_migrate(). */
err db_transact_script(struct db *db, db_body *body, void *arg) MUST_USE;
/* Runs a script inside such a transaction; name is for the observer. */
err db_script(struct db_tx *tx, const char *name, const char *text) MUST_USE;

void db_observe(struct db *db, enum db_event event, const char *name, int64_t duration_us,
	const char *message);
/* DB_EVENT_SLOW if it was; gives the duration. */
void db_observe_duration(struct db *db, const char *name, int64_t duration_us);

#endif
