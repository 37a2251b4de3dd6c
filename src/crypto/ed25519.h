#ifndef SLIPWAY_CRYPTO_ED25519_H
#define SLIPWAY_CRYPTO_ED25519_H

/*
 * Ed25519 (RFC 8032, pure): the signatures inside minisign's files. Any thread.
 */

#include "base/span.h"

#define ED25519_SEED_SIZE      32
#define ED25519_PUBLIC_SIZE    32
#define ED25519_SIGNATURE_SIZE 64

/*
 * The public key of a seed (the 32 random bytes RFC 8032 calls the private key). Never fails: a
 * broken libcrypto aborts.
 */
void ed25519_public(const uint8_t seed[ED25519_SEED_SIZE], uint8_t ret[ED25519_PUBLIC_SIZE]);
/* ERR_NOMEM is the only failure. */
err ed25519_sign(const uint8_t seed[ED25519_SEED_SIZE], span message,
	uint8_t ret[ED25519_SIGNATURE_SIZE]) MUST_USE;
/* OK, or ERR_DENIED for anything but a valid signature. */
err ed25519_verify(const uint8_t public_key[ED25519_PUBLIC_SIZE], span message,
	const uint8_t signature[ED25519_SIGNATURE_SIZE]) MUST_USE;

#endif
