#include "test.h"

#include "account/throttle.h"

#include "base/time.h"

#define ATTEMPTS 3
#define WINDOW   (15 * TIME_MINUTE)
#define START    (INT64_C(1000) * TIME_DAY)

static const struct throttle_subject jane = {"account", SPAN_INIT("jane"), 1};

static void exhaust(struct throttle *t, const struct throttle_subject *s, int64_t now)
{
	int64_t wait;

	for (unsigned i = 0; i < ATTEMPTS * s->factor; i++)
		assert_ok(throttle_try(t, s, now, &wait));
}

static void backs_off_exponentially(void **state UNUSED)
{
	AUTO_PTR(throttle) t = throttle_new(ATTEMPTS, WINDOW);
	int64_t now = START, wait = 0, want = TIME_SECOND;

	exhaust(t, &jane, now);
	for (int i = 0; i < 15; i++) {
		assert_int_equal(throttle_try(t, &jane, now, &wait), ERR_LIMIT);
		assert_int_equal(wait, MIN(want, WINDOW));
		/* Asking again meanwhile makes it neither better nor worse. */
		assert_int_equal(throttle_try(t, &jane, now + wait - 1, &wait), ERR_LIMIT);
		assert_int_equal(wait, 1);
		now += MIN(want, WINDOW);
		assert_ok(throttle_try(t, &jane, now, &wait));
		want *= 2;
	}
}

static void forgives_after_the_window(void **state UNUSED)
{
	AUTO_PTR(throttle) t = throttle_new(ATTEMPTS, WINDOW);

	exhaust(t, &jane, START);
	exhaust(t, &jane, START + WINDOW + 1);
}

static void success_forgets(void **state UNUSED)
{
	AUTO_PTR(throttle) t = throttle_new(ATTEMPTS, WINDOW);
	int64_t wait;

	exhaust(t, &jane, START);
	throttle_forget(t, &jane);
	exhaust(t, &jane, START);
	throttle_undo(t, &jane);
	assert_ok(throttle_try(t, &jane, START, &wait));
	assert_int_equal(throttle_try(t, &jane, START, &wait), ERR_LIMIT);
}

static void subjects_are_apart(void **state UNUSED)
{
	const struct throttle_subject john = {"account", SPAN("john"), 1},
				      address = {"address", SPAN("jane"), 1},
				      many = {"address", SPAN("10.0.0.1"), 10};
	AUTO_PTR(throttle) t = throttle_new(ATTEMPTS, WINDOW);
	int64_t wait;

	exhaust(t, &jane, START);
	exhaust(t, &john, START);
	exhaust(t, &address, START);
	exhaust(t, &many, START);
	assert_int_equal(throttle_try(t, &many, START, &wait), ERR_LIMIT);
	throttle_forget(t, &john);
	assert_int_equal(throttle_try(t, &jane, START, &wait), ERR_LIMIT);
}

/* Far more subjects than the table holds: it stays what it is, and the latest are known. */
static void a_flood_is_bounded(void **state UNUSED)
{
	AUTO_PTR(throttle) t = throttle_new(1, WINDOW);
	char name[32];
	int64_t wait;

	for (int i = 0; i < 100000; i++) {
		struct throttle_subject s = {"account", span_of(name, 0), 1};

		s.name.len = (size_t)snprintf(name, sizeof(name), "user%d", i);
		assert_ok(throttle_try(t, &s, START + i, &wait));
		assert_int_equal(throttle_try(t, &s, START + i, &wait), ERR_LIMIT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(backs_off_exponentially),
		cmocka_unit_test(forgives_after_the_window), cmocka_unit_test(success_forgets),
		cmocka_unit_test(subjects_are_apart), cmocka_unit_test(a_flood_is_bounded)};

	return cmocka_run_group_tests_name("throttle", tests, NULL, NULL);
}
