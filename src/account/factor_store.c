/* Rows of factors and recovery codes. Hard rule: one UPDATE or DELETE decides what is used. */
#include "account/factor.h"

#include "account/account_queries.h"

#include "base/banned.h"

static const char *kind_name(enum factor_kind k)
{
	return k == FACTOR_TOTP ? "totp" : "passkey";
}

err factor_insert(struct db_tx *tx, const struct factor *f)
{
	return db_exec(tx, factor_insert_sql, DB_TEXT(f->id), DB_TEXT(f->account),
		DB_CSTR(kind_name(f->kind)), DB_TEXT(f->name),
		DB_CSTR(f->active ? "active" : "pending"), DB_BLOB(f->secret),
		f->credential_id.len ? DB_BLOB(f->credential_id) : DB_NULL, DB_INT(f->counter),
		DB_INT(f->created_at_us));
}

static void read_factor(struct db_rows *rows, struct arena *a, struct factor *ret)
{
	*ret = (struct factor){
		.id = db_text_in(rows, 0, a),
		.account = db_text_in(rows, 1, a),
		.kind = span_is(db_text(rows, 2), "totp") ? FACTOR_TOTP : FACTOR_PASSKEY,
		.name = db_text_in(rows, 3, a),
		.active = span_is(db_text(rows, 4), "active"),
		.secret = arena_span(a, db_blob(rows, 5)),
		.credential_id = arena_span(a, db_blob(rows, 6)),
		.counter = db_int(rows, 7),
		.created_at_us = db_int(rows, 8),
		.last_used_at_us = db_int(rows, 9),
	};
}

err factor_list(
	struct db_tx *tx, struct arena *a, span account, struct factor **ret, size_t *ret_count)
{
	struct factor *list = arena_alloc(a, FACTORS_MAX * sizeof(*list));
	size_t count = 0;
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, factor_list_sql, DB_TEXT(account), DB_INT(FACTORS_MAX));

	while (!e) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		read_factor(rows, a, &list[count++]);
	}
	*ret = list;
	*ret_count = count;
	return e;
}

err factor_find_by_credential(
	struct db_tx *tx, struct arena *a, span credential_id, struct factor *ret, bool *ret_found)
{
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, factor_by_credential, DB_BLOB(credential_id));

	if (!e)
		e = db_next(rows, &found);
	if (!e && found)
		read_factor(rows, a, ret);
	if (!e)
		*ret_found = found;
	return e;
}

err factor_activate(struct db_tx *tx, span id)
{
	return db_exec(tx, factor_activate_sql, DB_TEXT(id));
}

err factor_use(struct db_tx *tx, span id, int64_t counter, int64_t now_us, bool *ret_fresh)
{
	int64_t changed = 0;
	err e = db_change(
		tx, &changed, factor_use_sql, DB_INT(counter), DB_INT(now_us), DB_TEXT(id));

	*ret_fresh = changed == 1;
	return e;
}

err factor_delete(struct db_tx *tx, span account, span id, enum factor_kind kind, bool *ret_found)
{
	int64_t changed = 0;
	err e = db_change(tx, &changed, factor_delete_sql, DB_TEXT(account), DB_TEXT(id),
		DB_CSTR(kind_name(kind)));

	*ret_found = changed > 0;
	return e;
}

err factor_delete_pending(struct db_tx *tx, span account, enum factor_kind kind)
{
	return db_exec(tx, factor_delete_pending_sql, DB_TEXT(account), DB_CSTR(kind_name(kind)));
}

err factor_delete_all(struct db_tx *tx, span account)
{
	err e = db_exec(tx, factor_delete_all_sql, DB_TEXT(account));

	return e ? e : db_exec(tx, recovery_codes_delete, DB_TEXT(account));
}

err recovery_codes_set(struct db_tx *tx, span account, uint8_t hashes[][SHA256_SIZE], size_t count)
{
	err e = db_exec(tx, recovery_codes_delete, DB_TEXT(account));

	for (size_t i = 0; i < count && !e; i++)
		e = db_exec(tx, recovery_code_insert, DB_TEXT(account),
			DB_BLOB(span_of(hashes[i], SHA256_SIZE)));
	return e;
}

err recovery_code_take(
	struct db_tx *tx, span account, const uint8_t hash[SHA256_SIZE], bool *ret_found)
{
	int64_t changed = 0;
	err e = db_change(tx, &changed, recovery_code_delete, DB_TEXT(account),
		DB_BLOB(span_of(hash, SHA256_SIZE)));

	*ret_found = changed == 1;
	return e;
}

err recovery_codes_count(struct db_tx *tx, span account, int64_t *ret)
{
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, recovery_codes_count_sql, DB_TEXT(account));

	if (!e)
		e = db_next(rows, &row);
	if (!e)
		*ret = row ? db_int(rows, 0) : 0;
	return e;
}
