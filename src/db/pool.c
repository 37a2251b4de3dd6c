/*
 * A gate of `max` places, and a stack of idle connections. Hard rule: connections are never opened
 * or closed under the lock.
 */
#include "db/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "db/turn.h"
#include "base/banned.h"

struct pool {
	struct turn turn;
	pthread_mutex_t lock;
	unsigned idle_count;
	void *idle[]; /* places for `max` */
};

struct pool *pool_new(unsigned max)
{
	struct pool *p = calloc(1, sizeof(*p) + max * sizeof(p->idle[0]));

	if (!p)
		abort(); /* a few hundred bytes at start-up */
	turn_init(&p->turn, max);
	(void)pthread_mutex_init(&p->lock, NULL); /* cannot fail on Linux */
	return p;
}

void pool_free(struct pool *p, void (*close)(void *connection))
{
	if (!p)
		return;
	while (p->idle_count)
		close(p->idle[--p->idle_count]);
	(void)pthread_mutex_destroy(&p->lock);
	turn_done(&p->turn);
	free(p);
}

void *pool_take_idle(struct pool *p)
{
	(void)pthread_mutex_lock(&p->lock);
	void *connection = p->idle_count ? p->idle[--p->idle_count] : NULL;

	(void)pthread_mutex_unlock(&p->lock);
	return connection;
}

err pool_take(struct pool *p, int64_t wait_us, void **ret_connection)
{
	err e = turn_enter(&p->turn, wait_us);

	if (e)
		return e;
	*ret_connection = pool_take_idle(p);
	return OK;
}

void pool_give(struct pool *p, void *connection)
{
	if (connection) {
		(void)pthread_mutex_lock(&p->lock);
		p->idle[p->idle_count++] = connection;
		(void)pthread_mutex_unlock(&p->lock);
	}
	turn_leave(&p->turn);
}
