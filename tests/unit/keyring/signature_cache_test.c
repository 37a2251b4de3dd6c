#include "keyring/signature_cache.h"

#include "test.h"

#include <string.h>

/* Whatever was seen before, only what eckey_verify() accepts is accepted. */
static void forgeries(void **state UNUSED)
{
	AUTO_PTR(signature_cache) c = NULL;
	AUTO_PTR(eckey) key = NULL;
	AUTO_PTR(eckey) other = NULL;
	uint8_t signature[ECKEY_SIGNATURE_SIZE], zero[ECKEY_SIGNATURE_SIZE] = {0};
	char text[] = "header.payload";

	assert_ok(signature_cache_new(&c));
	assert_ok(eckey_generate(&key));
	assert_ok(eckey_generate(&other));
	assert_ok(eckey_sign(key, span_from(text), signature));
	assert_false(signature_cache_verify(c, key, span_from(text), zero));
	for (int again = 0; again < 2; again++) {
		assert_true(signature_cache_verify(c, key, span_from(text), signature));
		assert_false(signature_cache_verify(c, other, span_from(text), signature));
		assert_false(signature_cache_verify(c, key, SPAN("header.payloaD"), signature));
		assert_false(signature_cache_verify(c, key, SPAN("header.payloa"), signature));
		assert_false(signature_cache_verify(c, key, SPAN_EMPTY, signature));
		for (size_t i = 0; i < sizeof(signature); i++) {
			signature[i] ^= 1;
			assert_false(signature_cache_verify(c, key, span_from(text), signature));
			signature[i] ^= 1;
		}
	}
}

/* More signatures than it holds: old ones are forgotten, not confused. */
static void many(void **state UNUSED)
{
	enum { COUNT = 3000 };
	static uint8_t signatures[COUNT][ECKEY_SIGNATURE_SIZE];
	AUTO_PTR(signature_cache) c = NULL;
	AUTO_PTR(eckey) key = NULL;

	assert_ok(signature_cache_new(&c));
	assert_ok(eckey_generate(&key));
	for (unsigned i = 0; i < COUNT; i++) {
		span text = span_of(&i, sizeof(i));

		assert_ok(eckey_sign(key, text, signatures[i]));
		assert_true(signature_cache_verify(c, key, text, signatures[i]));
	}
	for (unsigned i = 0; i < COUNT; i++) {
		span text = span_of(&i, sizeof(i));

		assert_true(signature_cache_verify(c, key, text, signatures[i]));
		assert_false(signature_cache_verify(c, key, text, signatures[(i + 1) % COUNT]));
	}
}

static void long_texts(void **state UNUSED)
{
	AUTO_PTR(signature_cache) c = NULL;
	AUTO_PTR(eckey) key = NULL;
	static char text[20000];
	uint8_t signature[ECKEY_SIGNATURE_SIZE];

	assert_ok(signature_cache_new(&c));
	assert_ok(eckey_generate(&key));
	memset(text, 'x', sizeof(text));
	assert_ok(eckey_sign(key, span_of(text, sizeof(text)), signature));
	assert_true(signature_cache_verify(c, key, span_of(text, sizeof(text)), signature));
	text[0] = 'y';
	assert_false(signature_cache_verify(c, key, span_of(text, sizeof(text)), signature));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forgeries),
		cmocka_unit_test(many),
		cmocka_unit_test(long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
