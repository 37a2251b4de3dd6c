/* Organisations: the vendor's customers. */
#include "api/handlers.h"

#include "api/write_account.h"
#include "service/accounts.h"

#include "base/banned.h"

static void write_organisation(struct request *rq, const struct organisation *o)
{
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "id", o->id);
	json_str(&rq->out, "name", o->name);
	json_time(&rq->out, "created_at", o->created_at_us);
	json_end(&rq->out);
}

err post_organisation(struct request *rq)
{
	struct organisation o;
	err e = organisation_create(&rq->task, request_text(rq, "name"), &o);

	if (!e)
		write_organisation(rq, &o);
	return e;
}

err list_organisations(struct request *rq)
{
	size_t limit = (size_t)page_limit(rq), count;
	struct organisation *list;
	err e = organisation_page(&rq->task, page_cursor(rq), limit + 1, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(count, limit); i++)
		write_organisation(rq, &list[i]);
	page_end(rq, count > limit ? list[limit - 1].id : SPAN_EMPTY);
	return OK;
}

err get_organisation(struct request *rq)
{
	struct organisation o;
	err e = organisation_get(&rq->task, rq->params[0], &o);

	if (!e)
		write_organisation(rq, &o);
	return e;
}

err list_members(struct request *rq)
{
	size_t limit = (size_t)page_limit(rq), count;
	struct account *list;
	err e = organisation_members(
		&rq->task, rq->params[0], page_cursor(rq), limit + 1, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(count, limit); i++)
		write_account(rq, &list[i]);
	page_end(rq, count > limit ? list[limit - 1].id : SPAN_EMPTY);
	return OK;
}

err patch_organisation(struct request *rq)
{
	struct organisation o;
	err e = organisation_change(&rq->task, rq->params[0], request_text(rq, "name"), &o);

	if (!e)
		write_organisation(rq, &o);
	return e;
}

err delete_organisation(struct request *rq)
{
	return organisation_remove(&rq->task, rq->params[0]);
}
