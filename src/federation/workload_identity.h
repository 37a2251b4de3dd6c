#ifndef SLIPWAY_FEDERATION_WORKLOAD_IDENTITY_H
#define SLIPWAY_FEDERATION_WORKLOAD_IDENTITY_H

/*
 * Workload identities: jobs of a CI provider that are trusted, and their tokens that were exchanged
 * for one of ours. A job is known by the issuer of its token, the audience it asked for and what
 * the token says of it (conditions.h). Its issuer never changes.
 */

#include "crypto/digest.h"
#include "db/db.h"
#include "federation/conditions.h"

#define WORKLOADS_MAX           100
#define WORKLOAD_LIFE_LEAST_S   60
#define WORKLOAD_LIFE_MOST_S    3600
#define WORKLOAD_LIFE_DEFAULT_S 900

struct workload {
	span id, name, issuer, audience;
	struct conditions conditions;
	span permissions;   /* space-separated, with the words that narrow them (policy.h) */
	span account;       /* who made it or changed it last; it gives no more than they may */
	span account_email; /* read only; empty when the account is gone */
	span created_by;
	int64_t lifetime_s; /* of its access tokens */
	uint64_t epoch;     /* of its access tokens: older ones are dead */
	bool disabled;
	int64_t created_at_us, updated_at_us, last_used_at_us; /* last_used_at_us 0: never */
};

/* Store: inside a body of db_transact(); what is given lives in arena a -------------------------
 */

/* ERR_CONFLICT when the name is taken. */
err workload_insert(struct db_tx *tx, struct arena *a, const struct workload *w) MUST_USE;
/* Everything but id, issuer, created_by and created_at_us. ERR_CONFLICT. */
err workload_update(struct db_tx *tx, struct arena *a, const struct workload *w) MUST_USE;
err workload_delete(struct db_tx *tx, span id) MUST_USE;
err workload_find(struct db_tx *tx, struct arena *a, span id_or_name, struct workload *ret,
	bool *ret_found) MUST_USE;
/* All, by name. */
err workload_list(
	struct db_tx *tx, struct arena *a, struct workload **ret, size_t *ret_count) MUST_USE;
/* Those of this issuer that may be used, by name. */
err workload_list_of_issuer(struct db_tx *tx, struct arena *a, span issuer, struct workload **ret,
	size_t *ret_count) MUST_USE;
/* Raises the epochs of those that are of this account, and gives them: id and epoch alone. */
err workload_raise_epochs_of(struct db_tx *tx, struct arena *a, span account, struct workload **ret,
	size_t *ret_count) MUST_USE;
err workload_used(struct db_tx *tx, span id, int64_t now_us) MUST_USE;

/* Exchanged tokens ------------------------------------------------------------------------------
 */

struct exchanged_token {
	uint8_t hash[SHA256_SIZE]; /* of the provider's token, without its signature */
	span jti;                  /* of the access token */
	span workload;
	span claims;           /* JSON: what the token said of its job */
	int64_t expires_at_us; /* both tokens are over */
};
/* *ret_fresh is false when the token was exchanged before; nothing is changed then. */
err exchanged_token_add(
	struct db_tx *tx, const struct exchanged_token *t, bool *ret_fresh) MUST_USE;
/* By the id of the access token; without hash. */
err exchanged_token_find(struct db_tx *tx, struct arena *a, span jti, struct exchanged_token *ret,
	bool *ret_found) MUST_USE;
err exchanged_token_expire(struct db_tx *tx, int64_t now_us, int64_t *ret_count) MUST_USE;

#endif
