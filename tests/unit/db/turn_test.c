/* The gate behind the pools and the writer: order, limits, hand-over. */
#include "db/turn.h"

#include <stdatomic.h>
#include <time.h>

#include "db/pool.h"
#include "sys/clock.h"
#include "test.h"

static void times_out(void **state UNUSED)
{
	struct turn t;
	int64_t start = clock_monotonic_us();

	turn_init(&t, 1);
	assert_ok(turn_enter(&t, 0));
	assert_int_equal(turn_enter(&t, 30000), ERR_BUSY);
	assert_true(clock_monotonic_us() - start >= 30000);
	turn_leave(&t); /* who gave up has left the queue */
	assert_ok(turn_enter(&t, 0));
	turn_leave(&t);
	turn_done(&t);
}

struct visitor {
	struct turn *turn;
	atomic_uint *entered, *gave_up;
	unsigned order;
	int64_t wait_us;
	err result;
};

static void *visit(void *arg)
{
	struct visitor *v = arg;

	v->result = turn_enter(v->turn, v->wait_us);
	if (v->result) {
		++*v->gave_up;
	} else {
		v->order = (*v->entered)++;
		turn_leave(v->turn);
	}
	return NULL;
}

static unsigned waiting(struct turn *t)
{
	(void)pthread_mutex_lock(&t->lock_);
	unsigned n = t->waiting_;

	(void)pthread_mutex_unlock(&t->lock_);
	return n;
}

static void until(struct turn *t, atomic_uint *gave_up, unsigned arrived)
{
	while (waiting(t) + *gave_up < arrived)
		(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* One in the middle of the queue gives up; the others come in as they arrived. */
static void order(void **state UNUSED)
{
	struct turn t;
	atomic_uint entered = 0, gave_up = 0;
	struct visitor v[5];
	pthread_t threads[5];

	turn_init(&t, 1);
	assert_ok(turn_enter(&t, 0));
	for (unsigned i = 0; i < 5; i++) {
		v[i] = (struct visitor){.turn = &t,
			.entered = &entered,
			.gave_up = &gave_up,
			.wait_us = i == 2 ? 50000 : 60000000};
		assert_int_equal(pthread_create(&threads[i], NULL, visit, &v[i]), 0);
		until(&t, &gave_up, i + 1);
	}
	assert_int_equal(pthread_join(threads[2], NULL), 0);
	turn_leave(&t);
	for (int i = 0; i < 5; i++)
		if (i != 2)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
	static const unsigned want[] = {0, 1, 0, 2, 3};

	for (int i = 0; i < 5; i++) {
		assert_int_equal(v[i].result, i == 2 ? ERR_BUSY : OK);
		assert_int_equal(v[i].order, want[i]);
	}
	turn_done(&t);
}

static unsigned closed;

static void close_connection(void *connection UNUSED)
{
	closed++;
}

static void pool(void **state UNUSED)
{
	struct pool *p = pool_new(2);
	int a, b;
	void *got;

	assert_ok(pool_take(p, 0, &got));
	assert_null(got); /* the right to open one */
	assert_ok(pool_take(p, 0, &got));
	assert_int_equal(pool_take(p, 1000, &got), ERR_BUSY);
	pool_give(p, &a);
	pool_give(p, &b);
	assert_ok(pool_take(p, 0, &got));
	assert_ptr_equal(got, &b); /* the warm one */
	pool_give(p, NULL);        /* it broke */
	assert_ptr_equal(pool_take_idle(p), &a);
	assert_null(pool_take_idle(p));
	assert_ok(pool_take(p, 0, &got));
	assert_null(got);
	pool_give(p, &a);
	closed = 0;
	pool_free(p, close_connection);
	assert_int_equal(closed, 1);
	pool_free(NULL, close_connection);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_out), cmocka_unit_test(order), cmocka_unit_test(pool)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
