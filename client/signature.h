#ifndef SLIPWAY_CLIENT_SIGNATURE_H
#define SLIPWAY_CLIENT_SIGNATURE_H

/* Signatures of the publisher, checked against the keys the program has pinned. */

#include "client.h"

/* What the server's manifest says of a package. In s->arena; signature may be NULL. */
struct manifest_entry {
	const char *package_id, *version, *sha256, *signature;
};
/* The entry with this digest; ERR_NOT_FOUND with words. version NULL: of any version. */
err manifest_find(struct slipway *s, const char *version, const char *sha256,
	struct manifest_entry *ret) MUST_USE;

/*
 * Checks a signature of a file with this BLAKE2b-512 digest. OK when no key is pinned. ERR_DENIED
 * with words when signature is NULL, or made by no pinned key, or wrong.
 */
err signature_check(struct slipway *s, const uint8_t blake2b[64], const char *signature,
	enum slipway_signature *ret) MUST_USE;

#endif
