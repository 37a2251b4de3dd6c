/*
 * Granting a download: facts, decision, record, token. Hard rules: no token without a committed
 * record; a denial never waits for the writer of the database.
 *
 * Between the facts and the record the world may change. That is harmless: the token bears the
 * epoch read with the facts, and a change that takes rights away raises it.
 */
#include "service/grant_download.h"

#include "crypto/random.h"
#include "event/client_class.h"
#include "event/download_store.h"
#include "sys/metrics.h"

#include "base/banned.h"

struct granting {
	struct task *task;
	const struct grant_request *request;
	struct access_subject subject;
	struct access_object *files;
	size_t files_count;
	struct access_verdict verdict;
	struct download download;
};

static err find_files(struct db_tx *tx, struct granting *g)
{
	struct task *t = g->task;
	const struct grant_request *rq = g->request;

	if (rq->release_id.len)
		return access_objects_of_release(
			tx, t->arena, rq->release_id, &g->files, &g->files_count);
	g->files = arena_alloc(t->arena, sizeof(*g->files));
	g->files_count = 1;
	return access_object_get(tx, t->arena, rq->package_id, g->files);
}

static err facts_body(struct db_tx *tx, void *arg)
{
	struct granting *g = arg;
	struct task *t = g->task;
	err e = find_files(tx, g);

	if (e == ERR_NOT_FOUND)
		return fail(t, e,
			g->request->release_id.len ? "release_not_found" : "package_not_found",
			"There is no such package.");
	for (size_t i = 0; !e && i < g->files_count; i++) {
		e = access_decide(tx, t->arena, &g->subject, &g->files[i], t->now_us, &g->verdict);
		if (g->verdict.reason)
			break;
	}
	return e;
}

static err record_body(struct db_tx *tx, void *arg)
{
	const struct granting *g = arg;

	return download_store_add(tx, &g->download);
}

static void describe(struct granting *g)
{
	struct task *t = g->task;
	const struct access_verdict *v = &g->verdict;
	bool one = g->request->release_id.len == 0;
	struct client_class client;
	char id[TYPEID_SIZE];

	random_id("dl", t->now_us, id);
	client_classify(g->request->agent, &client);
	g->download = (struct download){.id = span_from(arena_strdup(t->arena, id)),
		.package_id = one ? g->files[0].package.id : SPAN_EMPTY,
		.release_id = g->files[0].release.id,
		.account_id = g->subject.account,
		.device_id = v->has_device ? v->device.id : SPAN_EMPTY,
		.licence_id = v->has_licence ? v->licence.id : SPAN_EMPTY,
		.filename = one ? g->files[0].package.filename : SPAN_EMPTY,
		.granted_at_us = t->now_us,
		.expires_at_us = download_token_end(t),
		.country = t->caller->country,
		/* Devices come from an update check; people come by themselves. */
		.referrer = t->caller->device.len ? SPAN("update_check") : SPAN("direct"),
		.client_os = span_from(client.os),
		.client_device = span_from(client.device),
		.client_version = span_from(arena_strdup(t->arena, client.version))};
	for (size_t i = 0; i < g->files_count; i++)
		g->download.size += g->files[i].package.size;
}

/* A device that is named must be the caller's; what it is otherwise is not for the caller to know.
 */
static err check_device(struct task *t, const struct grant_request *rq)
{
	const struct caller *c = t->caller;

	if (rq->device_id.len == 0)
		return OK;
	if (c->account.len == 0)
		return fail_policy(t, POLICY_AUTHENTICATION_REQUIRED);
	if (c->device.len && !span_eq(c->device, rq->device_id))
		return fail_policy(t, POLICY_DEVICE_NOT_ACTIVATED);
	return OK;
}

err grant_download(struct task *t, const struct grant_request *rq, struct download_grant *ret)
{
	struct granting g = {
		.task = t, .request = rq, .subject = access_subject_of(t->caller, rq->device_id)};
	err e = check_device(t, rq);

	if (!e)
		e = db_transact(t->service->db, DB_READ, facts_body, &g);
	if (e)
		return e;
	metric_add(METRIC_GRANTS, policy_reason_name(g.verdict.reason), 1);
	if (g.verdict.reason)
		return fail_policy(t, g.verdict.reason);
	if (rq->device_id.len && !g.verdict.has_device)
		return fail_policy(t, POLICY_DEVICE_NOT_ACTIVATED);
	describe(&g);
	e = db_transact(t->service->db, DB_WRITE, record_body, &g);
	if (e)
		return e;
	return download_token_sign(
		t, &g.download, &g.verdict, g.files, g.files_count, rq->base_url, ret);
}
