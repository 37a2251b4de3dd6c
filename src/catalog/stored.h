#ifndef SLIPWAY_CATALOG_STORED_H
#define SLIPWAY_CATALOG_STORED_H

/*
 * What the database knows of blobs: which there are, what they contain, which digests are blocked.
 * Order of work, so that no row of a package ever points to bytes that are not there:
 *
 *   stored_claim (row, "these bytes are wanted") → blob_put (file) → inspection → stored_verify
 *   stored_begin_removal (row, refused while wanted) → blob_remove (file) → stored_end_removal
 */

#include "catalog/types.h"

/*
 * Claims the digest for an upload. ERR_BUSY while it is being removed: try again soon.
 */
err stored_claim(struct db_tx *tx, span sha256, uint64_t size, int64_t now_us) MUST_USE;
err stored_get(struct db_tx *tx, struct arena *a, span sha256, struct blob_row *ret) MUST_USE;
/*
 * Bytes and row are good. Lifts the scrubber's block: *ret_healed tells that there was one.
 */
err stored_verify(struct db_tx *tx, span sha256, span format, span detail, int64_t now_us,
	bool *ret_healed) MUST_USE;

/* Digests claimed before `before_us` that no package and no upload holds: at most 100. */
err stored_orphans(struct db_tx *tx, struct arena *a, int64_t before_us, span ret[100],
	size_t *ret_count) MUST_USE;
/* ERR_CONFLICT when somebody wants it after all. */
err stored_begin_removal(struct db_tx *tx, span sha256, int64_t before_us) MUST_USE;
err stored_end_removal(struct db_tx *tx, span sha256) MUST_USE;
/* For a file that has no row: begins its removal. ERR_CONFLICT when it has one after all. */
err stored_begin_stray_removal(
	struct db_tx *tx, span sha256, uint64_t size, int64_t now_us) MUST_USE;
/* Digests in a state, above `after`: at most 100. */
err stored_in_state(struct db_tx *tx, struct arena *a, enum blob_state state, span after,
	span ret[100], size_t *ret_count) MUST_USE;

/* The blob that was checked longest ago, before `before_us`. ERR_NOT_FOUND when none is due. */
err stored_due_for_scrub(
	struct db_tx *tx, struct arena *a, int64_t before_us, struct blob_row *ret) MUST_USE;
/* Records a check; damaged: blocks the digest on the scrubber's word. */
err stored_scrubbed(struct db_tx *tx, span sha256, bool damaged, int64_t now_us) MUST_USE;

struct scrub_counts {
	int64_t blobs, bytes, damaged, due, oldest_at;
};
err stored_scrub_counts(struct db_tx *tx, int64_t before_us, struct scrub_counts *ret) MUST_USE;

/* When somebody last asked for all blobs to be checked; 0: never. */
err stored_request_scrub(struct db_tx *tx, int64_t now_us) MUST_USE;
err stored_scrub_requested_at(struct db_tx *tx, int64_t *ret_us) MUST_USE;

/* An administrator's block of a digest. */
err digest_set_block(struct db_tx *tx, span sha256, span reason, int64_t now_us) MUST_USE;
err digest_lift_block(struct db_tx *tx, span sha256, bool *ret_changed) MUST_USE;
/*
 * Why nobody may download these bytes, or empty: blocked, or every release with them withdrawn.
 */
err digest_verdict(struct db_tx *tx, struct arena *a, span sha256, span *ret_reason) MUST_USE;
/* True when a withdrawn release holds the digest: its verdict depends on the other releases. */
err digest_was_withdrawn(struct db_tx *tx, span sha256, bool *ret) MUST_USE;

#endif
