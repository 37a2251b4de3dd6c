#ifndef SLIPWAY_SERVICE_PUBLISH_EPOCHS_H
#define SLIPWAY_SERVICE_PUBLISH_EPOCHS_H

/*
 * Makes what devices hold stale: raises their minimum epochs, in the database and in the published
 * state. Inside a db body, before feed_seal(). The entries stay for good: device tokens live as
 * long as a setting says, which may have been longer yesterday.
 */

#include "feed/feed.h"
#include "service/service.h"

/* ERR_NOT_FOUND when there is no such device. */
err publish_device_epoch(struct db_tx *tx, struct feed_batch *feed, span device_id) MUST_USE;
/* Of each device of the licence. */
err publish_licence_epochs(
	struct db_tx *tx, struct feed_batch *feed, struct task *t, span licence_id) MUST_USE;

#endif
