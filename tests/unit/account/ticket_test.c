/* Tickets on both databases: one purpose, one time, one holder. */
#include "test.h"

#include "account/ticket.h"
#include "base/time.h"
#include "support/databases.h"

#include <string.h>

#define NOW (INT64_C(20000) * TIME_DAY)

struct use {
	enum ticket_purpose purpose;
	char text[TICKET_TEXT_SIZE];
	int64_t at_us;
	bool redeem, found;
	struct ticket ticket;
	struct arena *arena;
};

static err issue(struct db_tx *tx, void *arg)
{
	struct use *u = arg;
	struct ticket t = {
		TICKET_INVITATION, SPAN("acc_1"), SPAN("{\"role\":\"user\"}"), NOW + TIME_HOUR};

	return ticket_issue(tx, &t, NOW, u->text);
}

static err use_it(struct db_tx *tx, void *arg)
{
	struct use *u = arg;

	return u->redeem ? ticket_redeem(tx, u->arena, u->purpose, span_from(u->text), u->at_us,
				   &u->ticket, &u->found)
			 : ticket_peek(tx, u->arena, u->purpose, span_from(u->text), u->at_us,
				   &u->ticket, &u->found);
}

static bool works(
	struct db *db, struct use *u, enum ticket_purpose purpose, int64_t at_us, bool redeem)
{
	u->purpose = purpose;
	u->at_us = at_us;
	u->redeem = redeem;
	assert_ok(db_transact(db, DB_WRITE, use_it, u));
	return u->found;
}

static void once_for_one_purpose_in_time(void **state)
{
	struct db *db = test_db(state);
	AUTO_PTR(arena) a = arena_new();
	struct use u = {.arena = a};

	assert_ok(db_transact(db, DB_WRITE, issue, &u));
	assert_true(span_starts_with(span_from(u.text), SPAN("slt_")));
	assert_int_equal(strlen(u.text), TICKET_TEXT_SIZE - 1);
	assert_false(works(db, &u, TICKET_PASSWORD_RESET, NOW, true));
	assert_false(works(db, &u, TICKET_INVITATION, NOW + TIME_HOUR, true));
	/* Peeking takes nothing. */
	for (int i = 0; i < 3; i++)
		assert_true(works(db, &u, TICKET_INVITATION, NOW + TIME_HOUR - 1, false));
	assert_true(works(db, &u, TICKET_INVITATION, NOW, true));
	assert_span(u.ticket.account, "acc_1");
	assert_span(u.ticket.data, "{\"role\":\"user\"}");
	assert_int_equal(u.ticket.expires_at_us, NOW + TIME_HOUR);
	assert_false(works(db, &u, TICKET_INVITATION, NOW, true));
	assert_false(works(db, &u, TICKET_INVITATION, NOW, false));
}

static void a_wrong_character_is_nobodys(void **state)
{
	struct db *db = test_db(state);
	AUTO_PTR(arena) a = arena_new();
	struct use u = {.arena = a};

	assert_ok(db_transact(db, DB_WRITE, issue, &u));
	for (size_t i = 0; i < TICKET_TEXT_SIZE - 1; i++) {
		u.text[i] = (char)(u.text[i] ^ 1);
		assert_false(works(db, &u, TICKET_INVITATION, NOW, true));
		u.text[i] = (char)(u.text[i] ^ 1);
	}
	assert_true(works(db, &u, TICKET_INVITATION, NOW, true));
}

static err withdraw(struct db_tx *tx, void *arg UNUSED)
{
	return ticket_withdraw(tx, TICKET_INVITATION, SPAN("acc_1"));
}

static void withdrawn(void **state)
{
	struct db *db = test_db(state);
	AUTO_PTR(arena) a = arena_new();
	struct use u = {.arena = a};

	assert_ok(db_transact(db, DB_WRITE, issue, &u));
	assert_ok(db_transact(db, DB_WRITE, withdraw, NULL));
	assert_false(works(db, &u, TICKET_INVITATION, NOW, true));
}

static err withdraw_others(struct db_tx *tx, void *data)
{
	return ticket_withdraw_but(tx, TICKET_INVITATION, SPAN("acc_1"), span_from(data));
}

static void withdrawn_but_those_that_say_the_same(void **state)
{
	char same[] = "{\"role\":\"user\"}", another[] = "{\"role\":\"guest\"}";
	struct db *db = test_db(state);
	AUTO_PTR(arena) a = arena_new();
	struct use u = {.arena = a};

	assert_ok(db_transact(db, DB_WRITE, issue, &u));
	assert_ok(db_transact(db, DB_WRITE, withdraw_others, same));
	assert_true(works(db, &u, TICKET_INVITATION, NOW, false));
	assert_ok(db_transact(db, DB_WRITE, withdraw_others, another));
	assert_false(works(db, &u, TICKET_INVITATION, NOW, false));
}

static err change_and_expire(struct db_tx *tx, void *arg)
{
	struct use *u = arg;
	int64_t count = -1;
	bool found = false;
	err e = ticket_set_data(tx, TICKET_INVITATION, span_from(u->text), SPAN("{\"tries\":1}"));

	if (!e)
		e = ticket_expire(tx, NOW + TIME_HOUR - 1, &count);
	assert_int_equal(count, 0);
	if (!e)
		e = ticket_peek(tx, u->arena, TICKET_INVITATION, span_from(u->text), NOW,
			&u->ticket, &found);
	if (e)
		return e;
	assert_true(found);
	assert_span(u->ticket.data, "{\"tries\":1}");
	e = ticket_expire(tx, NOW + TIME_HOUR, &count);
	assert_int_equal(count, 1);
	return e;
}

static void expired_ones_are_deleted(void **state)
{
	struct db *db = test_db(state);
	AUTO_PTR(arena) a = arena_new();
	struct use u = {.arena = a};

	assert_ok(db_transact(db, DB_WRITE, issue, &u));
	assert_ok(db_transact(db, DB_WRITE, change_and_expire, &u));
}

int main(void)
{
	const struct CMUnitTest tests[] = {ON_BOTH_ENGINES(once_for_one_purpose_in_time),
		ON_BOTH_ENGINES(a_wrong_character_is_nobodys), ON_BOTH_ENGINES(withdrawn),
		ON_BOTH_ENGINES(withdrawn_but_those_that_say_the_same),
		ON_BOTH_ENGINES(expired_ones_are_deleted)};

	return cmocka_run_group_tests_name("ticket", tests, NULL, NULL);
}
