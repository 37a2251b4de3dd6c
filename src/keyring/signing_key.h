#ifndef SLIPWAY_KEYRING_SIGNING_KEY_H
#define SLIPWAY_KEYRING_SIGNING_KEY_H

/*
 * The public side of the keys that sign tokens: rows of signing_keys and records of the published
 * state, changed together. A key of a kind goes through these, in time:
 *
 *      next ──active_at──▶ signing ──another's active_at──▶ accepted ──▶ retired
 *
 * What is told by the times alone is not stored: the signing key of a kind is the one with the
 * latest active_at that has come.
 */

#include "crypto/pkcs11.h"
#include "feed/feed.h"
#include "token/token.h"

/* Not retired ones, of all kinds together. */
#define SIGNING_KEYS_MAX 64

struct signing_key {
	char kid[TOKEN_KID_MAX + 1];
	enum token_kind kind;
	uint8_t point[ECKEY_PUBLIC_SIZE];
	int64_t created_at_us, active_at_us;
	char pkcs11_uri[PKCS11_URI_MAX + 1]; /* empty: the private part is a file */
};

const char *signing_key_kind_name(enum token_kind kind); /* "access", "device", "download" */
bool signing_key_kind(span name, enum token_kind *ret);

/*
 * Those that are not retired, by kind, then in the order in which they sign. ERR_CORRUPT when there
 * are more than SIGNING_KEYS_MAX.
 */
err signing_key_list(
	struct db_tx *tx, struct signing_key ret[SIGNING_KEYS_MAX], size_t *ret_count) MUST_USE;
err signing_key_insert(
	struct db_tx *tx, struct feed_batch *feed, const struct signing_key *k) MUST_USE;
/* Its tokens are refused from now on. */
err signing_key_retire(struct db_tx *tx, struct feed_batch *feed, const struct signing_key *k,
	int64_t now_us) MUST_USE;

#endif
