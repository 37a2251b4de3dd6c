#ifndef SLIPWAY_FEDERATION_KEY_SET_H
#define SLIPWAY_FEDERATION_KEY_SET_H

/*
 * The public keys of somebody else's issuer (JSON Web Key Set, RFC 7517). Each key has exactly one
 * algorithm (RFC 8725, 3.1 and 3.2): what the set says, else RS256 for RSA, ES256 for P-256 and
 * EdDSA for Ed25519. Keys of other algorithms, for encryption, or not fit to be used (RSA below
 * 2048 bits, a point that is not on the curve) are left out. Immutable; shared by reference.
 */

#include "base/span.h"

#define KEY_SET_MAX_BYTES 65536
#define KEY_SET_MAX_KEYS  64

struct key_set;

/*
 * ERR_INVALID: not a key set; ERR_TOO_LARGE: more than KEY_SET_MAX_…. A set in which no key can be
 * used is a set. Gives a reference.
 */
err key_set_parse(span json, struct key_set **ret) MUST_USE;
struct key_set *key_set_ref(struct key_set *s);
void key_set_unref(struct key_set *s); /* accepts NULL */

size_t key_set_count(const struct key_set *s);
/* True when the set has a key of this kid. An empty kid names the key of a set that has only one.
 */
bool key_set_has(const struct key_set *s, span kid);

/*
 * Whether token, a compact JWS whose header names this algorithm and kid, was signed by the key.
 * ERR_NOT_FOUND: no such key; ERR_INVALID: the key is for another algorithm; ERR_DENIED: it was
 * not.
 */
err key_set_check(const struct key_set *s, span kid, span algorithm, span token) MUST_USE;

#endif
