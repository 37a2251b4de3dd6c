#ifndef SLIPWAY_DB_SQLITE_H
#define SLIPWAY_DB_SQLITE_H

/* Shared by the files of the SQLite engine. */

#include <sqlite3.h>

#include "db/engine.h"

struct sqlite_writer;

struct sqlite_state {
	char *path;
	struct pool *readers;
	struct sqlite_writer *writer;
};

/* One connection, used by one thread at a time. */
struct sqlite_session {
	struct db *db;
	sqlite3 *handle;
	struct statement_cache *cache; /* prepared statements by address */
	bool has_new_wal;              /* the writer's: sqlite_begin_new_wal() was done */
};

/* sqlite_vfs.c: registers the file system below (once); its name for sqlite3_open_v2(). */
const char *sqlite_vfs_name(void);

/* sqlite_session.c */
err sqlite_session_open(struct db *db, bool writer, struct sqlite_session **ret) MUST_USE;
void sqlite_session_close(void *session); /* accepts NULL */
/* Must have succeeded once before this connection writes. Outside a transaction. */
err sqlite_begin_new_wal(struct sqlite_session *s) MUST_USE;
/* Runs BEGIN, COMMIT and the like. */
err sqlite_control(struct sqlite_session *s, const struct db_statement *statement) MUST_USE;
err sqlite_statement(struct sqlite_session *s, const struct db_statement *statement,
	sqlite3_stmt **ret) MUST_USE;
/* The err for the session's last failure; tells the observer about all but constraints. */
err sqlite_failure(struct sqlite_session *s, const char *statement_name);
/* Whether an engine failure means that the whole transaction, all members of it, has to end. */
bool sqlite_is_fatal(err e);

/* sqlite_writer.c */
/* Takes the session. */
struct sqlite_writer *sqlite_writer_new(struct sqlite_session *session);
void sqlite_writer_free(struct sqlite_writer *w); /* accepts NULL */
err sqlite_write(struct db *db, struct sqlite_writer *w, db_body *body, void *arg) MUST_USE;

#endif
