#ifndef SLIPWAY_SERVICE_DEVICES_H
#define SLIPWAY_SERVICE_DEVICES_H

/* Devices as administrators handle them. Results live in t's arena. */

#include "licence/licence.h"
#include "service/service.h"

err device_get(struct task *t, span id, struct device *ret) MUST_USE;
/* licence: its id, account: id or e-mail address; empty for all. */
err device_list_page(struct task *t, span licence, span account, span after, int64_t limit,
	struct device **ret, size_t *ret_count) MUST_USE;
/*
 * Takes the device off its licence: its tokens and sessions die at once, its place is free, and it
 * cannot come back by the licence key alone. OK also when it was revoked before.
 */
err device_revoke(struct task *t, span id) MUST_USE;
/* Admits a revoked device again, within the licence's limit; it still has to activate. */
err device_readmit(struct task *t, span id, struct device *ret) MUST_USE;

#endif
