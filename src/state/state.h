#ifndef SLIPWAY_STATE_STATE_H
#define SLIPWAY_STATE_STATE_H

/*
 * The published state: what the data plane may know, as an ordered key-value store (LMDB) on this
 * node. One writer process; lock-free readers in every nginx worker. The database is the truth: the
 * state can be deleted and is rebuilt from the change feed. See docs/state.md for keys and values.
 *
 * Traps: a reader must never hold a transaction across the event loop (a leaked one makes the file
 * grow without end; the writer clears dead readers on open and periodically); open in each worker
 * after fork, never in the master; never copy over or truncate the file in place.
 *
 * A relative directory is kept relative. Files: data.mdb 0640, lock.mdb 0660 (readers write to it).
 */

#include "base/buf.h"

struct state;
struct state_txn_;

enum state_mode { STATE_READ, STATE_WRITE };

/* STATE_WRITE creates the environment (64 GiB sparse map). ERR_NOT_FOUND, ERR_IO, ERR_CORRUPT. Gives. */
err state_open(const char *dir, enum state_mode mode, struct state **ret) MUST_USE;
void state_close(struct state *s); /* accepts NULL */

/* A consistent view. Any thread of the process that opened s; end it soon with state_end(). */
struct state_view {
	void *txn_;
	uint32_t dbi_;
};
err state_begin(struct state *s, struct state_view *ret) MUST_USE;
void state_end(struct state_view *v); /* accepts an ended view */

/* The value, borrowed until the view ends; false where there is none. */
bool state_find(const struct state_view *v, span key, span *ret_value);

/* Walks the keys that start with prefix from the last one downwards. */
struct state_walk {
	void *cursor_;
	span prefix_;
	bool started_;
};
err state_walk_begin(const struct state_view *v, span prefix, struct state_walk *ret) MUST_USE;
/* As state_walk_begin, starting at the greatest key that is not above prefix ‖ upper. */
bool state_walk_previous(struct state_walk *w, span *ret_key, span *ret_value);
void state_walk_end(struct state_walk *w); /* accepts an ended walk */

/* Where this node stands in the change feed. Zero in a new state. */
struct state_position {
	uint64_t incarnation;
	uint64_t seq;
	int64_t issued_at_us;
};
void state_position(const struct state_view *v, struct state_position *ret);
/* Changes whenever anything was committed: for watching without reading. */
uint64_t state_version(struct state *s);

struct state_change {
	span key, value;
	bool deleted;
};
/*
 * Applies a batch and moves the position from → to, in one durable transaction. ERR_CONFLICT when
 * the state does not stand at `from` (the caller then bootstraps); a batch not newer than the
 * state (to.seq ≤ position, same incarnation) is OK and does nothing. from.seq 0 replaces everything.
 */
err state_apply(struct state *s, const struct state_position *from, const struct state_position *to,
	const struct state_change *changes, size_t count) MUST_USE;
/* Frees slots of dead readers; to be called by the writer every few seconds. */
void state_check_readers(struct state *s);

#endif
