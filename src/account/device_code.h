#ifndef SLIPWAY_ACCOUNT_DEVICE_CODE_H
#define SLIPWAY_ACCOUNT_DEVICE_CODE_H

/*
 * Devices that wait to be signed in from a browser (RFC 8628). The device holds a long code, the
 * person types a short one; the database has digests of both under a key of the server, as the
 * short one could be found from its hash alone. Everything runs inside a body of db_transact().
 */

#include "crypto/digest.h"
#include "db/db.h"

/* Without vowels, so that no words come up, and without what looks alike (RFC 8628, 6.1). */
#define USER_CODE_LETTERS "BCDFGHJKLMNPQRSTVWXZ"
#define USER_CODE_CHARS   8
#define USER_CODE_SIZE    (USER_CODE_CHARS + 2) /* XXXX-XXXX and a NUL */

/* 34 random bits. */
void user_code_make(char ret[USER_CODE_SIZE]);
/* As a person types it, in whatever case, with or without the hyphen. ERR_INVALID. */
err user_code_parse(span text, char ret[USER_CODE_SIZE]) MUST_USE;

enum device_code_state { DEVICE_CODE_PENDING, DEVICE_CODE_APPROVED, DEVICE_CODE_DENIED };

struct device_code {
	uint8_t device_hash[SHA256_SIZE], user_hash[SHA256_SIZE]; /* only written */
	span client_id, scope, ip_prefix, country;
	enum device_code_state state;
	span account, session; /* who decided, and in which session */
	int64_t interval_s, polled_at_us, created_at_us, expires_at_us;
};

/* Uses all members but state, account, session and polled_at_us. */
err device_code_insert(struct db_tx *tx, const struct device_code *c) MUST_USE;
err device_code_find(struct db_tx *tx, struct arena *a, const uint8_t device_hash[SHA256_SIZE],
	struct device_code *ret, bool *ret_found) MUST_USE;
/* Only one that waits for a decision. */
err device_code_find_waiting(struct db_tx *tx, struct arena *a,
	const uint8_t user_hash[SHA256_SIZE], int64_t now_us, struct device_code *ret,
	bool *ret_found) MUST_USE;
/* *ret_done is false when somebody else decided first, or it has expired. */
err device_code_decide(struct db_tx *tx, const uint8_t user_hash[SHA256_SIZE],
	enum device_code_state state, span account, span session, int64_t now_us,
	bool *ret_done) MUST_USE;
err device_code_polled(struct db_tx *tx, const uint8_t device_hash[SHA256_SIZE], int64_t interval_s,
	int64_t now_us) MUST_USE;
/* *ret_done is true for exactly one of several at the same time. */
err device_code_delete(
	struct db_tx *tx, const uint8_t device_hash[SHA256_SIZE], bool *ret_done) MUST_USE;
err device_code_expire(struct db_tx *tx, int64_t now_us, int64_t *ret_count) MUST_USE;

#endif
