/*
 * A connection to PostgreSQL: opening, sending, waiting with a limit, errors.
 *
 * Between a pooler and the server a connection belongs to us for one transaction only. Hard rule:
 * nothing is left behind in it: no prepared statements, no SET except SET LOCAL.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgres.h"
#include "sys/clock.h"
#include "base/time.h"
#include "base/banned.h"

#define CONNECT_TIMEOUT_S "5"
#define MAX_PARAMS        64
/* Types of PostgreSQL's catalogue (pg_type.dat); they are part of its wire protocol. */
#define OID_BYTEA 17
#define OID_INT8  20
#define OID_TEXT  25

/* Errors --------------------------------------------------------------------------------------- */

/* https://www.postgresql.org/docs/15/errcodes-appendix.html; the first row that fits. */
static const struct {
	const char *prefix;
	err e;
	enum postgres_trouble trouble;
} sqlstates[] = {
	{"23", ERR_CONFLICT, POSTGRES_FINE},     /* a constraint */
	{"40001", ERR_BUSY, POSTGRES_CONFLICT},  /* serialisation failure */
	{"40P01", ERR_BUSY, POSTGRES_CONFLICT},  /* deadlock */
	{"55P03", ERR_BUSY, POSTGRES_FINE},      /* lock not available */
	{"57014", ERR_BUSY, POSTGRES_FINE},      /* statement_timeout */
	{"57P", ERR_UNAVAILABLE, POSTGRES_LOST}, /* shutting down, starting up */
	{"08", ERR_UNAVAILABLE, POSTGRES_LOST},
	{"53100", ERR_NO_SPACE, POSTGRES_FINE},
	{"53300", ERR_BUSY, POSTGRES_FINE}, /* too many connections */
	{"53", ERR_UNAVAILABLE, POSTGRES_FINE},
	{"54", ERR_TOO_LARGE, POSTGRES_FINE},
	{"58", ERR_IO, POSTGRES_FINE},
	{"XX001", ERR_CORRUPT, POSTGRES_FINE},
	{"XX002", ERR_CORRUPT, POSTGRES_FINE},
	{"22021", ERR_INVALID, POSTGRES_FINE}, /* not in the database's encoding */
	{"22P05", ERR_INVALID, POSTGRES_FINE},
	{"28", ERR_DENIED, POSTGRES_FINE},
	{"42501", ERR_DENIED, POSTGRES_FINE},
	{"25P04", ERR_UNAVAILABLE, POSTGRES_LOST}, /* transaction timeout */
	{"25P03", ERR_UNAVAILABLE, POSTGRES_LOST},
};

static void note(struct postgres_session *s, enum postgres_trouble trouble)
{
	s->trouble = MAX(s->trouble, trouble);
}

static err lost(struct postgres_session *s, const char *name)
{
	note(s, POSTGRES_LOST);
	db_observe(s->db, DB_EVENT_ERROR, name, 0, PQerrorMessage(s->connection));
	return ERR_UNAVAILABLE;
}

/* Of the message only the first line goes to the observer: the detail holds the values. */
static err from_result(struct postgres_session *s, const char *name, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	enum postgres_trouble trouble = POSTGRES_FINE;
	err e = ERR_BUG;

	if (!state || PQstatus(s->connection) == CONNECTION_BAD)
		return lost(s, name);
	for (size_t i = 0; i < ARRAY_LEN(sqlstates); i++) {
		if (strncmp(state, sqlstates[i].prefix, strlen(sqlstates[i].prefix)) == 0) {
			e = sqlstates[i].e;
			trouble = sqlstates[i].trouble;
			break;
		}
	}
	note(s, trouble);
	if (e != ERR_CONFLICT && trouble != POSTGRES_CONFLICT)
		db_observe(s->db, DB_EVENT_ERROR, name, 0, message ? message : state);
	return e;
}

/* Waiting -------------------------------------------------------------------------------------- */

/* Sends what is left to send and reads until an answer is whole. */
static err wait_for_answer(struct postgres_session *s, const char *name, int64_t deadline)
{
	for (;;) {
		int unsent = PQflush(s->connection);

		if (unsent < 0)
			return lost(s, name);
		if (!unsent && !PQisBusy(s->connection))
			return OK;
		int64_t left_ms = (deadline - clock_monotonic_us()) / TIME_MS;
		struct pollfd p = {.fd = PQsocket(s->connection),
			.events = (short)(POLLIN | (unsent ? POLLOUT : 0))};

		if (left_ms <= 0) {
			note(s, POSTGRES_SILENT);
			db_observe(s->db, DB_EVENT_ERROR, name, s->limit_us, "no answer in time");
			return ERR_UNAVAILABLE;
		}
		if (poll(&p, 1, (int)MIN(left_ms, INT32_MAX)) < 0 && errno != EINTR)
			return lost(s, name);
		if ((p.revents & ~POLLOUT) && !PQconsumeInput(s->connection))
			return lost(s, name);
	}
}

/* *ret is NULL when there is none any more. */
static err next_result(struct postgres_session *s, const char *name, PGresult **ret)
{
	int64_t deadline =
		s->limit_us == INT64_MAX ? INT64_MAX : clock_monotonic_us() + s->limit_us;
	err e = wait_for_answer(s, name, deadline);

	if (!e)
		*ret = PQgetResult(s->connection);
	return e;
}

static err check_result(struct postgres_session *s, const char *name, const PGresult *result)
{
	switch (PQresultStatus(result)) { /* PGRES_FATAL_ERROR for NULL */
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_SINGLE_TUPLE:
		return OK;
	default:
		return result ? from_result(s, name, result) : lost(s, name);
	}
}

/* Several statements give several results: kept is the first that failed, else the last. */
static err receive(struct postgres_session *s, const char *name, PGresult **ret)
{
	PGresult *kept = NULL, *result;
	err e;

	while (!(e = next_result(s, name, &result)) && result) {
		if (kept && PQresultStatus(kept) == PGRES_FATAL_ERROR) {
			PQclear(result);
			continue;
		}
		PQclear(kept);
		kept = result;
	}
	if (!e)
		e = check_result(s, name, kept);
	if (e) {
		PQclear(kept);
		return e;
	}
	*ret = kept;
	return OK;
}

/* Sending -------------------------------------------------------------------------------------- */

err postgres_run(struct postgres_session *s, const char *name, const char *text, PGresult **ret)
{
	if (!PQsendQuery(s->connection, text))
		return lost(s, name);
	return receive(s, name, ret);
}

err postgres_control(struct postgres_session *s, const char *name, const char *text)
{
	PGresult *result;
	err e = postgres_run(s, name, text, &result);

	if (!e)
		PQclear(result);
	return e;
}

/* The arguments as libpq wants them. Numbers go as text, everything else as its bytes. */
struct wire {
	Oid types[MAX_PARAMS];
	const char *values[MAX_PARAMS];
	int lengths[MAX_PARAMS], formats[MAX_PARAMS];
	char numbers[MAX_PARAMS][24];
};

/*
 * A type is named where it is known, so that "$1 - 1" is not taken for a 32-bit sum. It is left
 * open for NULL only.
 */
static err to_wire(struct wire *w, unsigned i, const struct db_value *v)
{
	if (v->bytes.len > INT32_MAX)
		return ERR_TOO_LARGE;
	w->types[i] = 0;
	w->values[i] = NULL;
	w->lengths[i] = (int)v->bytes.len;
	w->formats[i] = 1;
	switch (v->type) {
	case DB_INT_VALUE:
		w->types[i] = OID_INT8;
		w->formats[i] = 0;
		(void)snprintf(w->numbers[i], sizeof(w->numbers[i]), "%lld", (long long)v->number);
		w->values[i] = w->numbers[i];
		break;
	case DB_TEXT_VALUE:
	case DB_BLOB_VALUE:
		w->types[i] = v->type == DB_TEXT_VALUE ? OID_TEXT : OID_BYTEA;
		/* A NULL pointer would be NULL; the empty value is something else. */
		w->values[i] = v->bytes.len ? v->bytes.ptr : "";
		break;
	case DB_NULL_VALUE:
		break;
	}
	return OK;
}

static err send_statement(struct postgres_session *s, const struct db_statement *statement,
	const struct db_value *args)
{
	struct wire w;

	if (statement->params > MAX_PARAMS)
		return ERR_BUG;
	for (unsigned i = 0; i < statement->params; i++) {
		err e = to_wire(&w, i, &args[i]);

		if (e)
			return e;
	}
	return PQsendQueryParams(s->connection, statement->text, (int)statement->params, w.types,
		       w.values, w.lengths, w.formats, 0)
		       ? OK
		       : lost(s, statement->name);
}

err postgres_execute(struct postgres_session *s, const struct db_statement *statement,
	const struct db_value *args, PGresult **ret)
{
	err e = send_statement(s, statement, args);

	return e ? e : receive(s, statement->name, ret);
}

/* Rows one by one ------------------------------------------------------------------------------ */

err postgres_next_row(struct postgres_session *s, const char *name, PGresult **ret)
{
	PGresult *result;
	err e = next_result(s, name, &result);

	if (e)
		return e;
	e = check_result(s, name, result);
	if (!e) {
		*ret = result;
		return OK;
	}
	PQclear(result);
	(void)postgres_end_rows(s, name); /* what failed first is told */
	return e;
}

err postgres_first_row(struct postgres_session *s, const struct db_statement *statement,
	const struct db_value *args, PGresult **ret)
{
	err e = send_statement(s, statement, args);

	if (!e && !PQsetSingleRowMode(s->connection))
		e = lost(s, statement->name);
	return e ? e : postgres_next_row(s, statement->name, ret);
}

err postgres_end_rows(struct postgres_session *s, const char *name)
{
	PGresult *result;
	err failed = OK;

	for (;;) {
		err e = next_result(s, name, &result);

		if (e || !result)
			return failed ? failed : e;
		if (!failed)
			failed = check_result(s, name, result);
		PQclear(result);
	}
}

/* Opening -------------------------------------------------------------------------------------- */

static void ignore_notice(void *arg UNUSED, const PGresult *result UNUSED)
{
	/* "relation already exists, skipping": libpq would print it. */
}

static PGconn *connect_to(const char *url)
{
	/* What stands before the URL may be overridden by it, what stands behind may not. */
	static const char *const keywords[] = {"connect_timeout", "keepalives_idle",
		"keepalives_interval", "tcp_user_timeout", "fallback_application_name", "dbname",
		"client_encoding", NULL};
	const char *const values[] = {
		CONNECT_TIMEOUT_S, "30", "10", "20000", "slipway", url, "UTF8", NULL};

	return PQconnectdbParams(keywords, values, 1);
}

err postgres_session_open(struct db *db, const char *url, struct postgres_session **ret)
{
	struct postgres_session *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	s->db = db;
	s->connection = connect_to(url);
	if (!s->connection || PQstatus(s->connection) != CONNECTION_OK ||
		PQsetnonblocking(s->connection, 1)) {
		err e = s->connection ? lost(s, "connect") : ERR_NOMEM;

		postgres_session_close(s);
		return e;
	}
	(void)PQsetNoticeReceiver(s->connection, ignore_notice, NULL); /* gives the one before */
	*ret = s;
	return OK;
}

void postgres_session_close(void *session)
{
	struct postgres_session *s = session;

	if (!s)
		return;
	PQfinish(s->connection);
	free(s);
}

/*
 * A server that went away has closed the connection, or has said why first: there is something to
 * read. The rest of what a server says unasked (a changed setting) is worth a new connection too.
 */
bool postgres_session_is_alive(struct postgres_session *s)
{
	struct pollfd p = {.fd = PQsocket(s->connection), .events = POLLIN};

	return poll(&p, 1, 0) == 0 && PQstatus(s->connection) == CONNECTION_OK;
}
