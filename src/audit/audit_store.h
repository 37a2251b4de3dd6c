#ifndef SLIPWAY_AUDIT_AUDIT_STORE_H
#define SLIPWAY_AUDIT_AUDIT_STORE_H

/* Rows of the audit tables. Texts are copied into the arena. */

#include "audit/chain.h"

/* What to look for; empty texts and zeros match all. */
struct audit_search {
	int64_t beyond; /* seq: newest first, those before it; oldest first, those after it */
	span actor, object, outcome;
	span action;            /* its beginning: "auth." */
	span text;              /* anywhere in an entry, in upper or lower case */
	int64_t from_us, to_us; /* from ≤ at < to */
	bool oldest_first;
	size_t limit;
};
/* At most search->limit, in order; sealed entries only. ERR_NOMEM. */
err audit_find_many(struct db_tx *tx, struct arena *a, const struct audit_search *search,
	struct audit_entry **ret, size_t *ret_count) MUST_USE;
/* By id ("aud_…") or by seq, as text. */
err audit_find_one(struct db_tx *tx, struct arena *a, span id_or_seq, struct audit_entry *ret,
	bool *ret_found) MUST_USE;
/* Up to limit after seq `after`, whatever is there. */
err audit_find_after(struct db_tx *tx, struct arena *a, int64_t after, size_t limit,
	struct audit_entry *ret, size_t *ret_count) MUST_USE;
err audit_find_unsealed(struct db_tx *tx, struct arena *a, size_t limit, struct audit_entry *ret,
	size_t *ret_count) MUST_USE;
/* A row of audit_head or audit_checkpoints. What is not of its form becomes zeros. */
void audit_read_checkpoint(struct db_rows *rows, struct checkpoint *ret);
/* Kept checkpoints, oldest first after `after`, or newest first before `before`. */
err audit_checkpoints_oldest_first(struct db_tx *tx, int64_t after, size_t limit,
	struct checkpoint *ret, size_t *ret_count) MUST_USE;
err audit_checkpoints_newest_first(struct db_tx *tx, int64_t before, size_t limit,
	struct checkpoint *ret, size_t *ret_count) MUST_USE;
err audit_count_rows(struct db_tx *tx, int64_t *ret_all, int64_t *ret_sealed) MUST_USE;

#endif
