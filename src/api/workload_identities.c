/* Workload identities: jobs of CI providers that are trusted. */
#include "service/workload_identities.h"

#include "api/handlers.h"
#include "api/server_url.h"
#include "federation/strict_json.h"
#include "service/roles.h"

#include "base/banned.h"

static void write_workload(struct request *rq, const struct workload *w)
{
	struct json_writer *out = &rq->out;
	span names, products;
	bool ignored;

	permissions_split(rq->task.arena, w->permissions, &names, &products, &ignored);
	json_begin_object(out, NULL);
	json_str(out, "id", w->id);
	json_str(out, "name", w->name);
	json_cstr(out, "state", w->disabled ? "disabled" : "active");
	json_str(out, "issuer", w->issuer);
	json_str(out, "audience", w->audience);
	json_begin_array(out, "conditions");
	for (size_t i = 0; i < w->conditions.count; i++) {
		json_begin_object(out, NULL);
		json_str(out, "claim", w->conditions.list[i].claim);
		json_str(out, "pattern", w->conditions.list[i].pattern);
		json_end(out);
	}
	json_end(out);
	answer_words(rq, "permissions", names);
	answer_words(rq, "products", products);
	json_i64(out, "lifetime_s", w->lifetime_s);
	json_str(out, "account_id", w->account);
	answer_text_or_null(rq, "owner", w->account_email);
	json_str(out, "created_by", w->created_by);
	answer_time(rq, "created_at", w->created_at_us);
	answer_time(rq, "updated_at", w->updated_at_us);
	answer_time(rq, "last_used_at", w->last_used_at_us);
	json_end(out);
}

static void read_conditions(struct request *rq, struct conditions *ret)
{
	json_t *one;
	size_t i;

	ret->count = 0;
	json_array_foreach(request_json(rq, "conditions"), i, one) ret->list[ret->count++] =
		(struct condition){member_text(one, "claim"), member_text(one, "pattern")};
}

static err read_input(struct request *rq, struct workload_input *ret)
{
	*ret = (struct workload_input){.set_name = request_has(rq, "name"),
		.set_audience = request_has(rq, "audience"),
		.set_conditions = request_has(rq, "conditions"),
		.set_permissions = request_has(rq, "permissions"),
		.set_products = request_has(rq, "products"),
		.set_lifetime = request_has(rq, "lifetime_s"),
		.set_state = request_has(rq, "state"),
		.name = request_text(rq, "name"),
		.issuer = request_text(rq, "issuer"),
		.audience = request_text(rq, "audience"),
		.lifetime_s = request_int(rq, "lifetime_s", WORKLOAD_LIFE_DEFAULT_S),
		.disabled = span_is(request_text(rq, "state"), "disabled")};
	err e = request_words(rq, "permissions", &ret->permissions);

	read_conditions(rq, &ret->conditions);
	return e ? e : request_words(rq, "products", &ret->products);
}

err post_workload_identity(struct request *rq)
{
	struct workload_input in;
	struct workload w;
	err e = read_input(rq, &in);

	if (!e)
		e = workload_create(&rq->task, &in, server_base_url(rq), &w);
	if (!e)
		write_workload(rq, &w);
	return e;
}

err patch_workload_identity(struct request *rq)
{
	struct workload_input in;
	struct workload w;
	err e = read_input(rq, &in);

	if (!e)
		e = workload_change(&rq->task, rq->params[0], &in, &w);
	if (!e)
		write_workload(rq, &w);
	return e;
}

err get_workload_identity(struct request *rq)
{
	struct workload w;
	err e = workload_get(&rq->task, rq->params[0], &w);

	if (!e)
		write_workload(rq, &w);
	return e;
}

err delete_workload_identity(struct request *rq)
{
	return workload_remove(&rq->task, rq->params[0]);
}

err list_workload_identities(struct request *rq)
{
	struct workload *list;
	size_t count;
	err e = workload_all(&rq->task, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < count; i++)
		write_workload(rq, &list[i]);
	page_end(rq, SPAN_EMPTY);
	return OK;
}
