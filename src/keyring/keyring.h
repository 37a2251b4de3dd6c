#ifndef SLIPWAY_KEYRING_KEYRING_H
#define SLIPWAY_KEYRING_KEYRING_H

/*
 * The private keys that sign tokens: one set per kind (access, device, download), each key a PEM
 * file DIR/KIND-KID.pem of mode 0600 or in a PKCS#11 token. The public parts stand in the table
 * signing_keys and in the published state (signing_key.h).
 *
 * A keyring follows the table: what another control plane of the same database adds or retires is
 * known here within KEYRING_REFRESH_US. Any thread; nothing here may be called in a db body.
 */

#include "keyring/signing_key.h"

#define KEYRING_REFRESH_US INT64_C(500000)

struct keyring;

/* Where private parts are. */
struct key_place {
	const char *dir;
	const char *pkcs11_module;   /* path, or empty: no tokens */
	const char *pkcs11_pin_file; /* empty: no login */
};

/*
 * Loads the keys; makes the first key of each kind where there is none, durably, and records
 * it in the database and the change feed (*ret_seq: to be waited for, 0 when nothing was new).
 * ERR_NOT_FOUND when dir lacks the database's secret or the private part of a key that is to sign,
 * ERR_CONFLICT when the secret is another database's, ERR_CORRUPT when a private part does not fit
 * the public one, or what the token says; the log has details. Keeps db. Gives.
 */
err keyring_open(const struct key_place *place, struct db *db, int64_t now_us, struct keyring **ret,
	uint64_t *ret_seq) MUST_USE;
void keyring_close(struct keyring *k); /* accepts NULL */

/*
 * Signs c with the kind's signing key at c->iat; sets nothing in c but kid, which lives as long as
 * k. Appends the token. ERR_UNAVAILABLE when the private part of no such key is in dir.
 */
err keyring_sign(struct keyring *k, struct token_claims *c, struct buf *out) MUST_USE;
/*
 * token_key_lookup for verification in the control plane; ctx is the keyring. What it gives lives
 * as long as the keyring.
 */
const struct eckey *keyring_lookup(void *ctx, enum token_kind kind, span kid);
/* token_signature_check that remembers good signatures (signature_cache.h); ctx is the keyring. */
bool keyring_check(void *ctx, const struct eckey *key, span text, const uint8_t signature[64]);
/* The public keys as a JSON Web Key Set (RFC 7517), `use: sig`, `alg: ES256`. */
void keyring_jwks(struct keyring *k, struct buf *out);
/* A key for keyed hashes (pseudonyms, refresh tokens): HMAC of purpose under a secret in dir. */
void keyring_derive(const struct keyring *k, const char *purpose, uint8_t ret[32]);

/*
 * Makes a key whose private part is on disk when it returns: to be recorded by
 * signing_key_insert(), or discarded. The caller fills the times. ret->active_at_us must leave the
 * published state time to reach every node first. With a URI the key is one that is in the token
 * already; *ret_problem then says what is wrong with it, in arena a (NULL: nothing to say).
 */
err keyring_make(struct keyring *k, struct arena *a, enum token_kind kind, span pkcs11_uri,
	struct signing_key *ret, const char **ret_problem) MUST_USE;
/* Deletes the private part, if it is a file; what stands in the way is logged. */
void keyring_discard(struct keyring *k, const struct signing_key *key);
/* Reads the table now. */
err keyring_refresh(struct keyring *k) MUST_USE;

#endif
