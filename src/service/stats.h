#ifndef SLIPWAY_SERVICE_STATS_H
#define SLIPWAY_SERVICE_STATS_H

#include "event/download_store.h"
#include "event/stats.h"
#include "service/service.h"

/* What happened on this day and the days - 1 before it, UTC. In t's arena. */
err stats_of_days(struct task *t, int64_t days, struct stats *ret, int64_t *ret_from_us) MUST_USE;

/* Download records as administrators see them. */
err download_get(struct task *t, span id, struct download *ret) MUST_USE;
err download_list_page(struct task *t, const struct download_filter *f, struct download **ret,
	size_t *ret_count) MUST_USE;

#endif
