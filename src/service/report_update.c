/* Reports of update clients. Hard rule: nobody reports for a device that is not theirs. */
#include "service/report_update.h"

#include "catalog/release.h"
#include "crypto/random.h"
#include "event/update_report.h"

#include "base/banned.h"

struct reporting {
	struct task *task;
	const struct update_report *report;
};

static err report_body(struct db_tx *tx, void *arg)
{
	struct reporting *r = arg;
	struct task *t = r->task;
	const struct update_report *u = r->report;
	struct release release;
	char id[TYPEID_SIZE];
	err e = release_get(tx, t->arena, u->release_id, &release);

	if (e == ERR_NOT_FOUND || (!e && release.state == RELEASE_DRAFT))
		return fail(t, ERR_NOT_FOUND, "release_not_found", "There is no release %.*s.",
			SPAN_ARG(u->release_id));
	if (e)
		return e;
	random_id("upr", t->now_us, id);
	return update_report_store_add(
		tx, span_from(id), u->release_id, u->device, u->stage, u->error, t->now_us);
}

err report_update(struct task *t, const struct update_report *u)
{
	struct reporting r = {.task = t, .report = u};

	if (span_starts_with(u->device, SPAN("dev_")) && !span_eq(u->device, t->caller->device))
		return fail(t, t->caller->account.len ? ERR_DENIED : ERR_UNAUTHENTICATED,
			"device_mismatch",
			"Reports for a device are accepted from that device only.");
	return db_transact(t->service->db, DB_WRITE, report_body, &r);
}
