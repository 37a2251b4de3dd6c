/*
 * The PostgreSQL engine. Transactions are serialisable: the server finds out when two of them could
 * not have run one after the other and fails one, which is then run again here.
 *
 *   session from the pool ─ BEGIN; SET LOCAL ─ body ─ COMMIT ─ session back
 *        ^                    |  conflict or lost connection   |  conflict
 *        └─ back off, gate ───┴────────────────────────────────┘
 *
 * Hard rule: once COMMIT has been sent and the connection breaks, nobody knows whether it was done;
 * that is ERR_UNAVAILABLE and never run again.
 *
 * The gate: transactions of this process that failed by a conflict go one at a time from then on,
 * so that a crowd at one row makes progress with every try instead of failing each other.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/random.h"
#include "db/pool.h"
#include "db/postgres.h"
#include "db/turn.h"
#include "sys/clock.h"
#include "base/time.h"
#include "base/banned.h"

#define ATTEMPTS 12
/* A broken connection is mostly the sign of a restart: the next one is new, and works or not. */
#define ATTEMPTS_LOST       3
#define STATEMENT_TIMEOUT_S 30
#define ANSWER_LIMIT_US     ((STATEMENT_TIMEOUT_S + 5) * TIME_SECOND)
#define MAX_BACK_OFF_US     (64 * TIME_MS)

#define TEXT_OF_(x) #x
#define TEXT_OF(x)  TEXT_OF_(x)
#define LIMITS      "SET LOCAL statement_timeout = '" TEXT_OF(STATEMENT_TIMEOUT_S) "s'"

static const char begin_read[] = "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; " LIMITS;
static const char begin_write[] = "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE; " LIMITS;
static const char begin_in_turn[] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; " LIMITS;
/* Read committed: each statement sees what was committed before it, also while the lock was waited
 * for; a serialisable transaction would go on seeing the time before. */
static const char begin_script[] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "
				   "SET LOCAL statement_timeout = 0";

struct postgres_state {
	char *url;
	struct pool *pool;
	struct turn gate;
};

/* Statements ----------------------------------------------------------------------------------- */

static err engine_exec(struct db_tx *tx, const struct db_statement *s, const struct db_value *args,
	int64_t *ret_changed)
{
	PGresult *result;
	err e = postgres_execute(tx->session, s, args, &result);

	if (e)
		return e;
	span changed = span_from(PQcmdTuples(result)); /* empty where nothing is counted */

	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		e = ERR_BUG; /* gives rows: a matter for db_query */
	else if (changed.len)
		e = span_to_i64(changed, ret_changed);
	PQclear(result);
	return e;
}

/* rows->cursor: the result of one row, or the one behind the last; rows->position: 1 once it was
 * stepped to. */
static err engine_query(struct db_rows *rows, const struct db_value *args)
{
	PGresult *result;
	err e = postgres_first_row(rows->tx->session, rows->statement, args, &result);

	if (!e)
		rows->cursor = result;
	return e;
}

static bool is_row(const struct db_rows *rows)
{
	return PQresultStatus(rows->cursor) == PGRES_SINGLE_TUPLE;
}

static err engine_next(struct db_rows *rows, bool *ret_row)
{
	if (rows->position == 1 && is_row(rows)) {
		PQclear(rows->cursor);
		rows->cursor = NULL;
		PGresult *result;
		err e = postgres_next_row(rows->tx->session, rows->statement->name, &result);

		if (e)
			return e;
		rows->cursor = result;
	}
	rows->position = 1;
	*ret_row = is_row(rows);
	return OK;
}

/* A statement may fail after rows that were all the body wanted: it fails the transaction. */
static void engine_finish(struct db_rows *rows)
{
	PQclear(rows->cursor);
	err e = postgres_end_rows(rows->tx->session, rows->statement->name);

	if (e && !rows->tx->failed)
		rows->tx->failed = e;
}

/* Both ways a server may write bytes, hex and escape, depending on its settings. */
static err decode_bytea(struct db_rows *rows, const char *text, struct db_value *ret)
{
	size_t len;
	unsigned char *bytes = PQunescapeBytea((const unsigned char *)text, &len);

	if (!bytes)
		return ERR_NOMEM;
	if (!rows->scratch)
		rows->scratch = arena_new();
	arena_on_free(rows->scratch, PQfreemem, bytes);
	*ret = DB_BLOB(span_of(bytes, len));
	return OK;
}

static err to_number(span text, struct db_value *ret)
{
	int64_t number;

	if (span_to_i64(text, &number))
		return ERR_BUG; /* a fraction, or out of range */
	*ret = DB_INT(number);
	return OK;
}

/* The numbers are the types' in PostgreSQL's catalogue (pg_type.dat). */
static err engine_column(struct db_rows *rows, unsigned column, struct db_value *ret)
{
	const PGresult *result = rows->cursor;
	int at = (int)column;

	if (at >= PQnfields(result))
		return ERR_BUG;
	if (PQgetisnull(result, 0, at)) {
		*ret = DB_NULL;
		return OK;
	}
	const char *value = PQgetvalue(result, 0, at);
	span text = span_of(value, (size_t)PQgetlength(result, 0, at));

	switch (PQftype(result, at)) {
	case 16: /* boolean */
		*ret = DB_INT(*value == 't');
		return OK;
	case 20:   /* bigint */
	case 21:   /* smallint */
	case 23:   /* integer */
	case 1700: /* numeric: what SUM() of bigints gives */
		return to_number(text, ret);
	case 17: /* bytea */
		return decode_bytea(rows, value, ret);
	case 25:   /* text */
	case 1043: /* varchar */
		*ret = DB_BLOB(text);
		return OK;
	default:
		return ERR_BUG;
	}
}

static err engine_script(struct db_tx *tx, const char *text)
{
	return postgres_control(tx->session, "migration", text);
}

static err engine_lock_schema(struct db_tx *tx)
{
	/* The number only has to differ from those of other programs in this database. */
	return postgres_control(
		tx->session, "schema_lock", "SELECT pg_advisory_xact_lock(7308339910637985895)");
}

/* Sessions ------------------------------------------------------------------------------------- */

static err session_take(struct db *db, struct postgres_session **ret)
{
	struct postgres_state *state = db->state;
	struct postgres_session *s;
	void *idle;
	err e = pool_take(state->pool, db->wait_us, &idle);

	if (e)
		return e;
	for (s = idle; s && !postgres_session_is_alive(s); s = pool_take_idle(state->pool))
		postgres_session_close(s);
	if (!s)
		e = postgres_session_open(db, state->url, &s);
	if (e) {
		pool_give(state->pool, NULL);
		return e;
	}
	s->trouble = POSTGRES_FINE;
	*ret = s;
	return OK;
}

static void session_give(struct db *db, struct postgres_session *s)
{
	struct postgres_state *state = db->state;

	if (s->trouble >= POSTGRES_LOST || PQtransactionStatus(s->connection) != PQTRANS_IDLE) {
		postgres_session_close(s);
		s = NULL;
	}
	pool_give(state->pool, s);
}

/* Transactions --------------------------------------------------------------------------------- */

struct attempt {
	enum db_mode mode;
	bool script;
	db_body *body;
	void *arg;
	enum postgres_trouble trouble; /* CONFLICT and LOST: it may run again */
};

static err commit(struct postgres_session *s)
{
	PGresult *result;
	err e = postgres_run(s, "commit", "COMMIT", &result);

	if (e)
		return e;
	/* COMMIT of a failed transaction succeeds, and does this. */
	if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
		e = ERR_BUG;
	PQclear(result);
	return e;
}

/* With a begun transaction; ends it. */
static err run_begun(struct db *db, struct postgres_session *s, struct attempt *a)
{
	struct db_tx tx = {.db = db, .session = s, .mode = a->mode};
	err e = db_run_body(&tx, a->body, a->arg);

	a->trouble = s->trouble;
	if (!e && s->trouble == POSTGRES_FINE) {
		int64_t start = clock_monotonic_us();

		e = commit(s);
		a->trouble = s->trouble;
		if (a->mode != DB_READ && s->trouble == POSTGRES_LOST)
			a->trouble = POSTGRES_SILENT; /* nobody knows: not again */
		db_observe_duration(db, "commit", clock_monotonic_us() - start);
	}
	if (PQtransactionStatus(s->connection) != PQTRANS_IDLE && s->trouble < POSTGRES_LOST) {
		err undone = postgres_control(s, "rollback", "ROLLBACK");

		(void)undone; /* session_give() sees a transaction that is still open */
	}
	/* Whatever the body made of it. */
	return a->trouble == POSTGRES_FINE       ? e
	       : a->trouble == POSTGRES_CONFLICT ? ERR_BUSY
						 : ERR_UNAVAILABLE;
}

static err run_once(struct db *db, struct attempt *a)
{
	struct postgres_session *s;
	err e = session_take(db, &s);

	a->trouble = POSTGRES_FINE;
	if (e)
		return e;
	s->limit_us = a->script ? INT64_MAX : ANSWER_LIMIT_US;
	e = postgres_control(s, "begin",
		a->script                     ? begin_script
		: a->mode == DB_READ          ? begin_read
		: a->mode == DB_WRITE_IN_TURN ? begin_in_turn
					      : begin_write);
	if (e)
		a->trouble = s->trouble;
	else
		e = run_begun(db, s, a);
	session_give(db, s);
	return e;
}

static void back_off(unsigned attempt)
{
	int64_t ceiling = MIN(TIME_MS << attempt, MAX_BACK_OFF_US);
	int64_t us = random_below((uint32_t)ceiling); /* full jitter: a crowd spreads out */

	(void)nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL); /* early is as good */
}

static bool may_run_again(const struct attempt *a, unsigned attempts)
{
	return (a->trouble == POSTGRES_CONFLICT && attempts < ATTEMPTS) ||
	       (a->trouble == POSTGRES_LOST && attempts < ATTEMPTS_LOST);
}

static err engine_transact(struct db *db, enum db_mode mode, bool script, db_body *body, void *arg)
{
	struct postgres_state *state = db->state;
	struct attempt a = {.mode = mode, .script = script, .body = body, .arg = arg};
	int64_t start = clock_monotonic_us();
	bool inside_gate = false;
	err e = run_once(db, &a);

	for (unsigned attempts = 1; may_run_again(&a, attempts); attempts++) {
		bool conflict = a.trouble == POSTGRES_CONFLICT;

		db_observe(db, DB_EVENT_RETRY, conflict ? "conflict" : "connection lost",
			clock_monotonic_us() - start, "");
		if (conflict && !inside_gate) {
			e = turn_enter(&state->gate, db->wait_us);
			if (e)
				return e;
			inside_gate = true;
		}
		back_off(attempts);
		e = run_once(db, &a);
	}
	if (inside_gate)
		turn_leave(&state->gate);
	return e;
}

/* Opening -------------------------------------------------------------------------------------- */

static bool is_valid_url(const char *url)
{
	/* The message is not asked for: it may repeat the URL, and with it the password. */
	PQconninfoOption *options = PQconninfoParse(url, NULL);

	PQconninfoFree(options);
	return options != NULL;
}

static void engine_close(struct db *db)
{
	struct postgres_state *state = db->state;

	pool_free(state->pool, postgres_session_close);
	turn_done(&state->gate);
	free(state->url);
	free(state);
}

static err engine_open(struct db *db, const char *where)
{
	struct postgres_session *s;

	if (!is_valid_url(where))
		return ERR_INVALID;
	struct postgres_state *state = calloc(1, sizeof(*state));

	if (!state)
		return ERR_NOMEM;
	db->state = state;
	state->url = strdup(where);
	state->pool = pool_new(db->max_sessions);
	turn_init(&state->gate, 1);
	err e = state->url ? session_take(db, &s) : ERR_NOMEM;

	if (e)
		engine_close(db);
	else
		session_give(db, s);
	return e;
}

static const struct db_statement has_schema = {"schema_exists",
	"SELECT COUNT(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('schema_migrations')", 0};

const struct db_engine db_postgres_engine = {
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
	.is_sqlite = false,
};
