#ifndef SLIPWAY_LICENCE_LICENCE_KEY_H
#define SLIPWAY_LICENCE_LICENCE_KEY_H

/*
 * Licence keys: `SLW-` and six groups of five characters of Crockford's base32. Five groups are 125
 * random bits, the sixth is a checksum of them, so that a typing error is told from a key that was
 * never issued, and before the database is asked. People type these keys: case, hyphens, spaces and
 * the look-alikes O/0, I/1, L/1 do not matter.
 *
 * Only the SHA-256 of the canonical text is stored (125 bits need no slow hash), and a hint.
 */

#include "base/span.h"
#include "crypto/digest.h"

#define LICENCE_KEY_SIZE  40 /* "SLW-" + 6 × 5 characters + 5 hyphens, and the NUL */
#define LICENCE_HINT_SIZE 6  /* the checksum group and the NUL: says nothing of the random part */

struct licence_key {
	char text[LICENCE_KEY_SIZE]; /* a secret: to be wiped */
};

/* A new key from 16 random bytes, of which 125 bits are used. */
void licence_key_make(const uint8_t bytes[16], struct licence_key *ret);
/* ERR_INVALID when typed is no key or its checksum is wrong. */
err licence_key_parse(span typed, struct licence_key *ret) MUST_USE;
/* What is stored of a key. */
void licence_key_hash(const struct licence_key *key, uint8_t ret[SHA256_SIZE]);
/* The last group, for telling keys apart in lists. */
void licence_key_hint(const struct licence_key *key, char ret[LICENCE_HINT_SIZE]);

#endif
