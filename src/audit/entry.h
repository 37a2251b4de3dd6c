#ifndef SLIPWAY_AUDIT_ENTRY_H
#define SLIPWAY_AUDIT_ENTRY_H

/*
 * An entry of the audit log, and the bytes its hash is over. Pure.
 *
 *   hash = SHA-256( "slipway-audit-v1\n" ‖ hash of the entry before (32 zero bytes for the first)
 *                   ‖ seq ‖ at ‖ id ‖ actor_kind ‖ actor ‖ action ‖ object ‖ outcome ‖ ip_prefix
 *                   ‖ request_id ‖ detail )
 *
 * Numbers are 8 bytes, at in microseconds; a text is its length in 4 bytes and its UTF-8 bytes. All
 * numbers and lengths are big-endian. So no two different entries have the same bytes.
 */

#include "crypto/digest.h"

struct audit_entry {
	int64_t seq; /* from 1 without gaps; 0: not sealed yet */
	uint8_t hash[SHA256_SIZE];
	int64_t at_us;
	span id, actor_kind, actor, action, object, outcome, ip_prefix, request_id;
	span detail; /* a JSON object */
};

/* The bytes; replaces what is in out. */
void audit_entry_encode(
	const struct audit_entry *e, const uint8_t before[SHA256_SIZE], struct buf *out);
/*
 * The hash e should have after an entry with the hash `before`. scratch is the caller's, so that a
 * walk over many entries allocates once. ERR_TOO_LARGE beyond scratch's ceiling.
 */
err audit_entry_hash(const struct audit_entry *e, const uint8_t before[SHA256_SIZE],
	struct buf *scratch, uint8_t ret[SHA256_SIZE]) MUST_USE;

/* Ceiling of scratch: what fits into a database's text, many times over. */
#define AUDIT_ENTRY_MAX (4 << 20)

#endif
