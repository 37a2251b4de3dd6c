/* Epochs of devices. Hard rule: what the database raises, the feed tells, in one transaction. */
#include "service/publish_epochs.h"

#include "licence/licence.h"
#include "state/records.h"

#include "base/banned.h"

static err put(struct feed_batch *feed, span device_id, uint64_t epoch)
{
	char key_memory[STATE_KEY_MAX + 1], value_memory[16];
	struct buf key, value;

	buf_init_fixed(&key, key_memory, sizeof(key_memory));
	buf_init_fixed(&value, value_memory, sizeof(value_memory));
	state_key_epoch(&key, device_id);
	state_pack_u64(&value, epoch);
	return feed_put(feed, buf_span(&key), buf_span(&value), 0);
}

err publish_device_epoch(struct db_tx *tx, struct feed_batch *feed, span device_id)
{
	uint64_t epoch;
	err e = device_store_raise_epoch(tx, device_id, &epoch);

	return e ? e : put(feed, device_id, epoch);
}

err publish_licence_epochs(
	struct db_tx *tx, struct feed_batch *feed, struct task *t, span licence_id)
{
	struct device *devices;
	size_t count;
	err e = device_store_raise_epochs_of(tx, t->arena, licence_id, &devices, &count);

	for (size_t i = 0; !e && i < count; i++)
		e = put(feed, devices[i].id, devices[i].epoch);
	return e;
}
