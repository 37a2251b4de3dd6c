#ifndef SLIPWAY_CRYPTO_SEAL_H
#define SLIPWAY_CRYPTO_SEAL_H

/*
 * Encryption of small secrets at rest: AES-256-GCM with a random 96-bit nonce. A sealed text is
 * bound to what it belongs to (additional data), so that a row's secret cannot be moved to another.
 */

#include "base/buf.h"

#define SEAL_KEY_SIZE 32
#define SEAL_OVERHEAD (12 + 16) /* nonce and tag */
#define SEAL_MAX      4096      /* bytes of plain text */

/* Appends nonce, ciphertext and tag. ERR_TOO_LARGE beyond SEAL_MAX. */
err seal(const uint8_t key[SEAL_KEY_SIZE], span belongs_to, span plain, struct buf *out) MUST_USE;
/*
 * Appends the plain text; the caller wipes out. ERR_CORRUPT for what was not sealed with this key
 * for this purpose; out is then unchanged.
 */
err unseal(
	const uint8_t key[SEAL_KEY_SIZE], span belongs_to, span sealed, struct buf *out) MUST_USE;

#endif
