#ifndef SLIPWAY_SERVICE_LICENCES_H
#define SLIPWAY_SERVICE_LICENCES_H

/* Licences as administrators handle them. Results live in t's arena. */

#include "licence/licence.h"
#include "service/service.h"

/* A licence with the names people know its account and product by. */
struct licence_view {
	struct licence licence;
	span account_email, product_name;
};

struct licence_request {
	span account;      /* id or e-mail address */
	span product;      /* id or name */
	span organisation; /* id or name, or empty */
	span plan;
	span entitlements; /* at most LICENCE_CODES_MAX valid codes with one space between */
	int64_t max_devices;
	int64_t starts_at_us, expires_at_us;
};
/* *ret_key: the licence key, given this once. */
err licence_create(struct task *t, const struct licence_request *rq, struct licence_view *ret,
	span *ret_key) MUST_USE;

/* Inside a db body: the licence, if what narrows the caller's permissions lets them deal with it.
 */
err licence_within_reach(struct db_tx *tx, struct task *t, span id, struct licence *ret) MUST_USE;

/* Members that are to change. */
struct licence_change {
	bool has_plan, has_entitlements, has_state, has_max_devices, has_starts_at, has_expires_at;
	span plan, entitlements;
	enum licence_state state;
	int64_t max_devices, starts_at_us, expires_at_us; /* 0: cleared */
};
/*
 * What the credentials of its devices and account say may be wrong afterwards: they become stale,
 * and clients renew them. A lower max_devices leaves the devices that are there.
 */
err licence_update(
	struct task *t, span id, const struct licence_change *c, struct licence_view *ret) MUST_USE;
err licence_get(struct task *t, span id, struct licence_view *ret) MUST_USE;
/* account and product: id or e-mail address, id or name; empty: any. */
err licence_list_page(struct task *t, span account, span product, span after, int64_t limit,
	struct licence_view **ret, size_t *ret_count) MUST_USE;

#endif
