#ifndef SLIPWAY_KEYRING_PRIVATE_KEY_H
#define SLIPWAY_KEYRING_PRIVATE_KEY_H

/* Where the private parts of signing keys are: files DIR/KIND-KID.pem of mode 0600. */

#include "keyring/signing_key.h"

/* Makes a new one, on disk when this returns; fills kid, kind and point of *ret. */
err private_key_make(const char *dir, enum token_kind kind, struct signing_key *ret) MUST_USE;
/*
 * ERR_NOT_FOUND where there is none; ERR_CORRUPT when it does not fit the public part, or is no
 * key. Gives.
 */
err private_key_load(const char *dir, const struct signing_key *k, struct eckey **ret) MUST_USE;
/* OK also where there is none. */
err private_key_delete(const char *dir, const struct signing_key *k) MUST_USE;

#endif
