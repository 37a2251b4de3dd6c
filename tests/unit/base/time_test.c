#include "test.h"

#include "base/time.h"

static void parse_refused(void **state UNUSED)
{
	static const char *const bad[] = {"", "2026", "2026-01-31", "2026-01-31T",
		"2026-01-31T12:00:00", "2026-01-31 12:00:00Z", "2026-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
		"2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:61Z",
		"2026-01-31T12:00:60Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00,5Z",
		"2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+00:60",
		"2026-01-31T12:00:00+0000", "2026-01-31T12:00:00+00", "2026-01-31T12:00:00Z ",
		" 2026-01-31T12:00:00Z", "26-01-31T12:00:00Z", "12026-01-31T12:00:00Z",
		"2026-1-31T12:00:00Z", "+026-01-31T12:00:00Z", "1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z",
		"2026-01-31T1a:00:00Z", "0000-01-01T00:00:00Z"};
	int64_t t = 77;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(time_parse(span_from(bad[i]), &t) == ERR_INVALID, bad[i]);
	assert_int_equal(time_parse_date_or_time(SPAN("2026-02-29"), &t), ERR_INVALID);
	assert_int_equal(time_parse_date_or_time(SPAN("2026-02-28x"), &t), ERR_INVALID);
	assert_int_equal(t, 77);
}

static void parse(void **state UNUSED)
{
	static const struct {
		const char *text;
		int64_t want;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01t00:00:00z", 0},
		{"1970-01-01T01:00:00+01:00", 0},
		{"1970-01-01T00:00:00.000001Z", 1},
		{"1970-01-01T00:00:00.0000019999Z", 1}, /* cut off, not rounded */
		{"1970-01-01T00:00:00.5Z", 500000},
		{"2000-02-29T12:34:56Z", INT64_C(951827696000000)},
		{"1985-04-12T23:20:50.52Z", INT64_C(482196050520000)},   /* RFC 3339 section 5.8 */
		{"1996-12-19T16:39:57-08:00", INT64_C(851042397000000)}, /* ibid. */
		{"1990-12-31T23:59:60Z", INT64_C(662688000000000)},      /* ibid., a leap second */
		{"1990-12-31T15:59:60-08:00", INT64_C(662688000000000)}, /* ibid. */
		{"2024-12-31T23:59:59.999999-00:00", INT64_C(1735689599999999)},
		{"9999-12-31T23:59:59.999999Z", TIME_MAX},
	};
	int64_t t;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_row(time_parse(span_from(rows[i].text), &t) == OK, rows[i].text);
		assert_row(t == rows[i].want, rows[i].text);
	}
	assert_ok(time_parse_date_or_time(SPAN("2000-02-29"), &t));
	assert_int_equal(t, INT64_C(951782400000000));
	assert_ok(time_parse_date_or_time(SPAN("2000-02-29T12:34:56Z"), &t));
	assert_int_equal(t, INT64_C(951827696000000));
}

static void format(void **state UNUSED)
{
	AUTO(buf) b = {0};

	buf_init(&b, 100);
	time_format(&b, -1);
	assert_int_equal(buf_error(&b), ERR_INVALID);
	buf_clear(&b);
	time_format(&b, TIME_MAX + 1);
	assert_int_equal(buf_error(&b), ERR_INVALID);
	buf_clear(&b);
	time_format(&b, 951827696000000);
	assert_span(buf_span(&b), "2000-02-29T12:34:56Z");
	buf_clear(&b);
	time_format(&b, TIME_MAX);
	assert_span(buf_span(&b), "9999-12-31T23:59:59.999999Z");
	buf_clear(&b);
	time_format_http(&b, 784111777000000);
	assert_span(buf_span(&b), "Sun, 06 Nov 1994 08:49:37 GMT"); /* RFC 9110 section 5.6.7 */
	buf_clear(&b);
	time_format_http(&b, -1);
	assert_int_equal(buf_error(&b), ERR_INVALID);
}

static void durations_refused(void **state UNUSED)
{
	static const char *const bad[] = {"", "s", "-1s", "1.5h", "1 s", "1S", "1y", "1sm", "+1",
		"3155760001", "36526d", "99999999999999999999d", "ms"};
	int64_t us;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(duration_parse(span_from(bad[i]), &us) == ERR_INVALID, bad[i]);
}

static void durations(void **state UNUSED)
{
	static const struct {
		const char *text;
		int64_t us;
		const char *shortest;
	} rows[] = {
		{"0", 0, "0s"},
		{"90", 90 * TIME_SECOND, "90s"},
		{"90s", 90 * TIME_SECOND, "90s"},
		{"15m", 15 * TIME_MINUTE, "15m"},
		{"60m", TIME_HOUR, "1h"},
		{"10h", 10 * TIME_HOUR, "10h"},
		{"30d", 30 * TIME_DAY, "30d"},
		{"14d", 14 * TIME_DAY, "2w"},
		{"2w", 14 * TIME_DAY, "2w"},
		{"1500ms", 1500 * TIME_MS, "1500ms"},
		{"7us", 7, "7us"},
		{"36525d", 36525 * TIME_DAY, "36525d"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t us;
		AUTO(buf) b = {0};

		buf_init(&b, 100);
		assert_row(duration_parse(span_from(rows[i].text), &us) == OK, rows[i].text);
		assert_row(us == rows[i].us, rows[i].text);
		duration_format(&b, us);
		assert_span(buf_span(&b), rows[i].shortest);
	}
	AUTO(buf) negative = {0};

	buf_init(&negative, 100);
	duration_format(&negative, -1);
	assert_int_equal(buf_error(&negative), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(parse_refused), cmocka_unit_test(parse),
		cmocka_unit_test(format), cmocka_unit_test(durations_refused),
		cmocka_unit_test(durations)};

	return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
