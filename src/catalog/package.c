/*
 * Packages and what they require: store and rules.
 */
#include "catalog/package.h"

#include "catalog/catalog_queries.h"
#include "base/banned.h"

bool os_version_is_valid(span text)
{
	unsigned parts = 0;
	uint64_t number;
	span part;

	if (text.len == 0)
		return true;
	while (span_cut(&text, '.', &part))
		if (++parts > 4 || span_to_u64(part, UINT32_MAX, &number))
			return false;
	return true;
}

err package_add(struct db_tx *tx, const struct package *p)
{
	err e = db_exec(tx, package_insert, DB_TEXT(p->id), DB_TEXT(p->release_id),
		DB_TEXT(p->filename), DB_TEXT(p->platform), DB_TEXT(p->format),
		DB_INT((int64_t)p->size), DB_TEXT(p->sha256), DB_CSTR(class_name(p->class_)),
		DB_TEXT(p->entitlement), DB_OPT_TEXT(p->organisation_id),
		DB_TEXT(p->min_os_version), DB_TEXT(p->signature), DB_TEXT(p->signature_key_id),
		DB_INT(p->created_at));

	for (size_t i = 0; i < p->requires_count && !e; i++)
		e = db_exec(tx, package_require_insert, DB_TEXT(p->id),
			DB_TEXT(p->requires[i].product_id), DB_TEXT(p->requires[i].range));
	return e;
}

static err read_package(struct db_rows *rows, struct arena *a, struct package *ret)
{
	*ret = (struct package){
		.id = db_text_in(rows, 0, a),
		.release_id = db_text_in(rows, 1, a),
		.filename = db_text_in(rows, 2, a),
		.platform = db_text_in(rows, 3, a),
		.format = db_text_in(rows, 4, a),
		.size = (uint64_t)db_int(rows, 5),
		.sha256 = db_text_in(rows, 6, a),
		.entitlement = db_text_in(rows, 8, a),
		.organisation_id = db_text_in(rows, 9, a),
		.min_os_version = db_text_in(rows, 10, a),
		.signature = db_text_in(rows, 11, a),
		.signature_key_id = db_text_in(rows, 12, a),
		.created_at = db_int(rows, 13),
		.blocked = !db_is_null(rows, 14),
		.blocked_reason = db_text_in(rows, 14, a),
	};
	return class_from_name(db_text(rows, 7), &ret->class_) ? OK : ERR_CORRUPT;
}

err package_set_signature(struct db_tx *tx, span id, span signature, span key_id)
{
	return db_exec(tx, package_sign, DB_TEXT(signature), DB_TEXT(key_id), DB_TEXT(id));
}

err package_delete(struct db_tx *tx, span id)
{
	err e = db_exec(tx, package_require_remove, DB_TEXT(id));

	return e ? e : db_exec(tx, package_remove, DB_TEXT(id));
}

static err read_list(struct db_rows *rows, struct arena *a, size_t limit, struct package_list *ret)
{
	struct package *items = arena_try_array(a, limit, sizeof(*items));
	size_t count = 0;
	bool found;
	err e = items ? OK : ERR_NOMEM;

	while (!e && !(e = db_next(rows, &found)) && found && count < limit)
		e = read_package(rows, a, &items[count++]);
	if (!e)
		*ret = (struct package_list){items, count};
	return e;
}

static struct package *find_by_id(const struct package_list *l, span id)
{
	for (size_t i = 0; i < l->count; i++)
		if (span_eq(l->items[i].id, id))
			return &l->items[i];
	return NULL;
}

/*
 * Hands each package its requirements, UPDATE_MAX_REQUIRES at most. Rows may be of packages that
 * are not in the list.
 */
static err read_requires(struct db_rows *rows, struct arena *a, struct package_list *list)
{
	bool found;
	err e = OK;

	while (!(e = db_next(rows, &found)) && found) {
		struct package *p = find_by_id(list, db_text(rows, 0));

		if (!p)
			continue;
		if (p->requires_count == UPDATE_MAX_REQUIRES)
			return ERR_CORRUPT;
		if (!p->requires)
		p->requires = arena_alloc(a, UPDATE_MAX_REQUIRES * sizeof(*p->requires));
		p->requires[p->requires_count++] = (struct requirement){
			.product_id = db_text_in(rows, 1, a),
			.product_name = db_text_in(rows, 2, a),
			.range = db_text_in(rows, 3, a),
		};
	}
	return e;
}

/* For packages in the order of their ids. */
static err add_requires(struct db_tx *tx, struct arena *a, struct package_list *list)
{
	AUTO_PTR(db_rows) rows = NULL;

	if (list->count == 0)
		return OK;
	err e = db_query(tx, &rows, package_require_range, DB_TEXT(list->items[0].id),
		DB_TEXT(list->items[list->count - 1].id));

	return e ? e : read_requires(rows, a, list);
}

static err add_requires_of_release(
	struct db_tx *tx, struct arena *a, span release_id, struct package_list *list)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, package_require_rows, DB_TEXT(release_id));

	return e ? e : read_requires(rows, a, list);
}

static err find_row(struct db_tx *tx, struct arena *a, span id, struct package *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_get(tx, &rows, package_find_row, DB_TEXT(id));

	return e ? e : read_package(rows, a, ret);
}

err package_get(struct db_tx *tx, struct arena *a, span id, struct package *ret)
{
	struct package p;
	struct package_list one = {&p, 1};
	err e = find_row(tx, a, id, &p);

	if (!e)
		e = add_requires(tx, a, &one);
	if (!e)
		*ret = p;
	return e;
}

static err read_packages(
	struct db_tx *tx, struct arena *a, span release_id, struct package_list *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, package_of_release, DB_TEXT(release_id));

	return e ? e : read_list(rows, a, RELEASE_PACKAGES_MAX, ret);
}

err package_list_of_release(
	struct db_tx *tx, struct arena *a, span release_id, struct package_list *ret)
{
	struct package_list list;
	err e = read_packages(tx, a, release_id, &list);

	if (!e)
		e = add_requires_of_release(tx, a, release_id, &list);
	if (!e)
		*ret = list;
	return e;
}

static err read_page(struct db_tx *tx, struct arena *a, span release_id, span after, int64_t limit,
	struct package_list *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(
		tx, &rows, package_page, DB_TEXT(after), DB_TEXT(release_id), DB_INT(limit));

	return e ? e : read_list(rows, a, (size_t)limit, ret);
}

err package_list_page(struct db_tx *tx, struct arena *a, span release_id, span after, int64_t limit,
	struct package_list *ret)
{
	struct package_list list;
	err e = read_page(tx, a, release_id, after, limit, &list);

	if (!e)
		e = add_requires(tx, a, &list);
	if (!e)
		*ret = list;
	return e;
}

struct policy_object package_policy_object(
	const struct package *p, const struct release *r, const struct product *product)
{
	return (struct policy_object){
		.class_ = p->class_,
		.state = r->state,
		.blocked = p->blocked,
		.org = p->organisation_id,
		.entitlement = p->entitlement,
		.countries_denied = product->countries_denied,
		.countries_allowed = product->countries_allowed,
	};
}

err package_organisation_id(struct db_tx *tx, struct arena *a, span id_or_name, span *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_get(tx, &rows, package_organisation, DB_TEXT(id_or_name));

	if (e)
		return e;
	*ret = db_text_in(rows, 0, a);
	return OK;
}
