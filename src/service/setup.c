/* Hard rule: taking the token and making or recovering the administrator are one transaction. */
#include "service/setup.h"

#include "account/api_key.h"
#include "account/factor.h"
#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "federation/provider.h"
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

struct token_making {
	struct task *task;
	const char *row;
};

static err store_token(struct db_tx *tx, void *arg)
{
	const struct token_making *m = arg;
	err e = db_exec(tx, setup_put, DB_CSTR(m->row));

	return e ? e : audit_add(tx, m->task, "setup.token", SPAN("setup"), "{}");
}

err setup_token_make(struct task *t, char ret[SETUP_TOKEN_SIZE])
{
	char hash[SHA256_HEX + 1];
	struct token_making m = {.task = t};
	uint8_t secret[TOKEN_BYTES];
	struct buf text;

	random_bytes(secret, sizeof(secret));
	buf_init_fixed(&text, ret, SETUP_TOKEN_SIZE);
	buf_add_str(&text, "sls_");
	base64url_encode(&text, span_of(secret, sizeof(secret)));
	wipe(secret, sizeof(secret));
	hash_token(buf_span(&text), hash);
	m.row = arena_printf(t->arena, "%s %lld", hash, (long long)(t->now_us + SETUP_TOKEN_LIFE));
	return db_transact(t->service->db, DB_WRITE, store_token, &m);
}

struct admins {
	int64_t count;
};

static err count_admins(struct db_tx *tx, void *arg)
{
	struct admins *a = arg;

	return account_count_other_admins(tx, SPAN(""), &a->count);
}

err setup_is_done(struct task *t, bool *ret)
{
	struct admins a = {0};
	err e = db_transact(t->service->db, DB_READ, count_admins, &a);

	if (!e)
		*ret = a.count > 0;
	return e;
}

/* The administrator ---------------------------------------------------------------------------- */

struct setup {
	struct task *task;
	const char *token_hash; /* NULL: on the machine itself, none is needed */
	span id, email, password_hash;
	bool factor_required;
	struct account account;
	uint64_t seq;
};

static err insert_admin(struct db_tx *tx, struct setup *s)
{
	struct task *t = s->task;

	s->account = (struct account){.id = s->id,
		.factor_required = s->factor_required,
		.email = s->email,
		.role = SPAN("admin"),
		.password_hash = s->password_hash,
		.epoch = 1,
		.created_at_us = t->now_us};
	err e = account_insert(tx, t->arena, &s->account);

	return e ? e : audit_add(tx, t, "setup", s->id, "{}");
}

/*
 * Who has lost the password may have lost the second factor; whoever has both, and every other way
 * in that they may have made, is put out.
 */
static err recover_admin(struct db_tx *tx, struct feed_batch *feed, struct setup *s)
{
	struct task *t = s->task;
	span id = s->account.id;
	err e;

	s->account.disabled = false;
	e = account_update(tx, t->arena, &s->account);
	if (!e)
		e = account_set_password(tx, id, s->password_hash);
	if (!e)
		e = factor_delete_all(tx, id);
	if (!e)
		e = identity_delete_of_account(tx, id);
	if (!e)
		e = api_key_revoke_of_account(tx, id, t->now_us);
	if (!e)
		e = account_end_credentials(tx, feed, id, "recovered", t->now_us);
	return e ? e : audit_add(tx, t, "account.recover", id, "{}");
}

static err put_admin(struct db_tx *tx, struct setup *s)
{
	struct feed_batch feed;
	bool found;
	err e = account_find_by_email(tx, s->task->arena, s->email, &s->account, &found);

	s->seq = 0;
	if (e)
		return e;
	if (!found)
		return insert_admin(tx, s);
	if (!span_is(s->account.role, "admin"))
		return fail(s->task, ERR_CONFLICT, "email_taken",
			"There is an account with this address, and it is no administrator.");
	feed_begin(&feed, tx);
	e = recover_admin(tx, &feed, s);
	return e ? e : feed_seal(&feed, &s->seq);
}

static err token_invalid(struct task *t)
{
	return fail(t, ERR_DENIED, "setup_token_invalid",
		"The set-up token is wrong, or was used already.");
}

static err token_expired(struct task *t)
{
	return fail(t, ERR_DENIED, "setup_token_expired",
		"The set-up token is older than %d hours. Make another one on the server's machine: "
		"slipway setup-token --data DIR",
		(int)(SETUP_TOKEN_LIFE / TIME_HOUR));
}

/* Whether this is the token, and still good; *ret_row is what is stored of it. */
static err check_token(struct db_tx *tx, const struct setup *s, span *ret_row)
{
	struct task *t = s->task;
	bool found = false;
	uint64_t ends_us;
	span rest, hash;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, setup_find);

	if (!e)
		e = db_next(rows, &found);
	if (e || !found)
		return e ? e : token_invalid(t);
	rest = *ret_row = db_text_in(rows, 0, t->arena);
	if (!span_cut(&rest, ' ', &hash) || !ct_equal(hash, span_from(s->token_hash)))
		return token_invalid(t);
	/* Without an end it is of a version whose tokens had none, and of unknown age. */
	if (span_to_u64(rest, INT64_MAX, &ends_us) || (int64_t)ends_us <= t->now_us)
		return token_expired(t);
	return OK;
}

static err take_token(struct db_tx *tx, const struct setup *s)
{
	int64_t taken = 0;
	span row = SPAN_EMPTY;
	err e = check_token(tx, s, &row);

	if (!e)
		e = db_change(tx, &taken, setup_take, DB_TEXT(row));
	return e || taken == 1 ? e : token_invalid(s->task);
}

static err setup_body(struct db_tx *tx, void *arg)
{
	struct setup *s = arg;
	err e = s->token_hash ? take_token(tx, s) : OK;

	return e ? e : put_admin(tx, s);
}

static err run_setup(struct setup *s, struct account *ret)
{
	struct task *t = s->task;
	char id[TYPEID_SIZE];

	random_id("acc", t->now_us, id);
	s->id = span_from(arena_strdup(t->arena, id));
	err e = db_transact(t->service->db, DB_WRITE, setup_body, s);

	if (!e)
		e = published(t, s->seq);
	if (!e)
		*ret = s->account;
	return e;
}

/* Before the costly hash: is this the token at all? The body decides. */
static err probe_body(struct db_tx *tx, void *arg)
{
	span row;

	return check_token(tx, arg, &row);
}

err setup_with_token(struct task *t, span token, span email, span password, struct account *ret)
{
	char hash[SHA256_HEX + 1];
	struct setup s = {.task = t, .token_hash = hash, .email = email, .factor_required = true};
	err e;

	hash_token(token, hash);
	e = db_transact(t->service->db, DB_READ, probe_body, &s);
	if (!e && !email_is_valid(email))
		e = fail(t, ERR_INVALID, "invalid_member", "'email' must be an e-mail address.");
	if (!e)
		e = password_accept(t, password, email, &s.password_hash);
	return e ? e : run_setup(&s, ret);
}

err setup_admin(struct task *t, span email, span password_hash, struct account *ret)
{
	struct setup s = {.task = t, .email = email, .password_hash = password_hash};

	return run_setup(&s, ret);
}
