#include "event/ranges.h"

#include "test.h"

#include <string.h>

static void refuses_what_it_does_not_write(void **state UNUSED)
{
	static const char *const bad[] = {"-", "1", "1-", "-1", "2-1", "01-2", "1-02", "0-1,",
		",0-1", "0-1,,3-4", "0-1,1-2", "0-1,2-3", "3-4,0-1", "0-1 ,3-4", "a-b",
		"0-9223372036854775807", "18446744073709551616-18446744073709551617", "0-1;3-4"};
	struct ranges r = {.count = 77};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_row(ranges_parse(span_from(bad[i]), &r) == ERR_INVALID, bad[i]);
		assert_int_equal(r.count, 77);
	}
}

static void too_many_pieces(void **state UNUSED)
{
	AUTO(buf) text = {0};
	struct ranges r;

	buf_init(&text, RANGES_TEXT_MAX);
	ranges_init(&r);
	for (uint64_t i = 0; i < RANGES_MAX; i++)
		assert_true(ranges_add(&r, i * 10, i * 10 + 1));
	assert_false(ranges_add(&r, 5, 6));
	assert_false(ranges_add(&r, UINT64_MAX - 1, UINT64_MAX));
	assert_int_equal(ranges_bytes(&r), RANGES_MAX * 2);
	ranges_format(&text, &r);
	assert_ok(buf_error(&text));
	assert_ok(ranges_parse(buf_span(&text), &r));
	buf_add_str(&text, ",99999-99999");
	assert_int_equal(ranges_parse(buf_span(&text), &r), ERR_INVALID);
	/* What joins pieces is always taken. */
	assert_true(ranges_add(&r, 2, 9));
	assert_true(ranges_add(&r, 5000, 5001));
	assert_true(ranges_add(&r, 0, 6000));
	assert_int_equal(r.count, 1);
}

static void joins(void **state UNUSED)
{
	static const struct {
		const char *before;
		uint64_t from, to;
		const char *after;
	} rows[] = {
		{"", 0, 0, "0-0"},
		{"0-9", 10, 19, "0-19"},
		{"0-9", 11, 19, "0-9,11-19"},
		{"11-19", 0, 9, "0-9,11-19"},
		{"11-19", 0, 10, "0-19"},
		{"0-9,20-29,40-49", 5, 44, "0-49"},
		{"0-9,20-29,40-49", 10, 19, "0-29,40-49"},
		{"0-9,20-29,40-49", 30, 39, "0-9,20-49"},
		{"0-9", 3, 4, "0-9"},
		{"5-6", 0, 9, "0-9"},
		{"", 9223372036854775806, 9223372036854775806,
			"9223372036854775806-9223372036854775806"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf) text = {0};
		struct ranges r;

		buf_init(&text, RANGES_TEXT_MAX);
		assert_ok(ranges_parse(span_from(rows[i].before), &r));
		assert_true(ranges_add(&r, rows[i].from, rows[i].to));
		ranges_format(&text, &r);
		assert_span(buf_span(&text), rows[i].after);
	}
}

#define MODEL_BYTES 512

/* The set as a bitmap says the same as the set as ranges, after each of many random additions. */
static void agrees_with_a_bitmap(void **state UNUSED)
{
	uint64_t seed = 0x9E3779B97F4A7C15u;

	for (int round = 0; round < 400; round++) {
		bool model[MODEL_BYTES] = {false};
		struct ranges r, again;

		ranges_init(&r);
		for (int step = 0; step < 60; step++) {
			AUTO(buf) text = {0};
			uint64_t bytes = 0;

			seed = seed * 6364136223846793005u + 1442695040888963407u;
			uint64_t from = seed >> 33 & (MODEL_BYTES - 1);
			uint64_t length = 1 + (seed >> 50) % (step % 7 ? 12 : 100);
			uint64_t to = MIN(from + length, MODEL_BYTES) - 1;

			assert_true(ranges_add(&r, from, to));
			memset(model + from, true, to - from + 1);
			for (size_t i = 0; i < MODEL_BYTES; i++)
				bytes += model[i];
			assert_int_equal(ranges_bytes(&r), bytes);
			for (size_t p = 0; p < r.count; p++) {
				for (uint64_t i = r.at[p].from; i <= r.at[p].to; i++)
					assert_true(model[i]);
				assert_true(p == 0 || r.at[p].from > r.at[p - 1].to + 1);
			}
			buf_init(&text, RANGES_TEXT_MAX);
			ranges_format(&text, &r);
			assert_ok(ranges_parse(buf_span(&text), &again));
			assert_int_equal(again.count, r.count);
			assert_memory_equal(again.at, r.at, r.count * sizeof(r.at[0]));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_it_does_not_write),
		cmocka_unit_test(too_many_pieces),
		cmocka_unit_test(joins),
		cmocka_unit_test(agrees_with_a_bitmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
