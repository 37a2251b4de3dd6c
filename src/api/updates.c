/* What update clients report. */
#include "api/handlers.h"

#include "service/report_update.h"

#include "base/banned.h"

err post_update_report(struct request *rq)
{
	struct update_report r = {.release_id = request_text(rq, "release_id"),
		.device = request_text(rq, "device"),
		.stage = request_text(rq, "stage"),
		.error = request_text(rq, "error")};
	err e = report_update(&rq->task, &r);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_cstr(&rq->out, "status", "accepted");
	json_end(&rq->out);
	return OK;
}
