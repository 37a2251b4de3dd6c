#ifndef SLIPWAY_EVENT_STATS_H
#define SLIPWAY_EVENT_STATS_H

/* Counts over downloads, update checks and update reports. In arena a; inside a body. */

#include "db/db.h"

#define STATS_ROWS_MAX 1000 /* of each list */

struct stats_downloads {
	int64_t day_us;                  /* its first instant; by package: 0 */
	span product, version, platform; /* by day: empty */
	int64_t granted, completed, failed;
	int64_t bytes, bytes_sent;
};
struct stats_checks {
	int64_t day_us;
	span product, platform, installed;
	int64_t checks, offered; /* of the checks: those that were offered an update */
};
struct stats_reports {
	span product, version, stage;
	int64_t devices;
};

struct stats {
	struct stats_downloads *days, *packages;
	struct stats_checks *checks;
	struct stats_reports *reports;
	size_t days_count, packages_count, checks_count, reports_count;
};

/* Everything from from_us on. */
err stats_read(struct db_tx *tx, struct arena *a, int64_t from_us, struct stats *ret) MUST_USE;

#endif
