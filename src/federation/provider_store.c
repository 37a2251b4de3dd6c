/* Rows of identity providers and identities. Hard rule: one INSERT decides what counts once. */
#include "federation/federation_queries.h"
#include "federation/provider.h"

#include "base/banned.h"

static struct db_value secret_value(const struct provider *p)
{
	return p->client_secret.len ? DB_BLOB(p->client_secret) : DB_NULL;
}

static const char *auth_name(const struct provider *p)
{
	return p->post ? "post" : "basic";
}

static const char *state_name(const struct provider *p)
{
	return p->disabled ? "disabled" : "active";
}

static err format_settings(struct arena *a, const struct provider *p, span *ret)
{
	AUTO(buf) text = {0};

	buf_init(&text, PROVIDER_JSON_MAX);
	provider_settings_format(&p->settings, &text);
	*ret = arena_span(a, buf_span(&text));
	return buf_error(&text);
}

err provider_insert(struct db_tx *tx, struct arena *a, const struct provider *p)
{
	span settings;
	err e = format_settings(a, p, &settings);

	return e ? e
		 : db_exec(tx, provider_insert_sql, DB_TEXT(p->id), DB_TEXT(p->name),
			   DB_TEXT(p->title), DB_CSTR(p->oauth ? "oauth" : "oidc"),
			   DB_TEXT(p->issuer), DB_TEXT(p->client_id), secret_value(p),
			   DB_CSTR(auth_name(p)), DB_CSTR(state_name(p)), DB_TEXT(settings),
			   DB_INT(p->created_at_us));
}

err provider_update(struct db_tx *tx, struct arena *a, const struct provider *p)
{
	span settings;
	err e = format_settings(a, p, &settings);

	return e ? e
		 : db_exec(tx, provider_update_sql, DB_TEXT(p->name), DB_TEXT(p->title),
			   DB_TEXT(p->client_id), secret_value(p), DB_CSTR(auth_name(p)),
			   DB_CSTR(state_name(p)), DB_TEXT(settings), DB_INT(p->updated_at_us),
			   DB_TEXT(p->id));
}

err provider_delete(struct db_tx *tx, span id)
{
	err e = db_exec(tx, provider_delete_identities, DB_TEXT(id));

	if (!e)
		e = db_exec(tx, provider_delete_logout_tokens, DB_TEXT(id));
	return e ? e : db_exec(tx, provider_delete_sql, DB_TEXT(id));
}

static err read_provider(struct db_rows *rows, struct arena *a, struct provider *ret)
{
	*ret = (struct provider){
		.id = db_text_in(rows, 0, a),
		.name = db_text_in(rows, 1, a),
		.title = db_text_in(rows, 2, a),
		.oauth = span_is(db_text(rows, 3), "oauth"),
		.issuer = db_text_in(rows, 4, a),
		.client_id = db_text_in(rows, 5, a),
		.client_secret = arena_span(a, db_blob(rows, 6)),
		.post = span_is(db_text(rows, 7), "post"),
		.disabled = span_is(db_text(rows, 8), "disabled"),
		.created_at_us = db_int(rows, 10),
		.updated_at_us = db_int(rows, 11),
	};
	return provider_settings_parse(a, db_text(rows, 9), &ret->settings);
}

err provider_find(
	struct db_tx *tx, struct arena *a, span id_or_name, struct provider *ret, bool *ret_found)
{
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, provider_select, DB_TEXT(id_or_name));

	if (!e)
		e = db_next(rows, &found);
	if (!e && found)
		e = read_provider(rows, a, ret);
	if (!e)
		*ret_found = found;
	return e;
}

err provider_list(struct db_tx *tx, struct arena *a, struct provider **ret, size_t *ret_count)
{
	struct provider *list = arena_try_array(a, PROVIDERS_MAX, sizeof(*list));
	size_t count = 0;
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;

	if (!list)
		return ERR_NOMEM;
	err e = db_query(tx, &rows, provider_list_sql, DB_INT(PROVIDERS_MAX));

	while (!e && count < PROVIDERS_MAX) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		e = read_provider(rows, a, &list[count++]);
	}
	*ret = list;
	*ret_count = count;
	return e;
}

err logout_token_note(
	struct db_tx *tx, span provider, span jti, int64_t expires_at_us, bool *ret_fresh)
{
	int64_t inserted = 0;
	err e = db_change(tx, &inserted, logout_token_insert, DB_TEXT(provider), DB_TEXT(jti),
		DB_INT(expires_at_us));

	if (!e)
		*ret_fresh = inserted == 1;
	return e;
}

err logout_token_expire(struct db_tx *tx, int64_t now_us, int64_t *ret_count)
{
	return db_change(tx, ret_count, logout_token_expire_sql, DB_INT(now_us));
}

err id_token_keep(struct db_tx *tx, span session, span sealed)
{
	return db_exec(tx, id_token_insert, DB_TEXT(session), DB_BLOB(sealed));
}

err id_token_find(struct db_tx *tx, struct arena *a, span session, span *ret)
{
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, id_token_select, DB_TEXT(session));

	if (!e)
		e = db_next(rows, &found);
	*ret = !e && found ? arena_span(a, db_blob(rows, 0)) : SPAN_EMPTY;
	return e;
}

err id_token_expire(struct db_tx *tx, int64_t now_us, int64_t *ret_count)
{
	return db_change(tx, ret_count, id_token_expire_sql, DB_INT(now_us));
}

/* Identities ------------------------------------------------------------------------------------
 */

err identity_insert(struct db_tx *tx, const struct identity *i)
{
	return db_exec(tx, identity_insert_sql, DB_TEXT(i->id), DB_TEXT(i->provider),
		DB_TEXT(i->subject), DB_TEXT(i->account), DB_TEXT(i->email), DB_INT(i->managed),
		DB_INT(i->created_at_us));
}

static void read_identity(struct db_rows *rows, struct arena *a, struct identity *ret)
{
	*ret = (struct identity){
		.id = db_text_in(rows, 0, a),
		.provider = db_text_in(rows, 1, a),
		.subject = db_text_in(rows, 2, a),
		.account = db_text_in(rows, 3, a),
		.email = db_text_in(rows, 4, a),
		.managed = db_int(rows, 5) != 0,
		.created_at_us = db_int(rows, 6),
		.last_used_at_us = db_int(rows, 7),
		.provider_name = db_text_in(rows, 8, a),
		.provider_title = db_text_in(rows, 9, a),
	};
}

err identity_find(struct db_tx *tx, struct arena *a, span provider, span subject,
	struct identity *ret, bool *ret_found)
{
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, identity_select, DB_TEXT(provider), DB_TEXT(subject));

	if (!e)
		e = db_next(rows, &found);
	if (!e && found)
		read_identity(rows, a, ret);
	if (!e)
		*ret_found = found;
	return e;
}

err identity_used(struct db_tx *tx, span id, span email, int64_t now_us)
{
	return db_exec(tx, identity_used_sql, DB_TEXT(email), DB_INT(now_us), DB_TEXT(id));
}

err identity_list(
	struct db_tx *tx, struct arena *a, span account, struct identity **ret, size_t *ret_count)
{
	struct identity *list = arena_try_array(a, IDENTITIES_MAX, sizeof(*list));
	size_t count = 0;
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;

	if (!list)
		return ERR_NOMEM;
	err e = db_query(tx, &rows, identity_list_sql, DB_TEXT(account), DB_INT(IDENTITIES_MAX));

	while (!e && count < IDENTITIES_MAX) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		read_identity(rows, a, &list[count++]);
	}
	*ret = list;
	*ret_count = count;
	return e;
}

err identity_delete(struct db_tx *tx, span id, span account, bool *ret_found)
{
	int64_t deleted = 0;
	err e = db_change(tx, &deleted, identity_delete_sql, DB_TEXT(id), DB_TEXT(account));

	if (!e)
		*ret_found = deleted == 1;
	return e;
}

err identity_delete_of_account(struct db_tx *tx, span account)
{
	return db_exec(tx, identity_delete_of_account_sql, DB_TEXT(account));
}
