/* Refusals on their way into the log: nothing lost, however many; little written, however often. */
#include "test.h"

#include <string.h>

#include "service/refusals.h"

#define NOW INT64_C(1800000000000000)

static struct refusal refusal(const char *actor, const char *object)
{
	struct refusal r = {.action = "access", .reason = "permission_missing"};

	(void)snprintf(r.actor, sizeof(r.actor), "%s", actor);
	(void)snprintf(r.object, sizeof(r.object), "%s", object);
	return r;
}

static void count(struct refusals *r, const char *actor, const char *object, int64_t at_us)
{
	struct refusal one = refusal(actor, object);

	refusals_count(r, &one, at_us);
}

static void first_at_once_then_counts(void **state UNUSED)
{
	struct refusals *r = refusals_new();
	struct refusal due[REFUSALS_DUE_MAX];

	assert_int_equal(refusals_take(r, NOW, false, due), 0);
	for (int i = 0; i < 3; i++)
		count(r, "acc_1", "GET /a", NOW + i);
	count(r, "acc_1", "GET /b", NOW + 9);
	assert_int_equal(refusals_take(r, NOW + 10, false, due), 2);
	assert_int_equal(due[0].count, 3);
	assert_int_equal(due[0].at_us, NOW);
	assert_string_equal(due[0].object, "GET /a");
	assert_int_equal(due[1].count, 1);
	for (int i = 0; i < 1000; i++)
		count(r, "acc_1", "GET /a", NOW + 20 + i);
	assert_int_equal(refusals_take(r, NOW + 2000, false, due), 0); /* within the window */
	assert_int_equal(refusals_take(r, NOW + REFUSAL_WINDOW_US, false, due), 1);
	assert_int_equal(due[0].count, 1000);
	assert_int_equal(due[0].at_us, NOW + 20);
	assert_int_equal(refusals_take(r, NOW + 3 * REFUSAL_WINDOW_US, false, due), 0);
	count(r, "acc_1", "GET /a", NOW + 3 * REFUSAL_WINDOW_US + 1); /* a new window: at once */
	assert_int_equal(refusals_take(r, NOW + 3 * REFUSAL_WINDOW_US + 2, false, due), 1);
	refusals_free(r);
}

/* Many different ones in one window: bounded, and the sum is right. */
static void a_flood_is_bounded(void **state UNUSED)
{
	struct refusals *r = refusals_new();
	struct refusal due[REFUSALS_DUE_MAX];
	uint64_t sum = 0;
	size_t entries = 0;
	char actor[32];

	(void)refusals_take(r, NOW, true, due);
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(actor, sizeof(actor), "acc_%d", i % 500);
		count(r, actor, "GET /a", NOW + i);
		if (i % 100 == 0) {
			size_t n = refusals_take(r, NOW + i, false, due);

			entries += n;
			for (size_t k = 0; k < n; k++)
				sum += due[k].count;
		}
	}
	size_t n = refusals_take(r, NOW + 10000, true, due);

	entries += n;
	for (size_t k = 0; k < n; k++)
		sum += due[k].count;
	assert_int_equal(sum, 10000);
	assert_true(entries <= 2 * REFUSALS_MAX + 1);
	assert_string_equal(due[n - 1].actor, "others");
	refusals_free(r);
}

static void what_was_not_written_comes_back(void **state UNUSED)
{
	struct refusals *r = refusals_new();
	struct refusal due[REFUSALS_DUE_MAX];

	count(r, "acc_1", "GET /a", NOW);
	count(r, "acc_1", "GET /a", NOW);
	assert_int_equal(refusals_take(r, NOW, true, due), 1);
	refusals_put_back(r, due, 1);
	count(r, "acc_1", "GET /a", NOW + 5);
	assert_int_equal(refusals_take(r, NOW + 10, true, due), 1);
	assert_int_equal(due[0].count, 3);
	assert_int_equal(due[0].at_us, NOW);
	refusals_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_at_once_then_counts),
		cmocka_unit_test(a_flood_is_bounded),
		cmocka_unit_test(what_was_not_written_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
