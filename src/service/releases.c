/*
 * Use cases of releases. Hard rule: what a release says to clients changes only together with its
 * records of the published state.
 */
#include "service/releases.h"

#include "catalog/product.h"
#include "catalog/published.h"
#include "crypto/random.h"
#include "service/changes.h"

#include "base/banned.h"

err may_publish_in(struct task *t, channel_set channels)
{
	for (int c = 0; c < CHANNEL_COUNT; c++) {
		const char *permission =
			arena_printf(t->arena, "release.publish.%s", channel_name((enum channel)c));

		if (channels & CHANNEL_BIT(c) && !caller_may(t->caller, permission))
			return fail(t, ERR_DENIED, "permission_missing",
				"This needs the permission %s.", permission);
	}
	return OK;
}

err release_find_for(struct db_tx *tx, struct task *t, span id, struct release *ret)
{
	err e = release_get(tx, t->arena, id, ret);

	if (e == ERR_NOT_FOUND)
		return fail(t, e, "release_not_found", "There is no release '%.*s'.", SPAN_ARG(id));
	return e ? e : reach_product(t, ret->product_name);
}

static err find_product(struct db_tx *tx, struct task *t, span name, struct product *ret)
{
	err e = product_get(tx, t->arena, name, ret);

	if (e == ERR_NOT_FOUND)
		return fail(
			t, e, "product_not_found", "There is no product '%.*s'.", SPAN_ARG(name));
	return e ? e : reach_product(t, ret->name);
}

static err name_a_product(struct task *t)
{
	return fail(t, ERR_DENIED, "beyond_scope",
		"Your permissions are for some products: name one with 'product'.");
}

/* ---- rules ---- */

static err check_min_from(struct task *t, span version, span min_from)
{
	struct semver v, from;

	if (min_from.len == 0)
		return OK;
	if (min_from.len > SEMVER_MAX_BYTES || semver_parse(min_from, &from))
		return fail(
			t, ERR_INVALID, "invalid_version", "'min_from' is no semantic version.");
	if (semver_parse(version, &v) || semver_cmp(&from, &v) >= 0)
		return fail(t, ERR_INVALID, "invalid_min_from",
			"'min_from' must be older than the release itself.");
	return OK;
}

static err check_release(struct task *t, const struct release *r)
{
	struct release_version v;

	if (release_version_of(r->version, &v))
		return fail(t, ERR_INVALID, "invalid_version",
			"'%.*s' is no semantic version: MAJOR.MINOR.PATCH, without leading zeros, "
			"with an optional -pre-release.",
			(int)MIN(r->version.len, (size_t)SEMVER_MAX_BYTES), r->version.ptr);
	if (!r->channels)
		return fail(t, ERR_INVALID, "channel_missing",
			"A release is in at least one of stable, beta and dev.");
	if (r->notes.len > NOTES_MAX_BYTES || !span_is_utf8(r->notes))
		return fail(t, ERR_TOO_LARGE, "notes_too_large",
			"Release notes have at most %d bytes.", NOTES_MAX_BYTES);
	return check_min_from(t, r->version, r->min_from);
}

/* ---- drafting ---- */

struct work {
	struct task *task;
	span product, id;
	const struct release *wanted;
	const struct release_change *change;
	struct release *release;
	bool existing;
	uint64_t seq;
};

/* Whether drafting this again means the release that is there. */
static bool is_same(const struct release *there, const struct release *wanted)
{
	return span_eq(there->version, wanted->version) &&
	       (there->channels & wanted->channels) == wanted->channels &&
	       (!wanted->notes.len || span_eq(there->notes, wanted->notes)) &&
	       (!wanted->critical || there->critical) && (!wanted->mandatory || there->mandatory) &&
	       (!wanted->min_from.len || span_eq(there->min_from, wanted->min_from)) &&
	       (!wanted->eol_at || there->eol_at == wanted->eol_at);
}

static err create_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	struct release *r = w->release;
	struct product p;
	err e = find_product(tx, t, w->product, &p);

	if (e)
		return e;
	e = release_get_version(tx, t->arena, p.id, w->wanted->version, r);
	w->existing = e == OK;
	if (e && e != ERR_NOT_FOUND)
		return e;
	if (w->existing && !is_same(r, w->wanted))
		return fail(t, ERR_CONFLICT, "version_exists",
			"Version %.*s exists already as %.*s (%.*s) and differs from this.",
			SPAN_ARG(w->wanted->version), SPAN_ARG(r->id), SPAN_ARG(r->version));
	if (w->existing)
		return OK;
	*r = *w->wanted;
	r->product_id = p.id;
	r->product_name = p.name;
	e = release_add(tx, r);
	return e ? e : audit_add(tx, t, "release.create", r->id, "{}");
}

err release_create(
	struct task *t, const struct release_input *in, struct release *ret, bool *ret_existing)
{
	char id[TYPEID_SIZE];
	struct release r, wanted = {
				  .version = in->version,
				  .channels = in->channels,
				  .notes = in->notes,
				  .critical = in->critical,
				  .mandatory = in->mandatory,
				  .min_from = in->min_from,
				  .eol_at = in->eol_at,
				  .created_at = t->now_us,
			  };
	struct work w = {.task = t, .product = in->product, .wanted = &wanted, .release = &r};

	random_id("rel", t->now_us, id);
	wanted.id = span_from(arena_strdup(t->arena, id));
	err e = check_release(t, &wanted);

	if (!e)
		e = db_transact(t->service->db, DB_WRITE, create_body, &w);
	if (e)
		return e;
	*ret = r;
	*ret_existing = w.existing;
	return OK;
}

/* ---- editing ---- */

static void apply(struct release *r, const struct release_change *c)
{
	r->notes = c->notes ? *c->notes : r->notes;
	r->min_from = c->min_from ? *c->min_from : r->min_from;
	r->critical = c->critical ? *c->critical : r->critical;
	r->mandatory = c->mandatory ? *c->mandatory : r->mandatory;
	r->eol_at = c->eol_at ? *c->eol_at : r->eol_at;
}

static err may_edit(struct task *t, const struct release *r, const struct release_change *c)
{
	if (r->state == RELEASE_WITHDRAWN)
		return fail(t, ERR_CONFLICT, "release_withdrawn",
			"A withdrawn release does not change any more.");
	if (r->state == RELEASE_DRAFT)
		return OK;
	if (c->channels && *c->channels != r->channels)
		return fail(t, ERR_CONFLICT, "release_published",
			"The channels of a published release are added to by promoting it.");
	return may_publish_in(t, r->channels);
}

static span channel_words(struct task *t, channel_set channels)
{
	AUTO(buf) out = {0};

	buf_init(&out, 64);
	for (int c = 0; c < CHANNEL_COUNT; c++)
		if (channels & CHANNEL_BIT(c))
			buf_addf(&out, "%s%s", buf_len(&out) ? " " : "",
				channel_name((enum channel)c));
	return arena_span(t->arena, buf_span(&out));
}

static const char *changes_of(
	struct task *t, const struct release *before, const struct release *after)
{
	struct changes c;

	changes_begin(&c);
	changes_text(&c, "channels", channel_words(t, before->channels),
		channel_words(t, after->channels));
	changes_text(&c, "notes", before->notes, after->notes);
	changes_text(&c, "min_from", before->min_from, after->min_from);
	changes_bool(&c, "critical", before->critical, after->critical);
	changes_bool(&c, "mandatory", before->mandatory, after->mandatory);
	changes_time(&c, "eol_at", before->eol_at, after->eol_at);
	return changes_end(&c, t->arena);
}

static err edit_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	struct release *r = w->release;
	struct feed_batch batch;
	err e = release_find_for(tx, t, w->id, r);

	if (!e)
		e = may_edit(t, r, w->change);
	if (e)
		return e;
	struct release before = *r;

	apply(r, w->change);
	if (w->change->channels)
		r->channels = *w->change->channels;
	e = check_release(t, r);
	if (!e)
		e = release_update(tx, r);
	if (!e && w->change->channels && r->state == RELEASE_DRAFT)
		e = release_set_channels(tx, r, r->channels, t->now_us);
	if (!e)
		e = audit_add(tx, t, "release.update", r->id, changes_of(t, &before, r));
	if (e)
		return e;
	feed_begin(&batch, tx);
	e = published_release(tx, &batch, t->arena, r->id, t->now_us);
	return e ? e : feed_seal(&batch, &w->seq);
}

err release_edit(struct task *t, span id, const struct release_change *c, struct release *ret)
{
	struct release r;
	struct work w = {.task = t, .id = id, .change = c, .release = &r};
	err e = db_transact(t->service->db, DB_WRITE, edit_body, &w);

	if (!e)
		e = published(t, w.seq);
	if (!e)
		*ret = r;
	return e;
}

/* ---- discarding ---- */

static err discard_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	err e = release_find_for(tx, w->task, w->id, w->release);

	if (e)
		return e;
	if (w->release->state != RELEASE_DRAFT)
		return fail(w->task, ERR_CONFLICT, "release_published",
			"Only drafts are deleted; a release that was published is withdrawn.");
	e = release_delete(tx, w->id);
	return e ? e : audit_add(tx, w->task, "release.delete", w->id, "{}");
}

err release_discard(struct task *t, span id)
{
	struct release r;
	struct work w = {.task = t, .id = id, .release = &r};

	return db_transact(t->service->db, DB_WRITE, discard_body, &w);
}

/* ---- reading ---- */

static err show_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;

	return release_find_for(tx, w->task, w->id, w->release);
}

err release_show(struct task *t, span id, struct release *ret)
{
	struct work w = {.task = t, .id = id, .release = ret};

	return db_transact(t->service->db, DB_READ, show_body, &w);
}

struct paging {
	struct task *task;
	struct release_filter filter;
	span after;
	int64_t limit;
	struct release_list *list;
};

static err page_body(struct db_tx *tx, void *arg)
{
	struct paging *g = arg;
	struct release_filter f = g->filter;
	struct product p;

	if (f.product_id.len) {
		err e = find_product(tx, g->task, f.product_id, &p);

		if (e)
			return e;
		f.product_id = p.id;
	} else if (permissions_are_for_products(g->task->caller->permissions)) {
		return name_a_product(g->task);
	}
	return release_list_page(tx, g->task->arena, &f, g->after, g->limit, g->list);
}

err release_page_of(struct task *t, const struct release_filter *f, span after, int64_t limit,
	struct release_list *ret)
{
	struct paging g = {t, *f, after, limit, ret};

	return db_transact(t->service->db, DB_READ, page_body, &g);
}
