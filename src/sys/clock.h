#ifndef SLIPWAY_SYS_CLOCK_H
#define SLIPWAY_SYS_CLOCK_H

#include <stdint.h>

/* The one place that asks the system for the time. Everything else takes it as an argument. */
int64_t clock_wall_us(void);      /* since 1970-01-01T00:00:00Z */
int64_t clock_monotonic_us(void); /* for durations and timeouts */

#endif
