#ifndef SLIPWAY_EVENT_INGEST_H
#define SLIPWAY_EVENT_INGEST_H

/*
 * Takes parts of an event log into the database, exactly once: the events, what they mean for the
 * download records and the update-check counts, and the position reached in the file, all in one
 * transaction. Whoever ships may therefore ship again whenever it does not know.
 */

#include "db/db.h"

#define INGEST_BYTES_MAX      (4 * 1024 * 1024)
#define INGEST_GENERATION_MAX 64
#define INGEST_EDGE_MAX       64

/* The bytes [from, from + len) of one generation of a node's log; whole lines (the last may be
 * torn). */
struct ingest_batch {
	span edge, generation;
	int64_t from;
	char *bytes; /* cleaned in place */
	size_t len;
	bool (*platform_exists)(span name); /* checks of others are counted as "other" */
};

struct ingest_result {
	int64_t position;     /* up to here the file is stored: where to go on */
	bool gap;             /* nothing was stored: the batch begins behind the position */
	uint64_t events;      /* stored by this call; 0 for a repetition */
	uint64_t torn;        /* lines that could not be read */
	int64_t newest_at_us; /* of the events stored, 0 for none */
};

/*
 * ERR_INVALID for a batch beyond the limits above. A repetition is OK and stores nothing; of an
 * overlapping batch the new part is stored. An empty batch asks for the position.
 */
err event_ingest(struct db *db, const struct ingest_batch *batch, int64_t now_us,
	struct ingest_result *ret) MUST_USE;

/*
 * Deletes raw events and update reports older than before_us, and grants to nobody in particular
 * that nobody has used for days; a bounded number at a time. Gives how many: to be called until it
 * gives 0.
 */
err event_delete_old(
	struct db *db, int64_t before_us, int64_t now_us, int64_t *ret_deleted) MUST_USE;

#endif
