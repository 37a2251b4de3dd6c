#ifndef SLIPWAY_ACCOUNT_EPOCH_H
#define SLIPWAY_ACCOUNT_EPOCH_H

/*
 * Least epochs of accounts, devices and workload identities in the published state: older tokens of
 * theirs are dead.
 */

#include "feed/feed.h"

/* expires_at_us: no token of an earlier epoch lives longer; 0: keep it. */
err epoch_put(
	struct feed_batch *feed, span subject, uint64_t epoch, int64_t expires_at_us) MUST_USE;

#endif
