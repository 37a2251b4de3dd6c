/* Rows of API keys. */
#include <string.h>

#include "account/api_key.h"

#include "account/account_queries.h"

#include "base/banned.h"

err api_key_insert(struct db_tx *tx, const struct api_key *k)
{
	return db_exec(tx, api_key_insert_sql, DB_TEXT(k->id), DB_TEXT(k->public_id),
		DB_TEXT(k->account), DB_TEXT(k->name),
		DB_BLOB(span_of(k->secret_hash, SHA256_SIZE)), DB_TEXT(k->permissions),
		DB_INT(k->created_at_us), DB_OPT_INT(k->expires_at_us), DB_TEXT(k->addresses),
		k->parent.len ? DB_TEXT(k->parent) : DB_NULL);
}

static err read_key(struct db_rows *rows, struct arena *a, struct api_key *ret)
{
	span hash = db_blob(rows, 4), previous = db_blob(rows, 11);

	if (hash.len != SHA256_SIZE || (previous.len && previous.len != SHA256_SIZE))
		return ERR_CORRUPT;
	*ret = (struct api_key){
		.id = db_text_in(rows, 0, a),
		.public_id = db_text_in(rows, 1, a),
		.account = db_text_in(rows, 2, a),
		.name = db_text_in(rows, 3, a),
		.permissions = db_text_in(rows, 5, a),
		.created_at_us = db_int(rows, 6),
		.expires_at_us = db_int(rows, 7),
		.revoked_at_us = db_int(rows, 8),
		.last_used_at_us = db_int(rows, 9),
		.addresses = db_text_in(rows, 10, a),
		.previous_until_us = previous.len ? db_int(rows, 12) : 0,
		.owner_email = db_text_in(rows, 13, a),
		.parent = db_text_in(rows, 14, a),
	};
	memcpy(ret->secret_hash, hash.ptr, SHA256_SIZE);
	if (previous.len)
		memcpy(ret->previous_hash, previous.ptr, SHA256_SIZE);
	return OK;
}

static err find_key(struct db_tx *tx, struct arena *a, const struct db_statement *select,
	span value, struct api_key *ret, bool *ret_found)
{
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, *select, DB_TEXT(value));

	if (!e)
		e = db_next(rows, &found);
	if (!e && found)
		e = read_key(rows, a, ret);
	if (!e)
		*ret_found = found;
	return e;
}

err api_key_find(struct db_tx *tx, struct arena *a, span id, struct api_key *ret, bool *ret_found)
{
	return find_key(tx, a, &api_key_select, id, ret, ret_found);
}

err api_key_find_by_public_id(
	struct db_tx *tx, struct arena *a, span public_id, struct api_key *ret, bool *ret_found)
{
	return find_key(tx, a, &api_key_select_by_public_id, public_id, ret, ret_found);
}

err api_key_list(struct db_tx *tx, struct arena *a, span after, span account, size_t limit,
	struct api_key **ret, size_t *ret_count)
{
	struct api_key *list = arena_try_array(a, limit, sizeof(*list));
	size_t count = 0;
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;

	if (!list)
		return ERR_NOMEM;
	err e = db_query(tx, &rows, api_key_list_sql, DB_TEXT(after), DB_TEXT(account),
		DB_INT((int64_t)limit));

	while (!e && count < limit) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		e = read_key(rows, a, &list[count++]);
	}
	if (e)
		return e;
	*ret = list;
	*ret_count = count;
	return OK;
}

err api_key_revoke(struct db_tx *tx, span id, int64_t now_us, int64_t *ret_count)
{
	int64_t made = 0;
	err e = db_change(tx, ret_count, api_key_revoke_sql, DB_INT(now_us), DB_TEXT(id));

	if (!e)
		e = api_key_revoke_made(tx, id, now_us, &made);
	*ret_count += made;
	return e;
}

err api_key_revoke_of_account(struct db_tx *tx, span account, int64_t now_us)
{
	return db_exec(tx, api_key_revoke_of_account_sql, DB_INT(now_us), DB_TEXT(account));
}

err api_key_revoke_made(struct db_tx *tx, span id, int64_t now_us, int64_t *ret_count)
{
	return db_change(tx, ret_count, api_key_revoke_made_sql, DB_INT(now_us), DB_TEXT(id));
}

err api_key_set_used(struct db_tx *tx, span id, int64_t now_us)
{
	return db_exec(tx, api_key_set_used_sql, DB_INT(now_us), DB_TEXT(id));
}

err api_key_count(struct db_tx *tx, span account, int64_t now_us, int64_t *ret)
{
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, api_key_count_living, DB_TEXT(account), DB_INT(now_us));

	if (!e)
		e = db_next(rows, &row);
	if (!e)
		*ret = row ? db_int(rows, 0) : 0;
	return e;
}

err api_key_rotate(struct db_tx *tx, const struct api_key *k, const uint8_t hash[SHA256_SIZE],
	int64_t previous_until_us, int64_t expires_at_us)
{
	int64_t changed;
	err e = db_change(tx, &changed, api_key_rotate_sql, DB_INT(previous_until_us),
		DB_BLOB(span_of(hash, SHA256_SIZE)), DB_INT(expires_at_us), DB_TEXT(k->id),
		DB_BLOB(span_of(k->secret_hash, SHA256_SIZE)));

	return e ? e : changed == 1 ? OK : ERR_CONFLICT;
}
