/*
 * The catalogue as a caller may see it. Hard rule: each package is shown by the decision that would
 * grant it, and by no other rule.
 */
#include "service/manifest.h"

#include "catalog/package.h"
#include "catalog/platform.h"
#include "catalog/product.h"
#include "catalog/release.h"
#include "service/access.h"

#include "base/banned.h"

struct work {
	struct task *task;
	const struct manifest_query *query;
	struct access_subject subject;
	struct manifest *manifest;
	span release_id, notes;
};

static err may_have(struct db_tx *tx, struct work *w, const struct product *product,
	const struct release *r, const struct package *p, bool *ret)
{
	struct access_object o = {.package = *p, .release = *r, .product = *product};
	struct access_verdict v;
	err e = access_decide(tx, w->task->arena, &w->subject, &o, w->task->now_us, &v);

	if (!e)
		*ret = v.reason == POLICY_ALLOW;
	return e;
}

/* Keeps of the list what the caller may have and the query asks for. */
static err keep_visible(struct db_tx *tx, struct work *w, const struct product *product,
	const struct release *r, span platform, struct package_list *list)
{
	size_t kept = 0;
	err e = OK;

	for (size_t i = 0; i < list->count && !e; i++) {
		const struct package *p = &list->items[i];
		bool visible = false;

		if (platform.len && !platform_serves(p->platform, platform))
			continue;
		e = may_have(tx, w, product, r, p, &visible);
		if (!e && visible)
			list->items[kept++] = *p;
	}
	list->count = kept;
	return e;
}

static err add_release(struct db_tx *tx, struct work *w, const struct release *r)
{
	struct manifest *m = w->manifest;
	struct package_list list;
	err e = package_list_of_release(tx, w->task->arena, r->id, &list);

	if (!e)
		e = keep_visible(tx, w, &m->product, r, w->query->platform, &list);
	if (!e && list.count > 0)
		m->releases[m->count++] = (struct manifest_release){*r, list};
	return e;
}

static err find_product(struct db_tx *tx, struct work *w)
{
	struct task *t = w->task;
	err e = product_get(tx, t->arena, w->query->product, &w->manifest->product);

	return e == ERR_NOT_FOUND ? fail(t, e, "product_not_found", "There is no product '%.*s'.",
					    SPAN_ARG(w->query->product))
				  : e;
}

static err manifest_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	struct manifest *m = w->manifest;
	size_t limit = (size_t)w->query->limit;
	struct release_list page;
	err e = find_product(tx, w);

	if (e)
		return e;
	struct release_view view = {
		.product_id = m->product.id,
		.subscribed = w->query->channel,
		.drafts = caller_may(t->caller, "release.read.draft"),
		.version = w->query->version,
	};

	/* One more than asked for tells whether there are more. */
	e = release_visible(tx, t->arena, &view, w->query->after, w->query->limit + 1, &page);
	m->releases = arena_try_array(t->arena, limit + 1, sizeof(*m->releases));
	m->count = 0;
	if (!e && !m->releases)
		e = ERR_NOMEM;
	for (size_t i = 0; !e && i < MIN(page.count, limit); i++)
		e = add_release(tx, w, &page.items[i]);
	if (!e)
		m->next = page.count > limit ? page.items[limit - 1].id : SPAN_EMPTY;
	return e;
}

err manifest_make(struct task *t, const struct manifest_query *q, struct manifest *ret)
{
	struct manifest m = {0};
	struct work w = {.task = t,
		.query = q,
		.subject = access_subject_of(t->caller, SPAN_EMPTY),
		.manifest = &m};
	err e = db_transact(t->service->db, DB_READ, manifest_body, &w);

	if (!e)
		*ret = m;
	return e;
}

static err notes_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct arena *a = w->task->arena;
	struct package_list list;
	struct product product;
	struct release r;
	err e = release_get(tx, a, w->release_id, &r);

	if (!e)
		e = product_get(tx, a, r.product_id, &product);
	if (!e)
		e = package_list_of_release(tx, a, r.id, &list);
	if (!e)
		e = keep_visible(tx, w, &product, &r, SPAN_EMPTY, &list);
	if (!e && list.count == 0)
		e = ERR_NOT_FOUND;
	if (!e)
		w->notes = r.notes;
	return e;
}

err manifest_notes(struct task *t, span release_id, span *ret)
{
	struct work w = {.task = t,
		.subject = access_subject_of(t->caller, SPAN_EMPTY),
		.release_id = release_id};
	err e = db_transact(t->service->db, DB_READ, notes_body, &w);

	/* What may not be seen and what is not there look the same. */
	if (e == ERR_NOT_FOUND)
		return fail(t, e, "release_not_found", "There is no release '%.*s'.",
			SPAN_ARG(release_id));
	if (!e)
		*ret = w.notes;
	return e;
}
