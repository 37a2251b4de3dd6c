/* Devices, administered. */
#include "api/handlers.h"

#include "service/devices.h"

#include "base/banned.h"

static void write_device(struct request *rq, const struct device *d)
{
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "id", d->id);
	json_str(&rq->out, "licence_id", d->licence_id);
	json_str(&rq->out, "account_id", d->account_id);
	json_str(&rq->out, "account", d->account);
	json_str(&rq->out, "product", d->product);
	json_str(&rq->out, "name", d->name);
	json_str(&rq->out, "os", d->os);
	json_str(&rq->out, "arch", d->arch);
	json_cstr(&rq->out, "state", d->state == DEVICE_ACTIVE ? "active" : "revoked");
	json_time(&rq->out, "created_at", d->created_at_us);
	json_time(&rq->out, "last_seen_at", d->last_seen_at_us);
	json_end(&rq->out);
}

err list_devices(struct request *rq)
{
	size_t limit = (size_t)page_limit(rq), count;
	struct device *list;
	err e = device_list_page(&rq->task, request_text(rq, "licence"),
		request_text(rq, "account"), page_cursor(rq), (int64_t)limit + 1, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(count, limit); i++)
		write_device(rq, &list[i]);
	page_end(rq, count > limit ? list[limit - 1].id : SPAN_EMPTY);
	return OK;
}

err get_device(struct request *rq)
{
	struct device d;
	err e = device_get(&rq->task, rq->params[0], &d);

	if (!e)
		write_device(rq, &d);
	return e;
}

err patch_device(struct request *rq)
{
	struct device d;
	err e = device_readmit(&rq->task, rq->params[0], &d);

	if (!e)
		write_device(rq, &d);
	return e;
}

err delete_device(struct request *rq)
{
	return device_revoke(&rq->task, rq->params[0]);
}
