/* Epochs of devices. Hard rule: what the database raises, the feed tells, in one transaction. */
#include "service/publish_epochs.h"

#include "account/epoch.h"
#include "licence/licence.h"

#include "base/banned.h"

err publish_device_epoch(struct db_tx *tx, struct feed_batch *feed, span device_id)
{
	uint64_t epoch;
	err e = device_store_raise_epoch(tx, device_id, &epoch);

	return e ? e : epoch_put(feed, device_id, epoch, 0);
}

err publish_licence_epochs(
	struct db_tx *tx, struct feed_batch *feed, struct task *t, span licence_id)
{
	struct device *devices;
	size_t count;
	err e = device_store_raise_epochs_of(tx, t->arena, licence_id, &devices, &count);

	for (size_t i = 0; !e && i < count; i++)
		e = epoch_put(feed, devices[i].id, devices[i].epoch, 0);
	return e;
}
