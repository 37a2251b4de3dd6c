/* Licences, administered; and their activation. */
#include "api/handlers.h"

#include "api/write_account.h"
#include "service/activate_device.h"
#include "service/licences.h"

#include "base/banned.h"

/* The array of codes as words with one space between, as they stand everywhere else. */
static err read_codes(struct request *rq, const char *name, span *ret)
{
	AUTO(buf) text = {0};
	json_t *value;
	size_t i;

	buf_init(&text, 65536);
	json_array_foreach(request_json(rq, name), i, value)
	{
		span code = span_of(json_string_value(value), json_string_length(value));

		if (!entitlement_is_valid(code))
			return fail(&rq->task, ERR_INVALID, "entitlement_invalid",
				"\"%.*s\" is no entitlement: write 1 to %d of a-z, 0-9, '.', '_' "
				"and '-'.",
				SPAN_ARG(code), LICENCE_CODE_MAX);
		if (i)
			buf_add_byte(&text, ' ');
		buf_add(&text, code);
	}
	*ret = arena_span(rq->task.arena, buf_span(&text));
	return buf_error(&text);
}

static void write_members(struct request *rq, const struct licence_view *v)
{
	const struct licence *l = &v->licence;

	json_str(&rq->out, "id", l->id);
	json_str(&rq->out, "account_id", l->account_id);
	json_str(&rq->out, "account", v->account_email);
	json_str(&rq->out, "product_id", l->product_id);
	json_str(&rq->out, "product", v->product_name);
	answer_text_or_null(rq, "organisation", l->organisation_id);
	json_str(&rq->out, "plan", l->plan);
	answer_words(rq, "entitlements", l->entitlements);
	json_cstr(&rq->out, "state", l->state == LICENCE_ACTIVE ? "active" : "suspended");
	json_i64(&rq->out, "max_devices", l->max_devices);
	json_i64(&rq->out, "devices", l->devices);
	json_str(&rq->out, "key_hint", l->key_hint);
	answer_time(rq, "starts_at", l->starts_at_us);
	answer_time(rq, "expires_at", l->expires_at_us);
	json_time(&rq->out, "created_at", l->created_at_us);
}

static void write_licence(struct request *rq, const struct licence_view *v)
{
	json_begin_object(&rq->out, NULL);
	write_members(rq, v);
	json_end(&rq->out);
}

err post_licence(struct request *rq)
{
	struct licence_request n = {.account = request_text(rq, "account"),
		.product = request_text(rq, "product"),
		.organisation = request_text(rq, "organisation"),
		.plan = request_text(rq, "plan"),
		.max_devices = request_int(rq, "max_devices", 0),
		.starts_at_us = request_time(rq, "starts_at"),
		.expires_at_us = request_time(rq, "expires_at")};
	struct licence_view view;
	span key;
	err e = read_codes(rq, "entitlements", &n.entitlements);

	if (!e)
		e = licence_create(&rq->task, &n, &view, &key);
	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	write_members(rq, &view);
	json_str(&rq->out, "licence_key", key);
	json_end(&rq->out);
	return OK;
}

err list_licences(struct request *rq)
{
	size_t limit = (size_t)page_limit(rq), count;
	struct licence_view *list;
	err e = licence_list_page(&rq->task, request_text(rq, "account"),
		request_text(rq, "product"), page_cursor(rq), (int64_t)limit + 1, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(count, limit); i++)
		write_licence(rq, &list[i]);
	page_end(rq, count > limit ? list[limit - 1].licence.id : SPAN_EMPTY);
	return OK;
}

err get_licence(struct request *rq)
{
	struct licence_view view;
	err e = licence_get(&rq->task, rq->params[0], &view);

	if (!e)
		write_licence(rq, &view);
	return e;
}

err patch_licence(struct request *rq)
{
	struct licence_change c = {.has_plan = request_has(rq, "plan"),
		.has_entitlements = request_has(rq, "entitlements"),
		.has_state = request_text(rq, "state").len > 0,
		.has_max_devices = request_has(rq, "max_devices"),
		.has_starts_at = request_has(rq, "starts_at"),
		.has_expires_at = request_has(rq, "expires_at"),
		.plan = request_text(rq, "plan"),
		.state = span_is(request_text(rq, "state"), "active") ? LICENCE_ACTIVE
								      : LICENCE_SUSPENDED,
		.max_devices = request_int(rq, "max_devices", 0),
		.starts_at_us = request_time(rq, "starts_at"),
		.expires_at_us = request_time(rq, "expires_at")};
	struct licence_view view;
	err e = read_codes(rq, "entitlements", &c.entitlements);

	if (!e)
		e = licence_update(&rq->task, rq->params[0], &c, &view);
	if (!e)
		write_licence(rq, &view);
	return e;
}

static span member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return span_of(json_string_value(value), json_string_length(value));
}

err post_activation(struct request *rq)
{
	const json_t *device = request_json(rq, "device");
	struct activation a = {.licence_key = request_text(rq, "licence_key"),
		.name = member(device, "name"),
		.os = member(device, "os"),
		.arch = member(device, "arch"),
		.fingerprint = member(device, "fingerprint")};
	struct issued_tokens tokens;
	span device_id;
	err e = activate_device(&rq->task, &a, &device_id, &tokens);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "device_id", device_id);
	write_tokens(rq, &tokens);
	json_end(&rq->out);
	return OK;
}
