/*
 * Hard rule: what lets its reader in stands in the outbox only as long as it has to be sent.
 */
#include "service/mail.h"

#include <stdio.h>

#include "base/time.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "net/mail.h"
#include "service/mail_queries.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/log.h"

#include "base/banned.h"

#define LIFE_US       TIME_DAY
#define KEPT_US       (30 * TIME_DAY)
#define CLAIM_US      (15 * TIME_MINUTE) /* above the largest mail.timeout */
#define FIRST_WAIT_US (15 * TIME_SECOND)
#define WAIT_MAX_US   TIME_HOUR
#define SUBJECT_MAX   1000
#define TEXT_MAX      16384
#define PASSWORD_MAX  1024

bool mail_is_on(const struct service *s)
{
	return *conf_str(s->conf, CONF_MAIL_SERVER) && *conf_str(s->conf, CONF_MAIL_FROM);
}

/* Into the outbox ------------------------------------------------------------------------------ */

static void write_text(const struct task *t, enum mail_kind kind, const struct mail_facts *facts,
	struct buf *subject, struct buf *text)
{
	struct mail_facts f = *facts;

	f.service = span_from(conf_str(t->service->conf, CONF_MAIL_NAME));
	f.url = service_url(t->service, t->arena, "");
	buf_init(subject, SUBJECT_MAX);
	buf_init(text, TEXT_MAX);
	mail_write(kind, &f, subject, text);
}

err mail_enqueue(struct db_tx *tx, const struct task *t, enum mail_kind kind, span to,
	const struct mail_facts *facts)
{
	AUTO(buf) subject = {0};
	struct buf text;
	char id[TYPEID_SIZE];
	int64_t end = t->now_us + LIFE_US;

	if (!mail_is_on(t->service))
		return OK;
	if (!mail_address_is_valid(to))
		return ERR_INVALID;
	if (facts->expires_at_us)
		end = MIN(end, facts->expires_at_us);
	random_id("mail", t->now_us, id);
	write_text(t, kind, facts, &subject, &text);
	err e = buf_error(&subject) ? buf_error(&subject) : buf_error(&text);

	if (!e)
		e = db_exec(tx, mail_add, DB_CSTR(id), DB_CSTR(mail_kind_name(kind)), DB_TEXT(to),
			DB_TEXT(buf_span(&subject)), DB_TEXT(buf_span(&text)), DB_INT(t->now_us),
			DB_INT(end));
	buf_wipe(&text);
	return e;
}

/* Out of it ------------------------------------------------------------------------------------ */

struct mail {
	struct task *task;
	span id, kind, to, subject, body;
	int64_t created_at_us, expires_at_us, attempts, claimed_until_us;
	bool found;
	/* How it ended. */
	const char *state; /* NULL: to be tried again */
	const char *why;
	int64_t next_at_us;
};

static err claim_body(struct db_tx *tx, void *arg)
{
	struct mail *m = arg;
	struct arena *a = m->task->arena;
	AUTO_PTR(db_rows) rows = NULL;

	m->found = false;
	m->claimed_until_us = m->task->now_us + CLAIM_US;
	err e = db_query(
		tx, &rows, mail_claim, DB_INT(m->claimed_until_us), DB_INT(m->task->now_us));

	if (!e)
		e = db_next(rows, &m->found);
	if (e || !m->found)
		return e;
	m->id = db_text_in(rows, 0, a);
	m->kind = db_text_in(rows, 1, a);
	m->to = db_text_in(rows, 2, a);
	m->subject = db_text_in(rows, 3, a);
	m->body = db_text_in(rows, 4, a);
	m->created_at_us = db_int(rows, 5);
	m->expires_at_us = db_int(rows, 6);
	m->attempts = db_int(rows, 7);
	return OK;
}

static err done_body(struct db_tx *tx, void *arg)
{
	const struct mail *m = arg;

	if (m->state)
		return db_exec(tx, mail_finish, DB_CSTR(m->state), DB_INT(m->task->now_us),
			DB_CSTR(m->why), DB_TEXT(m->id), DB_INT(m->claimed_until_us));
	return db_exec(tx, mail_postpone, DB_INT(m->next_at_us), DB_CSTR(m->why), DB_TEXT(m->id),
		DB_INT(m->claimed_until_us));
}

/* Text that is allowed in a database and a log: what a mail server said is anything. */
static const char *tame(struct arena *a, const char *text)
{
	AUTO(buf) out = {0};
	span s = span_from(text);

	buf_init(&out, MAIL_DETAIL_SIZE);
	for (size_t i = 0; i < s.len; i++)
		buf_add_byte(&out, s.ptr[i] >= ' ' && s.ptr[i] < 0x7f ? s.ptr[i] : '?');
	return arena_str(a, buf_span(&out));
}

static err build_and_send(struct task *t, const struct mail *m, struct mail_outcome *ret)
{
	const struct conf *conf = t->service->conf;
	struct mail_server server = {.url = conf_str(conf, CONF_MAIL_SERVER),
		.user = conf_str(conf, CONF_MAIL_USER),
		.ca_file = conf_str(conf, CONF_MAIL_CA),
		.timeout_us = conf_int(conf, CONF_MAIL_TIMEOUT)};
	span from = span_from(conf_str(conf, CONF_MAIL_FROM));
	struct mail_message message = {.from_name = span_from(conf_str(conf, CONF_MAIL_NAME)),
		.from = from,
		.to = m->to,
		.subject = m->subject,
		.text = m->body,
		.message_id = m->id,
		.date_us = m->created_at_us};
	const char *file = conf_str(conf, CONF_MAIL_PASSWORD);
	struct buf text, password;
	bool wide = false;
	err e = OK;

	*ret = (struct mail_outcome){0};
	buf_init(&password, PASSWORD_MAX);
	buf_init(&text, MAIL_MESSAGE_MAX);
	if (*file)
		e = secret_file_read(file, &password, &wide);
	if (e)
		(void)snprintf(ret->detail, sizeof(ret->detail),
			"mail.password_file cannot be read: %s", err_title(e));
	server.password = buf_str(&password);
	if (!e && mail_build(&message, &text)) {
		ret->permanent = !mail_address_is_valid(m->to);
		(void)snprintf(ret->detail, sizeof(ret->detail), "%s is no mail address",
			ret->permanent ? "The recipient" : "mail.from");
		e = ERR_INVALID;
	}
	if (!e)
		e = mail_send(&server, from, m->to, buf_span(&text), ret);
	buf_wipe(&password);
	buf_wipe(&text);
	return e;
}

/* 15 s, 30 s, 1 min … an hour, each a quarter more or less: servers that come back get no crowd. */
static int64_t wait_after(int64_t attempts)
{
	int64_t wait = MIN(FIRST_WAIT_US << MIN(attempts - 1, 20), WAIT_MAX_US);

	return wait * 3 / 4 + (int64_t)random_below((uint32_t)(wait / 2 / TIME_MS)) * TIME_MS;
}

static err finish(struct mail *m, err sent, const struct mail_outcome *outcome)
{
	struct task *t = m->task;

	m->why = sent ? tame(t->arena, outcome->detail) : "";
	t->now_us = clock_wall_us();
	m->next_at_us = t->now_us + wait_after(m->attempts);
	m->state = NULL;
	if (!sent)
		m->state = "sent";
	else if (outcome->permanent || m->next_at_us >= m->expires_at_us)
		m->state = "failed";
	if (sent)
		log_warn(m->state ? "mail given up" : "mail not sent yet", LOG_SPAN("mail", m->id),
			LOG_SPAN("kind", m->kind), LOG_INT("attempts", m->attempts),
			LOG_INT("smtp", outcome->status), LOG_STR("detail", m->why));
	return db_transact(t->service->db, DB_WRITE, done_body, m);
}

static err send_next(struct task *outer, bool *ret_any, unsigned *sent, unsigned *failed)
{
	AUTO_PTR(arena) a = arena_new(); /* one mail's worth */
	struct task t = *outer;
	struct mail m = {.task = &t};
	struct mail_outcome outcome = {.detail = "It has expired"};
	err e, result = ERR_EXPIRED;

	t.arena = a;
	t.now_us = clock_wall_us();
	e = db_transact(t.service->db, DB_WRITE, claim_body, &m);
	*ret_any = !e && m.found;
	if (e || !m.found)
		return e;
	if (m.expires_at_us > t.now_us)
		result = build_and_send(&t, &m, &outcome);
	e = finish(&m, result, &outcome);
	wipe((void *)(uintptr_t)m.body.ptr, m.body.len);
	*sent += !result;
	*failed += m.state && result;
	return e;
}

err mail_send_due(
	struct task *t, const atomic_bool *stopping, unsigned *ret_sent, unsigned *ret_failed)
{
	bool any = true;
	err e = OK;

	*ret_sent = *ret_failed = 0;
	if (!mail_is_on(t->service))
		return OK;
	while (!e && any && !atomic_load(stopping))
		e = send_next(t, &any, ret_sent, ret_failed);
	return e;
}

struct tidying {
	int64_t before_us, count;
};

static err tidy_body(struct db_tx *tx, void *arg)
{
	struct tidying *y = arg;

	return db_change(tx, &y->count, mail_forget, DB_INT(y->before_us));
}

err mail_tidy(struct task *t, unsigned *ret_count)
{
	struct tidying y = {.before_us = t->now_us - KEPT_US};
	err e = db_transact(t->service->db, DB_WRITE, tidy_body, &y);

	if (!e)
		*ret_count = (unsigned)y.count;
	return e;
}

err mail_send_test(struct task *t, span to)
{
	AUTO(buf) subject = {0};
	AUTO(buf) text = {0};
	struct mail_facts facts = {0};
	struct mail_outcome outcome;
	struct mail m = {.task = t, .to = to, .created_at_us = t->now_us};
	char id[TYPEID_SIZE];

	if (!mail_is_on(t->service))
		return fail(t, ERR_CONFLICT, "mail_is_off",
			"No mail is sent: set mail.server and mail.from.");
	if (!mail_address_is_valid(to))
		return fail(t, ERR_INVALID, "invalid_address", "That is no mail address.");
	random_id("mail", t->now_us, id);
	write_text(t, MAIL_TEST, &facts, &subject, &text);
	m.id = span_from(id);
	m.subject = buf_span(&subject);
	m.body = buf_span(&text);
	err e = build_and_send(t, &m, &outcome);

	if (e)
		return fail(
			t, ERR_UNAVAILABLE, "mail_not_sent", "%s", tame(t->arena, outcome.detail));
	return OK;
}
