/* Epochs of devices and jobs. Hard rule: what the database raises, the feed tells, in one
 * transaction. */
#include "service/publish_epochs.h"

#include "account/epoch.h"
#include "base/time.h"
#include "federation/workload_identity.h"
#include "licence/licence.h"

#include "base/banned.h"

/* Clocks of nodes may differ by this much: an entry outlives its tokens. */
#define SKEW (2 * TIME_MINUTE)

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

err publish_workload_epoch(struct feed_batch *feed, span workload, uint64_t epoch, int64_t now_us)
{
	return epoch_put(feed, workload, epoch, now_us + WORKLOAD_LIFE_MOST_S * TIME_SECOND + SKEW);
}

err publish_workload_epochs_of(
	struct db_tx *tx, struct feed_batch *feed, struct task *t, span account)
{
	struct workload *list;
	size_t count;
	err e = workload_raise_epochs_of(tx, t->arena, account, &list, &count);

	for (size_t i = 0; !e && i < count; i++)
		e = publish_workload_epoch(feed, list[i].id, list[i].epoch, t->now_us);
	return e;
}
