#ifndef SLIPWAY_DB_POOL_H
#define SLIPWAY_DB_POOL_H

/*
 * A bounded set of connections. The pool counts and waits; opening and closing is its user's work,
 * done outside the lock. The connection given back last is taken first: its caches are warm, and
 * the surplus of a burst grows old at the bottom.
 */

#include "base/base.h"

struct pool;

struct pool *pool_new(unsigned max);
/* Closes the idle connections. None may be taken. Accepts NULL. */
void pool_free(struct pool *p, void (*close)(void *connection));

/*
 * Gives an idle connection, or NULL for the right to open one: both count as taken until
 * pool_give(). Waits at most wait_us, then ERR_BUSY; those who wait are served in order. Any
 * thread.
 */
err pool_take(struct pool *p, int64_t wait_us, void **ret_connection) MUST_USE;
/* Takes the connection back; NULL: there is none (opening failed, or it was closed). */
void pool_give(struct pool *p, void *connection);
/* Gives one idle connection to be closed, NULL when there is none: after all of them broke. */
void *pool_take_idle(struct pool *p);

#endif
