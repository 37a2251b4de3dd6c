#ifndef SLIPWAY_ACCOUNT_SESSION_H
#define SLIPWAY_ACCOUNT_SESSION_H

/*
 * Sessions and their refresh tokens.
 *
 * A session is a family of refresh tokens; its row holds the generation that is alive. The token of
 * a generation is not random: it is derived from (session, generation) under a key of the server,
 * so that the answer to a refresh whose first answer got lost can be given again, and a token of
 * any earlier generation is still known to be ours. The text:
 *
 *     slr_ 26 characters of the session's id _ generation _ 43 characters of HMAC-SHA-256
 *
 *            token n presented                 token n-1 presented
 *     n ────────────────────────▶ n+1      within 10 s of the rotation, n not used: n again
 *                                          otherwise, or any older: the session ends (reuse)
 */

#include "base/typeid.h"
#include "crypto/digest.h"
#include "db/db.h"
#include "feed/feed.h"

#define REFRESH_TOKEN_MAX 128
#define REFRESH_KEY_SIZE  32
/* A retry of the token before, whose answer may have got lost, is accepted for this long. */
#define REFRESH_RETRY_US INT64_C(10000000)
/* No access token lives longer (token.access_ttl has this limit), clock differences included. */
#define ACCESS_LIFE_MAX_US (INT64_C(3600000000) + INT64_C(120000000))

/*
 * How long an account's minimum epoch is published: what bears it lives no longer, access tokens
 * nor download tokens (token.download_ttl is a day at most).
 */
#define EPOCH_KEPT_US (INT64_C(86400000000) + INT64_C(3600000000))

struct refresh_token {
	char session[TYPEID_SIZE];
	int64_t generation;
};

/* Appends the token of this generation. Pure. */
void refresh_token_format(
	struct buf *out, span session, int64_t generation, const uint8_t key[REFRESH_KEY_SIZE]);
/* ERR_INVALID for anything that was not made by refresh_token_format with this key. Pure. */
err refresh_token_parse(
	span text, const uint8_t key[REFRESH_KEY_SIZE], struct refresh_token *ret) MUST_USE;

/*
 * The cookie of a browser's session: "slc_", 26 characters of the session's id, "_", 43 characters
 * of a random secret. Its SHA-256 is in the row; generations are for tokens.
 */
#define COOKIE_SIZE (4 + 26 + 1 + 43 + 1)
/* Makes a new one for this session. */
void session_cookie_make(span session, char ret[COOKIE_SIZE]);
/* The session a cookie claims to be of, in ret. ERR_INVALID for anything that is no such text. */
err session_cookie_parse(span text, char ret_session[TYPEID_SIZE]) MUST_USE;

#define USER_AGENT_MAX 200

struct session {
	span id, account, device, client_id, ip_prefix, end_reason;
	bool cookie;  /* a browser's, else one with refresh tokens */
	span methods; /* how the holder proved who they are: RFC 8176 words, and "fed" */
	span user_agent;
	span scope; /* what its client asked for, as permissions; empty: all there is */
	span provider, provider_session; /* identity provider and its own session, or empty */
	int64_t generation;
	uint8_t token_hash[SHA256_SIZE], previous_hash[SHA256_SIZE]; /* previous: zero if none */
	int64_t rotated_at_us, created_at_us, last_used_at_us, expires_at_us, ended_at_us;
	int64_t authenticated_at_us; /* the latest proof */
};

/*
 * A session of generation 1, whose holder has proved just now who they are. Uses all members but
 * generation, end_reason and the times, of which created_at_us and expires_at_us.
 */
err session_insert(struct db_tx *tx, const struct session *s) MUST_USE;
err session_find(
	struct db_tx *tx, struct arena *a, span id, struct session *ret, bool *ret_found) MUST_USE;

/* How long an unused session lives, by its transport. */
struct session_idle {
	int64_t cookie_us, token_us;
};
bool session_is_alive(const struct session *s, const struct session_idle *idle, int64_t now_us);
/* At most limit of an account's living sessions behind the id `after`, newest first, in arena a. */
struct session_filter {
	span account, after;
	struct session_idle idle;
	size_t limit;
};
err session_list(struct db_tx *tx, struct arena *a, const struct session_filter *f, int64_t now_us,
	struct session **ret, size_t *ret_count) MUST_USE;
err session_touch(struct db_tx *tx, span id, int64_t now_us) MUST_USE;
/* The holder has proved again who they are; methods is what they have shown altogether. */
err session_set_proof(struct db_tx *tx, span id, span methods, int64_t now_us) MUST_USE;
/* A browser's session goes on with another cookie; the hash of the one before is kept. */
err session_change_cookie(
	struct db_tx *tx, span id, const uint8_t hash[SHA256_SIZE], int64_t now_us) MUST_USE;

enum rotation { ROTATION_DONE, ROTATION_REPEATED, ROTATION_REUSED, ROTATION_ENDED };
/*
 * Presents the token of `generation`, whose hash is `presented`, and moves the session on to the
 * next one, whose hash is `next`. *ret_session is the session afterwards, in arena a; not written
 * with ROTATION_ENDED (unknown, ended, expired or idle for too long). With ROTATION_REUSED the
 * caller must end the session in the same transaction.
 */
err session_rotate(struct db_tx *tx, struct arena *a, const struct refresh_token *token,
	const uint8_t presented[SHA256_SIZE], const uint8_t next[SHA256_SIZE], int64_t idle_us,
	int64_t now_us, enum rotation *ret, struct session *ret_session) MUST_USE;

/*
 * Ends sessions and revokes their access tokens through the feed. Ending an ended one is OK. Where
 * single sessions or all the others are ended, a device's own token ends with its session; for a
 * whole account or device the caller raises the epochs.
 * reason: one word, "logout", "reuse", "password", "disabled", "revoked", "superseded", "provider".
 */
err session_end(struct db_tx *tx, struct feed_batch *feed, span id, const char *reason,
	int64_t now_us) MUST_USE;
err session_end_of_account(struct db_tx *tx, struct feed_batch *feed, struct arena *a, span account,
	const char *reason, int64_t now_us) MUST_USE;
/* All of the account but `keep`, those of its devices included. */
err session_end_others(struct db_tx *tx, struct feed_batch *feed, struct arena *a, span account,
	span keep, const char *reason, int64_t now_us) MUST_USE;
/* Ends the account's oldest sessions of people (not of devices) beyond the newest `most`. */
err session_end_beyond(struct db_tx *tx, struct feed_batch *feed, struct arena *a, span account,
	int64_t most, int64_t now_us) MUST_USE;
/*
 * Ends what was opened by one session at an identity provider; provider_session empty: everything
 * this account opened through the provider.
 */
err session_end_of_provider(struct db_tx *tx, struct feed_batch *feed, struct arena *a,
	span provider, span provider_session, span account, const char *reason,
	int64_t now_us) MUST_USE;
/* Ends all that was opened through an identity provider, whoever's it is. */
err session_end_through(struct db_tx *tx, struct feed_batch *feed, struct arena *a, span provider,
	const char *reason, int64_t now_us) MUST_USE;
err session_end_of_device(struct db_tx *tx, struct feed_batch *feed, struct arena *a, span device,
	const char *reason, int64_t now_us) MUST_USE;

/* Forgets at most limit sessions that ended or expired before then: *ret_count. */
err session_delete_over(
	struct db_tx *tx, int64_t before_us, int64_t limit, int64_t *ret_count) MUST_USE;

/* What the tokens of a device's session say of the device and its licence. */
struct session_device {
	bool active;
	uint64_t epoch;
	span licence, product, entitlements, org;
	bool licence_active;                                 /* not suspended */
	int64_t licence_starts_at_us, licence_expires_at_us; /* 0: always, never */
};
err session_device_get(
	struct db_tx *tx, struct arena *a, span device, struct session_device *ret) MUST_USE;

#endif
