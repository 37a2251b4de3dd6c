#include "test.h"

#include "account/session.h"

#include <string.h>

#define SESSION "ses_01m82bpaqwe4ds9x7qefqzp6r8"

static const uint8_t key[REFRESH_KEY_SIZE] = {1, 2, 3};
static const uint8_t other_key[REFRESH_KEY_SIZE] = {1, 2, 4};

static void format(struct buf *b, int64_t generation)
{
	buf_init(b, REFRESH_TOKEN_MAX);
	refresh_token_format(b, SPAN(SESSION), generation, key);
	assert_ok(buf_error(b));
}

static void round_trip(void **state UNUSED)
{
	static const int64_t generations[] = {1, 2, 9, 10, 1000000, INT64_MAX - 1};

	for (size_t i = 0; i < ARRAY_LEN(generations); i++) {
		struct refresh_token t;
		AUTO(buf) text;

		format(&text, generations[i]);
		assert_ok(refresh_token_parse(buf_span(&text), key, &t));
		assert_string_equal(t.session, SESSION);
		assert_int_equal(t.generation, generations[i]);
		assert_int_equal(refresh_token_parse(buf_span(&text), other_key, &t), ERR_INVALID);
	}
}

/* The same generation always gives the same text: a lost answer can be given again. */
static void deterministic(void **state UNUSED)
{
	AUTO(buf) a;
	AUTO(buf) b;
	AUTO(buf) c;

	format(&a, 7);
	format(&b, 7);
	format(&c, 8);
	assert_true(span_eq(buf_span(&a), buf_span(&b)));
	assert_false(span_eq(buf_span(&a), buf_span(&c)));
}

static void any_change_is_refused(void **state UNUSED)
{
	struct refresh_token t;
	AUTO(buf) text;

	format(&text, 12);
	for (size_t i = 0; i < buf_len(&text); i++) {
		for (int c = 0x20; c < 0x7f; c++) {
			char bad[REFRESH_TOKEN_MAX + 1];

			memcpy(bad, buf_str(&text), buf_len(&text) + 1);
			if (bad[i] == (char)c)
				continue;
			bad[i] = (char)c;
			assert_int_equal(refresh_token_parse(span_from(bad), key, &t), ERR_INVALID);
		}
		assert_int_equal(
			refresh_token_parse(span_sub(buf_span(&text), 0, i), key, &t), ERR_INVALID);
	}
	buf_add_byte(&text, 'A');
	assert_int_equal(refresh_token_parse(buf_span(&text), key, &t), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip),
		cmocka_unit_test(deterministic), cmocka_unit_test(any_change_is_refused)};

	return cmocka_run_group_tests_name("refresh_token", tests, NULL, NULL);
}
