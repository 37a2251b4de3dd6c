/* Checking what is stored. */
#include "api/handlers.h"

#include "service/scrub.h"

#include "base/banned.h"

static err answer_report(struct request *rq, err e, const struct scrub_report *r)
{
	struct json_writer *w = &rq->out;

	if (e)
		return e;
	json_begin_object(w, NULL);
	json_i64(w, "blobs", r->counts.blobs);
	json_i64(w, "bytes", r->counts.bytes);
	json_i64(w, "damaged", r->counts.damaged);
	json_i64(w, "due", r->counts.due);
	answer_time(rq, "oldest_check_at", r->counts.oldest_at);
	answer_time(rq, "requested_at", r->requested_at);
	json_end(w);
	return OK;
}

err post_scrub(struct request *rq)
{
	struct scrub_report r;

	return answer_report(rq, scrub_request(&rq->task, &r), &r);
}

err get_scrub(struct request *rq)
{
	struct scrub_report r;

	return answer_report(rq, scrub_show(&rq->task, &r), &r);
}
