#include "test.h"

#include "net/breaker.h"

static const struct breaker_rules rules = {.failures = 3, .pause_us = 100, .pause_max_us = 350};

static void fail_now(struct breaker *b, int64_t now)
{
	uint64_t ticket = breaker_ask(b, now);

	assert_true(ticket != 0);
	(void)breaker_tell(b, ticket, false, now);
}

/* Opened at this time. */
static struct breaker opened_at(int64_t now)
{
	struct breaker b;

	breaker_init(&b, &rules);
	for (unsigned i = 0; i < rules.failures; i++)
		fail_now(&b, now);
	assert_int_equal(breaker_state(&b), BREAKER_OPEN);
	return b;
}

static void opens_after_failures_in_a_row(void **state UNUSED)
{
	struct breaker b;

	breaker_init(&b, &rules);
	for (int i = 0; i < 10; i++) {
		fail_now(&b, 0);
		fail_now(&b, 0);
		assert_false(breaker_tell(&b, breaker_ask(&b, 0), true, 0));
		assert_int_equal(breaker_state(&b), BREAKER_CLOSED);
	}
	fail_now(&b, 0);
	fail_now(&b, 0);
	assert_true(breaker_tell(&b, breaker_ask(&b, 0), false, 0));
	assert_int_equal(breaker_state(&b), BREAKER_OPEN);
	assert_int_equal(breaker_ask(&b, 99), 0);
}

static void one_probe_after_the_pause(void **state UNUSED)
{
	struct breaker b = opened_at(1000);
	uint64_t probe = breaker_ask(&b, 1100);

	assert_true(probe != 0);
	assert_int_equal(breaker_state(&b), BREAKER_PROBING);
	for (int64_t now = 1100; now < 100000; now += 1000)
		assert_int_equal(breaker_ask(&b, now), 0);
	assert_true(breaker_tell(&b, probe, true, 1200));
	assert_int_equal(breaker_state(&b), BREAKER_CLOSED);
	/* And all three failures are needed again. */
	fail_now(&b, 1200);
	fail_now(&b, 1200);
	assert_int_equal(breaker_state(&b), BREAKER_CLOSED);
}

static void pauses_double_up_to_the_most(void **state UNUSED)
{
	static const int64_t pauses[] = {100, 200, 350, 350};
	struct breaker b = opened_at(0);
	int64_t now = 0;

	for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
		assert_int_equal(breaker_ask(&b, now + pauses[i] - 1), 0);
		now += pauses[i];
		uint64_t probe = breaker_ask(&b, now);

		assert_true(probe != 0);
		assert_false(breaker_tell(&b, probe, false, now));
		assert_int_equal(breaker_state(&b), BREAKER_OPEN);
	}
	/* After it was good, the pause is the first again. */
	assert_true(breaker_tell(&b, breaker_ask(&b, now + 350), true, now));
	for (unsigned i = 0; i < rules.failures; i++)
		fail_now(&b, now);
	assert_int_equal(breaker_ask(&b, now + 99), 0);
	assert_true(breaker_ask(&b, now + 100) != 0);
}

/* Calls that began before it opened end while it is open, or later. */
static void late_outcomes_say_nothing(void **state UNUSED)
{
	struct breaker b;

	breaker_init(&b, &rules);
	uint64_t early = breaker_ask(&b, 0);

	for (unsigned i = 0; i < rules.failures; i++)
		fail_now(&b, 0);
	assert_false(breaker_tell(&b, early, true, 50));
	assert_int_equal(breaker_state(&b), BREAKER_OPEN);
	uint64_t probe = breaker_ask(&b, 100);

	assert_false(breaker_tell(&b, early, true, 110));
	assert_false(breaker_tell(&b, early, false, 110));
	assert_int_equal(breaker_state(&b), BREAKER_PROBING);
	assert_true(breaker_tell(&b, probe, true, 120));
	for (unsigned i = 0; i < 2 * rules.failures; i++) {
		assert_false(breaker_tell(&b, early, false, 130));
		assert_false(breaker_tell(&b, probe, false, 130));
	}
	assert_int_equal(breaker_state(&b), BREAKER_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_after_failures_in_a_row),
		cmocka_unit_test(one_probe_after_the_pause),
		cmocka_unit_test(pauses_double_up_to_the_most),
		cmocka_unit_test(late_outcomes_say_nothing),
	};

	return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
