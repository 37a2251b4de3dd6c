/*
 * Products and their publishers' keys: rules and store. Hard rule: a name is part of keys of the
 * published state and of URLs, so it never changes and holds nothing that needs escaping.
 */
#include "catalog/product.h"

#include "catalog/catalog_queries.h"
#include "base/banned.h"

#define NEEDS_MAX 1000

bool product_name_is_valid(span name)
{
	if (name.len == 0 || name.len > PRODUCT_NAME_MAX || name.ptr[0] == '.' ||
		name.ptr[0] == '-')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'))
			return false;
	}
	return true;
}

bool countries_are_valid(span codes)
{
	span code;

	if (codes.len == 0)
		return true;
	while (span_cut(&codes, ' ', &code))
		if (code.len != 2 || code.ptr[0] < 'A' || code.ptr[0] > 'Z' || code.ptr[1] < 'A' ||
			code.ptr[1] > 'Z')
			return false;
	return true;
}

static void read_product(struct db_rows *rows, struct arena *a, struct product *ret)
{
	*ret = (struct product){
		.id = db_text_in(rows, 0, a),
		.name = db_text_in(rows, 1, a),
		.title = db_text_in(rows, 2, a),
		.description = db_text_in(rows, 3, a),
		.countries_denied = db_text_in(rows, 4, a),
		.countries_allowed = db_text_in(rows, 5, a),
		.created_at = db_int(rows, 6),
	};
}

err product_add(struct db_tx *tx, const struct product *p)
{
	return db_exec(tx, product_insert, DB_TEXT(p->id), DB_TEXT(p->name), DB_TEXT(p->title),
		DB_TEXT(p->description), DB_TEXT(p->countries_denied),
		DB_TEXT(p->countries_allowed), DB_INT(p->created_at));
}

err product_get(struct db_tx *tx, struct arena *a, span id_or_name, struct product *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_get(tx, &rows, product_find_row, DB_TEXT(id_or_name));

	if (e)
		return e;
	read_product(rows, a, ret);
	return OK;
}

err product_update(struct db_tx *tx, const struct product *p)
{
	return db_exec(tx, product_save, DB_TEXT(p->title), DB_TEXT(p->description),
		DB_TEXT(p->countries_denied), DB_TEXT(p->countries_allowed), DB_TEXT(p->id));
}

err product_list_page(
	struct db_tx *tx, struct arena *a, span after, int64_t limit, struct product_list *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	struct product *items = arena_try_array(a, (size_t)limit, sizeof(*items));
	size_t count = 0;
	bool found;
	err e = items ? db_query(tx, &rows, product_page, DB_TEXT(after), DB_INT(limit))
		      : ERR_NOMEM;

	while (!e && !(e = db_next(rows, &found)) && found)
		read_product(rows, a, &items[count++]);
	if (!e)
		*ret = (struct product_list){items, count};
	return e;
}

/* ---- what products need ---- */

struct walk {
	span seen[NEEDS_MAX];
	size_t count;
};

/* ERR_LIMIT when there is no room; known products are not added again. */
static err note(struct walk *w, span id)
{
	for (size_t i = 0; i < w->count; i++)
		if (span_eq(w->seen[i], id))
			return OK;
	if (w->count == NEEDS_MAX)
		return ERR_LIMIT;
	w->seen[w->count++] = id;
	return OK;
}

static err note_needs_of(struct db_tx *tx, struct arena *a, span product_id, struct walk *w)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found;
	err e = db_query(tx, &rows, product_required_by, DB_TEXT(product_id));

	while (!e && !(e = db_next(rows, &found)) && found)
		e = note(w, db_text_in(rows, 0, a));
	return e;
}

err product_needs(struct db_tx *tx, struct arena *a, span product_id, span target, bool *ret)
{
	struct walk *w = arena_alloc(a, sizeof(*w));
	err e = note(w, product_id);

	/* Breadth first: the list grows while it is walked. */
	for (size_t i = 0; !e && i < w->count; i++) {
		if (span_eq(w->seen[i], target)) {
			*ret = true;
			return OK;
		}
		e = note_needs_of(tx, a, w->seen[i], w);
	}
	if (!e)
		*ret = false;
	return e;
}

/* ---- publishers' keys ---- */

err publisher_key_add(struct db_tx *tx, const struct publisher_key *k)
{
	return db_exec(tx, publisher_key_insert, DB_TEXT(k->id), DB_TEXT(k->product_id),
		DB_TEXT(k->key_id), DB_TEXT(k->public_key), DB_INT(k->created_at));
}

static void read_key(struct db_rows *rows, struct arena *a, struct publisher_key *ret)
{
	*ret = (struct publisher_key){
		.id = db_text_in(rows, 0, a),
		.product_id = db_text_in(rows, 1, a),
		.key_id = db_text_in(rows, 2, a),
		.public_key = db_text_in(rows, 3, a),
		.created_at = db_int(rows, 4),
	};
}

err publisher_key_list_of(
	struct db_tx *tx, struct arena *a, span product_id, struct publisher_key_list *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	struct publisher_key *items = arena_try_array(a, PUBLISHER_KEYS_MAX, sizeof(*items));
	size_t count = 0;
	bool found;
	err e = items ? db_query(tx, &rows, publisher_key_rows, DB_TEXT(product_id)) : ERR_NOMEM;

	while (!e && !(e = db_next(rows, &found)) && found && count < PUBLISHER_KEYS_MAX)
		read_key(rows, a, &items[count++]);
	if (!e)
		*ret = (struct publisher_key_list){items, count};
	return e;
}

err publisher_key_delete(struct db_tx *tx, span product_id, span id)
{
	int64_t changed;
	err e = db_change(tx, &changed, publisher_key_remove, DB_TEXT(product_id), DB_TEXT(id));

	return !e && changed == 0 ? ERR_NOT_FOUND : e;
}
