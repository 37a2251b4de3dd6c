#ifndef SLIPWAY_KEYRING_PRIVATE_KEY_H
#define SLIPWAY_KEYRING_PRIVATE_KEY_H

/*
 * The private parts of signing keys: files DIR/KIND-KID.pem of mode 0600, or objects of a PKCS#11
 * token. *ret_problem says what is wrong with a token or its key, in arena a; NULL for files.
 */

#include "keyring/keyring.h"

/*
 * Makes a new file, on disk when this returns; or, with a URI, finds the key in the token. Fills
 * kid, kind, point and pkcs11_uri of *ret. Errors of pkcs11_open().
 */
err private_key_make(struct arena *a, const struct key_place *place, enum token_kind kind, span uri,
	struct signing_key *ret, const char **ret_problem) MUST_USE;
/*
 * ERR_NOT_FOUND where there is none; ERR_CORRUPT when it does not fit the public part, or is no
 * key; errors of pkcs11_open(). Gives.
 */
err private_key_load(struct arena *a, const struct key_place *place, const struct signing_key *k,
	struct eckey **ret, const char **ret_problem) MUST_USE;
/* Deletes a file. OK where there is none; what is in a token stays there. */
err private_key_delete(const struct key_place *place, const struct signing_key *k) MUST_USE;

#endif
