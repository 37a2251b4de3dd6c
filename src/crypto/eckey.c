/*
 * ES256 keys by libcrypto. Each key holds contexts that are ready to sign and to verify; a call
 * works on a duplicate of one, which costs a small allocation and no look-up of algorithms, and
 * leaves the key untouched for other threads.
 *
 * Hard rule: libcrypto's error queue is left as it was found. nginx reads the same queue after each
 * TLS operation and would blame a connection for a bad token.
 */
#include "crypto/eckey.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "crypto/digest.h"

#include "base/banned.h"

#define CURVE         "prime256v1" /* P-256 */
#define SCALAR_SIZE   32
#define PEM_MAX_BYTES 16384
#define DER_MAX_BYTES 72 /* SEQUENCE of two INTEGERs of at most 33 bytes */

struct eckey {
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *verify;
	EVP_PKEY_CTX *sign; /* NULL: a public key, or one with a signer */
	struct eckey_signer signer;
	uint8_t public[ECKEY_PUBLIC_SIZE];
};

void eckey_free(struct eckey *k)
{
	if (!k)
		return;
	EVP_PKEY_CTX_free(k->verify);
	EVP_PKEY_CTX_free(k->sign);
	EVP_PKEY_free(k->pkey);
	if (k->signer.free)
		k->signer.free(k->signer.ctx);
	free(k);
}

/* One coordinate of the public point, with leading zeros. */
static bool coordinate(const EVP_PKEY *pkey, const char *name, uint8_t *ret)
{
	BIGNUM *n = NULL;
	bool done = EVP_PKEY_get_bn_param(pkey, name, &n) &&
		    BN_bn2binpad(n, ret, SCALAR_SIZE) == SCALAR_SIZE;

	BN_free(n);
	return done;
}

static bool is_p256(const EVP_PKEY *pkey)
{
	char group[32];
	size_t len;

	return EVP_PKEY_is_a(pkey, "EC") &&
	       EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) &&
	       strcmp(group, CURVE) == 0;
}

/* Is the point valid and, where there is a private part, do the two belong together? */
static bool is_consistent(EVP_PKEY *pkey, bool private)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool valid = ctx && EVP_PKEY_public_check(ctx) == 1 &&
		     (!private || EVP_PKEY_pairwise_check(ctx) == 1);

	EVP_PKEY_CTX_free(ctx);
	return valid;
}

/* Takes pkey. */
static err wrap(EVP_PKEY *pkey, bool private, struct eckey **ret)
{
	AUTO_PTR(eckey) k = calloc(1, sizeof(*k));

	if (!k) {
		EVP_PKEY_free(pkey);
		return ERR_NOMEM;
	}
	k->pkey = pkey;
	if (!is_p256(pkey) || !is_consistent(pkey, private))
		return ERR_INVALID;
	k->public[0] = 4;
	if (!coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_X, k->public + 1) ||
		!coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, k->public + 1 + SCALAR_SIZE))
		return ERR_INVALID;
	k->verify = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (!k->verify || EVP_PKEY_verify_init(k->verify) != 1)
		return ERR_BUG;
	if (private) {
		k->sign = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
		if (!k->sign || EVP_PKEY_sign_init(k->sign) != 1)
			return ERR_BUG;
	}
	*ret = k;
	k = NULL;
	return OK;
}

err eckey_generate(struct eckey **ret)
{
	(void)ERR_set_mark();
	EVP_PKEY *pkey = EVP_EC_gen(CURVE);
	err e = pkey ? wrap(pkey, true, ret) : ERR_BUG;

	(void)ERR_pop_to_mark();
	return e;
}

/* An encrypted key has no password here: never ask the terminal for one. */
static int no_password(char *to UNUSED, int size UNUSED, int writing UNUSED, void *ctx UNUSED)
{
	return -1;
}

err eckey_from_pem(span pem, struct eckey **ret)
{
	if (pem.len == 0 || pem.len > PEM_MAX_BYTES)
		return ERR_INVALID;
	(void)ERR_set_mark();
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	err e = !bio ? ERR_NOMEM : pkey ? wrap(pkey, true, ret) : ERR_INVALID;

	BIO_free(bio);
	(void)ERR_pop_to_mark();
	return e;
}

static EVP_PKEY *from_point(const uint8_t point[ECKEY_PUBLIC_SIZE])
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (build && ctx &&
		OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, CURVE, 0) &&
		OSSL_PARAM_BLD_push_octet_string(
			build, OSSL_PKEY_PARAM_PUB_KEY, point, ECKEY_PUBLIC_SIZE))
		params = OSSL_PARAM_BLD_to_param(build);
	if (params && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params); /* NULL tells */
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

err eckey_from_public(const uint8_t point[ECKEY_PUBLIC_SIZE], struct eckey **ret)
{
	if (point[0] != 4)
		return ERR_INVALID;
	(void)ERR_set_mark();
	EVP_PKEY *pkey = from_point(point);
	err e = pkey ? wrap(pkey, false, ret) : ERR_INVALID;

	(void)ERR_pop_to_mark();
	return e;
}

err eckey_from_signer(
	const uint8_t point[ECKEY_PUBLIC_SIZE], const struct eckey_signer *s, struct eckey **ret)
{
	struct eckey *k;
	err e = eckey_from_public(point, &k);

	if (e) {
		s->free(s->ctx);
		return e;
	}
	k->signer = *s;
	*ret = k;
	return OK;
}

err eckey_to_pem(const struct eckey *k, struct buf *out)
{
	char *text = NULL;

	if (!k->sign)
		return ERR_INVALID;
	(void)ERR_set_mark();
	BIO *bio = BIO_new(BIO_s_mem()); /* wiped by libcrypto when freed */
	bool written =
		bio && PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL);

	if (written) {
		long len = BIO_get_mem_data(bio, &text);

		buf_add(out, span_of(text, (size_t)len));
	}
	BIO_free(bio);
	(void)ERR_pop_to_mark();
	return written ? buf_error(out) : ERR_NOMEM;
}

void eckey_public(const struct eckey *k, uint8_t ret[ECKEY_PUBLIC_SIZE])
{
	memcpy(ret, k->public, ECKEY_PUBLIC_SIZE);
}

/* Appends the DER INTEGER of a big-endian scalar: no leading zeros, but one before a high bit. */
static size_t der_put_integer(uint8_t *to, const uint8_t scalar[SCALAR_SIZE])
{
	size_t skip = 0;

	while (skip < SCALAR_SIZE - 1 && scalar[skip] == 0)
		skip++;
	size_t len = SCALAR_SIZE - skip, zero = scalar[skip] >> 7;

	to[0] = 2;
	to[1] = (uint8_t)(len + zero);
	to[2] = 0;
	memcpy(to + 2 + zero, scalar + skip, len);
	return 2 + zero + len;
}

/* Reads the DER INTEGER at *at into 32 bytes. False when it does not fit. */
static bool der_get_integer(span der, size_t *at, uint8_t ret[SCALAR_SIZE])
{
	const uint8_t *p = (const uint8_t *)der.ptr + *at;
	size_t left = der.len - *at;

	if (left < 3 || p[0] != 2 || p[1] == 0 || p[1] > left - 2)
		return false;
	size_t len = p[1];

	*at += 2 + len;
	p += 2;
	while (len > 1 && p[0] == 0) {
		p++;
		len--;
	}
	if (len > SCALAR_SIZE)
		return false;
	memset(ret, 0, SCALAR_SIZE - len);
	memcpy(ret + SCALAR_SIZE - len, p, len);
	return true;
}

err eckey_sign(const struct eckey *k, span message, uint8_t ret[ECKEY_SIGNATURE_SIZE])
{
	uint8_t digest[SHA256_SIZE], der[DER_MAX_BYTES], signature[ECKEY_SIGNATURE_SIZE];
	size_t len = sizeof(der), at = 2;

	if (!k->sign && !k->signer.sign)
		return ERR_INVALID;
	sha256(message, digest);
	if (k->signer.sign)
		return k->signer.sign(k->signer.ctx, digest, ret);
	(void)ERR_set_mark();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(k->sign);
	bool made = ctx && EVP_PKEY_sign(ctx, der, &len, digest, sizeof(digest)) == 1;

	EVP_PKEY_CTX_free(ctx);
	(void)ERR_pop_to_mark();
	if (!made)
		return ctx ? ERR_BUG : ERR_NOMEM;
	/* A sequence of less than 128 bytes: two bytes of head, then r and s. */
	if (!der_get_integer(span_of(der, len), &at, signature) ||
		!der_get_integer(span_of(der, len), &at, signature + SCALAR_SIZE) || at != len)
		return ERR_BUG;
	memcpy(ret, signature, sizeof(signature));
	return OK;
}

err eckey_verify(const struct eckey *k, span message, const uint8_t signature[ECKEY_SIGNATURE_SIZE])
{
	uint8_t digest[SHA256_SIZE], der[DER_MAX_BYTES + 1];
	size_t len = 2;

	len += der_put_integer(der + len, signature);
	len += der_put_integer(der + len, signature + SCALAR_SIZE);
	der[0] = 0x30;
	der[1] = (uint8_t)(len - 2);
	sha256(message, digest);
	(void)ERR_set_mark();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(k->verify);
	bool valid = ctx && EVP_PKEY_verify(ctx, der, len, digest, sizeof(digest)) == 1;

	EVP_PKEY_CTX_free(ctx);
	(void)ERR_pop_to_mark();
	return valid ? OK : ERR_DENIED;
}
