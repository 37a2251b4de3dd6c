/*
 * A connection to a SQLite database: its settings, its prepared statements, its errors.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db/sqlite.h"
#include "sys/clock.h"
#include "base/time.h"
#include "base/banned.h"

/* Pages in the WAL at which a commit copies them into the database: 16 MB. */
#define CHECKPOINT_PAGES 4096

/* Errors --------------------------------------------------------------------------------------- */

static err from_constraint(int extended)
{
	/* A value of the wrong type for a STRICT column: the program's mistake. */
	return extended == SQLITE_CONSTRAINT_DATATYPE ? ERR_BUG : ERR_CONFLICT;
}

/* What the system said, where it helps; "not found" would be taken for a missing row. */
static err from_system(int system_error)
{
	err e = err_from_errno(system_error);

	return e == ERR_NO_SPACE || e == ERR_DENIED ? e : ERR_IO;
}

static err from_code(int extended, int system_error)
{
	switch (extended & 0xff) {
	case SQLITE_OK:
		return OK;
	case SQLITE_CONSTRAINT:
		return from_constraint(extended);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return ERR_BUSY;
	case SQLITE_FULL:
		return ERR_NO_SPACE;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return extended == SQLITE_CANTOPEN_SYMLINK ? ERR_INVALID
							   : from_system(system_error);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_TOOBIG:
		return ERR_TOO_LARGE;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return ERR_DENIED;
	default:
		return ERR_BUG;
	}
}

err sqlite_failure(struct sqlite_session *s, const char *statement_name)
{
	int code = sqlite3_extended_errcode(s->handle);
	err e = from_code(code, sqlite3_system_errno(s->handle));

	/* Else the statement wrote in a DB_READ: the program's mistake. */
	if (code == SQLITE_READONLY && sqlite3_db_readonly(s->handle, "main") == 1)
		e = ERR_DENIED;

	if (e != ERR_CONFLICT)
		db_observe(s->db, DB_EVENT_ERROR, statement_name, 0, sqlite3_errmsg(s->handle));
	return e ? e : ERR_BUG;
}

bool sqlite_is_fatal(err e)
{
	return e == ERR_IO || e == ERR_NO_SPACE || e == ERR_CORRUPT || e == ERR_NOMEM ||
	       e == ERR_UNAVAILABLE;
}

/* Prepared statements -------------------------------------------------------------------------- */

/*
 * Open addressing by the statement's address. Statements are constants of the program, so the
 * table stops growing by itself and nothing is ever removed.
 */
struct statement_cache {
	size_t size, used; /* size is a power of two, at least twice used */
	struct cached {
		const struct db_statement *key;
		sqlite3_stmt *prepared;
	} * slots;
};

static struct cached *find_slot(struct cached *slots, size_t size, const struct db_statement *key)
{
	size_t at =
		(size_t)(((uintptr_t)key >> 3) * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (size - 1);

	while (slots[at].key && slots[at].key != key)
		at = (at + 1) & (size - 1);
	return &slots[at];
}

static err cache_grow(struct statement_cache *c)
{
	size_t size = c->size ? c->size * 2 : 64;
	struct cached *slots = calloc(size, sizeof(*slots));

	if (!slots)
		return ERR_NOMEM;
	for (size_t i = 0; i < c->size; i++)
		if (c->slots[i].key)
			*find_slot(slots, size, c->slots[i].key) = c->slots[i];
	free(c->slots);
	c->slots = slots;
	c->size = size;
	return OK;
}

static void cache_free(struct statement_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->size; i++)
		(void)sqlite3_finalize(c->slots[i].prepared); /* repeats an error already told */
	free(c->slots);
	free(c);
}

err sqlite_statement(
	struct sqlite_session *s, const struct db_statement *statement, sqlite3_stmt **ret)
{
	struct statement_cache *c = s->cache;

	if (c->used * 2 >= c->size) {
		err e = cache_grow(c);

		if (e)
			return e;
	}
	struct cached *slot = find_slot(c->slots, c->size, statement);

	if (!slot->key) {
		if (sqlite3_prepare_v3(s->handle, statement->text, -1, SQLITE_PREPARE_PERSISTENT,
			    &slot->prepared, NULL))
			return sqlite_failure(s, statement->name);
		slot->key = statement;
		c->used++;
	}
	*ret = slot->prepared;
	return OK;
}

err sqlite_control(struct sqlite_session *s, const struct db_statement *statement)
{
	sqlite3_stmt *prepared;
	err e = sqlite_statement(s, statement, &prepared);

	if (e)
		return e;
	if (sqlite3_step(prepared) != SQLITE_DONE)
		e = sqlite_failure(s, statement->name);
	(void)sqlite3_reset(prepared); /* repeats the error of the step */
	return e;
}

/* Opening -------------------------------------------------------------------------------------- */

/*
 * The default hook forgets a failed checkpoint. The commit it follows is safe in the WAL and the
 * pages will be copied again from there, but a disk that fails must be heard of.
 */
static int on_commit(void *arg, sqlite3 *handle, const char *name, int pages)
{
	struct sqlite_session *s = arg;

	if (pages < CHECKPOINT_PAGES)
		return SQLITE_OK;
	int rc = sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY && (rc & 0xff) != SQLITE_LOCKED)
		(void)sqlite_failure(s, "checkpoint"); /* the observer is told; the commit stands */
	return SQLITE_OK;
}

/* Two processes that open a new database at once collide here, without SQLite waiting for it. */
static err enter_wal_mode(struct sqlite_session *s)
{
	static const struct db_statement wal = {"journal_mode", "PRAGMA journal_mode = WAL", 0};
	int64_t deadline = clock_monotonic_us() + s->db->wait_us;
	sqlite3_stmt *prepared;

	for (;;) {
		err e = sqlite_statement(s, &wal, &prepared);

		if (!e && sqlite3_step(prepared) == SQLITE_ROW) {
			const unsigned char *mode = sqlite3_column_text(prepared, 0);
			bool entered = mode && strcmp((const char *)mode, "wal") == 0;

			(void)sqlite3_reset(prepared);
			return entered ? OK : ERR_IO; /* a file system without shared memory */
		}
		if (!e) {
			e = from_code(sqlite3_extended_errcode(s->handle), 0);
			(void)sqlite3_reset(prepared);
		}
		if (e != ERR_BUSY || clock_monotonic_us() > deadline)
			return e ? e : ERR_BUG;
		(void)nanosleep(&(struct timespec){.tv_nsec = 5 * 1000 * 1000}, NULL);
	}
}

/*
 * After a crash the WAL may end in frames whose fsync once failed: the kernel shows them, the disk
 * may not have them, and what is appended behind such a hole is lost at the next crash although its
 * own fsync went well. So what the WAL holds is moved into the database before the first write, and
 * the WAL begins anew. Where another process works on the database it has done that; BUSY is fine.
 */
err sqlite_begin_new_wal(struct sqlite_session *s)
{
	if (s->has_new_wal)
		return OK;
	int rc = sqlite3_wal_checkpoint_v2(
		s->handle, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	bool busy = (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED;

	if (rc != SQLITE_OK && !busy)
		return sqlite_failure(s, "checkpoint");
	s->has_new_wal = true;
	return OK;
}

static err configure_writer(struct sqlite_session *s)
{
	err e = enter_wal_mode(s);

	if (!e) {
		(void)sqlite3_busy_timeout(
			s->handle, 0); /* a process that reads is not waited for */
		e = sqlite_begin_new_wal(s);
		(void)sqlite3_busy_timeout(s->handle, (int)(s->db->wait_us / TIME_MS));
	}
	(void)sqlite3_wal_hook(s->handle, on_commit, s); /* gives the one before */
	/* With a full disk reading works; the first write tries again. */
	return e == ERR_NO_SPACE ? OK : e;
}

static err configure(struct sqlite_session *s, bool writer)
{
	static const char common[] = "PRAGMA synchronous = FULL;"
				     "PRAGMA foreign_keys = ON;"
				     "PRAGMA trusted_schema = OFF;"
				     "PRAGMA cell_size_check = ON;"
				     /* Savepoints spill into memory, not into files elsewhere. */
				     "PRAGMA temp_store = MEMORY;"
				     "PRAGMA cache_size = -8192;"
				     /* A WAL that a long reader let grow shrinks again. */
				     "PRAGMA journal_size_limit = 67108864;";
	err e = OK;

	/* Neither can fail. */
	(void)sqlite3_busy_timeout(s->handle, (int)(s->db->wait_us / TIME_MS));
	(void)sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (sqlite3_exec(s->handle, common, NULL, NULL, NULL))
		return sqlite_failure(s, "open");
	if (writer)
		e = configure_writer(s);
	else if (sqlite3_exec(s->handle, "PRAGMA query_only = ON", NULL, NULL, NULL))
		e = sqlite_failure(s, "open");
	return e;
}

err sqlite_session_open(struct db *db, bool writer, struct sqlite_session **ret)
{
	const struct sqlite_state *state = db->state;
	struct sqlite_session *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	s->db = db;
	s->cache = calloc(1, sizeof(*s->cache));
	int rc = sqlite3_open_v2(state->path, &s->handle,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
		sqlite_vfs_name());
	err e = !s->cache || !s->handle ? ERR_NOMEM
		: rc                    ? sqlite_failure(s, "open")
					: configure(s, writer);

	if (e) {
		sqlite_session_close(s);
		return e;
	}
	*ret = s;
	return OK;
}

void sqlite_session_close(void *session)
{
	struct sqlite_session *s = session;

	if (!s)
		return;
	cache_free(s->cache);
	(void)sqlite3_close(
		s->handle); /* fails only with statements left open, and there are none */
	free(s);
}
