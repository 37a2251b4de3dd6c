#ifndef SLIPWAY_KEYRING_SIGNATURE_CACHE_H
#define SLIPWAY_KEYRING_SIGNATURE_CACHE_H

/*
 * Remembers which signatures were good, so that a token that comes with each request of a session
 * costs one ECDSA verification and not one per request. What it knows is true for ever ("this key
 * signed this text"): times, revocations and epochs are looked at elsewhere, each time. Of a fixed
 * size, wiped when freed; any thread.
 */

#include "crypto/eckey.h"

struct signature_cache;

/* Gives. ERR_NOMEM. */
err signature_cache_new(struct signature_cache **ret) MUST_USE;
void signature_cache_free(struct signature_cache *c); /* accepts NULL */
DEFINE_AUTO_PTR(signature_cache)

/* As eckey_verify() == OK. */
bool signature_cache_verify(struct signature_cache *c, const struct eckey *key, span text,
	const uint8_t signature[ECKEY_SIGNATURE_SIZE]);

#endif
