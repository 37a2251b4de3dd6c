/* Properties of the base floor: what is written is read back, and orders agree. */
#include "gen.h"

#include "base/encode.h"
#include "base/json.h"
#include "base/semver.h"
#include "base/time.h"
#include "base/typeid.h"

static void encodings(void **state UNUSED)
{
	struct gen g = gen_new("encodings");

	for (int i = 0; i < CASES; i++) {
		char memory[200], back[200];
		span bytes = gen_bytes(&g, memory, sizeof(memory));
		size_t len;
		AUTO(buf) b = {0};

		buf_init(&b, 1000);
		hex_encode(&b, bytes);
		assert_ok(hex_decode(buf_span(&b), back, bytes.len));
		assert_true(span_eq(span_of(back, bytes.len), bytes));
		buf_clear(&b);
		base64_encode(&b, bytes);
		assert_ok(base64_decode(buf_span(&b), back, sizeof(back), &len));
		assert_true(span_eq(span_of(back, len), bytes));
		buf_clear(&b);
		base64url_encode(&b, bytes);
		assert_int_equal(base64url_decoded_len(buf_len(&b)), bytes.len);
		assert_ok(base64url_decode(buf_span(&b), back, bytes.len, &len));
		assert_true(span_eq(span_of(back, len), bytes));
	}
}

/* Any text that a decoder takes is the one its encoder writes: there is one form only. */
static void one_form_only(void **state UNUSED)
{
	struct gen g = gen_new("one form only");
	size_t taken = 0;

	for (int i = 0; i < CASES * 10; i++) {
		char memory[8], bytes[8];
		span text = gen_text(&g, "ABCDwxyz0189-_=+", memory, 0, 6);
		size_t len;
		AUTO(buf) b = {0};

		buf_init(&b, 100);
		if (base64url_decode(text, bytes, sizeof(bytes), &len) == OK) {
			base64url_encode(&b, span_of(bytes, len));
			assert_true(span_eq(buf_span(&b), text));
			taken++;
		}
		buf_clear(&b);
		if (base64_decode(text, bytes, sizeof(bytes), &len) == OK) {
			base64_encode(&b, span_of(bytes, len));
			assert_true(span_eq(buf_span(&b), text));
			taken++;
		}
	}
	assert_true(taken > 100);
}

static void percent(void **state UNUSED)
{
	struct gen g = gen_new("percent");

	for (int i = 0; i < CASES; i++) {
		char memory[60];
		span text = gen_bytes(&g, memory, sizeof(memory));
		AUTO(buf) encoded = {0};
		AUTO(buf) back = {0};

		for (size_t k = 0; k < text.len; k++)
			memory[k] = memory[k] ? memory[k] : 'x'; /* NUL is refused on purpose */
		buf_init(&encoded, 1000);
		buf_init(&back, 1000);
		percent_encode(&encoded, text);
		assert_ok(percent_decode(&back, buf_span(&encoded)));
		assert_true(span_eq(buf_span(&back), text));
	}
}

static void times(void **state UNUSED)
{
	struct gen g = gen_new("times");

	for (int i = 0; i < CASES; i++) {
		int64_t t = (int64_t)gen_below(&g, (uint64_t)TIME_MAX + 1), back;
		int64_t d = (int64_t)gen_below(&g, INT64_C(36525) * TIME_DAY);
		AUTO(buf) b = {0};

		if (gen_chance(&g, 2)) {
			t -= t % TIME_SECOND;
			d -= d % (gen_chance(&g, 2) ? TIME_DAY : TIME_SECOND);
		}
		buf_init(&b, 100);
		time_format(&b, t);
		assert_ok(time_parse(buf_span(&b), &back));
		assert_int_equal(back, t);
		buf_clear(&b);
		duration_format(&b, d);
		assert_ok(duration_parse(buf_span(&b), &back));
		assert_int_equal(back, d);
	}
}

/* Formatted times sort as the times do, at whole seconds, and agree with the C library's calendar.
 */
static void calendar(void **state UNUSED)
{
	struct gen g = gen_new("calendar");

	for (int i = 0; i < CASES; i++) {
		time_t t = (time_t)gen_below(&g, TIME_MAX / TIME_SECOND);
		struct tm tm;
		char want[64];
		AUTO(buf) b = {0};

		buf_init(&b, 100);
		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm));
		time_format(&b, t * TIME_SECOND);
		assert_span(buf_span(&b), want);
		buf_clear(&b);
		assert_true(strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", &tm));
		time_format_http(&b, t * TIME_SECOND);
		assert_span(buf_span(&b), want);
	}
}

/* A version text; few different parts, so that neighbours are met often. */
static void gen_version(struct gen *g, struct buf *out)
{
	static const char *const parts[] = {"0", "1", "2", "9", "10", "11", "99999999999999999999",
		"a", "b", "aa", "alpha", "beta", "rc", "0a", "-", "A", "a-", "1a"};
	static const char *const builds[] = {"", "+1", "+001.x", "+b"};
	size_t count = gen_below(g, 4);

	buf_clear(out);
	buf_addf(out, "%llu.%llu.%llu", (unsigned long long)gen_below(g, 2),
		(unsigned long long)gen_below(g, 2),
		(unsigned long long)(gen_chance(g, 20) ? gen_u64(g) : gen_below(g, 2)));
	for (size_t i = 0; i < count; i++) {
		buf_add_byte(out, i ? '.' : '-');
		buf_add_str(out, parts[gen_below(g, ARRAY_LEN(parts))]);
	}
	buf_add_str(out, builds[gen_below(g, ARRAY_LEN(builds))]);
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void semver_orders_agree(void **state UNUSED)
{
	struct gen g = gen_new("semver");

	for (int i = 0; i < CASES * 10; i++) {
		struct buf text[3], key[3];
		struct semver v[3];

		for (int k = 0; k < 3; k++) {
			buf_init(&text[k], 200);
			buf_init(&key[k], SEMVER_KEY_MAX_BYTES);
			gen_version(&g, &text[k]);
			assert_ok(semver_parse(buf_span(&text[k]), &v[k]));
			semver_key(&key[k], &v[k]);
			assert_ok(buf_error(&key[k]));
		}
		int order = semver_cmp(&v[0], &v[1]);

		assert_int_equal(sign(order), sign(span_cmp(buf_span(&key[0]), buf_span(&key[1]))));
		assert_int_equal(sign(order), -sign(semver_cmp(&v[1], &v[0])));
		if (order)
			assert_false(span_starts_with(buf_span(&key[0]), buf_span(&key[1])));
		if (order <= 0 && semver_cmp(&v[1], &v[2]) <= 0)
			assert_true(semver_cmp(&v[0], &v[2]) <= 0);
		for (int k = 0; k < 3; k++) {
			buf_done(&text[k]);
			buf_done(&key[k]);
		}
	}
}

static void semver_text(void **state UNUSED)
{
	struct gen g = gen_new("semver text");

	for (int i = 0; i < CASES; i++) {
		struct semver v, again;
		AUTO(buf) text = {0};
		AUTO(buf) canonical = {0};

		buf_init(&text, 200);
		buf_init(&canonical, 200);
		gen_version(&g, &text);
		assert_ok(semver_parse(buf_span(&text), &v));
		semver_format(&canonical, &v);
		assert_ok(semver_parse(buf_span(&canonical), &again));
		assert_int_equal(semver_cmp(&v, &again), 0);
		assert_int_equal(again.build.len, 0);
	}
}

/* What ranges mean, said again in comparisons (for versions without pre-release). */
static void semver_ranges(void **state UNUSED)
{
	struct gen g = gen_new("ranges");

	for (int i = 0; i < CASES * 5; i++) {
		uint64_t n[6];
		char version[64], base[64], range[80];
		struct semver v, b;

		for (int k = 0; k < 6; k++)
			n[k] = gen_below(&g, 3);
		(void)snprintf(
			version, sizeof(version), "%d.%d.%d", (int)n[0], (int)n[1], (int)n[2]);
		(void)snprintf(base, sizeof(base), "%d.%d.%d", (int)n[3], (int)n[4], (int)n[5]);
		assert_ok(semver_parse(span_from(version), &v));
		assert_ok(semver_parse(span_from(base), &b));
		int order = semver_cmp(&v, &b);
		bool caret = order >= 0 && n[0] == n[3] && (n[3] || n[1] == n[4]) &&
			     (n[3] || n[4] || n[2] == n[5]);
		bool tilde = order >= 0 && n[0] == n[3] && n[1] == n[4];
		const struct {
			const char *operator_;
			bool want;
		} rows[] = {{"", order == 0}, {"=", order == 0}, {">", order > 0},
			{">=", order >= 0}, {"<", order < 0}, {"<=", order <= 0}, {"^", caret},
			{"~", tilde}};

		for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
			(void)snprintf(range, sizeof(range), "%s%s", rows[k].operator_, base);
			if (semver_range_matches(span_from(range), &v) != rows[k].want)
				fail_msg("%s in %s", version, range);
		}
	}
}

/* Matching and checking agree on what a range is, whatever the text. */
static void range_texts(void **state UNUSED)
{
	struct gen g = gen_new("range texts");
	size_t valid = 0;

	for (int i = 0; i < CASES * 10; i++) {
		char memory[16];
		span range = gen_text(&g, "012.x*^~<>=| -a", memory, 0, sizeof(memory));
		struct semver v = {
			.major = gen_below(&g, 3), .pre = SPAN_EMPTY, .build = SPAN_EMPTY};
		bool matches = semver_range_matches(range, &v);

		if (semver_range_check(range) == OK)
			valid++;
		else
			assert_false(matches);
	}
	assert_true(valid > 0);
}

static void typeid_order(void **state UNUSED)
{
	struct gen g = gen_new("typeid");

	for (int i = 0; i < CASES; i++) {
		uint8_t entropy[2][TYPEID_RANDOM];
		char id[2][TYPEID_SIZE];
		int64_t ms[2];

		for (int k = 0; k < 2; k++) {
			ms[k] = (int64_t)(gen_number(&g) & ((UINT64_C(1) << 48) - 1));
			for (size_t e = 0; e < TYPEID_RANDOM; e++)
				entropy[k][e] = (uint8_t)gen_u64(&g);
			typeid_make("dev", ms[k] * 1000 + (int64_t)gen_below(&g, 1000), entropy[k],
				id[k]);
			assert_true(typeid_is(span_from(id[k]), "dev"));
			assert_int_equal(typeid_time(span_from(id[k])), ms[k] * 1000);
		}
		if (ms[0] != ms[1])
			assert_int_equal(sign(strcmp(id[0], id[1])), ms[0] < ms[1] ? -1 : 1);
	}
}

/* Any bytes written as a JSON string read back as themselves, bad UTF-8 as U+FFFD. */
static void json_strings(void **state UNUSED)
{
	struct gen g = gen_new("json strings");

	for (int i = 0; i < CASES; i++) {
		char memory[60];
		span text = gen_chance(&g, 2) ? gen_bytes(&g, memory, sizeof(memory))
					      : gen_text(&g, "a\"\\/\n\x01\x7f ", memory, 0, 60);
		struct json_writer w;
		struct json_reader r;
		AUTO(buf) written = {0};
		AUTO(buf) back = {0};

		buf_init(&written, 1000);
		buf_init(&back, 1000);
		json_writer_init(&w, &written);
		json_str(&w, NULL, text);
		json_reader_init(&r, buf_span(&written));
		json_get_string(&r, &back);
		assert_ok(json_read_end(&r));
		if (span_is_utf8(text))
			assert_true(span_eq(buf_span(&back), text));
		else
			assert_true(span_is_utf8(buf_span(&back)) &&
				    span_contains(buf_span(&back), SPAN("\xef\xbf\xbd")));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(encodings),
		cmocka_unit_test(one_form_only), cmocka_unit_test(percent), cmocka_unit_test(times),
		cmocka_unit_test(calendar), cmocka_unit_test(semver_orders_agree),
		cmocka_unit_test(semver_text), cmocka_unit_test(semver_ranges),
		cmocka_unit_test(range_texts), cmocka_unit_test(typeid_order),
		cmocka_unit_test(json_strings)};

	return cmocka_run_group_tests_name("base properties", tests, gen_setup, NULL);
}
