#include "test.h"

#include "account/api_key.h"

#include <string.h>

static void made_keys_parse(void **state UNUSED)
{
	char first[API_KEY_SIZE], key[API_KEY_SIZE];
	span id;

	api_key_make("live", SPAN_EMPTY, first);
	for (int i = 0; i < 200; i++) {
		api_key_make("live", SPAN_EMPTY, key);
		assert_ok(api_key_parse(span_from(key), &id));
		assert_int_equal(id.len, API_KEY_ID_CHARS);
		assert_string_not_equal(key, first);
	}
	assert_true(span_starts_with(span_from(key), SPAN("slk_live_")));
}

/* A scanner computes the same checksum: CRC-32 of IEEE 802.3 in base62. */
static void checksum_is_crc32(void **state UNUSED)
{
	span id;

	/* The last six characters were computed with zlib. */
	assert_ok(api_key_parse(
		SPAN("slk_live_AAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB2UNxJg"), &id));
	assert_span(id, "AAAAAAAA");
}

static void a_rotated_key_keeps_its_public_id(void **state UNUSED)
{
	char key[API_KEY_SIZE];
	span id;

	api_key_make("live", SPAN("aB3dE6gH"), key);
	assert_ok(api_key_parse(span_from(key), &id));
	assert_span(id, "aB3dE6gH");
}

/* Every single changed character is noticed before any database is asked. */
static void any_change_is_refused(void **state UNUSED)
{
	char key[API_KEY_SIZE], bad[API_KEY_SIZE];
	span id;

	api_key_make("live", SPAN_EMPTY, key);
	for (size_t i = 0; key[i]; i++) {
		memcpy(bad, key, sizeof(bad));
		bad[i] = bad[i] == 'x' ? 'y' : 'x';
		assert_int_equal(api_key_parse(span_from(bad), &id), ERR_INVALID);
		assert_int_equal(api_key_parse(span_sub(span_from(key), 0, i), &id), ERR_INVALID);
	}
}

static void malformed(void **state UNUSED)
{
	static const char *const rows[] = {"", "slk", "slk_", "slk___", "slk_live_",
		"slk_live_AAAAAAAA", "slk_live_AAAAAAAA_", "skl_live_AAAAAAAA_x",
		"slk_LIVE_AAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB000000",
		"slk__AAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB000000",
		"slk_live_AAAAAAA-_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB000000",
		"slk_live_AAAAAAAA_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB0000000000000000000000000000"};
	span id;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(api_key_parse(span_from(rows[i]), &id) == ERR_INVALID, rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(made_keys_parse),
		cmocka_unit_test(checksum_is_crc32),
		cmocka_unit_test(a_rotated_key_keeps_its_public_id),
		cmocka_unit_test(any_change_is_refused), cmocka_unit_test(malformed)};

	return cmocka_run_group_tests_name("api_key", tests, NULL, NULL);
}
