/* Devices as administrators handle them. Hard rule: revoked means revoked when this returns. */
#include "service/devices.h"

#include "account/session.h"
#include "service/accounts.h"
#include "service/licences.h"
#include "service/publish_epochs.h"

#include "base/banned.h"

struct handling {
	struct task *task;
	span id;
	struct device device;
	uint64_t seq;
};

static err find_device(struct db_tx *tx, struct task *t, span id, struct device *ret)
{
	struct licence licence;
	bool found = false;
	err e = device_store_find(tx, t->arena, id, ret, &found);

	/* A device is its licence's; where that is out of sight, so is the device. */
	if (!e && found)
		e = licence_within_reach(tx, t, ret->licence_id, &licence);
	if (e == ERR_NOT_FOUND || (!e && !found))
		return fail(t, ERR_NOT_FOUND, "device_not_found", "There is no device %.*s.",
			SPAN_ARG(id));
	return e;
}

static err get_body(struct db_tx *tx, void *arg)
{
	struct handling *h = arg;

	return find_device(tx, h->task, h->id, &h->device);
}

err device_get(struct task *t, span id, struct device *ret)
{
	struct handling h = {.task = t, .id = id};
	err e = db_transact(t->service->db, DB_READ, get_body, &h);

	if (!e)
		*ret = h.device;
	return e;
}

struct listing {
	struct task *task;
	span licence, account, after;
	size_t limit, count;
	struct device *list;
};

static err list_body(struct db_tx *tx, void *arg)
{
	struct listing *l = arg;
	struct task *t = l->task;
	span permissions = t->caller->permissions;
	struct account account = {.id = SPAN_EMPTY};
	struct licence licence;
	bool narrowed = permissions_are_for_products(permissions) ||
			permissions_are_for_organisation(permissions);

	if (narrowed) {
		err e = l->licence.len ? licence_within_reach(tx, t, l->licence, &licence)
				       : fail(t, ERR_DENIED, "beyond_scope",
						 "Your permissions are narrowed: name a licence "
						 "with 'licence'.");

		if (e)
			return e;
	}
	if (l->account.len) {
		err e = account_resolve(tx, t, l->account, &account);

		if (e)
			return e;
	}
	return device_store_list(
		tx, t->arena, l->after, l->licence, account.id, l->limit, &l->list, &l->count);
}

err device_list_page(struct task *t, span licence, span account, span after, int64_t limit,
	struct device **ret, size_t *ret_count)
{
	struct listing l = {.task = t,
		.licence = licence,
		.account = account,
		.after = after,
		.limit = (size_t)limit};
	err e = db_transact(t->service->db, DB_READ, list_body, &l);

	if (e)
		return e;
	*ret = l.list;
	*ret_count = l.count;
	return OK;
}

static err revoke_body(struct db_tx *tx, void *arg)
{
	struct handling *h = arg;
	struct task *t = h->task;
	struct feed_batch feed;
	err e = find_device(tx, t, h->id, &h->device);

	h->seq = 0;
	if (e || h->device.state == DEVICE_REVOKED)
		return e;
	feed_begin(&feed, tx);
	h->device.state = DEVICE_REVOKED;
	e = device_store_save(tx, &h->device);
	if (!e)
		e = publish_device_epoch(tx, &feed, h->id);
	if (!e)
		e = session_end_of_device(tx, &feed, t->arena, h->id, "revoked", t->now_us);
	if (!e)
		e = audit_add(tx, t, "device.revoke", h->id, "{}");
	return e ? e : feed_seal(&feed, &h->seq);
}

err device_revoke(struct task *t, span id)
{
	struct handling h = {.task = t, .id = id};
	err e = db_transact(t->service->db, DB_WRITE, revoke_body, &h);

	return e ? e : published(t, h.seq);
}

static err check_place(struct db_tx *tx, struct task *t, span licence_id)
{
	struct licence l;
	bool found = false;
	err e = licence_store_find(tx, t->arena, licence_id, &l, &found);

	if (e || !found)
		return e ? e : ERR_CORRUPT;
	if (l.max_devices && l.devices >= l.max_devices)
		return fail_policy(t, POLICY_DEVICE_LIMIT);
	return OK;
}

static err readmit_body(struct db_tx *tx, void *arg)
{
	struct handling *h = arg;
	err e = find_device(tx, h->task, h->id, &h->device);

	if (e || h->device.state == DEVICE_ACTIVE)
		return e;
	e = check_place(tx, h->task, h->device.licence_id);
	h->device.state = DEVICE_ACTIVE;
	if (!e)
		e = device_store_save(tx, &h->device);
	return e ? e : audit_add(tx, h->task, "device.readmit", h->id, "{}");
}

err device_readmit(struct task *t, span id, struct device *ret)
{
	struct handling h = {.task = t, .id = id};
	err e = db_transact(t->service->db, DB_WRITE, readmit_body, &h);

	if (!e)
		*ret = h.device;
	return e;
}
