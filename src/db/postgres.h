#ifndef SLIPWAY_DB_POSTGRES_H
#define SLIPWAY_DB_POSTGRES_H

/* Shared by the files of the PostgreSQL engine. */

#include <libpq-fe.h>

#include "db/engine.h"

/* What happened to the present transaction besides its error; decides whether it may run again. */
enum postgres_trouble {
	POSTGRES_FINE,
	POSTGRES_CONFLICT, /* serialisation failure or deadlock: run it again */
	POSTGRES_LOST,     /* the connection broke */
	POSTGRES_SILENT    /* no answer within the time limit; the connection is given up */
};

/* One connection, used by one thread at a time. */
struct postgres_session {
	struct db *db;
	PGconn *connection;
	enum postgres_trouble trouble; /* of the present transaction: the gravest */
	int64_t limit_us;              /* how long to wait for each answer; INT64_MAX: for ever */
};

/* postgres_session.c */
err postgres_session_open(struct db *db, const char *url, struct postgres_session **ret) MUST_USE;
void postgres_session_close(void *session); /* accepts NULL */
/* Whether an idle connection is still good, as far as can be seen without asking the server. */
bool postgres_session_is_alive(struct postgres_session *s);

/* Runs one or more statements without parameters; name is for the observer. */
err postgres_control(struct postgres_session *s, const char *name, const char *text) MUST_USE;
/* As postgres_control; gives the last result (PQclear). */
err postgres_run(
	struct postgres_session *s, const char *name, const char *text, PGresult **ret) MUST_USE;
/* Runs a statement with its arguments. Gives the result (PQclear), of whatever kind it is. */
err postgres_execute(struct postgres_session *s, const struct db_statement *statement,
	const struct db_value *args, PGresult **ret) MUST_USE;
/*
 * The same, row by row: however many there are, only one is in memory. Each gives a result
 * (PQclear) of status PGRES_SINGLE_TUPLE, or of another one behind the last row; before the next
 * statement postgres_end_rows() reads over what is left, unless one of them has failed.
 */
err postgres_first_row(struct postgres_session *s, const struct db_statement *statement,
	const struct db_value *args, PGresult **ret) MUST_USE;
err postgres_next_row(struct postgres_session *s, const char *name, PGresult **ret) MUST_USE;
err postgres_end_rows(struct postgres_session *s, const char *name);

#endif
