#ifndef SLIPWAY_CATALOG_PUBLISHED_H
#define SLIPWAY_CATALOG_PUBLISHED_H

/*
 * From the catalogue to the published state: the one place where its records are derived. Whoever
 * changes a release, product or block calls these in the transaction of the change, after it; they
 * read what is stored and put or delete every record that depends on it.
 */

#include "catalog/types.h"
#include "feed/feed.h"

/* The product's record. check_interval_us: what update checks tell clients to wait. */
err published_product(
	struct feed_batch *b, const struct product *p, int64_t check_interval_us) MUST_USE;

/*
 * All records of a release: for each platform its packages serve and each channel that sees it, and
 * its files. Published and paused releases stand in the state, withdrawn ones are taken out, drafts
 * were never there. ERR_LIMIT when a platform has more packages or needs more than a record holds
 * (UPDATE_MAX_…).
 */
err published_release(struct db_tx *tx, struct feed_batch *b, struct arena *a, span release_id,
	int64_t now_us) MUST_USE;

/* Whether a digest is blocked (digest_verdict), and all records of the releases that hold it. */
err published_digest(struct db_tx *tx, struct feed_batch *b, struct arena *a, span sha256,
	int64_t now_us) MUST_USE;

#endif
