/*
 * Browser sessions, looked up in the database with every request: what ends one is in force at once
 * on every control plane. Hard rule: the row decides, the cookie only names it.
 */
#include "service/sessions.h"

#include "base/time.h"
#include "crypto/secret.h"
#include "service/second_factor.h"

#include "base/banned.h"

/* last_used_at is written at most this often per session. */
#define USED_GRAIN TIME_MINUTE

struct visit {
	struct task *task;
	span id;
	struct session session;
	struct account account;
	span entitlements;
	bool found, old;
};

struct session_idle session_idle(const struct service *s)
{
	return (struct session_idle){
		conf_int(s->conf, CONF_COOKIE_IDLE), conf_int(s->conf, CONF_REFRESH_IDLE)};
}

static err load(struct db_tx *tx, void *arg)
{
	struct visit *v = arg;
	struct arena *a = v->task->arena;
	err e = session_find(tx, a, v->id, &v->session, &v->found);

	if (!e && v->found)
		e = account_find(tx, a, v->session.account, &v->account, &v->found);
	if (!e && v->found)
		e = account_entitlements(tx, a, v->account.id, v->task->now_us, &v->entitlements);
	return e;
}

static err touch(struct db_tx *tx, void *arg)
{
	const struct visit *v = arg;

	return session_touch(tx, v->id, v->task->now_us);
}

/* *ret_old: it is the cookie from before the last proof. */
static bool names_session(const struct visit *v, span cookie, bool *ret_old)
{
	const struct session *s = &v->session;
	uint8_t hash[SHA256_SIZE];
	span given = span_of(hash, sizeof(hash));

	sha256(cookie, hash);
	bool present = ct_equal(given, span_of(s->token_hash, SHA256_SIZE));
	bool previous = ct_equal(given, span_of(s->previous_hash, SHA256_SIZE)) &&
			v->task->now_us < s->rotated_at_us + REFRESH_RETRY_US;

	*ret_old = previous;
	return present || previous;
}

static bool is_good(struct visit *v, span cookie)
{
	struct session_idle idle = session_idle(v->task->service);

	return v->found && v->session.cookie && names_session(v, cookie, &v->old) &&
	       session_is_alive(&v->session, &idle, v->task->now_us) && !v->account.disabled;
}

static err ended(struct task *t, const char *log)
{
	t->log = log;
	return fail(
		t, ERR_UNAUTHENTICATED, "session_ended", "The session has ended. Sign in again.");
}

static void become(struct task *t, const struct visit *v)
{
	struct caller *c = t->caller;

	c->kind = CALLER_ACCOUNT;
	c->cookie = true;
	c->old_cookie = v->old;
	c->account = v->account.id;
	c->role = v->account.role;
	c->org = v->account.org;
	c->session = v->session.id;
	c->client_id = v->session.client_id;
	c->permissions = scoped_permissions(t->arena,
		session_permissions(t->service, &v->account, v->session.methods), v->session.scope);
	c->entitlements = v->entitlements;
}

err session_cookie_authenticate(struct task *t, span cookie)
{
	struct visit v = {.task = t};
	char id[TYPEID_SIZE];

	if (session_cookie_parse(cookie, id))
		return ended(t, "malformed cookie");
	v.id = span_from(id);
	err e = db_transact(t->service->db, DB_READ, load, &v);

	if (e)
		return e;
	if (!is_good(&v, cookie))
		return ended(t, v.found ? "ended, expired or disabled" : "unknown session");
	become(t, &v);
	if (t->now_us - v.session.last_used_at_us < USED_GRAIN)
		return OK;
	/* The session lives on; that it was used could not be noted. */
	if (db_transact(t->service->db, DB_WRITE, touch, &v))
		t->log = "the use of the session could not be noted";
	return OK;
}

err session_proved(struct db_tx *tx, struct task *t, const struct session *s, span methods)
{
	char text[COOKIE_SIZE];
	uint8_t hash[SHA256_SIZE];
	err e = session_set_proof(tx, s->id, methods, t->now_us);

	if (e || !s->cookie)
		return e;
	session_cookie_make(s->id, text);
	t->new_cookie = span_from(arena_strdup(t->arena, text));
	t->new_cookie_ends_us = s->expires_at_us;
	wipe(text, sizeof(text));
	sha256(t->new_cookie, hash);
	return session_change_cookie(tx, s->id, hash, t->now_us);
}
