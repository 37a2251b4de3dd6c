/*
 * Restarting with back-off. Hard rule: never sooner than the delay, and never given up.
 */
#include "server/unit.h"

#include "base/banned.h"

#define DELAY_LEAST_US INT64_C(200000)
#define DELAY_MOST_US  INT64_C(10000000)
#define HEALTHY_US     INT64_C(60000000)

void unit_started(struct unit *u, pid_t pid, int64_t now_us)
{
	u->pid = pid;
	u->started_us = now_us;
}

int64_t unit_ended(struct unit *u, int64_t now_us)
{
	bool lived = u->pid != 0 && now_us - u->started_us >= HEALTHY_US;

	if (lived || u->delay_us == 0)
		u->delay_us = DELAY_LEAST_US;
	else
		u->delay_us = MIN(u->delay_us * 2, DELAY_MOST_US);
	u->pid = 0;
	u->restart_at_us = now_us + u->delay_us;
	return u->delay_us;
}

bool unit_is_due(const struct unit *u, int64_t now_us)
{
	return u->pid == 0 && now_us >= u->restart_at_us;
}
