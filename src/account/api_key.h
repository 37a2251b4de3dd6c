#ifndef SLIPWAY_ACCOUNT_API_KEY_H
#define SLIPWAY_ACCOUNT_API_KEY_H

/*
 * API keys: `slk_ENV_ID_SECRETCRC`. ENV is a lower-case word, ID 8 characters that may be shown,
 * SECRET 33 characters (196 random bits), CRC the CRC-32 of all before it in 6 characters; base62.
 * The checksum tells a mistyped or made-up key without asking the database, and lets scanners find
 * leaked keys. Only the SHA-256 of the whole text is stored: so much randomness needs no slow hash.
 */

#include "crypto/digest.h"
#include "db/db.h"

#define API_KEY_ID_CHARS     8
#define API_KEY_SECRET_CHARS 33
#define API_KEY_CRC_CHARS    6
#define API_KEY_ENV_MAX      10
#define API_KEY_SIZE                                                                               \
	(4 + API_KEY_ENV_MAX + 1 + API_KEY_ID_CHARS + 1 + API_KEY_SECRET_CHARS +                   \
		API_KEY_CRC_CHARS + 1)

/*
 * Writes a fresh key and a NUL; to be wiped. env: 1–10 lower-case letters; public_id: of the key
 * that gets another secret, or empty for a new one.
 */
void api_key_make(const char *env, span public_id, char ret[API_KEY_SIZE]);
/* The public id inside; ERR_INVALID when the form or the checksum is wrong. Pure. */
err api_key_parse(span text, span *ret_public_id) MUST_USE;
void api_key_hash(span text, uint8_t ret[SHA256_SIZE]);

struct api_key {
	span id, public_id, account, name;
	span parent;      /* the key that made it, or empty */
	span owner_email; /* only read */
	span permissions; /* space-separated, with the words that narrow them (policy.h) */
	span addresses;   /* networks it may be used from, space-separated; empty: from anywhere */
	uint8_t secret_hash[SHA256_SIZE];
	uint8_t previous_hash[SHA256_SIZE]; /* after a rotation, until previous_until_us */
	int64_t previous_until_us;          /* 0: there is none */
	int64_t created_at_us, expires_at_us, revoked_at_us, last_used_at_us; /* 0: none */
};

err api_key_insert(struct db_tx *tx, const struct api_key *k) MUST_USE;
err api_key_find(
	struct db_tx *tx, struct arena *a, span id, struct api_key *ret, bool *ret_found) MUST_USE;
err api_key_find_by_public_id(struct db_tx *tx, struct arena *a, span public_id,
	struct api_key *ret, bool *ret_found) MUST_USE;
/* At most limit keys behind the id `after`; of this account, or empty: of all. */
err api_key_list(struct db_tx *tx, struct arena *a, span after, span account, size_t limit,
	struct api_key **ret, size_t *ret_count) MUST_USE;
/* Keys of the account that can be used. */
err api_key_count(struct db_tx *tx, span account, int64_t now_us, int64_t *ret) MUST_USE;
/* With all that it has made: *ret_count keys. Those that are revoked stay as they are. */
err api_key_revoke(struct db_tx *tx, span id, int64_t now_us, int64_t *ret_count) MUST_USE;
err api_key_revoke_of_account(struct db_tx *tx, span account, int64_t now_us) MUST_USE;
/* All that it has made, but not itself. */
err api_key_revoke_made(struct db_tx *tx, span id, int64_t now_us, int64_t *ret_count) MUST_USE;
/*
 * Gives the key k another secret; the present one opens until previous_until_us. ERR_CONFLICT when
 * k is not what stands there any more.
 */
err api_key_rotate(struct db_tx *tx, const struct api_key *k, const uint8_t hash[SHA256_SIZE],
	int64_t previous_until_us, int64_t expires_at_us) MUST_USE;
err api_key_set_used(struct db_tx *tx, span id, int64_t now_us) MUST_USE;

#endif
