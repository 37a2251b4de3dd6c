#include "test.h"

#include <string.h>

#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/secret.h"

static void assert_hex(const uint8_t *bytes, size_t n, const char *want)
{
	AUTO(buf) b = {0};

	buf_init(&b, 1000);
	hex_encode(&b, span_of(bytes, n));
	assert_span(buf_span(&b), want);
}

/* FIPS 180-4 examples. */
static void sha256_vectors(void **state UNUSED)
{
	uint8_t d[SHA256_SIZE];

	sha256(SPAN_EMPTY, d);
	assert_hex(
		d, sizeof(d), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256(SPAN("abc"), d);
	assert_hex(
		d, sizeof(d), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231, cases 1, 2 and 6 (a key longer than a block), and an empty key. */
static void hmac_vectors(void **state UNUSED)
{
	uint8_t d[SHA256_SIZE];
	char long_key[131];

	hmac_sha256(SPAN("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
			 "\x0b\x0b"),
		SPAN("Hi There"), d);
	assert_hex(
		d, sizeof(d), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hmac_sha256(SPAN("Jefe"), SPAN("what do ya want for nothing?"), d);
	assert_hex(
		d, sizeof(d), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(long_key, 0xaa, sizeof(long_key));
	hmac_sha256(span_of(long_key, sizeof(long_key)),
		SPAN("Test Using Larger Than Block-Size Key - Hash Key First"), d);
	assert_hex(
		d, sizeof(d), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	hmac_sha256(SPAN_EMPTY, SPAN_EMPTY, d);
	assert_hex(
		d, sizeof(d), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void streams(void **state UNUSED)
{
	uint8_t d[SHA256_SIZE], b[BLAKE2B_SIZE];
	AUTO_PTR(sha256_stream) s = sha256_stream_new();
	AUTO_PTR(blake2b_stream) k = blake2b_stream_new();

	assert_non_null(s);
	assert_non_null(k);
	sha256_stream_get(s, d);
	assert_hex(
		d, sizeof(d), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256_stream_add(s, SPAN("a"));
	sha256_stream_add(s, SPAN_EMPTY);
	sha256_stream_add(s, SPAN("bc"));
	sha256_stream_get(s, d);
	assert_hex(
		d, sizeof(d), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	blake2b_stream_add(k, SPAN("abc")); /* RFC 7693 appendix A */
	blake2b_stream_get(k, b);
	assert_hex(b, sizeof(b),
		"ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
		"7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

static void secrets(void **state UNUSED)
{
	char secret[] = "secret";

	assert_false(ct_equal(SPAN("abc"), SPAN("abd")));
	assert_false(ct_equal(SPAN("abc"), SPAN("ab")));
	assert_true(ct_equal(SPAN("abc"), SPAN("abc")));
	assert_true(ct_equal(SPAN_EMPTY, SPAN_EMPTY));
	wipe(secret, sizeof(secret));
	for (size_t i = 0; i < sizeof(secret); i++)
		assert_int_equal(secret[i], 0);
}

static void randomness(void **state UNUSED)
{
	bool seen[7] = {false};
	char a[TYPEID_SIZE], b[TYPEID_SIZE];

	for (int i = 0; i < 1000; i++) {
		uint32_t n = random_below(ARRAY_LEN(seen));

		assert_true(n < ARRAY_LEN(seen));
		seen[n] = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		assert_true(seen[i]);
	assert_int_equal(random_below(1), 0);
	random_id("acc", 1700000000000000, a);
	random_id("acc", 1700000000000000, b);
	assert_true(typeid_is(span_from(a), "acc"));
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(sha256_vectors),
		cmocka_unit_test(hmac_vectors), cmocka_unit_test(streams),
		cmocka_unit_test(secrets), cmocka_unit_test(randomness)};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
