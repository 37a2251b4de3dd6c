/* Releases: drafting, editing, publishing and their way back. */
#include "api/handlers.h"

#include "api/catalogue.h"
#include "service/publish.h"
#include "service/releases.h"

#include "base/banned.h"

static err answer_release(struct request *rq, err e, const struct release *r)
{
	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	write_release(rq, r);
	json_str(&rq->out, "notes", r->notes);
	json_end(&rq->out);
	return OK;
}

static err read_channels(struct request *rq, channel_set *ret)
{
	const json_t *list = request_json(rq, "channels"), *value;
	channel_set set = 0;
	enum channel c;
	size_t i;

	json_array_foreach(list, i, value)
	{
		span name = span_of(json_string_value(value), json_string_length(value));

		if (!channel_from_name(name, &c))
			return fail(&rq->task, ERR_INVALID, "unknown_channel",
				"'channels' holds some of stable, beta and dev.");
		set |= CHANNEL_BIT(c);
	}
	*ret = set;
	return OK;
}

err post_release(struct request *rq)
{
	struct release_input in = {
		.product = request_text(rq, "product"),
		.version = request_text(rq, "version"),
		.notes = request_text(rq, "notes"),
		.critical = request_bool(rq, "critical"),
		.mandatory = request_bool(rq, "mandatory"),
		.min_from = request_text(rq, "min_from"),
		.eol_at = request_time(rq, "eol_at"),
	};
	struct release r;
	bool existing;
	err e = read_channels(rq, &in.channels);

	if (!e)
		e = release_create(&rq->task, &in, &r, &existing);
	if (!e && existing)
		rq->status = 200;
	return answer_release(rq, e, &r);
}

err list_releases(struct request *rq)
{
	struct release_filter f = {.product_id = request_text(rq, "product"),
		.state = request_text(rq, "state"),
		.version = request_text(rq, "version")};
	int64_t limit = page_limit(rq);
	struct release_list list;
	err e = release_page_of(&rq->task, &f, page_cursor(rq), limit + 1, &list);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(list.count, (size_t)limit); i++)
		e = answer_release(rq, OK, &list.items[i]);
	page_end(rq, list.count > (size_t)limit ? list.items[limit - 1].id : SPAN_EMPTY);
	return e;
}

err get_release(struct request *rq)
{
	struct release r;

	return answer_release(rq, release_show(&rq->task, rq->params[0], &r), &r);
}

err patch_release(struct request *rq)
{
	span notes = request_text(rq, "notes"), min_from = request_text(rq, "min_from");
	bool critical = request_bool(rq, "critical"), mandatory = request_bool(rq, "mandatory");
	int64_t eol_at = request_time(rq, "eol_at");
	channel_set channels;
	struct release r;
	err e = read_channels(rq, &channels);

	if (e)
		return e;
	struct release_change c = {
		.channels = request_json(rq, "channels") ? &channels : NULL,
		.notes = request_has(rq, "notes") ? &notes : NULL,
		.min_from = request_has(rq, "min_from") ? &min_from : NULL,
		.critical = request_has(rq, "critical") ? &critical : NULL,
		.mandatory = request_has(rq, "mandatory") ? &mandatory : NULL,
		.eol_at = request_has(rq, "eol_at") ? &eol_at : NULL,
	};

	return answer_release(rq, release_edit(&rq->task, rq->params[0], &c, &r), &r);
}

err delete_release(struct request *rq)
{
	return release_discard(&rq->task, rq->params[0]);
}

err publish_release(struct request *rq)
{
	struct release r;

	return answer_release(rq, release_publish(&rq->task, rq->params[0], &r), &r);
}

err pause_release(struct request *rq)
{
	struct release r;

	return answer_release(rq, release_pause(&rq->task, rq->params[0], &r), &r);
}

err resume_release(struct request *rq)
{
	struct release r;

	return answer_release(rq, release_resume(&rq->task, rq->params[0], &r), &r);
}

err withdraw_release(struct request *rq)
{
	struct release r;

	return answer_release(
		rq, release_withdraw(&rq->task, rq->params[0], request_text(rq, "reason"), &r), &r);
}

err promote_release(struct request *rq)
{
	struct release r;
	enum channel c;

	if (!channel_from_name(request_text(rq, "channel"), &c))
		return ERR_BUG; /* validated before */
	return answer_release(rq, release_promote(&rq->task, rq->params[0], c, &r), &r);
}
