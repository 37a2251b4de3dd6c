/*
 * Licences as administrators handle them. Hard rule: a licence key leaves this file once, in the
 * answer to its creation; only its hash and its last group are kept.
 */
#include "service/licences.h"

#include "account/account.h"
#include "catalog/product.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "feed/feed.h"
#include "licence/licence_key.h"
#include "service/accounts.h"
#include "service/changes.h"
#include "service/publish_epochs.h"
#include "token/token.h"

#include "base/banned.h"

/* Lookups -------------------------------------------------------------------------------------- */

static err find_product(struct db_tx *tx, struct task *t, span id_or_name, struct product *ret)
{
	err e = product_get(tx, t->arena, id_or_name, ret);

	if (e == ERR_NOT_FOUND)
		return fail(t, e, "product_not_found", "There is no product %.*s.",
			SPAN_ARG(id_or_name));
	return e;
}

static err find_licence(struct db_tx *tx, struct task *t, span id, struct licence *ret)
{
	bool found = false;
	err e = licence_store_find(tx, t->arena, id, ret, &found);

	if (!e && (!found || !reaches_organisation(t, ret->organisation_id)))
		return fail(t, ERR_NOT_FOUND, "licence_not_found", "There is no licence %.*s.",
			SPAN_ARG(id));
	return e;
}

/* A licence that is the caller's to deal with. */
err licence_within_reach(struct db_tx *tx, struct task *t, span id, struct licence *ret)
{
	struct product product;
	err e = find_licence(tx, t, id, ret);

	if (!e)
		e = find_product(tx, t, ret->product_id, &product);
	return e ? e : reach_product(t, product.name);
}

static err complete_view(struct db_tx *tx, struct task *t, struct licence_view *v)
{
	struct account account;
	struct product product;
	bool found;
	err e = account_find(tx, t->arena, v->licence.account_id, &account, &found);

	if (!e)
		e = find_product(tx, t, v->licence.product_id, &product);
	if (e || !found)
		return e ? e : ERR_CORRUPT;
	v->account_email = account.email;
	v->product_name = product.name;
	return OK;
}

/* Rules ---------------------------------------------------------------------------------------- */

static err check_licence(struct task *t, const struct licence *l)
{
	if (l->expires_at_us && l->expires_at_us <= l->starts_at_us)
		return fail(t, ERR_INVALID, "validity_empty",
			"The licence would expire before it starts.");
	return OK;
}

/* Creation ------------------------------------------------------------------------------------- */

struct creation {
	struct task *task;
	const struct licence_request *request;
	const struct licence_key *key;
	struct licence_view view;
};

static err create_body(struct db_tx *tx, void *arg)
{
	struct creation *c = arg;
	struct task *t = c->task;
	const struct licence_request *rq = c->request;
	uint8_t hash[SHA256_SIZE];
	char id[TYPEID_SIZE], hint[LICENCE_HINT_SIZE];
	struct account account;
	struct product product;
	span organisation = rq->organisation;
	err e = account_resolve(tx, t, rq->account, &account);

	if (!e)
		e = find_product(tx, t, rq->product, &product);
	if (!e)
		e = account_organisation(tx, t, &organisation);
	if (!e)
		e = reach_product(t, product.name);
	if (e)
		return e;
	random_id("lic", t->now_us, id);
	licence_key_hint(c->key, hint);
	licence_key_hash(c->key, hash);
	c->view = (struct licence_view){.account_email = account.email,
		.product_name = product.name,
		.licence = {.id = span_from(arena_strdup(t->arena, id)),
			.account_id = account.id,
			.product_id = product.id,
			.organisation_id = organisation.len ? organisation : account.org,
			.key_hint = span_from(arena_strdup(t->arena, hint)),
			.plan = rq->plan,
			.entitlements = rq->entitlements,
			.state = LICENCE_ACTIVE,
			.max_devices = rq->max_devices,
			.starts_at_us = rq->starts_at_us,
			.expires_at_us = rq->expires_at_us,
			.created_at_us = t->now_us}};
	e = check_licence(t, &c->view.licence);
	if (!e)
		e = licence_store_add(tx, &c->view.licence, hash);
	return e ? e : audit_add(tx, t, "licence.create", c->view.licence.id, "{}");
}

err licence_create(
	struct task *t, const struct licence_request *rq, struct licence_view *ret, span *ret_key)
{
	struct licence_key key;
	uint8_t bytes[16];
	struct creation c = {.task = t, .request = rq, .key = &key};

	random_bytes(bytes, sizeof(bytes));
	licence_key_make(bytes, &key);
	wipe(bytes, sizeof(bytes));
	err e = db_transact(t->service->db, DB_WRITE, create_body, &c);

	if (!e) {
		*ret_key = arena_span(t->arena, span_from(key.text));
		*ret = c.view;
	}
	wipe(&key, sizeof(key));
	return e;
}

/* Change --------------------------------------------------------------------------------------- */

struct update {
	struct task *task;
	span id;
	const struct licence_change *change;
	struct licence_view view;
	uint64_t seq;
};

static void apply(struct licence *l, const struct licence_change *c)
{
	if (c->has_plan)
		l->plan = c->plan;
	if (c->has_entitlements)
		l->entitlements = c->entitlements;
	if (c->has_state)
		l->state = c->state;
	if (c->has_max_devices)
		l->max_devices = c->max_devices;
	if (c->has_starts_at)
		l->starts_at_us = c->starts_at_us;
	if (c->has_expires_at)
		l->expires_at_us = c->expires_at_us;
}

static span state_word(enum licence_state s)
{
	return s == LICENCE_ACTIVE ? SPAN("active") : SPAN("suspended");
}

static const char *changes_of(
	struct task *t, const struct licence *before, const struct licence *after)
{
	struct changes c;

	changes_begin(&c);
	changes_text(&c, "plan", before->plan, after->plan);
	changes_text(&c, "entitlements", before->entitlements, after->entitlements);
	changes_text(&c, "state", state_word(before->state), state_word(after->state));
	changes_int(&c, "max_devices", before->max_devices, after->max_devices);
	changes_time(&c, "starts_at", before->starts_at_us, after->starts_at_us);
	changes_time(&c, "expires_at", before->expires_at_us, after->expires_at_us);
	return changes_end(&c, t->arena);
}

static err update_body(struct db_tx *tx, void *arg)
{
	struct update *u = arg;
	struct task *t = u->task;
	struct feed_batch feed;
	err e = licence_within_reach(tx, t, u->id, &u->view.licence);

	if (e)
		return e;
	struct licence before = u->view.licence;

	apply(&u->view.licence, u->change);
	feed_begin(&feed, tx);
	e = check_licence(t, &u->view.licence);
	if (!e)
		e = licence_store_save(tx, &u->view.licence);
	if (!e)
		e = complete_view(tx, t, &u->view);
	if (!e)
		e = publish_licence_epochs(tx, &feed, t, u->id);
	if (!e)
		e = account_make_tokens_stale(tx, &feed, u->view.licence.account_id, t->now_us);
	if (!e)
		e = audit_add(
			tx, t, "licence.update", u->id, changes_of(t, &before, &u->view.licence));
	return e ? e : feed_seal(&feed, &u->seq);
}

err licence_update(
	struct task *t, span id, const struct licence_change *c, struct licence_view *ret)
{
	struct update u = {.task = t, .id = id, .change = c};
	err e = db_transact(t->service->db, DB_WRITE, update_body, &u);

	if (e)
		return e;
	*ret = u.view;
	return published(t, u.seq);
}

/* Reading -------------------------------------------------------------------------------------- */

struct reading {
	struct task *task;
	span id, account, product;
	struct licence_filter filter;
	struct licence_view *views;
	size_t count;
};

static err get_body(struct db_tx *tx, void *arg)
{
	struct reading *r = arg;
	err e = licence_within_reach(tx, r->task, r->id, &r->views->licence);

	return e ? e : complete_view(tx, r->task, r->views);
}

err licence_get(struct task *t, span id, struct licence_view *ret)
{
	struct licence_view view;
	struct reading r = {.task = t, .id = id, .views = &view};
	err e = db_transact(t->service->db, DB_READ, get_body, &r);

	if (!e)
		*ret = view;
	return e;
}

static err list_body(struct db_tx *tx, void *arg)
{
	struct reading *r = arg;
	struct account account;
	struct product product;
	struct licence *list;
	err e = OK;

	if (r->account.len) {
		e = account_resolve(tx, r->task, r->account, &account);
		r->filter.account_id = e ? SPAN_EMPTY : account.id;
	}
	if (!e && r->product.len) {
		e = find_product(tx, r->task, r->product, &product);
		r->filter.product_id = e ? SPAN_EMPTY : product.id;
		if (!e)
			e = reach_product(r->task, product.name);
	} else if (!e && permissions_are_for_products(r->task->caller->permissions)) {
		e = fail(r->task, ERR_DENIED, "beyond_scope",
			"Your permissions are for some products: name one with 'product'.");
	}
	/* An organisation nobody can have where the caller has none. */
	if (permissions_are_for_organisation(r->task->caller->permissions))
		r->filter.organisation_id =
			r->task->caller->org.len ? r->task->caller->org : SPAN("-");
	if (!e)
		e = licence_store_list(tx, r->task->arena, &r->filter, &list, &r->count);
	if (e)
		return e;
	r->views = arena_try_array(r->task->arena, r->count + 1, sizeof(*r->views));
	if (!r->views)
		return ERR_NOMEM;
	for (size_t i = 0; !e && i < r->count; i++) {
		r->views[i].licence = list[i];
		e = complete_view(tx, r->task, &r->views[i]);
	}
	return e;
}

err licence_list_page(struct task *t, span account, span product, span after, int64_t limit,
	struct licence_view **ret, size_t *ret_count)
{
	struct reading r = {.task = t,
		.account = account,
		.product = product,
		.filter = {.after = after,
			.account_id = SPAN_EMPTY,
			.product_id = SPAN_EMPTY,
			.limit = (size_t)limit}};
	err e = db_transact(t->service->db, DB_READ, list_body, &r);

	if (e)
		return e;
	*ret = r.views;
	*ret_count = r.count;
	return OK;
}
