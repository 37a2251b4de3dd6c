/* Packages of releases. */
#include "api/handlers.h"

#include "api/catalogue.h"
#include "service/packages.h"

#include "base/banned.h"

static err answer_package(struct request *rq, err e, const struct package *p)
{
	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	write_package(rq, p);
	json_end(&rq->out);
	return OK;
}

static void read_requires(struct request *rq, struct package_input *in)
{
	const json_t *list = request_json(rq, "requires"), *value;
	size_t count = json_array_size(list), i;
	struct requirement *out = arena_alloc(rq->task.arena, (count + 1) * sizeof(*out));

	json_array_foreach(list, i, value)
	{
		const json_t *product = json_object_get(value, "product");
		const json_t *range = json_object_get(value, "range");

		out[i].product_name =
			span_of(json_string_value(product), json_string_length(product));
		out[i].range = span_of(json_string_value(range), json_string_length(range));
	}
	in->requires = out;
	in->requires_count = count;
}

static void answer_result(struct request *rq, const struct package_result *r)
{
	if (r->existing)
		rq->status = 200;
	json_begin_object(&rq->out, NULL);
	write_package(rq, &r->package);
	json_begin_array(&rq->out, "warnings");
	for (size_t i = 0; i < r->warnings_count; i++)
		json_cstr(&rq->out, NULL, r->warnings[i]);
	json_end(&rq->out);
	json_end(&rq->out);
}

err post_package(struct request *rq)
{
	span class_text = request_text(rq, "class");
	struct package_input in = {
		.release_id = rq->params[0],
		.upload_id = request_text(rq, "upload_id"),
		.filename = request_text(rq, "filename"),
		.platform = request_text(rq, "platform"),
		.format = request_text(rq, "format"),
		.class_ = CLASS_PUBLIC,
		.entitlement = request_text(rq, "entitlement"),
		.organisation = request_text(rq, "organisation"),
		.min_os_version = request_text(rq, "min_os_version"),
		.signature = request_text(rq, "signature"),
		.strict = request_bool(rq, "strict"),
	};
	struct package_result result;

	if (class_text.len && !class_from_name(class_text, &in.class_))
		return ERR_BUG; /* validated before */
	read_requires(rq, &in);
	err e = package_create(&rq->task, &in, &result);

	if (!e)
		answer_result(rq, &result);
	return e;
}

err list_packages(struct request *rq)
{
	int64_t limit = page_limit(rq);
	struct package_list list;
	err e = package_page_of(
		&rq->task, request_text(rq, "release"), page_cursor(rq), limit + 1, &list);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(list.count, (size_t)limit); i++)
		e = answer_package(rq, OK, &list.items[i]);
	page_end(rq, list.count > (size_t)limit ? list.items[limit - 1].id : SPAN_EMPTY);
	return e;
}

err get_package(struct request *rq)
{
	struct package p;

	return answer_package(rq, package_show(&rq->task, rq->params[0], &p), &p);
}

err delete_package(struct request *rq)
{
	return package_discard(&rq->task, rq->params[0]);
}

err post_package_block(struct request *rq)
{
	struct package p;

	return answer_package(
		rq, package_block(&rq->task, rq->params[0], request_text(rq, "reason"), &p), &p);
}

err delete_package_block(struct request *rq)
{
	struct package p;

	return answer_package(rq, package_unblock(&rq->task, rq->params[0], &p), &p);
}
