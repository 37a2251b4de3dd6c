#ifndef SLIPWAY_KEYRING_KEYRING_H
#define SLIPWAY_KEYRING_KEYRING_H

/*
 * The private keys that sign tokens: one set per kind (access, device, download), each key a PEM
 * file DIR/KIND-KID.pem of mode 0600. The public parts stand in the table signing_keys and in the
 * published state. A keyring is immutable after loading; any thread.
 */

#include "db/db.h"
#include "token/token.h"

struct keyring;

/*
 * Loads the keys of dir; makes the first key of each kind where there is none, durably, and records
 * it in the database and the change feed (*ret_seq: to be waited for, 0 when nothing was new).
 * Gives.
 */
err keyring_open(const char *dir, struct db *db, int64_t now_us, struct keyring **ret,
	uint64_t *ret_seq) MUST_USE;
void keyring_close(struct keyring *k); /* accepts NULL */

/* Signs c with the kind's active key; sets nothing in c but kid. Appends the token. */
err keyring_sign(const struct keyring *k, struct token_claims *c, struct buf *out) MUST_USE;
/* token_key_lookup for verification in the control plane; ctx is the keyring. */
const struct eckey *keyring_lookup(void *ctx, enum token_kind kind, span kid);
/* token_signature_check that remembers good signatures (signature_cache.h); ctx is the keyring. */
bool keyring_check(void *ctx, const struct eckey *key, span text, const uint8_t signature[64]);
/* The public keys as a JSON Web Key Set (RFC 7517), `use: sig`, `alg: ES256`. */
void keyring_jwks(const struct keyring *k, struct buf *out);
/* A key for keyed hashes (pseudonyms, refresh tokens): HMAC of purpose under a secret in dir. */
void keyring_derive(const struct keyring *k, const char *purpose, uint8_t ret[32]);

#endif
