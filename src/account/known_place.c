/* Hard rule: neither addresses nor user agents are stored, only their keyed hash. */
#include "account/known_place.h"

#include "account/account_queries.h"

#include "base/banned.h"

void known_place_hash(struct arena *a, const uint8_t key[SHA256_SIZE], span account, span network,
	span user_agent, uint8_t ret[SHA256_SIZE])
{
	char *program = arena_str(a, user_agent);
	size_t len = 0;

	for (size_t i = 0; i < user_agent.len; i++)
		if (user_agent.ptr[i] != '.' &&
			!(user_agent.ptr[i] >= '0' && user_agent.ptr[i] <= '9'))
			program[len++] = user_agent.ptr[i];
	const char *text = arena_printf(
		a, "%.*s\n%.*s\n%.*s", SPAN_ARG(account), SPAN_ARG(network), (int)len, program);

	hmac_sha256(span_of(key, SHA256_SIZE), span_from(text), ret);
}

static err count_places(struct db_tx *tx, span account, int64_t *ret)
{
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, known_places_count, DB_TEXT(account));

	if (!e)
		e = db_next(rows, &row);
	if (!e)
		*ret = row ? db_int(rows, 0) : 0;
	return e;
}

err known_place_note(struct db_tx *tx, span account, const uint8_t hash[SHA256_SIZE],
	int64_t now_us, bool *ret_new)
{
	struct db_value place = DB_BLOB(span_of(hash, SHA256_SIZE));
	int64_t seen = 0, others = 0;
	err e = db_change(tx, &seen, known_place_touch, DB_INT(now_us), DB_TEXT(account), place);

	*ret_new = false;
	if (e || seen)
		return e;
	e = count_places(tx, account, &others);
	if (!e)
		e = db_exec(tx, known_place_insert, DB_TEXT(account), place, DB_INT(now_us));
	if (!e)
		e = db_exec(tx, known_places_trim, DB_TEXT(account), DB_INT(KNOWN_PLACES));
	if (!e)
		*ret_new = others > 0;
	return e;
}
