/*
 * Use cases of products. Hard rule: the product's record and, where they repeat what it says, those
 * of its releases are derived in the transaction that changes it.
 */
#include "service/products.h"

#include "catalog/published.h"
#include "catalog/release.h"
#include "crypto/minisign.h"
#include "crypto/random.h"
#include "service/changes.h"
#include "service/signatures.h"

#include "base/banned.h"

#define KEY_TEXT_MAX 512

static span new_id(struct task *t, const char *prefix)
{
	char id[TYPEID_SIZE];

	random_id(prefix, t->now_us, id);
	return span_from(arena_strdup(t->arena, id));
}

/* The failure of product_get, in words. */
static err no_product(struct task *t, err e, span name)
{
	return e == ERR_NOT_FOUND ? fail(t, e, "product_not_found", "There is no product '%.*s'.",
					    SPAN_ARG(name))
				  : e;
}

static err check_texts(struct task *t, span title, span description)
{
	if (title.len > TITLE_MAX_BYTES || !span_is_utf8(title))
		return fail(t, ERR_INVALID, "invalid_member", "'title' has at most %d bytes.",
			TITLE_MAX_BYTES);
	if (description.len > DESCRIPTION_MAX_BYTES || !span_is_utf8(description))
		return fail(t, ERR_INVALID, "invalid_member", "'description' has at most %d bytes.",
			DESCRIPTION_MAX_BYTES);
	return OK;
}

static err check_countries(struct task *t, const char *member, span codes)
{
	return countries_are_valid(codes)
		       ? OK
		       : fail(t, ERR_INVALID, "invalid_member",
				 "'%s' holds ISO 3166-1 codes of two capital letters, such as DE.",
				 member);
}

static err check_input(struct task *t, const struct product *p)
{
	if (!product_name_is_valid(p->name))
		return fail(t, ERR_INVALID, "invalid_product_name",
			"A product's name has 1 to %d of a–z, 0–9, '.' and '-', and begins with a "
			"letter or digit.",
			PRODUCT_NAME_MAX);
	err e = check_texts(t, p->title, p->description);

	if (!e)
		e = check_countries(t, "countries_denied", p->countries_denied);
	return e ? e : check_countries(t, "countries_allowed", p->countries_allowed);
}

/* ---- creating and changing ---- */

struct work {
	struct task *task;
	span id; /* or name */
	const struct product_change *change;
	struct product *product;
	uint64_t seq;
};

static err put_product(struct db_tx *tx, struct work *w, bool releases)
{
	struct task *t = w->task;
	struct id_list live = {0};
	struct feed_batch batch;

	feed_begin(&batch, tx);
	err e = published_product(
		&batch, w->product, conf_int(t->service->conf, CONF_CHECK_INTERVAL));

	if (!e && releases)
		e = release_list_live(tx, t->arena, w->product->id, &live);
	for (size_t i = 0; !e && i < live.count; i++)
		e = published_release(tx, &batch, t->arena, live.ids[i], t->now_us);
	return e ? e : feed_seal(&batch, &w->seq);
}

static err create_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	struct product existing;
	err e = product_get(tx, t->arena, w->product->name, &existing);

	if (!e)
		return fail(t, ERR_CONFLICT, "product_exists",
			"There is a product of this name already: %.*s.", SPAN_ARG(existing.id));
	if (e != ERR_NOT_FOUND)
		return e;
	e = product_add(tx, w->product);
	if (!e)
		e = audit_add(tx, t, "product.create", w->product->id, "{}");
	return e ? e : put_product(tx, w, false);
}

err product_create(struct task *t, const struct product_input *in, struct product *ret)
{
	struct product p = {
		.id = new_id(t, "prod"),
		.name = in->name,
		.title = in->title.len ? in->title : in->name,
		.description = in->description,
		.countries_denied = in->countries_denied,
		.countries_allowed = in->countries_allowed,
		.created_at = t->now_us,
	};
	struct work w = {.task = t, .product = &p};
	err e = check_input(t, &p);

	if (!e)
		e = db_transact(t->service->db, DB_WRITE, create_body, &w);
	if (!e)
		e = published(t, w.seq);
	if (!e)
		*ret = p;
	return e;
}

static void apply(span *to, const span *change)
{
	if (change)
		*to = *change;
}

static const char *changes_of(
	struct task *t, const struct product *before, const struct product *after)
{
	struct changes c;

	changes_begin(&c);
	changes_text(&c, "title", before->title, after->title);
	changes_text(&c, "description", before->description, after->description);
	changes_text(&c, "countries_denied", before->countries_denied, after->countries_denied);
	changes_text(&c, "countries_allowed", before->countries_allowed, after->countries_allowed);
	return changes_end(&c, t->arena);
}

static err edit_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	const struct product_change *c = w->change;
	err e = no_product(t, product_get(tx, t->arena, w->id, w->product), w->id);

	if (!e)
		e = reach_product(t, w->product->name);
	if (e)
		return e;
	struct product before = *w->product;

	apply(&w->product->title, c->title);
	apply(&w->product->description, c->description);
	apply(&w->product->countries_denied, c->countries_denied);
	apply(&w->product->countries_allowed, c->countries_allowed);
	e = check_input(t, w->product);
	if (!e)
		e = product_update(tx, w->product);
	if (!e)
		e = audit_add(tx, t, "product.update", w->product->id,
			changes_of(t, &before, w->product));
	return e ? e : put_product(tx, w, c->countries_denied || c->countries_allowed);
}

err product_edit(
	struct task *t, span id_or_name, const struct product_change *c, struct product *ret)
{
	struct product p;
	struct work w = {.task = t, .id = id_or_name, .change = c, .product = &p};
	err e = db_transact(t->service->db, DB_WRITE, edit_body, &w);

	if (!e)
		e = published(t, w.seq);
	if (!e)
		*ret = p;
	return e;
}

/* ---- reading ---- */

static err show_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;

	return no_product(w->task, product_get(tx, w->task->arena, w->id, w->product), w->id);
}

err product_show(struct task *t, span id_or_name, struct product *ret)
{
	struct work w = {.task = t, .id = id_or_name, .product = ret};

	return db_transact(t->service->db, DB_READ, show_body, &w);
}

struct paging {
	struct task *task;
	span after;
	int64_t limit;
	struct product_list *list;
};

static err page_body(struct db_tx *tx, void *arg)
{
	struct paging *p = arg;

	return product_list_page(tx, p->task->arena, p->after, p->limit, p->list);
}

err product_page_of(struct task *t, span after, int64_t limit, struct product_list *ret)
{
	struct paging p = {t, after, limit, ret};

	return db_transact(t->service->db, DB_READ, page_body, &p);
}

/* ---- publishers' keys ---- */

struct key_work {
	struct task *task;
	span product, id;
	struct publisher_key *key;
	struct publisher_key_list *list;
};

/* The bare line of a key, whatever form it came in. */
static span key_line(struct arena *a, const struct minisign_public *k)
{
	span rest, line = SPAN_EMPTY, last = SPAN_EMPTY;
	AUTO(buf) text = {0};

	buf_init(&text, KEY_TEXT_MAX);
	minisign_format_public(&text, k);
	rest = span_trim(buf_span(&text));
	while (span_cut(&rest, '\n', &line))
		last = line;
	return arena_span(a, span_trim(last));
}

static err find_product_of_key(struct db_tx *tx, struct key_work *w, struct product *ret)
{
	err e = no_product(w->task, product_get(tx, w->task->arena, w->product, ret), w->product);

	return e ? e : reach_product(w->task, ret->name);
}

static err add_key_body(struct db_tx *tx, void *arg)
{
	struct key_work *w = arg;
	struct task *t = w->task;
	struct publisher_key_list keys;
	struct product p;
	err e = find_product_of_key(tx, w, &p);

	if (!e)
		e = publisher_key_list_of(tx, t->arena, p.id, &keys);
	if (e)
		return e;
	for (size_t i = 0; i < keys.count; i++)
		if (span_eq(keys.items[i].key_id, w->key->key_id))
			return fail(t, ERR_CONFLICT, "publisher_key_exists",
				"The product has the key %.*s already.", SPAN_ARG(w->key->key_id));
	if (keys.count == PUBLISHER_KEYS_MAX)
		return fail(t, ERR_INVALID, "too_many_publisher_keys",
			"A product has at most %d publisher keys.", PUBLISHER_KEYS_MAX);
	w->key->product_id = p.id;
	e = publisher_key_add(tx, w->key);
	return e ? e : audit_add(tx, t, "publisher_key.create", w->key->id, "{}");
}

err publisher_key_create(struct task *t, span product, span public_key, struct publisher_key *ret)
{
	struct minisign_public parsed;
	struct publisher_key k = {.id = new_id(t, "pk"), .created_at = t->now_us};
	struct key_work w = {.task = t, .product = product, .key = &k};

	if (minisign_parse_public(public_key, &parsed))
		return fail(t, ERR_INVALID, "invalid_public_key",
			"'public_key' is the content of a minisign public key file, or its last "
			"line.");
	k.key_id = signature_key_id(t->arena, parsed.key_id);
	k.public_key = key_line(t->arena, &parsed);
	err e = db_transact(t->service->db, DB_WRITE, add_key_body, &w);

	if (!e)
		*ret = k;
	return e;
}

static err list_keys_body(struct db_tx *tx, void *arg)
{
	struct key_work *w = arg;
	struct product p;
	err e = find_product_of_key(tx, w, &p);

	return e ? e : publisher_key_list_of(tx, w->task->arena, p.id, w->list);
}

err publisher_keys_show(struct task *t, span product, struct publisher_key_list *ret)
{
	struct key_work w = {.task = t, .product = product, .list = ret};

	return db_transact(t->service->db, DB_READ, list_keys_body, &w);
}

static err remove_key_body(struct db_tx *tx, void *arg)
{
	struct key_work *w = arg;
	struct product p;
	err e = find_product_of_key(tx, w, &p);

	if (e)
		return e;
	e = publisher_key_delete(tx, p.id, w->id);
	if (e == ERR_NOT_FOUND)
		return fail(w->task, e, "publisher_key_not_found",
			"The product has no such publisher key.");
	return e ? e : audit_add(tx, w->task, "publisher_key.delete", w->id, "{}");
}

err publisher_key_remove_from(struct task *t, span product, span id)
{
	struct key_work w = {.task = t, .product = product, .id = id};

	return db_transact(t->service->db, DB_WRITE, remove_key_body, &w);
}
