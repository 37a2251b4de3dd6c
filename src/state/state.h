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

enum state_mode { STATE_READ, STATE_WRITE };

/*
 * STATE_WRITE creates the directory (not its parents) and the environment (64 GiB sparse map).
 * STATE_READ creates nothing: ERR_NOT_FOUND until a writer has. ERR_IO, ERR_CORRUPT, ERR_DENIED.
 * A process opens one directory at most once at a time (LMDB's locks belong to the process). Gives.
 */
err state_open(const char *dir, enum state_mode mode, struct state **ret) MUST_USE;
void state_close(struct state *s); /* accepts NULL; all views must have ended */
/*
 * True when the directory now holds another environment than the one opened, or none: somebody
 * deleted the state. The reader must close and open again, else it answers from the past for ever.
 */
bool state_is_replaced(const struct state *s);

/* A consistent view. Any thread of the process that opened s; end it soon with state_end(). */
struct state_view {
	struct state *state_;
	void *txn_;
	uint32_t dbi_;
};
err state_begin(struct state *s, struct state_view *ret) MUST_USE;
void state_end(struct state_view *v); /* accepts an ended view */
/* Names the content seen: views of one opened state with the same number see the same. Not 0. */
uint64_t state_view_version(const struct state_view *v);

/* The value, borrowed until the view ends; false where there is none. */
bool state_find(const struct state_view *v, span key, span *ret_value);

/* Walks the keys that start with prefix (all for an empty one) from the last one downwards. */
struct state_walk {
	void *cursor_;
	span prefix_;
	bool started_;
};
/* Keeps prefix and v. ERR_INVALID for a prefix longer than a key can be. */
err state_walk_begin(const struct state_view *v, span prefix, struct state_walk *ret) MUST_USE;
/* The next lower key and its value, borrowed until the view ends. False at the end. */
bool state_walk_previous(struct state_walk *w, span *ret_key, span *ret_value);
void state_walk_end(struct state_walk *w); /* before state_end(); accepts an ended walk */

/* Where this node stands in the change feed. Zero in a new state. */
struct state_position {
	uint64_t incarnation;
	uint64_t seq;
	int64_t issued_at_us;
};
void state_position(const struct state_view *v, struct state_position *ret);

struct state_change {
	span key, value;
	bool deleted;
};
/*
 * Applies a batch and moves the position from → to, in one durable transaction. ERR_CONFLICT when
 * the state does not stand at `from` (the caller then bootstraps); a batch not newer than the
 * state (to.seq ≤ position, same incarnation) is OK and does nothing, except that one without
 * changes for the very same seq moves issued_at forward. from.seq 0 replaces everything, also a
 * state of another incarnation. Within a batch the last change of a key counts.
 * ERR_INVALID for an empty key, one that starts with NUL (reserved) or to.seq < from.seq;
 * ERR_TOO_LARGE for a key or value above its limit; ERR_NO_SPACE. On any error nothing changed.
 */
err state_apply(struct state *s, const struct state_position *from, const struct state_position *to,
	const struct state_change *changes, size_t count) MUST_USE;
/* Frees slots of dead readers; to be called by the writer every few seconds. */
void state_check_readers(struct state *s);

#endif
