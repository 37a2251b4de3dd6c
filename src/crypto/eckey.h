#ifndef SLIPWAY_CRYPTO_ECKEY_H
#define SLIPWAY_CRYPTO_ECKEY_H

/*
 * ECDSA P-256 keys (ES256, RFC 7518 section 3.4): signatures are 64 bytes, r and s big-endian.
 * A key object is immutable after creation; sign and verify may be called from several threads.
 */

#include "base/buf.h"

#define ECKEY_PUBLIC_SIZE    65 /* uncompressed point: 04 ‖ x ‖ y (SEC 1, 2.3.3) */
#define ECKEY_SIGNATURE_SIZE 64

struct eckey;

/* A new private key. ERR_BUG when libcrypto fails. Gives. */
err eckey_generate(struct eckey **ret) MUST_USE;
/* From PKCS#8 or SEC 1 PEM text (not encrypted), P-256 only. ERR_INVALID otherwise. Gives. */
err eckey_from_pem(span pem, struct eckey **ret) MUST_USE;
/* From an uncompressed point, which is checked to lie on the curve. Gives. */
err eckey_from_public(const uint8_t point[ECKEY_PUBLIC_SIZE], struct eckey **ret) MUST_USE;

/* A private part that is somewhere else. sign is called by any thread. */
struct eckey_signer {
	err (*sign)(void *ctx, const uint8_t sha256[32], uint8_t ret[ECKEY_SIGNATURE_SIZE]);
	void (*free)(void *ctx);
	void *ctx;
};
/* As eckey_from_public, and signs by s. Takes s->ctx, also on failure. Gives. */
err eckey_from_signer(const uint8_t point[ECKEY_PUBLIC_SIZE], const struct eckey_signer *s,
	struct eckey **ret) MUST_USE;
void eckey_free(struct eckey *k); /* accepts NULL */
DEFINE_AUTO_PTR(eckey)

/* PKCS#8 PEM of the private key, ERR_INVALID if it is not here; out is to be wiped by the caller.
 */
err eckey_to_pem(const struct eckey *k, struct buf *out) MUST_USE;
void eckey_public(const struct eckey *k, uint8_t ret[ECKEY_PUBLIC_SIZE]);

/* ES256 over message. ERR_INVALID when k has no private part; what the signer says. */
err eckey_sign(const struct eckey *k, span message, uint8_t ret[ECKEY_SIGNATURE_SIZE]) MUST_USE;
/* OK, or ERR_DENIED for a signature that does not match (r or s out of range included). */
err eckey_verify(const struct eckey *k, span message,
	const uint8_t signature[ECKEY_SIGNATURE_SIZE]) MUST_USE;

#endif
