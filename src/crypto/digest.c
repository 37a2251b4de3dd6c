/*
 * Digests by libcrypto. Algorithms are looked up once for the process: the look-up by name costs
 * more than the digest of a token. Hard rule: a digest that cannot be computed ends the process,
 * so no caller ever compares with uninitialised bytes.
 */
#include "crypto/digest.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/banned.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *md_sha256, *md_sha512, *md_blake2b; /* written by look_up() only */
static EVP_MAC_CTX *mac_hmac; /* HMAC-SHA-256 without a key: only ever duplicated */

static void demand(bool condition)
{
	if (condition)
		return;
	(void)fputs(
		"libcrypto failed to compute a digest\n", stderr); /* nothing else can be done */
	abort();
}

static void look_up(void)
{
	char name[] = "SHA256";
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end()};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	md_sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
	md_blake2b = EVP_MD_fetch(NULL, "BLAKE2B-512", NULL);
	mac_hmac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	demand(md_sha256 && md_sha512 && md_blake2b && mac_hmac &&
		EVP_MAC_CTX_set_params(mac_hmac, params));
	EVP_MAC_free(hmac); /* the context holds its own reference */
}

static void ready(void)
{
	(void)pthread_once(&once, look_up); /* fails only for an invalid argument */
}

void sha256(span data, uint8_t ret[SHA256_SIZE])
{
	ready();
	demand(EVP_Digest(data.ptr, data.len, ret, NULL, md_sha256, NULL));
}

void sha512(span data, uint8_t ret[SHA512_SIZE])
{
	ready();
	demand(EVP_Digest(data.ptr, data.len, ret, NULL, md_sha512, NULL));
}

void hmac_sha256(span key, span data, uint8_t ret[SHA256_SIZE])
{
	size_t len = 0;

	ready();
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(mac_hmac);

	/* A key pointer of NULL would mean "keep the key": an empty key still has an address. */
	demand(ctx && EVP_MAC_init(ctx, (const uint8_t *)(key.len ? key.ptr : ""), key.len, NULL) &&
		EVP_MAC_update(ctx, (const uint8_t *)data.ptr, data.len) &&
		EVP_MAC_final(ctx, ret, &len, SHA256_SIZE) && len == SHA256_SIZE);
	EVP_MAC_CTX_free(ctx);
}

/* Both streams are an EVP_MD_CTX behind a name of their own. */
static EVP_MD_CTX *stream_new(const EVP_MD *md)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx && EVP_DigestInit_ex2(ctx, md, NULL))
		return ctx;
	EVP_MD_CTX_free(ctx);
	return NULL;
}

static void stream_get(const EVP_MD_CTX *ctx, uint8_t *ret)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();

	demand(copy && EVP_MD_CTX_copy_ex(copy, ctx) && EVP_DigestFinal_ex(copy, ret, NULL));
	EVP_MD_CTX_free(copy);
}

struct sha256_stream *sha256_stream_new(void)
{
	ready();
	return (struct sha256_stream *)stream_new(md_sha256);
}

void sha256_stream_free(struct sha256_stream *s)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)s);
}

void sha256_stream_add(struct sha256_stream *s, span data)
{
	demand(EVP_DigestUpdate((EVP_MD_CTX *)s, data.ptr, data.len));
}

void sha256_stream_get(const struct sha256_stream *s, uint8_t ret[SHA256_SIZE])
{
	stream_get((const EVP_MD_CTX *)s, ret);
}

struct blake2b_stream *blake2b_stream_new(void)
{
	ready();
	return (struct blake2b_stream *)stream_new(md_blake2b);
}

void blake2b_stream_free(struct blake2b_stream *s)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)s);
}

void blake2b_stream_add(struct blake2b_stream *s, span data)
{
	demand(EVP_DigestUpdate((EVP_MD_CTX *)s, data.ptr, data.len));
}

void blake2b_stream_get(const struct blake2b_stream *s, uint8_t ret[BLAKE2B_SIZE])
{
	stream_get((const EVP_MD_CTX *)s, ret);
}
