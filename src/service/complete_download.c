/* The client's report of a download. Hard rule: the first report stands. */
#include "service/complete_download.h"

#include "event/download_store.h"
#include "service/grant_download.h"

#include "base/banned.h"

struct completing {
	struct task *task;
	span id;
	const struct download_report *report;
	struct download download;
};

static err explain_conflict(struct completing *c)
{
	if (c->download.report.len)
		return fail(c->task, ERR_CONFLICT, "report_conflict",
			"The download was reported as %s already, with other values.",
			download_state_name(c->download.state));
	return fail(c->task, ERR_CONFLICT, "download_ended", "The download has ended: %.*s.",
		SPAN_ARG(c->download.error));
}

static err complete_body(struct db_tx *tx, void *arg)
{
	struct completing *c = arg;
	struct task *t = c->task;
	bool changed = false;
	err e = download_store_get(tx, c->id, t->arena, &c->download);

	if (e == ERR_NOT_FOUND || (!e && !download_is_of(&c->download, t->caller)))
		return fail(t, ERR_NOT_FOUND, "download_not_found",
			"There is no download %.*s of yours.", SPAN_ARG(c->id));
	if (!e)
		e = download_add_report(&c->download, c->report, t->now_us, t->arena, &changed);
	if (e == ERR_CONFLICT)
		return explain_conflict(c);
	if (e || !changed)
		return e;
	return download_store_save_report(tx, &c->download);
}

err complete_download(struct task *t, span download_id, const struct download_report *report,
	struct download *ret)
{
	struct completing c = {.task = t, .id = download_id, .report = report};
	err e = db_transact(t->service->db, DB_WRITE, complete_body, &c);

	if (!e)
		*ret = c.download;
	return e;
}
