#include "test.h"
#include "vectors.h"

#include <pthread.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "crypto/eckey.h"

/* RFC 7515 appendix A.3. */
#define RFC_SIGNED                                                                                 \
	"eyJhbGciOiJFUzI1NiJ9."                                                                    \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"                     \
	"LmNvbS9pc19yb290Ijp0cnVlfQ"
#define RFC_SIGNATURE                                                                              \
	"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define RFC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define RFC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"

/* The order of the curve, big-endian (SEC 2, 2.4.2). */
static const uint8_t order_n[32] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca,
	0xc2, 0xfc, 0x63, 0x25, 0x51};

enum pem_form { PKCS8, SEC1, ENCRYPTED };

/* Takes pkey; its PEM text in out. */
static void pem_of(EVP_PKEY *pkey, enum pem_form form, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text, password[] = "password";
	int done;

	assert_true(pkey && bio);
	if (form == SEC1)
		done = PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL);
	else
		done = PEM_write_bio_PKCS8PrivateKey(bio, pkey,
			form == ENCRYPTED ? EVP_aes_128_cbc() : NULL, password, 8, NULL, NULL);
	assert_true(done);
	long len = BIO_get_mem_data(bio, &text);

	buf_clear(out);
	buf_add(out, span_of(text, (size_t)len));
	BIO_free(bio);
	EVP_PKEY_free(pkey);
}

static void pem_refused(void **state UNUSED)
{
	AUTO(buf) pem = {0};
	struct eckey *k = NULL;

	buf_init(&pem, 100000);
	assert_int_equal(eckey_from_pem(SPAN_EMPTY, &k), ERR_INVALID);
	assert_int_equal(eckey_from_pem(SPAN("nonsense"), &k), ERR_INVALID);
	pem_of(EVP_EC_gen("secp384r1"), PKCS8, &pem);
	assert_int_equal(eckey_from_pem(buf_span(&pem), &k), ERR_INVALID);
	pem_of(EVP_EC_gen("secp256k1"), SEC1, &pem); /* as long as P-256, another curve */
	assert_int_equal(eckey_from_pem(buf_span(&pem), &k), ERR_INVALID);
	pem_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), PKCS8, &pem);
	assert_int_equal(eckey_from_pem(buf_span(&pem), &k), ERR_INVALID);
	pem_of(EVP_EC_gen("P-256"), ENCRYPTED, &pem);
	assert_int_equal(eckey_from_pem(buf_span(&pem), &k), ERR_INVALID);
	pem_of(EVP_EC_gen("P-256"), PKCS8, &pem);
	assert_int_equal(eckey_from_pem(span_sub(buf_span(&pem), 0, 100), &k), ERR_INVALID);
	while (buf_len(&pem) < 20000)
		buf_add(&pem, SPAN("# a very long comment\n"));
	assert_int_equal(eckey_from_pem(buf_span(&pem), &k), ERR_INVALID);
	assert_null(k);
	assert_int_equal(ERR_peek_error(), 0);
}

/* A private key file whose public part belongs to another key. */
static void mismatched_halves(void **state UNUSED)
{
	AUTO(buf) pem_a = {0};
	AUTO(buf) pem_b = {0};
	struct eckey *k = NULL;
	unsigned char *der_a = NULL, *der_b = NULL;
	EVP_PKEY *a = EVP_EC_gen("P-256"), *b = EVP_EC_gen("P-256");
	int len_a = i2d_PrivateKey(a, &der_a), len_b = i2d_PrivateKey(b, &der_b);
	const unsigned char *at = der_a;

	buf_init(&pem_a, 10000);
	buf_init(&pem_b, 10000);
	assert_true(len_a == len_b && len_a > 64);
	memcpy(der_a + len_a - 64, der_b + len_b - 64, 64);
	pem_of(d2i_PrivateKey(EVP_PKEY_EC, NULL, &at, len_a), SEC1, &pem_a);
	assert_int_equal(eckey_from_pem(buf_span(&pem_a), &k), ERR_INVALID);
	OPENSSL_free(der_a);
	OPENSSL_free(der_b);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
}

static void points_refused(void **state UNUSED)
{
	struct eckey *k = NULL;
	AUTO_PTR(eckey) good = NULL;
	uint8_t point[ECKEY_PUBLIC_SIZE] = {0};

	assert_int_equal(eckey_from_public(point, &k), ERR_INVALID); /* infinity's form */
	point[0] = 4;
	assert_int_equal(
		eckey_from_public(point, &k), ERR_INVALID); /* (0, 0) is not on the curve */
	assert_ok(eckey_generate(&good));
	eckey_public(good, point);
	point[64] ^= 1;
	assert_int_equal(eckey_from_public(point, &k), ERR_INVALID);
	point[64] ^= 1;
	point[0] = 6; /* hybrid form */
	assert_int_equal(eckey_from_public(point, &k), ERR_INVALID);
	assert_null(k);
	assert_int_equal(ERR_peek_error(), 0);
}

static void signatures_refused(void **state UNUSED)
{
	AUTO_PTR(eckey) k = NULL;
	AUTO_PTR(eckey) other = NULL;
	AUTO_PTR(eckey) public_only = NULL;
	uint8_t good[ECKEY_SIGNATURE_SIZE], bad[ECKEY_SIGNATURE_SIZE], point[ECKEY_PUBLIC_SIZE];
	span message = SPAN("message");

	assert_ok(eckey_generate(&k));
	assert_ok(eckey_generate(&other));
	assert_ok(eckey_sign(k, message, good));
	assert_ok(eckey_verify(k, message, good));
	assert_int_equal(eckey_verify(other, message, good), ERR_DENIED);
	assert_int_equal(eckey_verify(k, SPAN("massage"), good), ERR_DENIED);
	for (size_t half = 0; half < 2; half++) {
		memcpy(bad, good, sizeof(bad));
		memset(bad + half * 32, 0, 32);
		assert_int_equal(eckey_verify(k, message, bad), ERR_DENIED);
		memcpy(bad + half * 32, order_n, 32);
		assert_int_equal(eckey_verify(k, message, bad), ERR_DENIED);
		memset(bad + half * 32, 0xff, 32);
		assert_int_equal(eckey_verify(k, message, bad), ERR_DENIED);
	}
	memset(bad, 0, sizeof(bad));
	assert_int_equal(eckey_verify(k, message, bad), ERR_DENIED);
	assert_int_equal(ERR_peek_error(), 0);

	eckey_public(k, point);
	assert_ok(eckey_from_public(point, &public_only));
	assert_ok(eckey_verify(public_only, message, good));
	assert_int_equal(eckey_sign(public_only, message, bad), ERR_INVALID);
	AUTO(buf) pem = {0};

	buf_init(&pem, 1000);
	assert_int_equal(eckey_to_pem(public_only, &pem), ERR_INVALID);
}

static void round_trips(void **state UNUSED)
{
	AUTO_PTR(eckey) k = NULL;
	AUTO_PTR(eckey) again = NULL;
	AUTO_PTR(eckey) sec1 = NULL;
	uint8_t a[ECKEY_PUBLIC_SIZE], b[ECKEY_PUBLIC_SIZE], signature[ECKEY_SIGNATURE_SIZE];
	AUTO(buf) pem = {0};

	buf_init(&pem, 10000);
	assert_ok(eckey_generate(&k));
	assert_ok(eckey_to_pem(k, &pem));
	assert_ok(eckey_from_pem(buf_span(&pem), &again));
	eckey_public(k, a);
	eckey_public(again, b);
	assert_memory_equal(a, b, sizeof(a));
	buf_wipe(&pem);
	pem_of(EVP_EC_gen("P-256"), SEC1, &pem);
	assert_ok(eckey_from_pem(buf_span(&pem), &sec1));
	/* Many, so that r and s with leading zeros and with a high bit both occur. */
	for (int i = 0; i < 600; i++) {
		span message = span_of(&i, sizeof(i));

		assert_ok(eckey_sign(again, message, signature));
		assert_ok(eckey_verify(k, message, signature));
	}
	assert_ok(eckey_sign(sec1, SPAN_EMPTY, signature));
	assert_ok(eckey_verify(sec1, SPAN_EMPTY, signature));
}

/* One key used by several threads at once; meant for ThreadSanitizer as well. */
static void *use_key(void *key)
{
	uint8_t signature[ECKEY_SIGNATURE_SIZE];
	uintptr_t failures = 0;

	for (int i = 0; i < 50; i++) {
		failures += eckey_sign(key, span_of(&i, sizeof(i)), signature) != OK;
		failures += eckey_verify(key, span_of(&i, sizeof(i)), signature) != OK;
		signature[0] ^= 1;
		failures += eckey_verify(key, span_of(&i, sizeof(i)), signature) != ERR_DENIED;
	}
	return (void *)failures;
}

static void shared_between_threads(void **state UNUSED)
{
	AUTO_PTR(eckey) k = NULL;
	pthread_t threads[4];

	assert_ok(eckey_generate(&k));
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_key, k), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *failures;

		assert_int_equal(pthread_join(threads[i], &failures), 0);
		assert_null(failures);
	}
}

static void rfc7515(void **state UNUSED)
{
	AUTO_PTR(eckey) k = NULL;
	uint8_t point[ECKEY_PUBLIC_SIZE] = {4}, signature[ECKEY_SIGNATURE_SIZE];
	size_t len;

	assert_ok(base64url_decode(SPAN(RFC_X), point + 1, 32, &len));
	assert_ok(base64url_decode(SPAN(RFC_Y), point + 33, 32, &len));
	assert_ok(base64url_decode(SPAN(RFC_SIGNATURE), signature, sizeof(signature), &len));
	assert_ok(eckey_from_public(point, &k));
	assert_ok(eckey_verify(k, SPAN(RFC_SIGNED), signature));
	signature[63] ^= 1;
	assert_int_equal(eckey_verify(k, SPAN(RFC_SIGNED), signature), ERR_DENIED);
}

static void check_vector(const struct eckey *k, const json_t *test)
{
	uint8_t message[4096], signature[ECKEY_SIGNATURE_SIZE];
	span hex_message = vectors_text(test, "msg"), hex_signature = vectors_text(test, "sig");
	bool valid = span_is(vectors_text(test, "result"), "valid");

	/* P1363 signatures of any other length than 64 bytes cannot even be passed. */
	if (hex_signature.len != 2 * sizeof(signature)) {
		assert_false(valid);
		return;
	}
	assert_true(hex_message.len <= 2 * sizeof(message));
	assert_ok(hex_decode(hex_message, message, hex_message.len / 2));
	assert_ok(hex_decode(hex_signature, signature, sizeof(signature)));
	err e = eckey_verify(k, span_of(message, hex_message.len / 2), signature);

	if (e != (valid ? OK : ERR_DENIED))
		fail_msg("tcId %lld", (long long)json_integer_value(json_object_get(test, "tcId")));
}

static void wycheproof(void **state UNUSED)
{
	json_t *document = vectors_load("ecdsa_secp256r1_sha256_p1363_test.json"), *group, *test;
	size_t i, j, checked = 0;

	if (!document)
		skip();
	json_array_foreach(json_object_get(document, "testGroups"), i, group)
	{
		AUTO_PTR(eckey) k = NULL;
		uint8_t point[ECKEY_PUBLIC_SIZE];
		span hex = vectors_text(json_object_get(group, "publicKey"), "uncompressed");

		assert_ok(hex_decode(hex, point, sizeof(point)));
		assert_ok(eckey_from_public(point, &k));
		json_array_foreach(json_object_get(group, "tests"), j, test)
		{
			check_vector(k, test);
			checked++;
		}
	}
	assert_int_equal(checked, json_integer_value(json_object_get(document, "numberOfTests")));
	json_decref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(pem_refused),
		cmocka_unit_test(mismatched_halves), cmocka_unit_test(points_refused),
		cmocka_unit_test(signatures_refused), cmocka_unit_test(round_trips),
		cmocka_unit_test(shared_between_threads), cmocka_unit_test(rfc7515),
		cmocka_unit_test(wycheproof)};

	return cmocka_run_group_tests_name("eckey", tests, NULL, NULL);
}
