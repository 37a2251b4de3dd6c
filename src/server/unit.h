#ifndef SLIPWAY_SERVER_UNIT_H
#define SLIPWAY_SERVER_UNIT_H

/*
 * A supervised process over its lives: when it started, and when it may start again. Pure.
 *
 *     started ──exit──> waiting (200 ms, doubling to 10 s) ──> started
 *                       a life of 60 s starts again from 200 ms
 */

#include <sys/types.h>

#include "base/base.h"

struct unit {
	const char *name;
	pid_t pid; /* 0: not running */
	int64_t started_us;
	int64_t restart_at_us; /* of one that does not run */
	int64_t delay_us;      /* waited before the next start */
};

void unit_started(struct unit *u, pid_t pid, int64_t now_us);
/* Its process ended, or could not be started. Gives the wait until the next start. */
int64_t unit_ended(struct unit *u, int64_t now_us);
bool unit_is_due(const struct unit *u, int64_t now_us);

#endif
