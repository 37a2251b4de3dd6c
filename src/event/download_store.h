#ifndef SLIPWAY_EVENT_DOWNLOAD_STORE_H
#define SLIPWAY_EVENT_DOWNLOAD_STORE_H

/* Download records in the database. To be called inside a transaction's body. */

#include "db/db.h"
#include "event/download.h"

/* Adds a record in state granted. ERR_CONFLICT when the id exists. */
err download_store_add(struct db_tx *tx, const struct download *d) MUST_USE;
/* Reads into arena a, without names. ERR_NOT_FOUND. */
err download_store_get(struct db_tx *tx, span id, struct arena *a, struct download *ret) MUST_USE;
/* The same with the names of what it was about, for people. */
err download_store_show(struct db_tx *tx, span id, struct arena *a, struct download *ret) MUST_USE;

/* What lines of the event log change. */
err download_store_save_transfer(struct db_tx *tx, const struct download *d) MUST_USE;
/* What the client's report, or a revocation, changes. */
err download_store_save_report(struct db_tx *tx, const struct download *d) MUST_USE;
/* Renewal number d->renewals; ERR_CONFLICT when it is not the one after the last. */
err download_store_save_renewal(struct db_tx *tx, const struct download *d) MUST_USE;

struct download_filter {
	span before;                  /* id: only older ones; empty: from the newest */
	span account, state, package; /* empty: any */
	span product;                 /* id or name; empty: any */
	int64_t limit;
};
/* Newest first, with names. Gives an array of at most limit records in arena a. */
err download_store_list(struct db_tx *tx, const struct download_filter *f, struct arena *a,
	struct download **ret, size_t *ret_count) MUST_USE;

#endif
