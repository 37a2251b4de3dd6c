#ifndef SLIPWAY_ACCOUNT_FACTOR_H
#define SLIPWAY_ACCOUNT_FACTOR_H

/*
 * What accounts have besides a password: an authenticator app (TOTP), passkeys, and recovery codes
 * for when both are lost. Rows only; everything that takes a transaction runs inside a body of
 * db_transact(), and what it gives lives in arena a.
 */

#include "crypto/digest.h"
#include "db/db.h"

enum factor_kind { FACTOR_TOTP, FACTOR_PASSKEY };

#define FACTORS_MAX 20 /* of one account */

struct factor {
	span id, account, name;
	enum factor_kind kind;
	bool active;        /* its holder has shown that they have it */
	span secret;        /* totp: the sealed seed (crypto/seal.h); passkey: public key */
	span credential_id; /* passkey */
	int64_t counter;    /* totp: last time step accepted; passkey: signature counter */
	int64_t created_at_us, last_used_at_us;
};

/* ERR_CONFLICT when the credential is registered already. Uses all members but last_used_at_us. */
err factor_insert(struct db_tx *tx, const struct factor *f) MUST_USE;
/* At most FACTORS_MAX, oldest first, pending ones included. */
err factor_list(struct db_tx *tx, struct arena *a, span account, struct factor **ret,
	size_t *ret_count) MUST_USE;
/* The passkey an authenticator calls by this name, of whichever account. */
err factor_find_by_credential(struct db_tx *tx, struct arena *a, span credential_id,
	struct factor *ret, bool *ret_found) MUST_USE;
err factor_activate(struct db_tx *tx, span id) MUST_USE;
/*
 * Notes a use, once per counter: *ret_fresh is false, and nothing changes, when the counter was
 * reached already. Of two uses of one password at the same time exactly one is fresh.
 */
err factor_use(
	struct db_tx *tx, span id, int64_t counter, int64_t now_us, bool *ret_fresh) MUST_USE;
/* *ret_found is false when the account has no factor of this id and kind. */
err factor_delete(
	struct db_tx *tx, span account, span id, enum factor_kind kind, bool *ret_found) MUST_USE;
/* All factors of one kind that are not active, or (all) everything and the recovery codes too. */
err factor_delete_pending(struct db_tx *tx, span account, enum factor_kind kind) MUST_USE;
err factor_delete_all(struct db_tx *tx, span account) MUST_USE;

/*
 * Recovery codes: ten of 80 bits, as "abcd-efgh-ijkl-mnop"; the database has SHA-256s. Case, spaces
 * and dashes do not matter.
 */
#define RECOVERY_CODES     10
#define RECOVERY_CODE_SIZE (16 + 3 + 1)
err recovery_code_make(char ret[RECOVERY_CODE_SIZE]) MUST_USE;
/* ERR_INVALID for a text that cannot be one. */
err recovery_code_hash(span text, uint8_t ret[SHA256_SIZE]) MUST_USE;
/* Replaces all codes of the account by these. */
err recovery_codes_set(
	struct db_tx *tx, span account, uint8_t hashes[][SHA256_SIZE], size_t count) MUST_USE;
/* Takes a code: it is gone afterwards. */
err recovery_code_take(
	struct db_tx *tx, span account, const uint8_t hash[SHA256_SIZE], bool *ret_found) MUST_USE;
err recovery_codes_count(struct db_tx *tx, span account, int64_t *ret) MUST_USE;

#endif
