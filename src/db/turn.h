#ifndef SLIPWAY_DB_TURN_H
#define SLIPWAY_DB_TURN_H

/*
 * A counting gate with a queue: up to `places` threads are inside, the others wait in order of
 * arrival, each for a limited time. A place that becomes free is handed to the first in the queue
 * directly, so nobody overtakes and only one thread is woken.
 */

#include <pthread.h>

#include "base/base.h"

struct turn_waiter;

struct turn {
	pthread_mutex_t lock_;
	unsigned places_, inside_, waiting_;
	struct turn_waiter *first_, *last_;
};

void turn_init(struct turn *t, unsigned places);
void turn_done(struct turn *t); /* nobody inside or waiting */

/* ERR_BUSY after wait_us. Any thread. */
err turn_enter(struct turn *t, int64_t wait_us) MUST_USE;
void turn_leave(struct turn *t);

#endif
