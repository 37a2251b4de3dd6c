/* Hard rule: a role and its holders' staleness are one transaction. */
#include "service/roles.h"

#include "account/account.h"
#include "catalog/product.h"
#include "feed/feed.h"
#include "service/accounts.h"
#include "token/token.h"

#include "base/banned.h"

#define LIST_MAX 8192
#define BATCH    500

void permissions_split(
	struct arena *a, span list, span *ret_names, span *ret_products, bool *ret_own_organisation)
{
	AUTO(buf) names = {0};
	AUTO(buf) products = {0};
	span word;

	buf_init(&names, LIST_MAX);
	buf_init(&products, LIST_MAX);
	*ret_own_organisation = permissions_are_for_organisation(list);
	while (span_cut(&list, ' ', &word)) {
		struct buf *to = &names;

		if (span_starts_with(word, SPAN("organisation:")))
			continue;
		if (span_starts_with(word, SPAN("product:"))) {
			to = &products;
			word = span_from_offset(word, 8);
		}
		if (word.len)
			buf_addf(to, "%s%.*s", buf_len(to) ? " " : "", SPAN_ARG(word));
	}
	*ret_names = arena_span(a, buf_span(&names));
	*ret_products = arena_span(a, buf_span(&products));
}

static err add_products(struct db_tx *tx, struct task *t, span products, struct buf *out)
{
	struct product p;
	span name;

	while (span_cut(&products, ' ', &name)) {
		if (name.len == 0)
			continue;
		err e = product_get(tx, t->arena, name, &p);

		if (e == ERR_NOT_FOUND)
			return fail(t, ERR_INVALID, "unknown_product",
				"There is no product '%.*s'.", SPAN_ARG(name));
		if (e)
			return e;
		buf_addf(out, " product:%.*s", SPAN_ARG(p.name));
	}
	return OK;
}

err permissions_join(struct db_tx *tx, struct task *t, span names, span products,
	bool own_organisation, span *ret)
{
	span rest = names, word;
	AUTO(buf) list = {0};

	buf_init(&list, LIST_MAX);
	while (span_cut(&rest, ' ', &word)) {
		if (word.len && !permission_exists(word))
			return fail(t, ERR_INVALID, "unknown_permission",
				"There is no permission '%.*s'.", SPAN_ARG(word));
		if (word.len)
			buf_addf(&list, "%s%.*s", buf_len(&list) ? " " : "", SPAN_ARG(word));
	}
	err e = add_products(tx, t, products, &list);

	if (!e && own_organisation)
		buf_add_str(&list, " organisation:own");
	if (!e)
		e = buf_error(&list);
	if (e)
		return e;
	*ret = arena_span(t->arena, buf_span(&list));
	return OK;
}

span permissions_common(struct arena *a, span list, span other)
{
	AUTO(buf) both = {0};

	buf_init(&both, LIST_MAX);
	permissions_narrow(list, other, &both);
	return buf_error(&both) ? SPAN_EMPTY : arena_span(a, buf_span(&both));
}

static err check_given(struct task *t, span names)
{
	span word;

	while (span_cut(&names, ' ', &word)) {
		if (word.len && !permission_exists(word))
			return fail(t, ERR_INVALID, "unknown_permission",
				"There is no permission '%.*s'.", SPAN_ARG(word));
		if (word.len && !token_list_has(t->caller->permissions, word))
			return fail(t, ERR_DENIED, "permission_missing",
				"You cannot give away the permission %.*s: you do not have it.",
				SPAN_ARG(word));
	}
	return OK;
}

err permissions_give(struct db_tx *tx, struct task *t, span names, span products, span *ret)
{
	span list, word;
	bool ignored;
	err e = check_given(t, names);

	if (!e)
		e = permissions_join(tx, t, names, products, false, &list);
	if (e)
		return e;
	permissions_split(t->arena, list, &word, &products, &ignored);
	while (span_cut(&products, ' ', &word))
		if (word.len && reach_product(t, word))
			return ERR_DENIED;
	*ret = permissions_common(t->arena, list, t->caller->permissions);
	return OK;
}

struct work {
	struct task *task;
	span name;
	const struct role_input *input;
	struct role role;
	struct role *list;
	size_t count;
	uint64_t seq;
};

static err find(struct db_tx *tx, struct work *w)
{
	struct task *t = w->task;
	bool found;
	err e = role_find(tx, t->arena, w->name, &w->role, &found);

	if (!e && !found)
		return fail(t, ERR_NOT_FOUND, "role_not_found", "There is no role '%.*s'.",
			SPAN_ARG(w->name));
	return e;
}

static err find_own(struct db_tx *tx, struct work *w)
{
	err e = find(tx, w);

	if (!e && w->role.built_in)
		return fail(w->task, ERR_CONFLICT, "role_built_in",
			"The roles admin, user and guest are built in and stay as they are.");
	return e ? e : role_within_reach(w->task, w->role.name, w->role.permissions);
}

/* Everybody manages their own sessions, password and factors. */
static span with_own(struct arena *a, span names)
{
	static const span own[] = {SPAN_INIT("self.read"), SPAN_INIT("self.write")};

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (!token_list_has(names, own[i]))
			names = span_from(
				arena_printf(a, "%.*s %.*s", SPAN_ARG(names), SPAN_ARG(own[i])));
	return names;
}

/* The role as the input wants it. */
static err apply(struct db_tx *tx, struct work *w)
{
	const struct role_input *in = w->input;
	struct task *t = w->task;
	span names, products;
	bool own;

	permissions_split(t->arena, w->role.permissions, &names, &products, &own);
	if (in->set_title)
		w->role.title = in->title;
	if (in->set_max_sessions)
		w->role.max_sessions = in->max_sessions;
	if (in->set_permissions)
		names = with_own(t->arena, in->permissions);
	err e = permissions_join(tx, t, names, in->set_products ? in->products : products,
		in->set_organisation ? in->own_organisation : own, &w->role.permissions);

	return e ? e : role_within_reach(t, w->role.name, w->role.permissions);
}

static const char *detail_of(struct task *t, const struct role *r)
{
	return arena_printf(t->arena, "{\"permissions\":\"%.*s\"}", SPAN_ARG(r->permissions));
}

static err create_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	struct role there;
	bool found;
	err e = role_find(tx, t->arena, w->name, &there, &found);

	if (!e && found)
		return fail(t, ERR_CONFLICT, "role_exists", "There is a role '%.*s' already.",
			SPAN_ARG(w->name));
	w->role = (struct role){.name = w->name, .title = w->name, .created_at_us = t->now_us};
	if (!e)
		e = apply(tx, w);
	if (!e)
		e = role_insert(tx, &w->role);
	return e ? e : audit_add(tx, t, "role.create", w->name, detail_of(t, &w->role));
}

err role_create(struct task *t, span name, const struct role_input *in, struct role *ret)
{
	struct work w = {.task = t, .name = name, .input = in};

	if (!role_name_is_valid(name))
		return fail(t, ERR_INVALID, "invalid_member",
			"'name' has 1 to %d of a–z, 0–9 and '-', and begins with a letter.",
			ROLE_NAME_MAX);
	err e = db_transact(t->service->db, DB_WRITE, create_body, &w);

	if (!e)
		*ret = w.role;
	return e;
}

static err make_stale(struct db_tx *tx, struct work *w, struct feed_batch *feed)
{
	struct task *t = w->task;
	span after = SPAN_EMPTY, *ids;
	size_t count = BATCH;
	err e = OK;

	while (!e && count == BATCH) {
		e = role_holder_ids(tx, t->arena, w->role.name, after, BATCH, &ids, &count);
		for (size_t i = 0; !e && i < count; i++)
			e = account_make_tokens_stale(tx, feed, ids[i], t->now_us);
		after = !e && count ? ids[count - 1] : after;
	}
	return e;
}

static err change_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct feed_batch feed;
	err e = find_own(tx, w);
	bool was_personal = permissions_are_personal(w->role.permissions);

	if (!e)
		e = apply(tx, w);
	if (!e)
		e = role_update(tx, &w->role);
	if (!e && was_personal && !permissions_are_personal(w->role.permissions))
		e = role_require_factor(tx, w->name);
	feed_begin(&feed, tx);
	if (!e)
		e = make_stale(tx, w, &feed);
	if (!e)
		e = audit_add(tx, w->task, "role.change", w->name, detail_of(w->task, &w->role));
	return e ? e : feed_seal(&feed, &w->seq);
}

err role_change(struct task *t, span name, const struct role_input *in, struct role *ret)
{
	struct work w = {.task = t, .name = name, .input = in};
	err e = db_transact(t->service->db, DB_WRITE, change_body, &w);

	if (!e)
		*ret = w.role;
	return e ? e : published(t, w.seq);
}

static err remove_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	err e = find_own(tx, w);

	if (!e && w->role.holders)
		return fail(w->task, ERR_CONFLICT, "role_in_use",
			"%lld accounts have this role. Give them another one first.",
			(long long)w->role.holders);
	if (!e)
		e = role_delete(tx, w->name);
	return e ? e : audit_add(tx, w->task, "role.delete", w->name, "{}");
}

err role_remove(struct task *t, span name)
{
	struct work w = {.task = t, .name = name};

	return db_transact(t->service->db, DB_WRITE, remove_body, &w);
}

static err show_body(struct db_tx *tx, void *arg)
{
	return find(tx, arg);
}

err role_show(struct task *t, span name, struct role *ret)
{
	struct work w = {.task = t, .name = name};
	err e = db_transact(t->service->db, DB_READ, show_body, &w);

	if (!e)
		*ret = w.role;
	return e;
}

static err page_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;

	return role_list(tx, w->task->arena, &w->list, &w->count);
}

err role_page(struct task *t, struct role **ret, size_t *ret_count)
{
	struct work w = {.task = t};
	err e = db_transact(t->service->db, DB_READ, page_body, &w);

	*ret = w.list;
	*ret_count = w.count;
	return e;
}
