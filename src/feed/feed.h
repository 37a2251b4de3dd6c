#ifndef SLIPWAY_FEED_FEED_H
#define SLIPWAY_FEED_FEED_H

/*
 * The change feed: how what was decided in the database reaches the published state.
 *
 * A transaction that changes what the data plane may know writes the new values with feed_put() /
 * feed_delete(), and calls feed_seal() as its LAST statement: that locks the one head row and gives
 * all changes of the transaction the next sequence number, so that numbers become visible in order
 * and no reader ever skips one. After the commit, publisher_wait() returns once this node's state
 * holds the change: only then may a mutating request be answered with success.
 *
 * Inside a db body, `struct feed_batch` lives on the stack of the body (it may run several times).
 */

#include "db/db.h"
#include "state/state.h"

struct feed_batch {
	struct db_tx *tx_;
	unsigned count_;
};

void feed_begin(struct feed_batch *b, struct db_tx *tx);
/* expires_at_us: the entry disappears after this time; 0: never. */
err feed_put(struct feed_batch *b, span key, span value, int64_t expires_at_us) MUST_USE;
err feed_delete(struct feed_batch *b, span key, int64_t now_us) MUST_USE;
/* Gives the sequence of the batch, 0 when it holds no change. Must be the last statement. */
err feed_seal(struct feed_batch *b, uint64_t *ret_seq) MUST_USE;

/*
 * Turns entries whose time has come into tombstones and drops tombstones that every node has had
 * time to see (7 days). Gives the sequence of the last change, 0 for none. A job calls it.
 */
err feed_expire(struct db *db, int64_t now_us, uint64_t *ret_seq) MUST_USE;

/*
 * The publisher: one thread that applies the feed to this node's state, in order. It starts from
 * wherever the state stands: a new, older or foreign state is brought up by the same code.
 */
struct publisher;
/* Keeps db and state. The state is brought up to date before this returns. Gives. */
err publisher_start(struct db *db, struct state *state, struct publisher **ret) MUST_USE;
/* Stops and joins the thread. Accepts NULL. */
void publisher_stop(struct publisher *p);
/*
 * Returns OK once the state holds sequence seq (0: at once); ERR_UNAVAILABLE after timeout_us: the
 * change is committed and will be published, but not yet. Any thread.
 */
err publisher_wait(struct publisher *p, uint64_t seq, int64_t timeout_us) MUST_USE;
uint64_t publisher_position(struct publisher *p);

#endif
