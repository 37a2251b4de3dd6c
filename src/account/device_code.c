/* Hard rule: one UPDATE decides, one DELETE hands out; nothing read before them does. */
#include "account/device_code.h"

#include <string.h>

#include "account/account_queries.h"
#include "crypto/random.h"

#include "base/banned.h"

static const char *const states[] = {"pending", "approved", "denied"};

void user_code_make(char ret[USER_CODE_SIZE])
{
	size_t n = 0;

	for (int i = 0; i < USER_CODE_CHARS; i++) {
		if (i == USER_CODE_CHARS / 2)
			ret[n++] = '-';
		ret[n++] = USER_CODE_LETTERS[random_below(sizeof(USER_CODE_LETTERS) - 1)];
	}
	ret[n] = '\0';
}

err user_code_parse(span text, char ret[USER_CODE_SIZE])
{
	char out[USER_CODE_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '-' || c == ' ')
			continue;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (!c || !strchr(USER_CODE_LETTERS, c) || n == USER_CODE_SIZE - 1)
			return ERR_INVALID;
		if (n == USER_CODE_CHARS / 2)
			out[n++] = '-';
		out[n++] = c;
	}
	if (n != USER_CODE_SIZE - 1)
		return ERR_INVALID;
	out[n] = '\0';
	memcpy(ret, out, sizeof(out));
	return OK;
}

static struct db_value hash_value(const uint8_t hash[SHA256_SIZE])
{
	return DB_BLOB(span_of(hash, SHA256_SIZE));
}

err device_code_insert(struct db_tx *tx, const struct device_code *c)
{
	return db_exec(tx, device_code_insert_sql, hash_value(c->device_hash),
		hash_value(c->user_hash), DB_TEXT(c->client_id), DB_TEXT(c->scope),
		DB_TEXT(c->ip_prefix), DB_TEXT(c->country), DB_INT(c->interval_s),
		DB_INT(c->created_at_us), DB_INT(c->expires_at_us));
}

static err read_code(struct db_rows *rows, struct arena *a, struct device_code *ret)
{
	span state = db_text(rows, 4);

	*ret = (struct device_code){
		.client_id = db_text_in(rows, 0, a),
		.scope = db_text_in(rows, 1, a),
		.ip_prefix = db_text_in(rows, 2, a),
		.country = db_text_in(rows, 3, a),
		.account = db_text_in(rows, 5, a),
		.session = db_text_in(rows, 6, a),
		.interval_s = db_int(rows, 7),
		.polled_at_us = db_int(rows, 8),
		.created_at_us = db_int(rows, 9),
		.expires_at_us = db_int(rows, 10),
	};
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (span_is(state, states[i])) {
			ret->state = (enum device_code_state)i;
			return OK;
		}
	return ERR_CORRUPT;
}

err device_code_find(struct db_tx *tx, struct arena *a, const uint8_t device_hash[SHA256_SIZE],
	struct device_code *ret, bool *ret_found)
{
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, device_code_select, hash_value(device_hash));

	if (!e)
		e = db_next(rows, &found);
	if (!e && found)
		e = read_code(rows, a, ret);
	if (!e)
		*ret_found = found;
	return e;
}

err device_code_find_waiting(struct db_tx *tx, struct arena *a,
	const uint8_t user_hash[SHA256_SIZE], int64_t now_us, struct device_code *ret,
	bool *ret_found)
{
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(
		tx, &rows, device_code_select_by_user_code, hash_value(user_hash), DB_INT(now_us));

	if (!e)
		e = db_next(rows, &found);
	if (!e && found)
		e = read_code(rows, a, ret);
	if (!e)
		*ret_found = found;
	return e;
}

err device_code_decide(struct db_tx *tx, const uint8_t user_hash[SHA256_SIZE],
	enum device_code_state state, span account, span session, int64_t now_us, bool *ret_done)
{
	int64_t changed = 0;
	err e = db_change(tx, &changed, device_code_decide_sql, DB_CSTR(states[state]),
		DB_TEXT(account), DB_TEXT(session), hash_value(user_hash), DB_INT(now_us));

	if (!e)
		*ret_done = changed == 1;
	return e;
}

err device_code_polled(struct db_tx *tx, const uint8_t device_hash[SHA256_SIZE], int64_t interval_s,
	int64_t now_us)
{
	return db_exec(tx, device_code_poll_sql, DB_INT(now_us), DB_INT(interval_s),
		hash_value(device_hash));
}

err device_code_delete(struct db_tx *tx, const uint8_t device_hash[SHA256_SIZE], bool *ret_done)
{
	int64_t changed = 0;
	err e = db_change(tx, &changed, device_code_delete_sql, hash_value(device_hash));

	if (!e)
		*ret_done = changed == 1;
	return e;
}

err device_code_expire(struct db_tx *tx, int64_t now_us, int64_t *ret_count)
{
	return db_change(tx, ret_count, device_code_expire_sql, DB_INT(now_us));
}
