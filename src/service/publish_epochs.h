#ifndef SLIPWAY_SERVICE_PUBLISH_EPOCHS_H
#define SLIPWAY_SERVICE_PUBLISH_EPOCHS_H

/*
 * Makes what devices and jobs hold stale: raises their minimum epochs, in the database and in the
 * published state. Inside a db body, before feed_seal(). Entries of devices stay for good: their
 * tokens live as long as a setting says, which may have been longer yesterday.
 */

#include "feed/feed.h"
#include "service/service.h"

/* ERR_NOT_FOUND when there is no such device. */
err publish_device_epoch(struct db_tx *tx, struct feed_batch *feed, span device_id) MUST_USE;
/* Of each device of the licence. */
err publish_licence_epochs(
	struct db_tx *tx, struct feed_batch *feed, struct task *t, span licence_id) MUST_USE;

/* The minimum epoch of a workload identity, which stands in its row already. */
err publish_workload_epoch(
	struct feed_batch *feed, span workload, uint64_t epoch, int64_t now_us) MUST_USE;
/* Of each workload identity of the account: their tokens die with it. */
err publish_workload_epochs_of(
	struct db_tx *tx, struct feed_batch *feed, struct task *t, span account) MUST_USE;

#endif
