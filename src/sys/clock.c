/*
 * The system's clocks. Nothing else may call clock_gettime: time is an argument everywhere else.
 */
#include "sys/clock.h"

#include <time.h>

#include "base/banned.h"

static int64_t clock_us(clockid_t id)
{
	struct timespec t = {0};

	/* Cannot fail for these two clocks with a valid pointer. */
	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}
