#ifndef SLIPWAY_TESTS_UNIT_ACCOUNT_AUTHENTICATOR_H
#define SLIPWAY_TESTS_UNIT_ACCOUNT_AUTHENTICATOR_H

/*
 * An authenticator of each algorithm and the browser around it (WebAuthn Level 2), which can lie
 * about everything they say. All of it by hand: what a test sends must not depend on what a library
 * finds proper.
 */

#include "test.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "account/cbor.h"
#include "account/passkey.h"
#include "crypto/digest.h"

#define CHALLENGE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ORIGIN    "https://vpn.example.com"
#define RP_ID     "vpn.example.com"

/* Section 6.1. */
#define UP 0x01
#define UV 0x04
#define AT 0x40
#define ED 0x80

/* CBOR (RFC 8949 section 3) ---------------------------------------------------------------------
 */

static inline void add_head(struct buf *b, enum cbor_type type, size_t n)
{
	if (n < 24) {
		buf_add_byte(b, (char)(type << 5 | n));
	} else if (n < 256) {
		buf_add_byte(b, (char)(type << 5 | 24));
		buf_add_byte(b, (char)n);
	} else {
		buf_add_byte(b, (char)(type << 5 | 25));
		buf_add_byte(b, (char)(n >> 8));
		buf_add_byte(b, (char)n);
	}
}

static inline void add_int(struct buf *b, int n)
{
	if (n < 0)
		add_head(b, CBOR_NEGATIVE, (size_t)(-1 - n));
	else
		add_head(b, CBOR_UINT, (size_t)n);
}

static inline void add_string(struct buf *b, enum cbor_type type, span s)
{
	add_head(b, type, s.len);
	buf_add(b, s);
}

/* COSE keys (RFC 9053 section 7; RFC 8230 section 4) ---------------------------------------------
 */

static inline void add_label(struct buf *b, int label, int value)
{
	add_int(b, label);
	add_int(b, value);
}

static inline void add_parameter(struct buf *b, int label, span value)
{
	add_int(b, label);
	add_string(b, CBOR_BYTES, value);
}

static inline void add_ec_key(struct buf *b, int algorithm, int curve, span x, span y)
{
	add_head(b, CBOR_MAP, 5);
	add_label(b, 1, 2);
	add_label(b, 3, algorithm);
	add_label(b, -1, curve);
	add_parameter(b, -2, x);
	add_parameter(b, -3, y);
}

static inline void add_okp_key(struct buf *b, int algorithm, int curve, span x)
{
	add_head(b, CBOR_MAP, 4);
	add_label(b, 1, 1);
	add_label(b, 3, algorithm);
	add_label(b, -1, curve);
	add_parameter(b, -2, x);
}

static inline void add_rsa_key(struct buf *b, int algorithm, span n, span e)
{
	add_head(b, CBOR_MAP, 4);
	add_label(b, 1, 3);
	add_label(b, 3, algorithm);
	add_parameter(b, -1, n);
	add_parameter(b, -2, e);
}

/* x and y of a point, one behind the other; gives the size of either. */
static inline size_t coordinates(EVP_PKEY *key, uint8_t ret[2 * 66])
{
	unsigned char *point = NULL;
	size_t len = EVP_PKEY_get1_encoded_public_key(key, &point);

	assert_true(len > 1 && len <= 1 + 2 * 66 && point[0] == 4);
	memcpy(ret, point + 1, len - 1);
	OPENSSL_free(point);
	return (len - 1) / 2;
}

static inline void add_ec_key_of(struct buf *b, int algorithm, int curve, EVP_PKEY *key)
{
	uint8_t xy[2 * 66];
	size_t size = coordinates(key, xy);

	add_ec_key(b, algorithm, curve, span_of(xy, size), span_of(xy + size, size));
}

static inline void add_rsa_key_of(struct buf *b, int algorithm, EVP_PKEY *key)
{
	uint8_t bytes[1024];
	BIGNUM *n = NULL;

	assert_true(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n));
	int size = BN_num_bytes(n);

	assert_true(size <= (int)sizeof(bytes) && BN_bn2binpad(n, bytes, size) == size);
	BN_free(n);
	add_rsa_key(b, algorithm, span_of(bytes, (size_t)size), SPAN("\x01\x00\x01"));
}

static inline void add_ed25519_key_of(struct buf *b, int algorithm, EVP_PKEY *key)
{
	uint8_t raw[32];
	size_t size = sizeof(raw);

	assert_true(EVP_PKEY_get_raw_public_key(key, raw, &size));
	add_okp_key(b, algorithm, 6, span_of(raw, size));
}

/* The three authenticators -----------------------------------------------------------------------
 */

static struct authenticator {
	const char *name;
	int algorithm;
	EVP_PKEY *key, *other_key;
	char memory[512];
	span cose;
} authenticators[] = {{"ES256", -7}, {"EdDSA", -8}, {"RS256", -257}};

#define ES256 (&authenticators[0])
#define EDDSA (&authenticators[1])
#define RS256 (&authenticators[2])

static inline EVP_PKEY *make_key(int algorithm)
{
	EVP_PKEY *key = algorithm == -7   ? EVP_EC_gen("P-256")
			: algorithm == -8 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
					  : EVP_RSA_gen(2048);

	assert_non_null(key);
	return key;
}

static inline int make_authenticators(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(authenticators); i++) {
		struct authenticator *a = &authenticators[i];
		struct buf cose;

		a->key = make_key(a->algorithm);
		a->other_key = make_key(a->algorithm);
		buf_init_fixed(&cose, a->memory, sizeof(a->memory));
		if (a == ES256)
			add_ec_key_of(&cose, a->algorithm, 1, a->key);
		else if (a == EDDSA)
			add_ed25519_key_of(&cose, a->algorithm, a->key);
		else
			add_rsa_key_of(&cose, a->algorithm, a->key);
		assert_ok(buf_error(&cose));
		a->cose = buf_span(&cose);
	}
	return 0;
}

static inline int free_authenticators(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(authenticators); i++) {
		EVP_PKEY_free(authenticators[i].key);
		EVP_PKEY_free(authenticators[i].other_key);
	}
	return 0;
}

/* Their answers ----------------------------------------------------------------------------------
 */

/* What an answer says that is not the truth; nothing of it by default. */
struct lies {
	const char *client_data; /* the whole of it */
	const char *type, *challenge, *origin, *members;
	const char *rp_id;
	uint8_t flags;
	uint32_t counter;
	size_t id_len; /* 16 by default */
	bool without_id, without_credential;
	span cose, extensions; /* extensions: whatever follows the key */
	const char *format;
	span statement, tail;
	span object; /* the whole of it */
};

struct answer {
	char client_[2 * PASSKEY_CLIENT_DATA_MAX], data_[2 * PASSKEY_OBJECT_MAX],
		object_[2 * PASSKEY_OBJECT_MAX], signature_[PASSKEY_SIGNATURE_MAX];
	struct buf client, data, object, signature;
};

static inline void answer_init(struct answer *a)
{
	buf_init_fixed(&a->client, a->client_, sizeof(a->client_));
	buf_init_fixed(&a->data, a->data_, sizeof(a->data_));
	buf_init_fixed(&a->object, a->object_, sizeof(a->object_));
	buf_init_fixed(&a->signature, a->signature_, sizeof(a->signature_));
}

static inline const char *either(const char *lie, const char *truth)
{
	return lie ? lie : truth;
}

/* Section 5.8.1. */
static inline void say_client_data(struct answer *a, const struct lies *l, const char *type)
{
	if (l->client_data)
		buf_add_str(&a->client, l->client_data);
	else
		buf_addf(&a->client, "{\"type\":\"%s\",\"challenge\":\"%s\",\"origin\":\"%s\",%s}",
			either(l->type, type), either(l->challenge, CHALLENGE),
			either(l->origin, ORIGIN), either(l->members, "\"crossOrigin\":false"));
	assert_ok(buf_error(&a->client));
}

/* Section 6.1, without what the flags announce. */
static inline void say_head(struct answer *a, const struct lies *l, uint8_t flags)
{
	uint8_t rp[SHA256_SIZE];

	sha256(span_from(either(l->rp_id, RP_ID)), rp);
	buf_add(&a->data, span_of(rp, sizeof(rp)));
	buf_add_byte(&a->data, (char)(l->flags ? l->flags : flags));
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_byte(&a->data, (char)(l->counter >> shift));
}

/* Section 6.5.1. */
static inline void say_credential(struct answer *a, const struct lies *l, span cose)
{
	size_t len = l->without_id ? 0 : l->id_len ? l->id_len : 16;

	for (int i = 0; i < 16; i++)
		buf_add_byte(&a->data, 0); /* AAGUID */
	buf_add_byte(&a->data, (char)(len >> 8));
	buf_add_byte(&a->data, (char)len);
	for (size_t i = 0; i < len; i++)
		buf_add_byte(&a->data, (char)(i + 1));
	buf_add(&a->data, l->cose.len ? l->cose : cose);
}

/* Section 6.5.4. */
static inline void say_object(struct answer *a, const struct lies *l)
{
	if (l->object.len) {
		buf_add(&a->object, l->object);
		return;
	}
	add_head(&a->object, CBOR_MAP, 3);
	add_string(&a->object, CBOR_TEXT, SPAN("fmt"));
	add_string(&a->object, CBOR_TEXT, span_from(either(l->format, "none")));
	add_string(&a->object, CBOR_TEXT, SPAN("attStmt"));
	buf_add(&a->object, l->statement.len ? l->statement : SPAN("\xa0"));
	add_string(&a->object, CBOR_TEXT, SPAN("authData"));
	add_string(&a->object, CBOR_BYTES, buf_span(&a->data));
	buf_add(&a->object, l->tail);
}

static inline void answer_create(
	struct answer *a, const struct authenticator *by, const struct lies *l)
{
	answer_init(a);
	say_client_data(a, l, "webauthn.create");
	say_head(a, l, UP | UV | AT);
	if (!l->without_credential)
		say_credential(a, l, by->cose);
	buf_add(&a->data, l->extensions);
	say_object(a, l);
	assert_ok(buf_error(&a->data));
	assert_ok(buf_error(&a->object));
}

/* Section 6.3.3, step 11: over the data and the hash of the client data. */
static inline void answer_sign(struct answer *a, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *hash = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
	unsigned char message[2 * PASSKEY_OBJECT_MAX], signature[512];
	size_t len = sizeof(signature), data_len = buf_len(&a->data);

	assert_true(data_len + SHA256_SIZE <= sizeof(message));
	memcpy(message, buf_str(&a->data), data_len);
	sha256(buf_span(&a->client), message + data_len);
	assert_true(ctx && EVP_DigestSignInit(ctx, NULL, hash, NULL, key));
	assert_true(EVP_DigestSign(ctx, signature, &len, message, data_len + SHA256_SIZE));
	EVP_MD_CTX_free(ctx);
	buf_clear(&a->signature);
	buf_add(&a->signature, span_of(signature, len));
	assert_ok(buf_error(&a->signature));
}

static inline void answer_get(
	struct answer *a, const struct authenticator *by, const struct lies *l)
{
	answer_init(a);
	say_client_data(a, l, "webauthn.get");
	say_head(a, l, UP | UV);
	buf_add(&a->data, l->extensions);
	assert_ok(buf_error(&a->data));
	answer_sign(a, by->key);
}

#endif
