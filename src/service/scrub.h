#ifndef SLIPWAY_SERVICE_SCRUB_H
#define SLIPWAY_SERVICE_SCRUB_H

/*
 * Checking stored bytes against their names. Every blob is read and hashed within scrub.interval; a
 * damaged one is blocked for all nodes first, then moved aside. Uploading the right bytes again
 * heals it.
 */

#include <stdatomic.h>

#include "catalog/stored.h"
#include "service/service.h"

struct scrub_step {
	bool checked; /* false: nothing was due */
	bool damaged;
	span sha256;
	uint64_t bytes;
};
/*
 * Checks the blob that is due most, at no more than the rate the interval demands (32 MiB/s at
 * least). ERR_CANCELLED when *stopping became true meanwhile: the blob is still due then.
 */
err scrub_next(struct task *t, const atomic_bool *stopping, struct scrub_step *ret) MUST_USE;

struct scrub_report {
	struct scrub_counts counts;
	int64_t requested_at; /* 0: never */
};
/* Makes every blob due. */
err scrub_request(struct task *t, struct scrub_report *ret) MUST_USE;
err scrub_show(struct task *t, struct scrub_report *ret) MUST_USE;

#endif
