/* Roles that an installation makes for itself, and the permissions they are made of. */
#include "service/roles.h"

#include "api/handlers.h"

#include "base/banned.h"

static void write_role(struct request *rq, const struct role *r)
{
	struct json_writer *w = &rq->out;
	span names, products;
	bool own;

	permissions_split(rq->task.arena, r->permissions, &names, &products, &own);
	json_begin_object(w, NULL);
	json_str(w, "name", r->name);
	json_str(w, "title", r->title);
	answer_words(rq, "permissions", names);
	answer_words(rq, "products", products);
	json_bool(w, "own_organisation", own);
	json_i64(w, "max_sessions", r->max_sessions);
	json_bool(w, "built_in", r->built_in);
	if (r->built_in)
		json_cstr(w, "holders", NULL);
	else
		json_i64(w, "holders", r->holders);
	answer_time(rq, "created_at", r->created_at_us);
	json_end(w);
}

err list_permissions(struct request *rq)
{
	size_t count;
	const struct permission *all = permissions_all(&count);

	page_begin(rq);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(&rq->out, NULL);
		json_str(&rq->out, "name", all[i].name);
		json_cstr(&rq->out, "meaning", all[i].meaning);
		json_bool(&rq->out, "personal", permission_is_personal(all[i].name));
		json_end(&rq->out);
	}
	page_end(rq, SPAN_EMPTY);
	return OK;
}

static err read_role(struct request *rq, struct role_input *ret)
{
	*ret = (struct role_input){.set_title = request_has(rq, "title"),
		.set_permissions = request_has(rq, "permissions"),
		.set_products = request_has(rq, "products"),
		.set_organisation = request_has(rq, "own_organisation"),
		.set_max_sessions = request_has(rq, "max_sessions"),
		.title = request_text(rq, "title"),
		.own_organisation = request_bool(rq, "own_organisation"),
		.max_sessions = request_int(rq, "max_sessions", 0)};
	err e = request_words(rq, "permissions", &ret->permissions);

	return e ? e : request_words(rq, "products", &ret->products);
}

err post_role(struct request *rq)
{
	struct role_input in;
	struct role role;
	err e = read_role(rq, &in);

	if (!e)
		e = role_create(&rq->task, request_text(rq, "name"), &in, &role);
	if (!e)
		write_role(rq, &role);
	return e;
}

err list_roles(struct request *rq)
{
	struct role *list;
	size_t count;
	err e = role_page(&rq->task, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < count; i++)
		write_role(rq, &list[i]);
	page_end(rq, SPAN_EMPTY);
	return OK;
}

err get_role(struct request *rq)
{
	struct role role;
	err e = role_show(&rq->task, rq->params[0], &role);

	if (!e)
		write_role(rq, &role);
	return e;
}

err patch_role(struct request *rq)
{
	struct role_input in;
	struct role role;
	err e = read_role(rq, &in);

	if (!e)
		e = role_change(&rq->task, rq->params[0], &in, &role);
	if (!e)
		write_role(rq, &role);
	return e;
}

err delete_role(struct request *rq)
{
	return role_remove(&rq->task, rq->params[0]);
}
