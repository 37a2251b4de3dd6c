/*
 * Licences in the database. Hard rule: read_row() knows the columns, nobody else does.
 */
#include "licence/licence.h"

#include "licence/licence_queries.h"

#include "base/banned.h"

static const char *state_name(enum licence_state s)
{
	return s == LICENCE_ACTIVE ? "active" : "suspended";
}

err licence_store_add(
	struct db_tx *tx, const struct licence *l, const uint8_t key_hash[SHA256_SIZE])
{
	return db_exec(tx, licence_add, DB_TEXT(l->id), DB_TEXT(l->account_id),
		DB_TEXT(l->product_id), DB_OPT_TEXT(l->organisation_id),
		DB_BLOB(span_of(key_hash, SHA256_SIZE)), DB_TEXT(l->key_hint), DB_TEXT(l->plan),
		DB_TEXT(l->entitlements), DB_INT(l->max_devices), DB_OPT_INT(l->starts_at_us),
		DB_OPT_INT(l->expires_at_us), DB_INT(l->created_at_us));
}

static void read_row(struct db_rows *rows, struct arena *a, struct licence *ret)
{
	*ret = (struct licence){
		.id = db_text_in(rows, 0, a),
		.account_id = db_text_in(rows, 1, a),
		.product_id = db_text_in(rows, 2, a),
		.organisation_id = db_text_in(rows, 3, a),
		.key_hint = db_text_in(rows, 4, a),
		.plan = db_text_in(rows, 5, a),
		.entitlements = db_text_in(rows, 6, a),
		.state = span_is(db_text(rows, 7), "active") ? LICENCE_ACTIVE : LICENCE_SUSPENDED,
		.max_devices = db_int(rows, 8),
		.starts_at_us = db_int(rows, 9),
		.expires_at_us = db_int(rows, 10),
		.created_at_us = db_int(rows, 11),
		.devices = db_int(rows, 12),
	};
}

static err read_one(struct db_rows *rows, struct arena *a, struct licence *ret, bool *ret_found)
{
	bool found = false;
	err e = db_next(rows, &found);

	if (e)
		return e;
	if (found)
		read_row(rows, a, ret);
	*ret_found = found;
	return OK;
}

err licence_store_find(
	struct db_tx *tx, struct arena *a, span id, struct licence *ret, bool *ret_found)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, licence_find, DB_TEXT(id));

	return e ? e : read_one(rows, a, ret, ret_found);
}

err licence_store_find_by_key(struct db_tx *tx, struct arena *a,
	const uint8_t key_hash[SHA256_SIZE], struct licence *ret, bool *ret_found)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, licence_find_by_key, DB_BLOB(span_of(key_hash, SHA256_SIZE)));

	return e ? e : read_one(rows, a, ret, ret_found);
}

err licence_store_save(struct db_tx *tx, const struct licence *l)
{
	return db_exec(tx, licence_save, DB_TEXT(l->plan), DB_TEXT(l->entitlements),
		DB_CSTR(state_name(l->state)), DB_INT(l->max_devices), DB_OPT_INT(l->starts_at_us),
		DB_OPT_INT(l->expires_at_us), DB_OPT_TEXT(l->organisation_id), DB_TEXT(l->id));
}

/* At most limit rows. */
static err read_list(struct db_rows *rows, struct arena *a, size_t limit, struct licence **ret,
	size_t *ret_count)
{
	struct licence *list = arena_try_array(a, limit + 1, sizeof(*list));
	size_t count = 0;
	bool found = false;
	err e = list ? OK : ERR_NOMEM;

	while (!e && count < limit && !(e = db_next(rows, &found)) && found)
		read_row(rows, a, &list[count++]);
	if (e)
		return e;
	*ret = list;
	*ret_count = count;
	return OK;
}

err licence_store_list(struct db_tx *tx, struct arena *a, const struct licence_filter *f,
	struct licence **ret, size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, licence_list, DB_TEXT(f->after), DB_TEXT(f->account_id),
		DB_TEXT(f->product_id), DB_TEXT(f->organisation_id), DB_INT((int64_t)f->limit));

	return e ? e : read_list(rows, a, f->limit, ret, ret_count);
}

/* More licences of one account for one product than anybody can mean; the rest serves worse. */
#define LICENCES_LOOKED_AT 64

err licence_store_list_for(struct db_tx *tx, struct arena *a, span account_id, span product_id,
	struct licence **ret, size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, licence_list_for, DB_TEXT(account_id), DB_TEXT(product_id));

	return e ? e : read_list(rows, a, LICENCES_LOOKED_AT, ret, ret_count);
}

err licence_store_count_running(struct db_tx *tx, span account_id, int64_t now_us, int64_t *ret)
{
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, licence_count_running, DB_TEXT(account_id), DB_INT(now_us));

	if (!e)
		e = db_next(rows, &row);
	if (!e)
		*ret = row ? db_int(rows, 0) : 0;
	return e;
}

err licence_store_delete_of(struct db_tx *tx, span account_id, int64_t *ret_count)
{
	err e = db_exec(tx, licence_delete_devices_of, DB_TEXT(account_id));

	return e ? e : db_change(tx, ret_count, licence_delete_of, DB_TEXT(account_id));
}
