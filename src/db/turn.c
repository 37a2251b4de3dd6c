/*
 * Hard rule: a waiter lives on its thread's stack, and is in the queue exactly while it is neither
 * granted nor timed out; both are decided under the lock.
 */
#include "db/turn.h"

#include <errno.h>
#include <time.h>

#include "base/time.h"
#include "base/banned.h"

struct turn_waiter {
	struct turn_waiter *next;
	pthread_cond_t granted_cond;
	bool granted;
};

void turn_init(struct turn *t, unsigned places)
{
	*t = (struct turn){.places_ = places};
	(void)pthread_mutex_init(&t->lock_, NULL); /* cannot fail on Linux */
}

void turn_done(struct turn *t)
{
	(void)pthread_mutex_destroy(&t->lock_); /* fails only for a held lock */
}

static void enqueue_locked(struct turn *t, struct turn_waiter *w)
{
	if (t->last_)
		t->last_->next = w;
	else
		t->first_ = w;
	t->last_ = w;
	t->waiting_++;
}

static void remove_locked(struct turn *t, struct turn_waiter *w)
{
	struct turn_waiter *before = NULL;

	for (struct turn_waiter *at = t->first_; at != w; at = at->next)
		before = at;
	if (before)
		before->next = w->next;
	else
		t->first_ = w->next;
	if (t->last_ == w)
		t->last_ = before;
	t->waiting_--;
}

static struct timespec deadline_after(int64_t us)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
	t.tv_sec += us / TIME_SECOND;
	t.tv_nsec += us % TIME_SECOND * 1000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static err wait_locked(struct turn *t, int64_t wait_us)
{
	struct turn_waiter w = {0};
	struct timespec deadline = deadline_after(wait_us);
	int problem = 0;

	(void)pthread_cond_init(&w.granted_cond, NULL); /* cannot fail on Linux */
	enqueue_locked(t, &w);
	while (!w.granted && problem != ETIMEDOUT)
		problem = pthread_cond_clockwait(
			&w.granted_cond, &t->lock_, CLOCK_MONOTONIC, &deadline);
	if (!w.granted)
		remove_locked(t, &w);
	(void)pthread_cond_destroy(&w.granted_cond);
	return w.granted ? OK : ERR_BUSY;
}

err turn_enter(struct turn *t, int64_t wait_us)
{
	err e = OK;

	(void)pthread_mutex_lock(&t->lock_);
	if (t->inside_ < t->places_)
		t->inside_++;
	else
		e = wait_locked(t, wait_us);
	(void)pthread_mutex_unlock(&t->lock_);
	return e;
}

/* The place changes hands: inside_ stays. */
static bool pass_locked(struct turn *t)
{
	struct turn_waiter *w = t->first_;

	if (!w)
		return false;
	remove_locked(t, w);
	w->granted = true;
	(void)pthread_cond_signal(&w->granted_cond);
	return true;
}

void turn_leave(struct turn *t)
{
	(void)pthread_mutex_lock(&t->lock_);
	if (!pass_locked(t))
		t->inside_--;
	(void)pthread_mutex_unlock(&t->lock_);
}
