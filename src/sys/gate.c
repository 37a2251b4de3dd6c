/*
 * A counting semaphore with a bounded, impatient queue. Hard rule: inside never exceeds width.
 */
#include "sys/gate.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "sys/clock.h"

#include "base/banned.h"

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t left;
	unsigned width, queue; /* immutable */
	unsigned inside, waiting;
};

struct gate *gate_new(unsigned width, unsigned queue)
{
	struct gate *g = calloc(1, sizeof(*g));
	pthread_condattr_t attributes;

	if (g == NULL || pthread_mutex_init(&g->lock, NULL) != 0 ||
		pthread_condattr_init(&attributes) != 0 ||
		pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
		pthread_cond_init(&g->left, &attributes) != 0)
		abort();
	(void)pthread_condattr_destroy(&attributes);
	g->width = width;
	g->queue = queue;
	return g;
}

void gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	(void)pthread_cond_destroy(&g->left);
	(void)pthread_mutex_destroy(&g->lock);
	free(g);
}

static err enter_locked(struct gate *g, int64_t timeout_us)
{
	int64_t until = clock_monotonic_us() + timeout_us;
	struct timespec deadline = {until / 1000000, until % 1000000 * 1000};
	int problem = 0;

	if (g->inside >= g->width && g->waiting >= g->queue)
		return ERR_BUSY;
	g->waiting++;
	while (g->inside >= g->width && problem != ETIMEDOUT)
		problem = pthread_cond_timedwait(&g->left, &g->lock, &deadline);
	g->waiting--;
	if (g->inside >= g->width)
		return ERR_BUSY;
	g->inside++;
	return OK;
}

err gate_enter(struct gate *g, int64_t timeout_us)
{
	err e;

	(void)pthread_mutex_lock(&g->lock); /* cannot fail: initialised, not recursive */
	e = enter_locked(g, timeout_us);
	(void)pthread_mutex_unlock(&g->lock);
	return e;
}

void gate_leave(struct gate *g)
{
	(void)pthread_mutex_lock(&g->lock);
	g->inside--;
	(void)pthread_cond_signal(&g->left);
	(void)pthread_mutex_unlock(&g->lock);
}
