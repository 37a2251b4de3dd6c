/*
 * Ed25519 by libcrypto, one-shot. As in eckey.c, libcrypto's error queue is left as it was found.
 */
#include "crypto/ed25519.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/banned.h"

void ed25519_public(const uint8_t seed[ED25519_SEED_SIZE], uint8_t ret[ED25519_PUBLIC_SIZE])
{
	size_t len = ED25519_PUBLIC_SIZE;

	(void)ERR_set_mark();
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed, ED25519_SEED_SIZE);
	bool done = pkey && EVP_PKEY_get_raw_public_key(pkey, ret, &len) == 1;

	EVP_PKEY_free(pkey);
	(void)ERR_pop_to_mark();
	if (!done) {
		(void)fputs("libcrypto failed to derive a key\n",
			stderr); /* nothing else can be done */
		abort();
	}
}

err ed25519_sign(
	const uint8_t seed[ED25519_SEED_SIZE], span message, uint8_t ret[ED25519_SIGNATURE_SIZE])
{
	size_t len = ED25519_SIGNATURE_SIZE;

	(void)ERR_set_mark();
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed, ED25519_SEED_SIZE);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool done = pkey && ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		    EVP_DigestSign(ctx, ret, &len, (const uint8_t *)message.ptr, message.len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	(void)ERR_pop_to_mark();
	return done ? OK : ERR_NOMEM;
}

err ed25519_verify(const uint8_t public_key[ED25519_PUBLIC_SIZE], span message,
	const uint8_t signature[ED25519_SIGNATURE_SIZE])
{
	(void)ERR_set_mark();
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key_ex(
		NULL, "ED25519", NULL, public_key, ED25519_PUBLIC_SIZE);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool valid = pkey && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		     EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE_SIZE,
			     (const uint8_t *)message.ptr, message.len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	(void)ERR_pop_to_mark();
	return valid ? OK : ERR_DENIED;
}
