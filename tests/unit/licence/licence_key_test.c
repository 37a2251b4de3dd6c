#include "licence/licence_key.h"

#include "crypto/random.h"

#include "test.h"

#include <string.h>

static void known_key(void **state UNUSED)
{
	static const uint8_t zero[16], ones[16] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
					       255, 255, 255, 255, 255, 255};
	struct licence_key k;

	licence_key_make(zero, &k);
	assert_memory_equal(k.text, "SLW-00000-00000-00000-00000-00000-", 34);
	assert_int_equal(strlen(k.text), LICENCE_KEY_SIZE - 1);
	licence_key_make(ones, &k);
	assert_memory_equal(k.text, "SLW-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-", 34);
}

static void typed_in_many_ways(void **state UNUSED)
{
	uint8_t random[16], want[SHA256_SIZE], got[SHA256_SIZE];
	struct licence_key k, again;
	char hint[LICENCE_HINT_SIZE];

	for (int round = 0; round < 200; round++) {
		random_bytes(random, sizeof(random));
		licence_key_make(random, &k);
		licence_key_hash(&k, want);
		licence_key_hint(&k, hint);
		assert_string_equal(hint, k.text + strlen(k.text) - 5);

		AUTO(buf) typed = {0};

		buf_init(&typed, 256);
		buf_add_str(&typed, " slw ");
		for (const char *p = k.text + 3; *p; p++) {
			char c = *p == '0' ? 'o' : *p == '1' ? 'L' : *p;

			if (c == '-')
				buf_add_str(&typed, round % 2 ? " " : "");
			else
				buf_add_byte(&typed,
					c >= 'A' && c <= 'Z' && c != 'L' ? (char)(c + 32) : c);
		}
		assert_ok(licence_key_parse(buf_span(&typed), &again));
		assert_string_equal(again.text, k.text);
		licence_key_hash(&again, got);
		assert_memory_equal(got, want, sizeof(want));
	}
}

/* Each single wrong character and each exchange of neighbours is noticed. */
static void typing_errors(void **state UNUSED)
{
	static const uint8_t random[16] = {
		7, 91, 3, 200, 150, 44, 9, 81, 77, 250, 13, 5, 66, 128, 31, 90};
	struct licence_key k, got;

	licence_key_make(random, &k);
	for (size_t i = 4; i < LICENCE_KEY_SIZE - 1; i++) {
		struct licence_key wrong = k;

		if (k.text[i] == '-')
			continue;
		wrong.text[i] = k.text[i] == '7' ? '8' : '7';
		assert_int_equal(licence_key_parse(span_from(wrong.text), &got), ERR_INVALID);
		wrong = k;
		if (i + 2 < LICENCE_KEY_SIZE && k.text[i + 1] != '-' &&
			k.text[i] != k.text[i + 1]) {
			wrong.text[i] = k.text[i + 1];
			wrong.text[i + 1] = k.text[i];
			assert_int_equal(
				licence_key_parse(span_from(wrong.text), &got), ERR_INVALID);
		}
	}
}

static void refuses(void **state UNUSED)
{
	static const char *const bad[] = {"", "SLW", "SLW-", "SLW-00000-00000-00000-00000-00000",
		"SLW-00000-00000-00000-00000-00000-00000",
		"XLW-00000-00000-00000-00000-00000-00000",
		"SLW-UUUUU-00000-00000-00000-00000-00000", "SLW_00000", "SLW-00000\t00000",
		"SLW-00000-00000-00000-00000-00000-00000-00000-00000"};
	struct licence_key got;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(licence_key_parse(span_from(bad[i]), &got) == ERR_INVALID, bad[i]);
	assert_int_equal(licence_key_parse(span_of("SLW-\0", 5), &got), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),
		cmocka_unit_test(typing_errors),
		cmocka_unit_test(known_key),
		cmocka_unit_test(typed_in_many_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
