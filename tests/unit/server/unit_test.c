#include "test.h"

#include "server/unit.h"

#define MS     INT64_C(1000)
#define SECOND INT64_C(1000000)

static void restarts_back_off(void **state UNUSED)
{
	static const int64_t waits_ms[] = {200, 400, 800, 1600, 3200, 6400, 10000, 10000};
	struct unit u = {.name = "x"};
	int64_t now = 5 * SECOND;

	assert_true(unit_is_due(&u, now)); /* the first start */
	for (size_t i = 0; i < ARRAY_LEN(waits_ms); i++) {
		unit_started(&u, 7, now);
		assert_false(unit_is_due(&u, now + 100 * SECOND)); /* it runs */
		now += SECOND;
		assert_int_equal(unit_ended(&u, now), waits_ms[i] * MS);
		assert_false(unit_is_due(&u, now + waits_ms[i] * MS - 1));
		now += waits_ms[i] * MS;
		assert_true(unit_is_due(&u, now));
	}
	unit_started(&u, 7, now);
	assert_int_equal(unit_ended(&u, now + 60 * SECOND), 200 * MS);
}

static void what_could_not_start_backs_off_too(void **state UNUSED)
{
	struct unit u = {.name = "x"};
	int64_t now = 1000 * SECOND;

	assert_int_equal(unit_ended(&u, now), 200 * MS);
	/* It never ran: that its last start is long ago is no life. */
	assert_int_equal(unit_ended(&u, now + 100 * SECOND), 400 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restarts_back_off),
		cmocka_unit_test(what_could_not_start_backs_off_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
