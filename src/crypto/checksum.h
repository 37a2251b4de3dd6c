#ifndef SLIPWAY_CRYPTO_CHECKSUM_H
#define SLIPWAY_CRYPTO_CHECKSUM_H

/*
 * Checksums of transfers, which find broken lines and no attackers: the tus protocol wants SHA-1.
 * Nothing that must be secret or unforgeable may rest on these; see digest.h for that.
 */

#include "base/span.h"

#define CHECKSUM_MAX_SIZE 32

struct checksum;

/* "sha1" or "sha256". NULL for another name or when memory is out. Gives. */
struct checksum *checksum_new(span algorithm);
void checksum_free(struct checksum *c); /* accepts NULL */
void checksum_add(struct checksum *c, span data);
/* Ends the sum: only checksum_free may follow. Gives its length. */
size_t checksum_end(struct checksum *c, uint8_t ret[CHECKSUM_MAX_SIZE]);

#endif
