#ifndef SLIPWAY_EVENT_UPDATE_REPORT_H
#define SLIPWAY_EVENT_UPDATE_REPORT_H

/* What update clients report of a release on a device: one row for each stage. */

#include "db/db.h"

err update_report_store_add(struct db_tx *tx, span id, span release_id, span device, span stage,
	span error, int64_t now_us) MUST_USE;

#endif
