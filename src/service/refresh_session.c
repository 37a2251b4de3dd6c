/*
 * Going on and signing out. Hard rule: a session whose token was used twice ends in the very
 * transaction that saw it, and its access tokens with it.
 */
#include "base/time.h"
#include "crypto/secret.h"
#include "service/audit.h"
#include "service/mailbox.h"
#include "service/notices.h"
#include "service/second_factor.h"
#include "service/sign_in.h"

#include "base/banned.h"

struct turn {
	struct task *task;
	span client_id; /* who says it is theirs, or empty */
	struct refresh_token token;
	uint8_t presented[SHA256_SIZE], next[SHA256_SIZE];
	enum rotation rotation;
	struct session session;
	struct token_subject subject;
	uint64_t seq;
};

static err invalid_grant(struct task *t, const char *log)
{
	t->log = log;
	return fail(t, ERR_UNAUTHENTICATED, "invalid_grant",
		"The refresh token is not valid any more. Sign in again.");
}

/* The hash of the text of a generation, without keeping the text. */
static void hash_of(const struct turn *u, int64_t generation, uint8_t ret[SHA256_SIZE])
{
	char memory[REFRESH_TOKEN_MAX + 1];
	uint8_t key[REFRESH_KEY_SIZE];
	struct buf text;

	buf_init_fixed(&text, memory, sizeof(memory));
	refresh_key(u->task->service, key);
	refresh_token_format(&text, span_from(u->token.session), generation, key);
	sha256(buf_span(&text), ret);
	wipe(key, sizeof(key));
	wipe(memory, sizeof(memory));
}

static err end_session(struct db_tx *tx, struct turn *u, const char *reason, const char *outcome)
{
	struct feed_batch feed;
	span session = span_from(u->token.session);
	const char *detail =
		arena_printf(u->task->arena, "{\"reason\":\"%s\"}", reason); /* our own word */
	err e;

	feed_begin(&feed, tx);
	e = session_end(tx, &feed, session, reason, u->task->now_us);
	if (!e)
		e = audit_add_outcome(tx, u->task, "auth.session_end", session, outcome, detail);
	return e ? e : feed_seal(&feed, &u->seq);
}

/* Two hold it: one of them has no right to. */
static err end_reused(struct db_tx *tx, struct turn *u)
{
	err e = end_session(tx, u, "reuse", "reuse");

	if (!e)
		e = mailbox_withdraw(tx, u->task, u->session.account);
	return e ? e
		 : notice_account(tx, u->task, MAIL_ACCOUNT_CHANGED, u->session.account,
			   "a session was ended, as its refresh token was used twice: somebody may "
			   "have a copy");
}

static err load_device(struct db_tx *tx, struct turn *u)
{
	struct token_subject *s = &u->subject;
	int64_t now_us = u->task->now_us;
	struct session_device d;
	err e = session_device_get(tx, u->task->arena, u->session.device, &d);

	if (e)
		return e;
	if (!d.active)
		return invalid_grant(u->task, "the device was revoked");
	s->device = u->session.device;
	s->device_epoch = d.epoch;
	if (d.licence_active && d.licence_starts_at_us <= now_us &&
		(!d.licence_expires_at_us || now_us < d.licence_expires_at_us)) {
		s->licence = d.licence;
		s->product = d.product;
		s->entitlements = d.entitlements;
		s->licence_expires_at_us = d.licence_expires_at_us;
	}
	if (d.org.len)
		s->org = d.org;
	return OK;
}

static err load_subject(struct db_tx *tx, struct turn *u)
{
	struct arena *a = u->task->arena;
	struct account account;
	bool found;
	err e = account_find(tx, a, u->session.account, &account, &found);

	if (e)
		return e;
	if (!found || account.disabled)
		return invalid_grant(u->task, "the account is disabled");
	u->subject = (struct token_subject){.client_id = u->session.client_id,
		.session = u->session.id,
		.generation = u->token.generation + 1};
	token_subject_set_account(&u->subject, &account);
	u->subject.permissions = scoped_permissions(a,
		session_permissions(u->task->service, &account, u->session.methods),
		u->session.scope);
	if (u->session.device.len)
		return load_device(tx, u);
	return account_entitlements(tx, a, account.id, u->task->now_us, &u->subject.entitlements);
}

/* Ending a session is a success of the transaction: the refusal comes after the commit. */
static err rotate_body(struct db_tx *tx, void *arg)
{
	struct turn *u = arg;
	struct task *t = u->task;
	err e = session_rotate(tx, t->arena, &u->token, u->presented, u->next,
		conf_int(t->service->conf, CONF_REFRESH_IDLE), t->now_us, &u->rotation,
		&u->session);

	u->seq = 0;
	if (e || u->rotation == ROTATION_ENDED)
		return e;
	t->caller->account = u->session.account;
	if (u->rotation == ROTATION_REUSED)
		return end_reused(tx, u);
	/* RFC 6749, 10.4: the failure takes the rotation back. */
	if (u->client_id.len && !span_eq(u->client_id, u->session.client_id))
		return invalid_grant(t, "the refresh token is another client's");
	return load_subject(tx, u);
}

err refresh_session(struct task *t, span refresh_token, span client_id, struct issued_tokens *ret)
{
	struct turn u = {.task = t, .client_id = client_id};
	uint8_t key[REFRESH_KEY_SIZE];
	err e;

	refresh_key(t->service, key);
	e = refresh_token_parse(refresh_token, key, &u.token);
	wipe(key, sizeof(key));
	if (e)
		return invalid_grant(t, "not a refresh token of this server");
	sha256(refresh_token, u.presented);
	hash_of(&u, u.token.generation + 1, u.next);
	e = db_transact(t->service->db, DB_WRITE, rotate_body, &u);
	if (e)
		return e;
	if (u.rotation == ROTATION_ENDED)
		return invalid_grant(t, "the session has ended");
	if (u.rotation == ROTATION_REUSED) {
		e = published(t, u.seq);
		return e ? e : invalid_grant(t, "a refresh token was used twice: session ended");
	}
	return issue_tokens(t, &u.subject, ret);
}

static err sign_out_body(struct db_tx *tx, void *arg)
{
	struct turn *u = arg;
	bool found;
	err e = session_find(tx, u->task->arena, span_from(u->token.session), &u->session, &found);

	u->seq = 0;
	if (e || !found || u->session.ended_at_us)
		return e;
	u->task->caller->kind = CALLER_ACCOUNT;
	u->task->caller->account = u->session.account;
	return end_session(tx, u, "logout", "ok");
}

err sign_out(struct task *t, span refresh_token)
{
	struct turn u = {.task = t};
	uint8_t key[REFRESH_KEY_SIZE];
	err e;

	refresh_key(t->service, key);
	e = refresh_token_parse(refresh_token, key, &u.token);
	wipe(key, sizeof(key));
	if (e)
		return OK; /* as RFC 7009 section 2.2: there is nothing left to revoke */
	e = db_transact(t->service->db, DB_WRITE, sign_out_body, &u);
	return e ? e : published(t, u.seq);
}
