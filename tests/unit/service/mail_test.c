/* The outbox on both engines, and what the mails say. Sending is tested with a real server. */
#include "test.h"

#include <string.h>

#include "conf/conf.h"
#include "db/statement.h"
#include "service/mail.h"
#include "support/databases.h"

#define NOW INT64_C(1800000000000000)

static const struct db_statement count_all = {"count_all", "SELECT COUNT(*) FROM mail_outbox", 0};
static const struct db_statement read_one = {
	"read_one", "SELECT recipient, subject, body, kind, state, expires_at FROM mail_outbox", 0};

struct world {
	struct arena *arena;
	struct conf *conf;
	struct service service;
	struct caller caller;
	struct task task;
	/* for the bodies */
	span to;
	struct mail_facts facts;
	err outcome;
	int64_t count, expires_at_us;
	span subject, body;
};

static void open_world(struct world *w, void **state, bool on)
{
	static const char *const settings[] = {"mail.server=smtps://mail.example.com",
		"mail.from=server@example.com", "mail.name=Example VPN",
		"public_url=https://vpn.example.com"};
	const char *problem;

	*w = (struct world){.arena = arena_new(), .to = SPAN("jo@example.org")};
	w->service.db = test_db(state);
	assert_ok(conf_load(w->arena, "/nonexistent", settings, on ? ARRAY_LEN(settings) : 0,
		&w->conf, &problem));
	w->service.conf = w->conf;
	w->task = (struct task){
		.service = &w->service, .caller = &w->caller, .arena = w->arena, .now_us = NOW};
}

static void close_world(struct world *w)
{
	conf_free(w->conf);
	arena_free(w->arena);
}

static err enqueue_body(struct db_tx *tx, void *arg)
{
	struct world *w = arg;
	err e = mail_enqueue(tx, &w->task, MAIL_PASSWORD_RESET, w->to, &w->facts);

	return e ? e : w->outcome;
}

static err count_body(struct db_tx *tx, void *arg)
{
	struct world *w = arg;
	AUTO_PTR(db_rows) rows = NULL;
	bool row = false;
	err e = db_query(tx, &rows, count_all);

	if (!e)
		e = db_next(rows, &row);
	w->count = row ? db_int(rows, 0) : -1;
	return e;
}

static int64_t count(struct world *w)
{
	assert_ok(db_transact(w->service.db, DB_READ, count_body, w));
	return w->count;
}

static err read_body(struct db_tx *tx, void *arg)
{
	struct world *w = arg;
	AUTO_PTR(db_rows) rows = NULL;
	bool row = false;
	err e = db_query(tx, &rows, read_one);

	if (!e)
		e = db_next(rows, &row);
	if (e || !row)
		return e ? e : ERR_NOT_FOUND;
	assert_span(db_text(rows, 0), "jo@example.org");
	w->subject = db_text_in(rows, 1, w->arena);
	w->body = db_text_in(rows, 2, w->arena);
	assert_span(db_text(rows, 3), "password_reset");
	assert_span(db_text(rows, 4), "waiting");
	w->expires_at_us = db_int(rows, 5);
	return OK;
}

static void with_its_transaction(void **state)
{
	struct world w;

	open_world(&w, state, true);
	w.facts = (struct mail_facts){.link = SPAN("https://vpn.example.com/reset-password#slt_x"),
		.expires_at_us = NOW + 3600000000};
	w.outcome = ERR_CONFLICT; /* the change fails: no mail */
	assert_int_equal(db_transact(w.service.db, DB_WRITE, enqueue_body, &w), ERR_CONFLICT);
	assert_int_equal(count(&w), 0);
	w.outcome = OK;
	assert_ok(db_transact(w.service.db, DB_WRITE, enqueue_body, &w));
	assert_int_equal(count(&w), 1);
	assert_ok(db_transact(w.service.db, DB_READ, read_body, &w));
	assert_span(w.subject, "Reset your password for Example VPN");
	assert_true(
		span_contains(w.body, SPAN("\n  https://vpn.example.com/reset-password#slt_x\n")));
	assert_true(span_contains(w.body, SPAN("until 2027-01-15T09:00:00Z\n")));
	assert_int_equal(w.expires_at_us, NOW + 3600000000);
	close_world(&w);
}

static void bad_addresses_and_no_server(void **state)
{
	struct world w;

	open_world(&w, state, true);
	w.to = SPAN("jo@example.org\r\nBcc: x@y");
	assert_int_equal(db_transact(w.service.db, DB_WRITE, enqueue_body, &w), ERR_INVALID);
	close_world(&w);
	open_world(&w, state, false);
	assert_false(mail_is_on(&w.service));
	assert_ok(db_transact(w.service.db, DB_WRITE, enqueue_body, &w));
	assert_int_equal(count(&w), 0);
	close_world(&w);
}

/* Facts come from people and browsers: none of them makes a line, and so a link, of its own. */
static void texts(void **state UNUSED)
{
	const struct mail_facts facts = {.service = SPAN("Example\r\nVPN"),
		.url = SPAN("https://vpn.example.com"),
		.link = SPAN("https://vpn.example.com/x#slt_y"),
		.expires_at_us = NOW,
		.at_us = NOW,
		.by = SPAN("Eve\n\n  https://evil.example/\n"),
		.what = SPAN("a\nb"),
		.place = SPAN("203.0.113.0/24\r\nX"),
		.device = SPAN("Firefox\x01 on Linux")};

	for (int k = 0; k < MAIL_KINDS; k++) {
		AUTO(buf) subject = {0};
		AUTO(buf) text = {0};
		span rest, line;

		buf_init(&subject, 1000);
		buf_init(&text, 16384);
		mail_write((enum mail_kind)k, &facts, &subject, &text);
		assert_ok(buf_error(&subject));
		assert_ok(buf_error(&text));
		assert_int_equal(span_find(buf_span(&subject), '\n'), buf_len(&subject));
		assert_true(span_contains(buf_span(&subject), SPAN("Example")));
		assert_true(span_ends_with(buf_span(&text), SPAN("\nhttps://vpn.example.com\n")));
		rest = buf_span(&text);
		while (span_cut(&rest, '\n', &line)) {
			assert_false(span_starts_with(span_trim(line), SPAN("https://evil")));
			for (size_t i = 0; i < line.len; i++)
				assert_true((uint8_t)line.ptr[i] >= 0x20);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH_ENGINES(with_its_transaction),
		ON_BOTH_ENGINES(bad_addresses_and_no_server),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
