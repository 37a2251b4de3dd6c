/* Hard rule: an epoch goes into the feed in the transaction that raised it. */
#include "account/epoch.h"

#include "state/records.h"

#include "base/banned.h"

err epoch_put(struct feed_batch *feed, span subject, uint64_t epoch, int64_t expires_at_us)
{
	char key_memory[STATE_KEY_MAX + 1], value_memory[16];
	struct buf key, value;

	buf_init_fixed(&key, key_memory, sizeof(key_memory));
	buf_init_fixed(&value, value_memory, sizeof(value_memory));
	state_key_epoch(&key, subject);
	state_pack_u64(&value, epoch);
	return feed_put(feed, buf_span(&key), buf_span(&value), expires_at_us);
}
