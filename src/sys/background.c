/*
 * A thread for each piece of work: its nice value can be raised by anybody, but lowered again by
 * root only, so a thread that serves requests cannot lend itself. Starting one takes 30 us.
 */
#include "sys/background.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/banned.h"

/* A third of the weight of others on a busy processor: slower, but never still. */
#define NICE 5

struct piece {
	void (*work)(void *arg);
	void *arg;
};

static void *run(void *arg)
{
	struct piece *p = arg;

	/* On Linux a nice value is the thread's. Where it cannot be set the work is done all the
	 * same. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	p->work(p->arg);
	return NULL;
}

err background_run(void (*work)(void *arg), void *arg)
{
	struct piece p = {work, arg};
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, &p))
		return ERR_NOMEM;
	(void)pthread_join(thread, NULL); /* cannot fail: the thread is ours and joinable */
	return OK;
}
