#ifndef SLIPWAY_CRYPTO_PKCS11_H
#define SLIPWAY_CRYPTO_PKCS11_H

/*
 * ECDSA P-256 keys that live in a PKCS#11 token (an HSM, a smart card, SoftHSM): the private part
 * never leaves it. Keys are named by URIs (RFC 7512) that say which token and which object:
 *
 *     pkcs11:token=slipway;object=access-2
 *
 * The module is the machine's business and the PIN a secret: neither may stand in a URI, which
 * comes from administrators over the network and is stored.
 */

#include "base/arena.h"
#include "crypto/eckey.h"

#define PKCS11_URI_MAX 512

/*
 * Finds the one key of uri in the token of a module (path of a shared object), logs in with pin
 * (empty: no login), and proves by a signature that private and public part belong together. The
 * key signs with one session, opened again when it was lost; it keeps a copy of pin, wiped at the
 * end. Gives.
 *
 * ERR_INVALID: the URI, or what it names is no such key; ERR_NOT_FOUND: no such token or object;
 * ERR_DENIED: the PIN is wrong, or was given wrong before: then it is not tried, because tokens
 * lock themselves after a few wrong ones; ERR_UNAVAILABLE: module or token do not work.
 * *ret_problem then says what, in arena a.
 */
err pkcs11_open(struct arena *a, const char *module, span uri, span pin, struct eckey **ret,
	const char **ret_problem) MUST_USE;

#endif
