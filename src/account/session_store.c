/*
 * Rows of sessions. Hard rule: one UPDATE with the generation in its WHERE decides a rotation;
 * nothing read before it does.
 */
#include "account/session.h"

#include <string.h>

#include "account/account_queries.h"
#include "account/epoch.h"
#include "crypto/secret.h"
#include "state/records.h"

#include "base/banned.h"

/* As many characters of text as the column takes. */
static span whole_characters(span text)
{
	size_t end = 0, len;

	while ((len = span_utf8_len(span_from_offset(text, end))) && end + len <= USER_AGENT_MAX)
		end += len;
	return span_sub(text, 0, end);
}

err session_insert(struct db_tx *tx, const struct session *s)
{
	return db_exec(tx, session_insert_sql, DB_TEXT(s->id), DB_TEXT(s->account),
		DB_OPT_TEXT(s->device), DB_TEXT(s->client_id), DB_TEXT(s->ip_prefix),
		DB_BLOB(span_of(s->token_hash, SHA256_SIZE)), DB_INT(s->created_at_us),
		DB_INT(s->expires_at_us), DB_CSTR(s->cookie ? "cookie" : "token"),
		DB_TEXT(s->methods), DB_TEXT(whole_characters(s->user_agent)),
		DB_OPT_TEXT(s->provider), DB_OPT_TEXT(s->provider_session), DB_TEXT(s->scope));
}

static err read_session(struct db_rows *rows, struct arena *a, struct session *ret)
{
	span hash = db_blob(rows, 6), previous = db_blob(rows, 20);

	if (hash.len != SHA256_SIZE || (previous.len && previous.len != SHA256_SIZE))
		return ERR_CORRUPT;
	*ret = (struct session){
		.id = db_text_in(rows, 0, a),
		.account = db_text_in(rows, 1, a),
		.device = db_text_in(rows, 2, a),
		.client_id = db_text_in(rows, 3, a),
		.ip_prefix = db_text_in(rows, 4, a),
		.generation = db_int(rows, 5),
		.rotated_at_us = db_int(rows, 7),
		.created_at_us = db_int(rows, 8),
		.last_used_at_us = db_int(rows, 9),
		.expires_at_us = db_int(rows, 10),
		.ended_at_us = db_int(rows, 11),
		.end_reason = db_text_in(rows, 12, a),
		.cookie = span_is(db_text(rows, 13), "cookie"),
		.methods = db_text_in(rows, 14, a),
		.authenticated_at_us = db_int(rows, 15),
		.user_agent = db_text_in(rows, 16, a),
		.provider = db_text_in(rows, 17, a),
		.provider_session = db_text_in(rows, 18, a),
		.scope = db_text_in(rows, 19, a),
	};
	memcpy(ret->token_hash, hash.ptr, SHA256_SIZE);
	if (previous.len)
		memcpy(ret->previous_hash, previous.ptr, SHA256_SIZE);
	return OK;
}

err session_find(struct db_tx *tx, struct arena *a, span id, struct session *ret, bool *ret_found)
{
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, session_select, DB_TEXT(id));

	if (!e)
		e = db_next(rows, &found);
	if (!e && found)
		e = read_session(rows, a, ret);
	if (!e)
		*ret_found = found;
	return e;
}

bool session_is_alive(const struct session *s, const struct session_idle *idle, int64_t now_us)
{
	int64_t most_us = s->cookie ? idle->cookie_us : idle->token_us;

	return !s->ended_at_us && now_us < s->expires_at_us &&
	       now_us < s->last_used_at_us + most_us;
}

err session_list(struct db_tx *tx, struct arena *a, const struct session_filter *f, int64_t now_us,
	struct session **ret, size_t *ret_count)
{
	struct session *list = arena_alloc(a, f->limit * sizeof(*list));
	size_t count = 0;
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, session_list_living, DB_TEXT(f->account), DB_INT(now_us),
		DB_INT(now_us - f->idle.cookie_us), DB_INT(now_us - f->idle.token_us),
		DB_TEXT(f->after), DB_INT((int64_t)f->limit));

	while (!e) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		e = read_session(rows, a, &list[count]);
		count += !e;
	}
	*ret = list;
	*ret_count = count;
	return e;
}

err session_touch(struct db_tx *tx, span id, int64_t now_us)
{
	return db_exec(tx, session_touch_sql, DB_INT(now_us), DB_TEXT(id));
}

err session_set_proof(struct db_tx *tx, span id, span methods, int64_t now_us)
{
	return db_exec(tx, session_set_proof_sql, DB_TEXT(methods), DB_INT(now_us), DB_TEXT(id));
}

err session_change_cookie(
	struct db_tx *tx, span id, const uint8_t hash[SHA256_SIZE], int64_t now_us)
{
	return db_exec(tx, session_change_cookie_sql, DB_BLOB(span_of(hash, SHA256_SIZE)),
		DB_INT(now_us), DB_TEXT(id));
}

/* The UPDATE changed nothing: why? */
static enum rotation judge(
	const struct session *s, const struct refresh_token *token, int64_t idle_us, int64_t now_us)
{
	if (s->ended_at_us || s->expires_at_us <= now_us || s->last_used_at_us + idle_us <= now_us)
		return ROTATION_ENDED;
	if (s->generation == token->generation + 1 && now_us < s->rotated_at_us + REFRESH_RETRY_US)
		return ROTATION_REPEATED;
	/* A token of a generation to come cannot exist; of a past one it is reuse. */
	return s->generation > token->generation ? ROTATION_REUSED : ROTATION_ENDED;
}

err session_rotate(struct db_tx *tx, struct arena *a, const struct refresh_token *token,
	const uint8_t presented[SHA256_SIZE], const uint8_t next[SHA256_SIZE], int64_t idle_us,
	int64_t now_us, enum rotation *ret, struct session *ret_session)
{
	span id = span_from(token->session);
	int64_t changed = 0;
	bool found = false;
	struct session s;
	err e = db_change(tx, &changed, session_rotate_sql, DB_BLOB(span_of(next, SHA256_SIZE)),
		DB_INT(now_us), DB_TEXT(id), DB_INT(token->generation),
		DB_BLOB(span_of(presented, SHA256_SIZE)), DB_INT(now_us - idle_us));

	if (!e)
		e = session_find(tx, a, id, &s, &found);
	if (e)
		return e;
	*ret = changed == 1 ? ROTATION_DONE
	       : found      ? judge(&s, token, idle_us, now_us)
			    : ROTATION_ENDED;
	if (*ret != ROTATION_ENDED)
		*ret_session = s;
	return OK;
}

/* Ending --------------------------------------------------------------------------------------- */

static err revoke(struct feed_batch *feed, span session, int64_t now_us)
{
	char key_memory[STATE_KEY_MAX + 1], value_memory[16];
	struct buf key, value;
	int64_t until = now_us + ACCESS_LIFE_MAX_US;

	buf_init_fixed(&key, key_memory, sizeof(key_memory));
	buf_init_fixed(&value, value_memory, sizeof(value_memory));
	state_key_revoked(&key, session);
	state_pack_u64(&value, (uint64_t)until);
	return feed_put(feed, buf_span(&key), buf_span(&value), until);
}

/*
 * A device token lives for weeks and does not name the session it came with: when that session
 * ends, the device's epoch is raised. For good, because device tokens live as long as a setting
 * says.
 */
static err end_device_token(struct db_tx *tx, struct feed_batch *feed, span session)
{
	AUTO_PTR(arena) a = arena_new();
	span device = SPAN_EMPTY;
	uint64_t epoch = 0;
	bool row = false;
	{
		AUTO_PTR(db_rows) rows = NULL;
		err e = db_query(tx, &rows, session_raise_device_epoch, DB_TEXT(session));

		if (!e)
			e = db_next(rows, &row);
		if (e || !row)
			return e;
		device = db_text_in(rows, 0, a);
		epoch = (uint64_t)db_int(rows, 1);
	}
	return epoch_put(feed, device, epoch, 0);
}

err session_end(
	struct db_tx *tx, struct feed_batch *feed, span id, const char *reason, int64_t now_us)
{
	int64_t changed = 0;
	err e = db_change(
		tx, &changed, session_end_sql, DB_INT(now_us), DB_CSTR(reason), DB_TEXT(id));

	if (e || !changed)
		return e;
	e = end_device_token(tx, feed, id);
	return e ? e : revoke(feed, id, now_us);
}

struct ended {
	struct ended *next;
	span id;
};

static err read_ids(struct db_rows *rows, struct arena *a, struct ended **ret)
{
	bool row = false;
	err e = OK;

	while (!e) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		struct ended *one = arena_alloc(a, sizeof(*one));

		*one = (struct ended){*ret, db_text_in(rows, 0, a)};
		*ret = one;
	}
	return e;
}

static err revoke_all(struct feed_batch *feed, struct ended *list, int64_t now_us)
{
	err e = OK;

	for (; !e && list; list = list->next)
		e = revoke(feed, list->id, now_us);
	return e;
}

static err end_many(struct db_tx *tx, struct feed_batch *feed, struct arena *a,
	const struct db_statement *update, span whose, const char *reason, int64_t now_us)
{
	struct ended *list = NULL;
	err e;
	{
		AUTO_PTR(db_rows) rows = NULL;

		e = db_query(tx, &rows, *update, DB_INT(now_us), DB_CSTR(reason), DB_TEXT(whose));
		if (!e)
			e = read_ids(rows, a, &list);
	}
	return e ? e : revoke_all(feed, list, now_us);
}

err session_end_others(struct db_tx *tx, struct feed_batch *feed, struct arena *a, span account,
	span keep, const char *reason, int64_t now_us)
{
	struct ended *list = NULL;
	err e;
	{
		AUTO_PTR(db_rows) rows = NULL;

		e = db_query(tx, &rows, session_end_others_sql, DB_INT(now_us), DB_CSTR(reason),
			DB_TEXT(account), DB_TEXT(keep));
		if (!e)
			e = read_ids(rows, a, &list);
	}
	for (struct ended *one = list; !e && one; one = one->next)
		e = end_device_token(tx, feed, one->id);
	return e ? e : revoke_all(feed, list, now_us);
}

err session_end_beyond(struct db_tx *tx, struct feed_batch *feed, struct arena *a, span account,
	int64_t most, int64_t now_us)
{
	struct ended *list = NULL;
	err e;
	{
		AUTO_PTR(db_rows) rows = NULL;

		e = db_query(tx, &rows, session_list_beyond, DB_TEXT(account), DB_INT(now_us),
			DB_INT(most));
		if (!e)
			e = read_ids(rows, a, &list);
	}
	for (; !e && list; list = list->next)
		e = session_end(tx, feed, list->id, "superseded", now_us);
	return e;
}

err session_end_of_provider(struct db_tx *tx, struct feed_batch *feed, struct arena *a,
	span provider, span provider_session, span account, const char *reason, int64_t now_us)
{
	struct ended *list = NULL;
	err e;
	{
		AUTO_PTR(db_rows) rows = NULL;

		e = db_query(tx, &rows, session_end_of_provider_sql, DB_INT(now_us),
			DB_CSTR(reason), DB_TEXT(provider), DB_TEXT(provider_session),
			DB_TEXT(account));
		if (!e)
			e = read_ids(rows, a, &list);
	}
	return e ? e : revoke_all(feed, list, now_us);
}

err session_end_of_account(struct db_tx *tx, struct feed_batch *feed, struct arena *a, span account,
	const char *reason, int64_t now_us)
{
	return end_many(tx, feed, a, &session_end_of_account_sql, account, reason, now_us);
}

err session_end_of_device(struct db_tx *tx, struct feed_batch *feed, struct arena *a, span device,
	const char *reason, int64_t now_us)
{
	return end_many(tx, feed, a, &session_end_of_device_sql, device, reason, now_us);
}

err session_end_through(struct db_tx *tx, struct feed_batch *feed, struct arena *a, span provider,
	const char *reason, int64_t now_us)
{
	return end_many(tx, feed, a, &session_end_through_sql, provider, reason, now_us);
}

err session_delete_over(struct db_tx *tx, int64_t before_us, int64_t limit, int64_t *ret_count)
{
	return db_change(tx, ret_count, session_delete_over_sql, DB_INT(before_us), DB_INT(limit));
}

err session_device_get(struct db_tx *tx, struct arena *a, span device, struct session_device *ret)
{
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, session_device, DB_TEXT(device));

	if (!e)
		e = db_next(rows, &found);
	if (e)
		return e;
	if (!found)
		return ERR_NOT_FOUND;
	*ret = (struct session_device){
		.active = span_is(db_text(rows, 0), "active"),
		.epoch = (uint64_t)db_int(rows, 1),
		.licence = db_text_in(rows, 2, a),
		.entitlements = db_text_in(rows, 3, a),
		.org = db_text_in(rows, 4, a),
		.licence_active = span_is(db_text(rows, 5), "active"),
		.licence_starts_at_us = db_int(rows, 6),
		.licence_expires_at_us = db_int(rows, 7),
		.product = db_text_in(rows, 8, a),
	};
	return OK;
}
