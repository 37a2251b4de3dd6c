/* Hard rule: taking the token and making the administrator are one transaction. */
#include "service/setup.h"

#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "service/audit.h"
#include "service/passwords.h"
#include "service/service_queries.h"

#include "base/banned.h"

#define TOKEN_BYTES 32

static void hash_token(span token, char ret[SHA256_HEX + 1])
{
	uint8_t digest[SHA256_SIZE];
	struct buf hex;

	sha256(token, digest);
	buf_init_fixed(&hex, ret, SHA256_HEX + 1);
	hex_encode(&hex, span_of(digest, sizeof(digest)));
}

static err store_token(struct db_tx *tx, void *arg)
{
	return db_exec(tx, setup_put, DB_CSTR(arg));
}

err setup_token_make(struct db *db, char ret[SETUP_TOKEN_SIZE])
{
	char hash[SHA256_HEX + 1];
	uint8_t secret[TOKEN_BYTES];
	struct buf text;

	random_bytes(secret, sizeof(secret));
	buf_init_fixed(&text, ret, SETUP_TOKEN_SIZE);
	buf_add_str(&text, "sls_");
	base64url_encode(&text, span_of(secret, sizeof(secret)));
	wipe(secret, sizeof(secret));
	hash_token(buf_span(&text), hash);
	return db_transact(db, DB_WRITE, store_token, hash);
}

static err insert_admin(struct db_tx *tx, struct arena *a, span id, span email, span password_hash,
	int64_t now_us, bool factor_required, struct account *ret)
{
	*ret = (struct account){.id = id,
		.factor_required = factor_required,
		.email = email,
		.role = SPAN("admin"),
		.password_hash = password_hash,
		.epoch = 1,
		.created_at_us = now_us};
	return account_insert(tx, a, ret);
}

struct setup {
	struct task *task;
	const char *token_hash;
	span id, email, password_hash;
	struct account account;
};

static err setup_body(struct db_tx *tx, void *arg)
{
	struct setup *s = arg;
	struct task *t = s->task;
	int64_t taken = 0;
	err e = db_change(tx, &taken, setup_take, DB_CSTR(s->token_hash));

	if (e)
		return e;
	if (taken != 1)
		return fail(t, ERR_DENIED, "setup_token_invalid",
			"The set-up token is wrong, or was used already.");
	e = insert_admin(
		tx, t->arena, s->id, s->email, s->password_hash, t->now_us, true, &s->account);
	if (e == ERR_CONFLICT)
		return fail(t, e, "email_taken", "There is an account with this address.");
	return e ? e : audit_add(tx, t, "setup", s->id, "{}");
}

/* Before the costly hash: is this the token at all? The body decides. */
static err probe_body(struct db_tx *tx, void *arg)
{
	struct setup *s = arg;
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, setup_find, DB_CSTR(s->token_hash));

	if (!e)
		e = db_next(rows, &row);
	if (!e && !row)
		return fail(s->task, ERR_DENIED, "setup_token_invalid",
			"The set-up token is wrong, or was used already.");
	return e;
}

err setup_with_token(struct task *t, span token, span email, span password, struct account *ret)
{
	char hash[SHA256_HEX + 1], id[TYPEID_SIZE];
	struct setup s = {.task = t, .token_hash = hash, .email = email};
	err e;

	hash_token(token, hash);
	e = db_transact(t->service->db, DB_READ, probe_body, &s);
	if (!e && !email_is_valid(email))
		e = fail(t, ERR_INVALID, "invalid_member", "'email' must be an e-mail address.");
	if (!e)
		e = password_accept(t, password, email, &s.password_hash);
	if (e)
		return e;
	random_id("acc", t->now_us, id);
	s.id = span_from(arena_strdup(t->arena, id));
	e = db_transact(t->service->db, DB_WRITE, setup_body, &s);
	if (!e)
		*ret = s.account;
	return e;
}

struct direct {
	struct arena *arena;
	span id, email, password_hash;
	int64_t now_us;
};

static err direct_body(struct db_tx *tx, void *arg)
{
	const struct direct *d = arg;
	struct account ignored;

	return insert_admin(
		tx, d->arena, d->id, d->email, d->password_hash, d->now_us, false, &ignored);
}

err setup_admin(
	struct db *db, span email, span password_hash, int64_t now_us, char ret_id[TYPEID_SIZE])
{
	AUTO_PTR(arena) a = arena_new();
	char id[TYPEID_SIZE];
	struct direct d = {a, {0}, email, password_hash, now_us};
	err e;

	random_id("acc", now_us, id);
	d.id = span_from(id);
	e = db_transact(db, DB_WRITE, direct_body, &d);
	if (!e)
		for (size_t i = 0; i < sizeof(id); i++)
			ret_id[i] = id[i];
	return e;
}
