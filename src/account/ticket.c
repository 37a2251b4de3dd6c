/* Hard rule: taking a ticket is one DELETE … RETURNING; nothing read before it decides. */
#include "account/ticket.h"

#include "account/account_queries.h"
#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define PREFIX       "slt_"
#define SECRET_BYTES 32

static const char *const purposes[TICKET_PURPOSES] = {
	[TICKET_SECOND_FACTOR] = "second_factor",
	[TICKET_INVITATION] = "invitation",
	[TICKET_PASSWORD_RESET] = "password_reset",
	[TICKET_EMAIL_VERIFICATION] = "email_verification",
	[TICKET_FEDERATION] = "federation",
	[TICKET_PASSKEY] = "passkey",
};

const char *ticket_purpose_name(enum ticket_purpose p)
{
	return purposes[p];
}

span ticket_secret(span text)
{
	return span_starts_with(text, SPAN(PREFIX)) ? span_from_offset(text, sizeof(PREFIX) - 1)
						    : SPAN_EMPTY;
}

err ticket_issue(
	struct db_tx *tx, const struct ticket *t, int64_t now_us, char ret_text[TICKET_TEXT_SIZE])
{
	uint8_t secret[SECRET_BYTES], hash[SHA256_SIZE];
	struct buf text;

	random_bytes(secret, sizeof(secret));
	buf_init_fixed(&text, ret_text, TICKET_TEXT_SIZE);
	buf_add_str(&text, PREFIX);
	base64url_encode(&text, span_of(secret, sizeof(secret)));
	wipe(secret, sizeof(secret));
	sha256(buf_span(&text), hash);
	return db_exec(tx, ticket_insert, DB_BLOB(span_of(hash, sizeof(hash))),
		DB_CSTR(purposes[t->purpose]), DB_OPT_TEXT(t->account), DB_TEXT(t->data),
		DB_INT(now_us), DB_INT(t->expires_at_us));
}

static err read_one(struct db_tx *tx, struct arena *a, const struct db_statement *statement,
	enum ticket_purpose p, span text, int64_t now_us, struct ticket *ret, bool *ret_found)
{
	uint8_t hash[SHA256_SIZE];
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;

	sha256(text, hash);
	err e = db_query(tx, &rows, *statement, DB_BLOB(span_of(hash, sizeof(hash))),
		DB_CSTR(purposes[p]), DB_INT(now_us));
	if (!e)
		e = db_next(rows, &found);
	if (!e && found)
		*ret = (struct ticket){
			p, db_text_in(rows, 0, a), db_text_in(rows, 1, a), db_int(rows, 2)};
	if (!e)
		*ret_found = found;
	return e;
}

err ticket_peek(struct db_tx *tx, struct arena *a, enum ticket_purpose p, span text, int64_t now_us,
	struct ticket *ret, bool *ret_found)
{
	return read_one(tx, a, &ticket_select, p, text, now_us, ret, ret_found);
}

err ticket_redeem(struct db_tx *tx, struct arena *a, enum ticket_purpose p, span text,
	int64_t now_us, struct ticket *ret, bool *ret_found)
{
	return read_one(tx, a, &ticket_take, p, text, now_us, ret, ret_found);
}

err ticket_set_data(struct db_tx *tx, enum ticket_purpose p, span text, span data)
{
	uint8_t hash[SHA256_SIZE];

	sha256(text, hash);
	return db_exec(tx, ticket_set_data_sql, DB_TEXT(data), DB_BLOB(span_of(hash, sizeof(hash))),
		DB_CSTR(purposes[p]));
}

err ticket_withdraw(struct db_tx *tx, enum ticket_purpose p, span account)
{
	return db_exec(tx, ticket_withdraw_sql, DB_TEXT(account), DB_CSTR(purposes[p]));
}

err ticket_withdraw_but(struct db_tx *tx, enum ticket_purpose p, span account, span data)
{
	return db_exec(
		tx, ticket_withdraw_but_sql, DB_TEXT(account), DB_CSTR(purposes[p]), DB_TEXT(data));
}

err ticket_expire(struct db_tx *tx, int64_t now_us, int64_t *ret_count)
{
	return db_change(tx, ret_count, ticket_expire_sql, DB_INT(now_us));
}
