/* The audit log, read. */
#include "api/handlers.h"

#include "service/audit.h"

#include "base/banned.h"

static void write_entry(struct request *rq, const struct audit_entry *a)
{
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "id", a->id);
	json_time(&rq->out, "at", a->at_us);
	json_str(&rq->out, "actor", a->actor);
	json_str(&rq->out, "action", a->action);
	json_str(&rq->out, "object", a->object);
	json_str(&rq->out, "outcome", a->outcome);
	json_str(&rq->out, "ip_prefix", a->ip_prefix);
	json_str(&rq->out, "request_id", a->request_id);
	json_raw(&rq->out, "detail", a->detail.len ? a->detail : SPAN("{}"));
	json_end(&rq->out);
}

err list_audit(struct request *rq)
{
	size_t limit = (size_t)page_limit(rq), count;
	struct audit_filter filter = {.after = page_cursor(rq),
		.actor = request_text(rq, "actor"),
		.action = request_text(rq, "action"),
		.object = request_text(rq, "object"),
		.limit = limit + 1};
	struct audit_entry *list;
	err e = audit_list(&rq->task, &filter, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(count, limit); i++)
		write_entry(rq, &list[i]);
	page_end(rq, count > limit ? list[limit - 1].id : SPAN_EMPTY);
	return OK;
}
