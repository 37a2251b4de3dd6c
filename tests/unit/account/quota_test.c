/* Buckets of tokens: how many at once, how soon again, and that nobody pays for another. */
#include "test.h"

#include "account/quota.h"

#include "base/time.h"

#define START (INT64_C(1000) * TIME_DAY)

static const struct quota_subject jane = {"account", SPAN_INIT("jane"), 5, 20};

static void empty(struct quotas *q, const struct quota_subject *s, int64_t now)
{
	struct quota_left left;

	for (uint32_t i = 1; i <= s->burst; i++) {
		assert_ok(quota_take(q, s, now, &left));
		assert_int_equal(left.requests, s->burst - i);
		assert_int_equal(left.wait_us, 0);
	}
}

static void refuses_beyond_the_burst(void **state UNUSED)
{
	AUTO_PTR(quotas) q = quotas_new();
	struct quota_left left;

	empty(q, &jane, START);
	/* Asking again makes it neither better nor worse. */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(quota_take(q, &jane, START, &left), ERR_LIMIT);
		assert_int_equal(left.requests, 0);
		assert_int_equal(left.wait_us, 200 * TIME_MS);
		assert_int_equal(left.full_in_us, 4 * TIME_SECOND);
	}
	assert_int_equal(quota_take(q, &jane, START + 200 * TIME_MS - 1, &left), ERR_LIMIT);
	assert_int_equal(left.wait_us, 1);
	assert_ok(quota_take(q, &jane, START + 200 * TIME_MS, &left));
	assert_int_equal(quota_take(q, &jane, START + 200 * TIME_MS, &left), ERR_LIMIT);
}

static void fills_up_and_no_further(void **state UNUSED)
{
	AUTO_PTR(quotas) q = quotas_new();
	struct quota_left left;

	empty(q, &jane, START);
	assert_ok(quota_take(q, &jane, START + TIME_SECOND, &left));
	assert_int_equal(left.requests, 4);
	empty(q, &jane, START + TIME_DAY);
	assert_int_equal(quota_take(q, &jane, START + TIME_DAY, &left), ERR_LIMIT);
	/* A clock that was put back costs nobody more than an empty bucket does. */
	assert_int_equal(quota_take(q, &jane, START + TIME_DAY - TIME_SECOND, &left), ERR_LIMIT);
	assert_int_equal(left.requests, 0);
}

static void rates_at_their_bounds(void **state UNUSED)
{
	AUTO_PTR(quotas) q = quotas_new();
	const struct quota_subject slow = {"account", SPAN_INIT("slow"), 1, 1};
	const struct quota_subject fast = {"account", SPAN_INIT("fast"), 1000000, 1000000};
	struct quota_left left;

	empty(q, &slow, START);
	assert_int_equal(quota_take(q, &slow, START, &left), ERR_LIMIT);
	assert_int_equal(left.wait_us, TIME_SECOND);
	assert_ok(quota_take(q, &slow, START + TIME_SECOND, &left));
	empty(q, &fast, START);
	assert_int_equal(quota_take(q, &fast, START, &left), ERR_LIMIT);
	assert_int_equal(left.wait_us, 1);
}

static void subjects_are_apart(void **state UNUSED)
{
	AUTO_PTR(quotas) q = quotas_new();
	struct quota_subject key = jane, other = jane;

	key.kind = "key";
	other.name = SPAN("jan");
	empty(q, &jane, START);
	empty(q, &key, START);
	empty(q, &other, START);
}

/* Whoever floods the table with subjects pushes full buckets out, not the one that is empty. */
static void a_flood_of_others_frees_nobody(void **state UNUSED)
{
	AUTO_PTR(quotas) q = quotas_new();
	struct quota_left left;

	empty(q, &jane, START);
	for (uint32_t i = 0; i < 100000; i++) {
		const struct quota_subject other = {"account", span_of(&i, sizeof(i)), 5, 20};

		assert_ok(quota_take(q, &other, START, &left));
	}
	assert_int_equal(quota_take(q, &jane, START, &left), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_beyond_the_burst),
		cmocka_unit_test(fills_up_and_no_further),
		cmocka_unit_test(rates_at_their_bounds),
		cmocka_unit_test(subjects_are_apart),
		cmocka_unit_test(a_flood_of_others_frees_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
