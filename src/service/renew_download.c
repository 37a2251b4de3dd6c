/*
 * Renewing the token of a download. Hard rule: it is decided anew, by what is true now, for the
 * subject the download was granted to.
 */
#include "service/grant_download.h"

#include "base/time.h"
#include "event/download_store.h"
#include "sys/metrics.h"

#include "base/banned.h"

struct renewing {
	struct task *task;
	span id;
	struct download download;
	struct access_object *files;
	size_t files_count;
	struct access_verdict verdict;
};

bool download_is_of(const struct download *d, const struct caller *c)
{
	if (d->account_id.len == 0)
		return true;
	if (!span_eq(d->account_id, c->account))
		return false;
	/* A device speaks for itself; the account speaks for all its devices. */
	return c->device.len == 0 || span_eq(d->device_id, c->device);
}

static err find_download(struct db_tx *tx, struct renewing *r)
{
	struct task *t = r->task;
	err e = download_store_get(tx, r->id, t->arena, &r->download);

	if (e == ERR_NOT_FOUND || (!e && !download_is_of(&r->download, t->caller)))
		return fail(t, ERR_NOT_FOUND, "download_not_found",
			"There is no download %.*s of yours.", SPAN_ARG(r->id));
	if (e)
		return e;
	if (r->download.state == DOWNLOAD_COMPLETED || r->download.state == DOWNLOAD_FAILED)
		return fail(t, ERR_CONFLICT, "download_ended",
			"The download has ended (%s). Ask for a new one.",
			download_state_name(r->download.state));
	return OK;
}

static err find_files(struct db_tx *tx, struct renewing *r)
{
	struct arena *a = r->task->arena;

	if (r->download.package_id.len == 0)
		return access_objects_of_release(
			tx, a, r->download.release_id, &r->files, &r->files_count);
	r->files = arena_alloc(a, sizeof(*r->files));
	r->files_count = 1;
	return access_object_get(tx, a, r->download.package_id, r->files);
}

static err facts_body(struct db_tx *tx, void *arg)
{
	struct renewing *r = arg;
	struct task *t = r->task;
	err e = find_download(tx, r);

	if (!e)
		e = find_files(tx, r);
	if (e)
		return e;
	struct access_subject subject = access_subject_of(t->caller, r->download.device_id);

	for (size_t i = 0; !e && i < r->files_count; i++) {
		e = access_decide(tx, t->arena, &subject, &r->files[i], t->now_us, &r->verdict);
		if (r->verdict.reason)
			break;
	}
	return e;
}

static err record_body(struct db_tx *tx, void *arg)
{
	const struct renewing *r = arg;

	return download_store_save_renewal(tx, &r->download);
}

/* Whether the newest token is worth giving again. */
static bool is_fresh(const struct task *t, const struct download *d)
{
	int64_t life = conf_int(t->service->conf, CONF_DOWNLOAD_TTL);

	return d->expires_at_us - t->now_us > life / 2;
}

err renew_download(struct task *t, span download_id, span base_url, struct download_grant *ret)
{
	struct renewing r = {.task = t, .id = download_id};
	err e = db_transact(t->service->db, DB_READ, facts_body, &r);

	if (e)
		return e;
	metric_add(METRIC_GRANTS, policy_reason_name(r.verdict.reason), 1);
	if (r.verdict.reason)
		return fail_policy(t, r.verdict.reason);
	if (!is_fresh(t, &r.download)) {
		r.download.renewals++;
		r.download.expires_at_us = download_token_end(t);
		e = db_transact(t->service->db, DB_WRITE, record_body, &r);
	}
	if (e == ERR_CONFLICT)
		return fail(t, ERR_BUSY, "renewed_meanwhile",
			"The download was renewed by another request at this moment. Ask again.");
	if (e)
		return e;
	return download_token_sign(
		t, &r.download, &r.verdict, r.files, r.files_count, base_url, ret);
}
