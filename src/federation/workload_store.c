/* Rows of workload identities and exchanged tokens. Hard rule: one INSERT decides what counts once.
 */
#include "federation/federation_queries.h"
#include "federation/workload_identity.h"

#include "base/banned.h"

static const char *state_name(const struct workload *w)
{
	return w->disabled ? "disabled" : "active";
}

static err format_conditions(struct arena *a, const struct workload *w, span *ret)
{
	AUTO(buf) text = {0};

	buf_init(&text, CONDITIONS_JSON_MAX);
	conditions_format(&w->conditions, &text);
	*ret = arena_span(a, buf_span(&text));
	return buf_error(&text);
}

err workload_insert(struct db_tx *tx, struct arena *a, const struct workload *w)
{
	span conditions;
	err e = format_conditions(a, w, &conditions);

	return e ? e
		 : db_exec(tx, workload_insert_sql, DB_TEXT(w->id), DB_TEXT(w->name),
			   DB_TEXT(w->issuer), DB_TEXT(w->audience), DB_TEXT(conditions),
			   DB_TEXT(w->permissions), DB_INT(w->lifetime_s),
			   DB_INT((int64_t)w->epoch), DB_CSTR(state_name(w)), DB_TEXT(w->account),
			   DB_INT(w->created_at_us));
}

err workload_update(struct db_tx *tx, struct arena *a, const struct workload *w)
{
	span conditions;
	err e = format_conditions(a, w, &conditions);

	return e ? e
		 : db_exec(tx, workload_update_sql, DB_TEXT(w->name), DB_TEXT(w->audience),
			   DB_TEXT(conditions), DB_TEXT(w->permissions), DB_INT(w->lifetime_s),
			   DB_INT((int64_t)w->epoch), DB_CSTR(state_name(w)), DB_TEXT(w->account),
			   DB_INT(w->updated_at_us), DB_TEXT(w->id));
}

err workload_delete(struct db_tx *tx, span id)
{
	return db_exec(tx, workload_delete_sql, DB_TEXT(id));
}

static err read_workload(struct db_rows *rows, struct arena *a, struct workload *ret)
{
	*ret = (struct workload){
		.id = db_text_in(rows, 0, a),
		.name = db_text_in(rows, 1, a),
		.issuer = db_text_in(rows, 2, a),
		.audience = db_text_in(rows, 3, a),
		.permissions = db_text_in(rows, 5, a),
		.account = db_text_in(rows, 6, a),
		.account_email = db_text_in(rows, 7, a),
		.created_by = db_text_in(rows, 8, a),
		.lifetime_s = db_int(rows, 9),
		.epoch = (uint64_t)db_int(rows, 10),
		.disabled = span_is(db_text(rows, 11), "disabled"),
		.created_at_us = db_int(rows, 12),
		.updated_at_us = db_int(rows, 13),
		.last_used_at_us = db_int(rows, 14),
	};
	return conditions_parse(a, db_text(rows, 4), &ret->conditions);
}

err workload_find(
	struct db_tx *tx, struct arena *a, span id_or_name, struct workload *ret, bool *ret_found)
{
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, workload_select, DB_TEXT(id_or_name));

	if (!e)
		e = db_next(rows, &found);
	if (!e && found)
		e = read_workload(rows, a, ret);
	if (!e)
		*ret_found = found;
	return e;
}

static err read_list(
	struct db_rows *rows, struct arena *a, struct workload **ret, size_t *ret_count)
{
	struct workload *list = arena_try_array(a, WORKLOADS_MAX, sizeof(*list));
	size_t count = 0;
	bool row = false;
	err e = OK;

	if (!list)
		return ERR_NOMEM;
	while (count < WORKLOADS_MAX) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		e = read_workload(rows, a, &list[count]);
		if (e)
			break;
		count++;
	}
	*ret = list;
	*ret_count = count;
	return e;
}

err workload_list(struct db_tx *tx, struct arena *a, struct workload **ret, size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, workload_list_sql, DB_INT(WORKLOADS_MAX));

	return e ? e : read_list(rows, a, ret, ret_count);
}

err workload_list_of_issuer(
	struct db_tx *tx, struct arena *a, span issuer, struct workload **ret, size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(
		tx, &rows, workload_list_of_issuer_sql, DB_TEXT(issuer), DB_INT(WORKLOADS_MAX));

	return e ? e : read_list(rows, a, ret, ret_count);
}

err workload_raise_epochs_of(
	struct db_tx *tx, struct arena *a, span account, struct workload **ret, size_t *ret_count)
{
	struct workload *list = arena_try_array(a, WORKLOADS_MAX, sizeof(*list));
	size_t count = 0;
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = list ? db_query(tx, &rows, workload_raise_epochs_of_sql, DB_TEXT(account))
		     : ERR_NOMEM;

	while (!e && count < WORKLOADS_MAX) { /* there are no more */
		e = db_next(rows, &row);
		if (e || !row)
			break;
		list[count++] = (struct workload){
			.id = db_text_in(rows, 0, a), .epoch = (uint64_t)db_int(rows, 1)};
	}
	*ret = list;
	*ret_count = count;
	return e;
}

err workload_used(struct db_tx *tx, span id, int64_t now_us)
{
	return db_exec(tx, workload_used_sql, DB_INT(now_us), DB_TEXT(id));
}

/* Exchanged tokens ------------------------------------------------------------------------------
 */

err exchanged_token_add(struct db_tx *tx, const struct exchanged_token *t, bool *ret_fresh)
{
	int64_t inserted = 0;
	err e = db_change(tx, &inserted, exchanged_token_insert,
		DB_BLOB(span_of(t->hash, sizeof(t->hash))), DB_TEXT(t->jti), DB_TEXT(t->workload),
		DB_TEXT(t->claims), DB_INT(t->expires_at_us));

	if (!e)
		*ret_fresh = inserted == 1;
	return e;
}

err exchanged_token_find(
	struct db_tx *tx, struct arena *a, span jti, struct exchanged_token *ret, bool *ret_found)
{
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, exchanged_token_select, DB_TEXT(jti));

	if (!e)
		e = db_next(rows, &found);
	if (!e && found)
		*ret = (struct exchanged_token){.jti = db_text_in(rows, 0, a),
			.workload = db_text_in(rows, 1, a),
			.claims = db_text_in(rows, 2, a),
			.expires_at_us = db_int(rows, 3)};
	if (!e)
		*ret_found = found;
	return e;
}

err exchanged_token_expire(struct db_tx *tx, int64_t now_us, int64_t *ret_count)
{
	return db_change(tx, ret_count, exchanged_token_expire_sql, DB_INT(now_us));
}
