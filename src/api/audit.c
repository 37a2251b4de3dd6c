/* The audit log, read. */
#include "api/audit.h"

#include "api/handlers.h"

#include "audit/audit_json.h"

#include "base/banned.h"

void audit_read_filter(struct request *rq, struct audit_search *ret)
{
	*ret = (struct audit_search){
		.actor = request_text(rq, "actor"),
		.action = request_text(rq, "action"),
		.object = request_text(rq, "object"),
		.outcome = request_text(rq, "outcome"),
		.text = request_text(rq, "q"),
		.from_us = request_time(rq, "from"),
		.to_us = request_time(rq, "to"),
	};
}

/* A cursor is the number of the last entry on the page before. */
static err read_cursor(struct request *rq, int64_t *ret)
{
	span cursor = page_cursor(rq);

	*ret = 0;
	if (cursor.len && (span_to_i64(cursor, ret) || *ret <= 0))
		return fail(&rq->task, ERR_INVALID, "invalid_cursor",
			"The cursor is not one of this list.");
	return OK;
}

static void end_page(struct request *rq, bool more, int64_t last_seq)
{
	page_end(rq, more ? span_from(arena_printf(rq->task.arena, "%lld", (long long)last_seq))
			  : SPAN_EMPTY);
}

err list_audit(struct request *rq)
{
	size_t limit = (size_t)page_limit(rq), count = 0;
	struct audit_search search;
	struct audit_entry *list = NULL;
	err e;

	audit_read_filter(rq, &search);
	search.limit = limit + 1;
	e = read_cursor(rq, &search.beyond);
	if (!e)
		e = audit_list(&rq->task, &search, &list, &count);
	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(count, limit); i++)
		audit_write_entry(&rq->out, &list[i]);
	end_page(rq, count > limit, count > limit ? list[limit - 1].seq : 0);
	return OK;
}

err get_audit_entry(struct request *rq)
{
	struct audit_entry entry;
	err e = audit_get(&rq->task, rq->params[0], &entry);

	if (!e)
		audit_write_entry(&rq->out, &entry);
	return e;
}

err list_audit_checkpoints(struct request *rq)
{
	size_t limit = (size_t)page_limit(rq), count = 0;
	struct checkpoint *list = NULL;
	int64_t before;
	err e = read_cursor(rq, &before);

	if (!e)
		e = audit_checkpoints(&rq->task, before, limit + 1, &list, &count);
	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(count, limit); i++)
		checkpoint_write(&rq->out, NULL, &list[i]);
	end_page(rq, count > limit, count > limit ? list[limit - 1].seq : 0);
	return OK;
}

err verify_audit(struct request *rq)
{
	struct audit_report *report;
	err e = audit_check(&rq->task, request_bool(rq, "accept_restored"), &report);

	if (!e)
		audit_write_report(&rq->out, report);
	return e;
}
