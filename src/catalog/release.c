/*
 * Releases: rules and store. Hard rule: state changes in release_change_state() and nowhere else.
 */
#include "catalog/release.h"

#include <string.h>

#include "catalog/catalog_queries.h"
#include "base/banned.h"

err release_version_of(span version, struct release_version *ret)
{
	struct semver v;
	struct buf text, key;

	if (version.len > SEMVER_MAX_BYTES || semver_parse(version, &v))
		return ERR_INVALID;
	buf_init_fixed(&text, ret->precedence, sizeof(ret->precedence));
	buf_init_fixed(&key, ret->key, sizeof(ret->key));
	semver_format(&text, &v);
	semver_key(&key, &v);
	ret->key_len = buf_len(&key);
	return buf_error(&text) || buf_error(&key) ? ERR_BUG : OK;
}

static err add_channels(struct db_tx *tx, span id, channel_set channels, int64_t now_us)
{
	err e = OK;

	for (int c = 0; c < CHANNEL_COUNT && !e; c++)
		if (channels & CHANNEL_BIT(c))
			e = release_add_channel(tx, id, (enum channel)c, now_us);
	return e;
}

err release_add(struct db_tx *tx, const struct release *r)
{
	struct release_version v;
	err e = release_version_of(r->version, &v);

	if (!e)
		e = db_exec(tx, release_insert, DB_TEXT(r->id), DB_TEXT(r->product_id),
			DB_TEXT(r->version), DB_CSTR(v.precedence),
			DB_BLOB(span_of(v.key, v.key_len)), DB_TEXT(r->notes), DB_INT(r->critical),
			DB_INT(r->mandatory), DB_TEXT(r->min_from), DB_OPT_INT(r->eol_at),
			DB_INT(r->created_at));
	return e ? e : add_channels(tx, r->id, r->channels, r->created_at);
}

static err read_release(struct db_rows *rows, struct arena *a, struct release *ret)
{
	*ret = (struct release){
		.id = db_text_in(rows, 0, a),
		.product_id = db_text_in(rows, 1, a),
		.product_name = db_text_in(rows, 2, a),
		.version = db_text_in(rows, 3, a),
		.notes = db_text_in(rows, 5, a),
		.critical = db_int(rows, 6) != 0,
		.mandatory = db_int(rows, 7) != 0,
		.min_from = db_text_in(rows, 8, a),
		.eol_at = db_int(rows, 9),
		.created_at = db_int(rows, 10),
		.published_at = db_int(rows, 11),
		.withdrawn_reason = db_text_in(rows, 12, a),
		.channels = (channel_set)db_int(rows, 13),
	};
	return release_state_from_name(db_text(rows, 4), &ret->state) ? OK : ERR_CORRUPT;
}

static err read_one(struct db_rows *rows, struct arena *a, struct release *ret)
{
	bool found;
	err e = db_next(rows, &found);

	if (e)
		return e;
	return found ? read_release(rows, a, ret) : ERR_NOT_FOUND;
}

err release_get(struct db_tx *tx, struct arena *a, span id, struct release *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, release_find_row, DB_TEXT(id));

	return e ? e : read_one(rows, a, ret);
}

err release_get_version(
	struct db_tx *tx, struct arena *a, span product_id, span version, struct release *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	struct release_version v;
	err e = release_version_of(version, &v);

	if (!e)
		e = db_query(tx, &rows, release_find_version_row, DB_TEXT(product_id),
			DB_CSTR(v.precedence));
	return e ? e : read_one(rows, a, ret);
}

err release_update(struct db_tx *tx, const struct release *r)
{
	return db_exec(tx, release_save, DB_TEXT(r->notes), DB_INT(r->critical),
		DB_INT(r->mandatory), DB_TEXT(r->min_from), DB_OPT_INT(r->eol_at), DB_TEXT(r->id));
}

err release_delete(struct db_tx *tx, span id)
{
	err e = db_exec(tx, release_remove_requires, DB_TEXT(id));

	if (!e)
		e = db_exec(tx, release_remove_packages, DB_TEXT(id));
	if (!e)
		e = db_exec(tx, release_remove_channels, DB_TEXT(id));
	return e ? e : db_exec(tx, release_remove_draft, DB_TEXT(id));
}

err release_add_channel(struct db_tx *tx, span id, enum channel c, int64_t now_us)
{
	return db_exec(
		tx, release_channel_add, DB_TEXT(id), DB_CSTR(channel_name(c)), DB_INT(now_us));
}

err release_set_channels(
	struct db_tx *tx, const struct release *r, channel_set channels, int64_t now_us)
{
	err e = OK;

	for (int c = 0; c < CHANNEL_COUNT && !e; c++)
		if (!(channels & CHANNEL_BIT(c)))
			e = db_exec(tx, release_channel_remove, DB_TEXT(r->id),
				DB_CSTR(channel_name((enum channel)c)));
	return e ? e : add_channels(tx, r->id, channels, now_us);
}

/* ---- state ---- */

bool release_may_become(enum release_state from, enum release_state to)
{
	switch (from) {
	case RELEASE_DRAFT:
		return to == RELEASE_PUBLISHED;
	case RELEASE_PUBLISHED:
		return to == RELEASE_PAUSED || to == RELEASE_WITHDRAWN;
	case RELEASE_PAUSED:
		return to == RELEASE_PUBLISHED || to == RELEASE_WITHDRAWN;
	case RELEASE_WITHDRAWN:
	case RELEASE_STATES:
		break;
	}
	return false;
}

err release_change_state(
	struct db_tx *tx, struct release *r, enum release_state to, span reason, int64_t now_us)
{
	int64_t changed;

	if (!release_may_become(r->state, to))
		return ERR_CONFLICT;
	err e = db_change(tx, &changed, release_set_state, DB_CSTR(release_state_name(to)),
		DB_INT(now_us), DB_TEXT(reason), DB_TEXT(r->id),
		DB_CSTR(release_state_name(r->state)));

	if (e)
		return e;
	if (changed != 1)
		return ERR_CONFLICT;
	if (r->state == RELEASE_DRAFT)
		r->published_at = now_us;
	r->state = to;
	r->withdrawn_reason = reason;
	return OK;
}

/* ---- lists ---- */

static err read_list(struct db_rows *rows, struct arena *a, int64_t limit, struct release_list *ret)
{
	struct release *items = arena_try_array(a, (size_t)limit, sizeof(*items));
	size_t count = 0;
	bool found;
	err e = items ? OK : ERR_NOMEM;

	while (!e && !(e = db_next(rows, &found)) && found && count < (size_t)limit)
		e = read_release(rows, a, &items[count++]);
	if (!e)
		*ret = (struct release_list){items, count};
	return e;
}

/* The precedence text of a filter; a version that is none matches nothing. */
static span precedence_of(span version, struct release_version *v)
{
	if (version.len == 0)
		return SPAN_EMPTY;
	return release_version_of(version, v) ? version : span_from(v->precedence);
}

err release_list_page(struct db_tx *tx, struct arena *a, const struct release_filter *f, span after,
	int64_t limit, struct release_list *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	struct release_version v;
	err e = db_query(tx, &rows, release_page, DB_TEXT(after), DB_TEXT(f->product_id),
		DB_TEXT(f->state), DB_TEXT(precedence_of(f->version, &v)), DB_INT(limit));

	return e ? e : read_list(rows, a, limit, ret);
}

err release_visible(struct db_tx *tx, struct arena *a, const struct release_view *view, span after,
	int64_t limit, struct release_list *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	struct release_version v;
	err e = db_query(tx, &rows, release_visible_page, DB_TEXT(view->product_id), DB_TEXT(after),
		DB_INT(view->subscribed), DB_INT(view->drafts),
		DB_TEXT(precedence_of(view->version, &v)), DB_INT(limit));

	return e ? e : read_list(rows, a, limit, ret);
}

static err read_ids(struct db_rows *rows, struct arena *a, struct id_list *ret)
{
	struct id_list l = {0};
	size_t room = 0;
	bool found;
	err e = OK;

	while (!(e = db_next(rows, &found)) && found) {
		if (l.count == room) {
			span *more = arena_try_array(a, room = room ? room * 2 : 64, sizeof(*more));

			if (!more)
				return ERR_NOMEM;
			if (l.count)
				memcpy(more, l.ids, l.count * sizeof(*more));
			l.ids = more;
		}
		l.ids[l.count++] = db_text_in(rows, 0, a);
	}
	if (!e)
		*ret = l;
	return e;
}

err release_list_live(struct db_tx *tx, struct arena *a, span product_id, struct id_list *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, release_live_ids, DB_TEXT(product_id));

	return e ? e : read_ids(rows, a, ret);
}

err release_list_with_digest(struct db_tx *tx, struct arena *a, span sha256, struct id_list *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, release_live_with_digest, DB_TEXT(sha256));

	return e ? e : read_ids(rows, a, ret);
}
