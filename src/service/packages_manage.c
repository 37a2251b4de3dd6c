/*
 * Reading packages, removing them from drafts, blocking their bytes.
 */
#include "service/packages.h"

#include "catalog/published.h"
#include "catalog/release.h"
#include "catalog/stored.h"
#include "service/releases.h"

#include "base/banned.h"

#define REASON_MAX_BYTES 500

/* ---- reading and removing ---- */

struct lookup {
	struct task *task;
	span id, reason;
	struct package *package;
	struct release release;
	bool block;
	uint64_t seq;
};

static err find(struct db_tx *tx, struct lookup *l)
{
	err e = package_get(tx, l->task->arena, l->id, l->package);

	if (e == ERR_NOT_FOUND)
		return fail(l->task, e, "package_not_found", "There is no package '%.*s'.",
			SPAN_ARG(l->id));
	/* Its product has to be within the caller's reach. */
	return e ? e : release_find_for(tx, l->task, l->package->release_id, &l->release);
}

static err show_body(struct db_tx *tx, void *arg)
{
	return find(tx, arg);
}

err package_show(struct task *t, span id, struct package *ret)
{
	struct lookup l = {.task = t, .id = id, .package = ret};

	return db_transact(t->service->db, DB_READ, show_body, &l);
}

struct paging {
	struct task *task;
	span release_id, after;
	int64_t limit;
	struct package_list *list;
};

static err page_body(struct db_tx *tx, void *arg)
{
	struct paging *p = arg;
	struct task *t = p->task;
	struct release r;

	if (permissions_are_for_products(t->caller->permissions)) {
		err e = p->release_id.len ? release_find_for(tx, t, p->release_id, &r)
					  : fail(t, ERR_DENIED, "beyond_scope",
						    "Your permissions are for some products: name "
						    "a release of one with 'release'.");

		if (e)
			return e;
	}
	return package_list_page(tx, p->task->arena, p->release_id, p->after, p->limit, p->list);
}

err package_page_of(
	struct task *t, span release_id, span after, int64_t limit, struct package_list *ret)
{
	struct paging p = {t, release_id, after, limit, ret};

	return db_transact(t->service->db, DB_READ, page_body, &p);
}

static err discard_body(struct db_tx *tx, void *arg)
{
	struct lookup *l = arg;
	err e = find(tx, l);

	if (!e && l->release.state != RELEASE_DRAFT)
		return fail(l->task, ERR_CONFLICT, "release_published",
			"Packages of a published release are not removed; withdraw the release or "
			"block the package.");
	if (!e)
		e = package_delete(tx, l->id);
	return e ? e : audit_add(tx, l->task, "package.delete", l->id, "{}");
}

err package_discard(struct task *t, span id)
{
	struct package p;
	struct lookup l = {.task = t, .id = id, .package = &p};

	return db_transact(t->service->db, DB_WRITE, discard_body, &l);
}

/* ---- blocking ---- */

/*
 * Bytes are blocked wherever they are: also for whom they were published by others. So that nobody
 * reaches into another product, or channel, by adding its bytes to a draft of their own.
 */
static err may_block(struct db_tx *tx, struct lookup *l)
{
	struct task *t = l->task;
	struct id_list live;
	struct release r;
	err e = release_list_with_digest(tx, t->arena, l->package->sha256, &live);

	for (size_t i = 0; !e && i < live.count; i++) {
		e = release_find_for(tx, t, live.ids[i], &r);
		if (!e)
			e = may_publish_in(t, r.channels);
	}
	return e ? e : may_publish_in(t, l->release.channels);
}

static err block_body(struct db_tx *tx, void *arg)
{
	struct lookup *l = arg;
	struct task *t = l->task;
	struct feed_batch batch;
	bool changed;
	err e = find(tx, l);

	if (!e)
		e = may_block(tx, l);
	if (e)
		return e;
	e = l->block ? digest_set_block(tx, l->package->sha256, l->reason, t->now_us)
		     : digest_lift_block(tx, l->package->sha256, &changed);
	if (!e)
		e = audit_add(tx, t, l->block ? "package.block" : "package.unblock", l->id, "{}");
	feed_begin(&batch, tx);
	if (!e)
		e = published_digest(tx, &batch, t->arena, l->package->sha256, t->now_us);
	if (!e)
		e = find(tx, l);
	return e ? e : feed_seal(&batch, &l->seq);
}

static err change_block(struct task *t, struct lookup *l, struct package *ret)
{
	struct package p;

	l->task = t;
	l->package = &p;
	err e = db_transact(t->service->db, DB_WRITE, block_body, l);

	if (!e)
		e = published(t, l->seq);
	if (!e)
		*ret = p;
	return e;
}

err package_block(struct task *t, span id, span reason, struct package *ret)
{
	struct lookup l = {.id = id, .reason = reason, .block = true};

	if (reason.len == 0 || reason.len > REASON_MAX_BYTES)
		return fail(t, ERR_INVALID, "invalid_member", "'reason' has 1 to %d bytes.",
			REASON_MAX_BYTES);
	return change_block(t, &l, ret);
}

err package_unblock(struct task *t, span id, struct package *ret)
{
	struct lookup l = {.id = id};

	return change_block(t, &l, ret);
}
