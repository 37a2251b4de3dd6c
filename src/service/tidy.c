/*
 * Removing what nobody needs. Hard rule: a file goes only while its row says "removing", which
 * nobody can claim; or, in the upload area, under the upload's lock and without a row.
 */
#include "service/tidy.h"

#include <limits.h>

#include "account/device_code.h"
#include "account/invitation.h"
#include "account/session.h"
#include "account/ticket.h"
#include "base/time.h"
#include "blob/blob.h"
#include "blob/upload_area.h"
#include "catalog/product.h"
#include "catalog/published.h"
#include "catalog/stored.h"
#include "catalog/upload.h"
#include "event/ingest.h"
#include "federation/provider.h"
#include "federation/workload_identity.h"
#include "state/records.h"

#include "base/banned.h"

#define BATCH 100

struct work {
	struct task *task;
	span ids[BATCH];
	size_t count;
	span id; /* of one */
	uint64_t size;
	int64_t before_us;
	bool found;
	unsigned done;
};

/* ---- uploads ---- */

static err expired_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;

	return upload_list_expired(tx, w->task->arena, w->task->now_us, w->ids, &w->count);
}

static err delete_upload_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;

	return upload_delete(tx, w->id);
}

err tidy_uploads(struct task *t, unsigned *ret_dropped)
{
	struct work w = {.task = t};
	err e = db_transact(t->service->db, DB_READ, expired_body, &w);

	for (size_t i = 0; i < w.count && !e; i++) {
		w.id = w.ids[i];
		e = upload_file_remove(t->service->uploads, w.id);
		if (e == ERR_CONFLICT) {
			e = OK; /* being written: next time */
			continue;
		}
		if (!e)
			e = db_transact(t->service->db, DB_WRITE, delete_upload_body, &w);
		w.done += !e;
	}
	*ret_dropped = w.done;
	return e;
}

static err find_upload_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct upload u;
	err e = upload_get(tx, w->task->arena, w->id, &u);

	w->found = e == OK;
	return e == ERR_NOT_FOUND ? OK : e;
}

static err visit_upload(void *ctx, span id, int64_t changed_us)
{
	struct work *w = ctx;
	struct task *t = w->task;

	if (changed_us > t->now_us - STRAY_AGE_US)
		return OK;
	w->id = id;
	err e = db_transact(t->service->db, DB_READ, find_upload_body, w);

	if (e || w->found)
		return e;
	e = upload_file_remove(t->service->uploads, id);
	w->done += e == OK;
	return e == ERR_CONFLICT ? OK : e;
}

err tidy_upload_files(struct task *t, unsigned *ret_removed)
{
	struct work w = {.task = t};
	err e = upload_area_each(t->service->uploads, visit_upload, &w);

	*ret_removed = w.done;
	return e;
}

/* ---- blobs ---- */

static err orphans_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;

	return stored_orphans(tx, w->task->arena, w->before_us, w->ids, &w->count);
}

static err removing_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;

	return stored_in_state(tx, w->task->arena, BLOB_REMOVING, SPAN_EMPTY, w->ids, &w->count);
}

static err begin_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;

	return stored_begin_removal(tx, w->id, w->before_us);
}

static err begin_stray_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;

	return stored_begin_stray_removal(tx, w->id, w->size, w->task->now_us);
}

static err end_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;

	return stored_end_removal(tx, w->id);
}

/* Precondition: the row says "removing". */
static err finish_removal(struct work *w)
{
	err e = blob_remove(w->task->service->blobs, w->id);

	if (!e)
		e = db_transact(w->task->service->db, DB_WRITE, end_body, w);
	w->done += !e;
	return e;
}

static err remove_one(struct work *w, db_body *begin)
{
	err e = db_transact(w->task->service->db, DB_WRITE, begin, w);

	if (e == ERR_CONFLICT)
		return OK; /* wanted after all */
	return e ? e : finish_removal(w);
}

err tidy_blobs(struct task *t, unsigned *ret_removed)
{
	struct work w = {.task = t, .before_us = t->now_us - TIDY_GRACE_US};
	err e = db_transact(t->service->db, DB_READ, removing_body, &w);

	for (size_t i = 0; i < w.count && !e; i++) {
		w.id = w.ids[i];
		e = finish_removal(&w);
	}
	if (!e)
		e = db_transact(t->service->db, DB_READ, orphans_body, &w);
	for (size_t i = 0; i < w.count && !e; i++) {
		w.id = w.ids[i];
		e = remove_one(&w, begin_body);
	}
	*ret_removed = w.done;
	return e;
}

static err find_blob_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct blob_row row;
	err e = stored_get(tx, w->task->arena, w->id, &row);

	w->found = e == OK;
	return e == ERR_NOT_FOUND ? OK : e;
}

static err visit_blob(void *ctx, span sha256, uint64_t size, int64_t at_us)
{
	struct work *w = ctx;
	struct task *t = w->task;

	if (at_us > t->now_us - STRAY_AGE_US)
		return OK;
	w->id = sha256;
	w->size = size;
	err e = db_transact(t->service->db, DB_READ, find_blob_body, w);

	return e || w->found ? e : remove_one(w, begin_stray_body);
}

err tidy_blob_files(struct task *t, unsigned *ret_removed)
{
	struct work w = {.task = t};
	err e = blob_each(t->service->blobs, visit_blob, &w);

	*ret_removed = w.done;
	return e;
}

/* ---- records of products ---- */

struct products {
	struct task *task;
	span after;
	struct product_list page;
	uint64_t seq;
	unsigned put;
};

static bool is_current(struct task *t, const struct product *p)
{
	int64_t interval = conf_int(t->service->conf, CONF_CHECK_INTERVAL);
	struct state_view v;
	struct state_product record;
	span value;
	AUTO(buf) key = {0};

	buf_init(&key, STATE_KEY_MAX);
	state_key_product(&key, p->name);
	if (buf_error(&key) || state_begin(t->service->state, &v))
		return false;
	bool same = state_find(&v, buf_span(&key), &value) &&
		    !state_unpack_product(value, &record) && span_eq(record.id, p->id) &&
		    record.next_check_s == interval / TIME_SECOND;

	state_end(&v);
	return same;
}

static err products_body(struct db_tx *tx, void *arg)
{
	struct products *p = arg;
	struct task *t = p->task;
	struct feed_batch batch;
	err e = product_list_page(tx, t->arena, p->after, BATCH, &p->page);

	p->put = 0;
	feed_begin(&batch, tx);
	for (size_t i = 0; !e && i < p->page.count; i++) {
		if (is_current(t, &p->page.items[i]))
			continue;
		e = published_product(
			&batch, &p->page.items[i], conf_int(t->service->conf, CONF_CHECK_INTERVAL));
		p->put++;
	}
	return e ? e : feed_seal(&batch, &p->seq);
}

err tidy_products(struct task *t, unsigned *ret_put)
{
	struct products p = {.task = t};
	unsigned put = 0;
	err e;

	do {
		e = db_transact(t->service->db, DB_WRITE, products_body, &p);
		if (!e) {
			put += p.put;
			p.after = p.page.count ? p.page.items[p.page.count - 1].id : SPAN_EMPTY;
		}
	} while (!e && p.page.count == BATCH);
	*ret_put = put;
	return e;
}

/* ---- tickets ---- */

struct expiry {
	int64_t now_us, count;
};

static err expire_tickets_body(struct db_tx *tx, void *arg)
{
	struct expiry *x = arg;

	int64_t ignored = 0;
	err e = ticket_expire(tx, x->now_us, &x->count);

	if (!e)
		e = device_code_expire(tx, x->now_us, &ignored);
	if (!e)
		e = invitation_expire(tx, x->now_us);
	if (!e)
		e = exchanged_token_expire(tx, x->now_us, &ignored);
	if (!e)
		e = id_token_expire(tx, x->now_us, &ignored);
	return e ? e : logout_token_expire(tx, x->now_us, &ignored);
}

err tidy_tickets(struct task *t, unsigned *ret_count)
{
	struct expiry x = {.now_us = t->now_us};
	err e = db_transact(t->service->db, DB_WRITE, expire_tickets_body, &x);

	*ret_count = (unsigned)x.count;
	return e;
}

#define SESSIONS_AT_ONCE 1000 /* a transaction of a moment: sign-ins wait for it */

static err delete_sessions_body(struct db_tx *tx, void *arg)
{
	struct expiry *x = arg;

	return session_delete_over(tx, x->now_us - SESSION_KEPT_US, SESSIONS_AT_ONCE, &x->count);
}

err tidy_sessions(struct task *t, unsigned *ret_count)
{
	struct expiry x = {.now_us = t->now_us};
	int64_t total = 0;
	err e;

	do {
		e = db_transact(t->service->db, DB_WRITE, delete_sessions_body, &x);
		total += e ? 0 : x.count;
	} while (!e && x.count == SESSIONS_AT_ONCE);
	*ret_count = (unsigned)MIN(total, (int64_t)UINT_MAX);
	return e;
}

err tidy_events(struct task *t, unsigned *ret_deleted)
{
	int64_t before = t->now_us - conf_int(t->service->conf, CONF_EVENT_RETENTION);
	int64_t total = 0, deleted;

	do {
		err e = event_delete_old(t->service->db, before, t->now_us, &deleted);

		if (e)
			return e;
		total += deleted;
	} while (deleted > 0);
	*ret_deleted = (unsigned)MIN(total, (int64_t)UINT_MAX);
	return OK;
}
