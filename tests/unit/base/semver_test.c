#include "test.h"

#include "base/semver.h"

static void parse_refused(void **state UNUSED)
{
	static const char *const bad[] = {"", "1", "1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.02.3",
		"1.2.03", "1.2.3-", "1.2.3+", "1.2.3-01", "1.2.3-a..b", "1.2.3-a.01", "1.2.3+a..b",
		"1.2.3-a_b", "1.2.3 ", " 1.2.3", "1..3", "-1.2.3", "1.2.-3", "1.2.3-\xC3\xA4",
		"99999999999999999999.0.0", "1.2.3-+", "1.2.3+a+b", "=1.2.3", "1.2.x"};
	struct semver v;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(semver_parse(span_from(bad[i]), &v) == ERR_INVALID, bad[i]);
}

/* semver.org section 11, and the corners of the key's encoding. */
static void precedence(void **state UNUSED)
{
	static const char *const ascending[] = {"0.0.0-0", "0.0.0", "0.0.1", "1.0.0-0", "1.0.0-1",
		"1.0.0-2", "1.0.0-10", "1.0.0-99999999999999999999999",
		"1.0.0-99999999999999999999999.a", "1.0.0--", "1.0.0-0a", "1.0.0-alpha",
		"1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-alpha-", "1.0.0-beta", "1.0.0-beta.2",
		"1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.9.0", "1.10.0", "2.0.0",
		"2.1.0", "2.1.1", "18446744073709551615.0.0"};
	char memory_a[SEMVER_KEY_MAX_BYTES + 1], memory_b[SEMVER_KEY_MAX_BYTES + 1];

	for (size_t i = 0; i < ARRAY_LEN(ascending); i++) {
		for (size_t j = 0; j < ARRAY_LEN(ascending); j++) {
			int want = i < j ? -1 : i > j;
			struct semver a, b;
			struct buf key_a, key_b;

			buf_init_fixed(&key_a, memory_a, sizeof(memory_a));
			buf_init_fixed(&key_b, memory_b, sizeof(memory_b));
			assert_ok(semver_parse(span_from(ascending[i]), &a));
			assert_ok(semver_parse(span_from(ascending[j]), &b));
			semver_key(&key_a, &a);
			semver_key(&key_b, &b);
			int got = semver_cmp(&a, &b),
			    keys = span_cmp(buf_span(&key_a), buf_span(&key_b));

			assert_row((got > 0) - (got < 0) == want, ascending[i]);
			assert_row((keys > 0) - (keys < 0) == want, ascending[i]);
			if (i != j)
				assert_false(span_starts_with(buf_span(&key_a), buf_span(&key_b)));
		}
	}
}

static void build_is_ignored(void **state UNUSED)
{
	struct semver a, b;
	AUTO(buf) text = {0};

	buf_init(&text, 100);
	assert_ok(semver_parse(SPAN("1.0.0-a.1+build.007"), &a));
	assert_ok(semver_parse(SPAN("1.0.0-a.1"), &b));
	assert_span(a.build, "build.007");
	assert_int_equal(semver_cmp(&a, &b), 0);
	semver_format(&text, &a);
	assert_span(buf_span(&text), "1.0.0-a.1");
}

static void longest_key_fits(void **state UNUSED)
{
	char text[SEMVER_MAX_BYTES + 1], memory[SEMVER_KEY_MAX_BYTES + 1];
	struct semver v;
	struct buf b;

	(void)snprintf(text, sizeof(text), "0.0.0-a");
	for (size_t i = 7; i < SEMVER_MAX_BYTES; i++)
		text[i] = i % 2 ? '.' : 'a';
	text[SEMVER_MAX_BYTES - 1] = 'a';
	assert_ok(semver_parse(span_of(text, SEMVER_MAX_BYTES), &v));
	buf_init_fixed(&b, memory, sizeof(memory));
	semver_key(&b, &v);
	assert_ok(buf_error(&b));
}

static void range_refused(void **state UNUSED)
{
	static const char *const bad[] = {"", " ", "||", "1.2.3 ||", "|| 1", "1 | 2", ">", ">>1",
		"=>1.0.0", "1.2.3.4", "1.x.3", "x.2", "01.2", "1.2-beta", "v1.2.3", "1 - ", "- 1",
		"1 - 2 - 3", ">1 - 2", "1 - 2 3", "^", "^-1", "1,2", ">=1.0.0, <2", "latest",
		"!1.0.0", "^18446744073709551615.0.0", "1.2.3-", "*.1", "1.2.3 -4"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(semver_range_check(span_from(bad[i])) == ERR_INVALID, bad[i]);
	/* An alternative that matches does not save an invalid one behind it. */
	struct semver v;

	assert_ok(semver_parse(SPAN("1.2.3"), &v));
	assert_false(semver_range_matches(SPAN("1.2.3 || nonsense"), &v));
}

static void ranges(void **state UNUSED)
{
	static const struct {
		const char *range, *version;
		bool matches;
	} rows[] = {
		{"1.2.3", "1.2.3", true},
		{"1.2.3", "1.2.4", false},
		{"=1.2.3", "1.2.3+build", true},
		{"^1.2.3", "1.2.3", true},
		{"^1.2.3", "1.9.0", true},
		{"^1.2.3", "2.0.0", false},
		{"^1.2.3", "1.2.2", false},
		{"^1.2.3", "2.0.0-alpha", false},
		{"^1.2.3", "1.3.0-alpha", false},
		{"^1.2.3-beta.2", "1.2.3-beta.4", true},
		{"^1.2.3-beta.2", "1.2.3-beta.1", false},
		{"^1.2.3-beta.2", "1.2.4-beta.2", false},
		{"^0.2.3", "0.2.9", true},
		{"^0.2.3", "0.3.0", false},
		{"^0.0.3", "0.0.3", true},
		{"^0.0.3", "0.0.4", false},
		{"^0.0", "0.0.9", true},
		{"^0.0", "0.1.0", false},
		{"^0", "0.9.9", true},
		{"^0", "1.0.0", false},
		{"^1.2", "1.9.0", true},
		{"^1.2", "1.1.9", false},
		{"~1.2.3", "1.2.9", true},
		{"~1.2.3", "1.3.0", false},
		{"~1.2.3", "1.3.0-a", false},
		{"~1.2", "1.2.0", true},
		{"~1", "1.9.9", true},
		{"~1", "2.0.0", false},
		{"1.x", "1.5.0", true},
		{"1.X.x", "2.0.0", false},
		{"1.2.*", "1.2.7", true},
		{"1", "1.0.0", true},
		{"*", "0.0.0", true},
		{"*", "1.0.0-alpha", false},
		{"x", "9.9.9", true},
		{">1.2", "1.2.9", false},
		{">1.2", "1.3.0", true},
		{">=1.2", "1.2.0", true},
		{"<1.2", "1.1.9", true},
		{"<1.2", "1.2.0", false},
		{"<=1.2", "1.2.9", true},
		{"<=1.2", "1.3.0", false},
		{"<2.0.0", "2.0.0-alpha", false},
		{">1.0.0-alpha", "1.0.0-beta", true},
		{">1.0.0-alpha", "1.0.0", true},
		{">1.0.0-alpha", "1.0.1-beta", false},
		{">*", "1.0.0", false},
		{"<*", "1.0.0", false},
		{">=*", "1.0.0", true},
		{">=1.0.0 <2.0.0", "1.5.0", true},
		{">=1.0.0 <2.0.0", "2.0.0", false},
		{">= 1.0.0  <  2.0.0", "1.5.0", true},
		{"1.2.3 - 2.3.4", "2.3.4", true},
		{"1.2.3 - 2.3.4", "2.3.5", false},
		{"1.2 - 2", "2.9.9", true},
		{"1.2 - 2", "3.0.0", false},
		{"1.2 - 2", "1.1.9", false},
		{"^1.2.3 >=2.0.0-alpha", "2.0.0-beta", false}, /* below 2.0.0 and all before it */
		{"<1.0.0 || >=2.0.0", "1.5.0", false},
		{"<1.0.0 || >=2.0.0", "2.5.0", true},
		{"<1.0.0||>=2.0.0", "0.5.0", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct semver v;

		assert_ok(semver_parse(span_from(rows[i].version), &v));
		assert_row(semver_range_check(span_from(rows[i].range)) == OK, rows[i].range);
		if (semver_range_matches(span_from(rows[i].range), &v) != rows[i].matches)
			fail_msg("range %s, version %s", rows[i].range, rows[i].version);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(parse_refused),
		cmocka_unit_test(precedence), cmocka_unit_test(build_is_ignored),
		cmocka_unit_test(longest_key_fits), cmocka_unit_test(range_refused),
		cmocka_unit_test(ranges)};

	return cmocka_run_group_tests_name("semver", tests, NULL, NULL);
}
