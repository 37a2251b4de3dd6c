#include "test.h"

static void numbers_refused(void **state UNUSED)
{
	static const char *const bad[] = {"", "+1", "-1", " 1", "1 ", "1a", "0x1",
		"18446744073709551616", "99999999999999999999999"};
	uint64_t n = 7;
	int64_t i = 7;

	for (size_t k = 0; k < ARRAY_LEN(bad); k++)
		assert_row(span_to_u64(span_from(bad[k]), UINT64_MAX, &n) == ERR_INVALID, bad[k]);
	assert_int_equal(span_to_u64(SPAN("11"), 10, &n), ERR_INVALID);
	assert_int_equal(span_to_i64(SPAN("9223372036854775808"), &i), ERR_INVALID);
	assert_int_equal(span_to_i64(SPAN("-9223372036854775809"), &i), ERR_INVALID);
	assert_int_equal(span_to_i64(SPAN("-"), &i), ERR_INVALID);
	assert_true(n == 7 && i == 7);
}

static void numbers_read(void **state UNUSED)
{
	uint64_t n;
	int64_t i;

	assert_ok(span_to_u64(SPAN("18446744073709551615"), UINT64_MAX, &n));
	assert_true(n == UINT64_MAX);
	assert_ok(span_to_u64(SPAN("10"), 10, &n));
	assert_int_equal(n, 10);
	assert_ok(span_to_i64(SPAN("-9223372036854775808"), &i));
	assert_true(i == INT64_MIN);
	assert_ok(span_to_i64(SPAN("9223372036854775807"), &i));
	assert_true(i == INT64_MAX);
}

static void cutting(void **state UNUSED)
{
	span rest = SPAN("a,,b"), part;

	assert_true(span_cut(&rest, ',', &part));
	assert_span(part, "a");
	assert_true(span_cut(&rest, ',', &part));
	assert_span(part, "");
	assert_true(span_cut(&rest, ',', &part));
	assert_span(part, "b");
	assert_false(span_cut(&rest, ',', &part));
	rest = SPAN_EMPTY;
	assert_true(span_cut(&rest, ',', &part));
	assert_span(part, "");
	assert_false(span_cut(&rest, ',', &part));
}

static void pieces(void **state UNUSED)
{
	span s = SPAN("hello");

	assert_span(span_sub(s, 1, 3), "ell");
	assert_span(span_sub(s, 4, 100), "o");
	assert_span(span_sub(s, 5, 1), "");
	assert_span(span_from_offset(s, SIZE_MAX), "");
	assert_span(span_trim(SPAN(" \t x y\r\n")), "x y");
	assert_span(span_trim(SPAN("  ")), "");
	assert_int_equal(span_find(s, 'l'), 2);
	assert_int_equal(span_rfind(s, 'l'), 3);
	assert_int_equal(span_find(s, 'z'), 5);
	assert_true(span_contains(s, SPAN("lo")));
	assert_true(span_contains(s, SPAN_EMPTY));
	assert_false(span_contains(SPAN_EMPTY, s));
	assert_true(span_starts_with(s, SPAN("he")));
	assert_false(span_starts_with(SPAN("h"), SPAN("he")));
	assert_true(span_ends_with(s, SPAN("lo")));
	assert_false(span_ends_with(SPAN("o"), SPAN("lo")));
	assert_true(span_ends_with(s, SPAN_EMPTY));
	assert_true(span_eq_nocase(SPAN("BeArEr"), SPAN("bearer")));
	assert_false(span_eq_nocase(SPAN("a"), SPAN("ab")));
}

static void order(void **state UNUSED)
{
	assert_true(span_cmp(SPAN("a"), SPAN("b")) < 0);
	assert_true(span_cmp(SPAN("a"), SPAN("ab")) < 0);
	assert_true(span_cmp(SPAN("\xff"), SPAN("a")) > 0);
	assert_int_equal(span_cmp(SPAN("x"), SPAN("x")), 0);
	assert_int_equal(span_cmp(SPAN_EMPTY, SPAN_EMPTY), 0);
}

static void utf8(void **state UNUSED)
{
	static const char *const bad[] = {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE0\x80\x80",
		"\xE2\x82", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80",
		"\xF5\x80\x80\x80", "\xFF", "a\xE2\x28\xA1"};
	static const char *const good[] = {"", "plain", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80",
		"\xED\x9F\xBF", "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(span_is_utf8(span_from(bad[i])));
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(span_is_utf8(span_from(good[i])));
	assert_int_equal(span_utf8_len(SPAN("\xF0\x90\x80\x80z")), 4);
	assert_int_equal(span_utf8_len(SPAN_EMPTY), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_refused),
		cmocka_unit_test(numbers_read), cmocka_unit_test(cutting), cmocka_unit_test(pieces),
		cmocka_unit_test(order), cmocka_unit_test(utf8)};

	return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
