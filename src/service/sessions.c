/* Hard rule: nobody learns of, or ends, a session of an account that is not theirs to see. */
#include "service/sessions.h"

#include "federation/provider.h"
#include "service/accounts.h"
#include "service/audit.h"
#include "service/mailbox.h"
#include "service/notices.h"
#include "service/open_session.h"
#include "service/passwords.h"

#include "base/banned.h"

struct listing {
	struct task *task;
	struct session_filter filter;
	struct session *list;
	size_t count;
};

static err list_body(struct db_tx *tx, void *arg)
{
	struct listing *l = arg;

	return session_list(tx, l->task->arena, &l->filter, l->task->now_us, &l->list, &l->count);
}

static err list(
	struct task *t, const struct session_filter *f, struct session **ret, size_t *ret_count)
{
	struct listing l = {.task = t, .filter = *f};
	err e = db_transact(t->service->db, DB_READ, list_body, &l);

	*ret = l.list;
	*ret_count = l.count;
	return e;
}

err sessions_own(struct task *t, span after, size_t limit, struct session **ret, size_t *ret_count)
{
	struct session_filter f = {t->caller->account, after, session_idle(t->service), limit};

	return list(t, &f, ret, ret_count);
}

err sessions_of(struct task *t, span account, span after, size_t limit, struct session **ret,
	size_t *ret_count)
{
	struct account a;
	err e = account_get(t, account, &a);
	struct session_filter f = {SPAN_EMPTY, after, session_idle(t->service), limit};

	f.account = e ? SPAN_EMPTY : a.id;
	return e ? e : list(t, &f, ret, ret_count);
}

struct lookup {
	struct task *task;
	struct session session;
	bool found;
};

static err current_body(struct db_tx *tx, void *arg)
{
	struct lookup *l = arg;
	struct task *t = l->task;

	return session_find(tx, t->arena, t->caller->session, &l->session, &l->found);
}

err session_current(struct task *t, struct session *ret, bool *ret_found)
{
	struct lookup l = {.task = t};
	err e = OK;

	if (t->caller->session.len)
		e = db_transact(t->service->db, DB_READ, current_body, &l);
	*ret = l.session;
	*ret_found = !e && l.found;
	return e;
}

/* Ending --------------------------------------------------------------------------------------- */

struct ending {
	struct task *task;
	span id;
	const char *reason;
	bool found;
	uint64_t seq;
};

static err end_body(struct db_tx *tx, void *arg)
{
	struct ending *x = arg;
	struct task *t = x->task;
	struct feed_batch feed;
	struct session s;
	err e = session_find(tx, t->arena, x->id, &s, &x->found);

	x->found = !e && x->found && span_eq(s.account, t->caller->account) && !s.ended_at_us;
	if (e || !x->found)
		return e;
	feed_begin(&feed, tx);
	e = session_end(tx, &feed, x->id, x->reason, t->now_us);
	if (!e && !span_eq(x->id, t->caller->session))
		e = mailbox_withdraw(tx, t, t->caller->account);
	if (!e)
		e = audit_add(tx, t, "auth.session_end", x->id, "{}");
	return e ? e : feed_seal(&feed, &x->seq);
}

err session_end_own(struct task *t, span id)
{
	struct ending x = {.task = t, .id = id, .reason = "ended"};
	err e = db_transact(t->service->db, DB_WRITE, end_body, &x);

	if (!e && !x.found)
		return fail(t, ERR_NOT_FOUND, "not_found", "You have no session with this id.");
	return e ? e : published(t, x.seq);
}

err session_end_current(struct task *t)
{
	struct ending x = {.task = t, .id = t->caller->session, .reason = "logout"};
	err e = OK;

	if (t->caller->session.len)
		e = db_transact(t->service->db, DB_WRITE, end_body, &x);
	return e ? e : published(t, x.seq);
}

static err end_others_body(struct db_tx *tx, void *arg)
{
	struct ending *x = arg;
	struct task *t = x->task;
	struct feed_batch feed;
	err e;

	feed_begin(&feed, tx);
	e = session_end_others(
		tx, &feed, t->arena, t->caller->account, x->id, x->reason, t->now_us);
	if (!e)
		e = mailbox_withdraw(tx, t, t->caller->account);
	if (!e)
		e = audit_add(tx, t, "auth.other_sessions_end", t->caller->account, "{}");
	return e ? e : feed_seal(&feed, &x->seq);
}

err sessions_end_others(struct task *t)
{
	struct ending x = {.task = t, .id = t->caller->session, .reason = "ended"};
	err e = db_transact(t->service->db, DB_WRITE, end_others_body, &x);

	return e ? e : published(t, x.seq);
}

struct ending_all {
	struct task *task;
	span id_or_email;
	struct account account;
	uint64_t seq;
};

static err end_all_body(struct db_tx *tx, void *arg)
{
	struct ending_all *x = arg;
	struct feed_batch feed;
	err e = account_resolve(tx, x->task, x->id_or_email, &x->account);

	if (!e)
		e = role_within_reach(x->task, x->account.role, x->account.permissions);
	if (e)
		return e;
	feed_begin(&feed, tx);
	e = account_end_credentials(tx, &feed, x->account.id, "revoked", x->task->now_us);
	if (!e)
		e = audit_add(tx, x->task, "account.sessions_end", x->account.id, "{}");
	return e ? e : feed_seal(&feed, &x->seq);
}

err sessions_end_of(struct task *t, span account)
{
	struct ending_all x = {.task = t, .id_or_email = account};
	err e = db_transact(t->service->db, DB_WRITE, end_all_body, &x);

	return e ? e : published(t, x.seq);
}

/* One's own password --------------------------------------------------------------------------- */

struct changing {
	struct task *task;
	struct account account;
	bool found;
	span hash;
	struct session session;
	struct opened_session opened;
};

static err find_body(struct db_tx *tx, void *arg)
{
	struct changing *c = arg;
	struct arena *a = c->task->arena;
	err e = session_find(tx, a, c->task->caller->session, &c->session, &c->found);

	return e || !c->found ? e : account_find(tx, a, c->session.account, &c->account, &c->found);
}

static err wrong_password(struct task *t)
{
	return fail(t, ERR_DENIED, "wrong_password", "The present password is wrong.");
}

static err change_body(struct db_tx *tx, void *arg)
{
	struct changing *c = arg;
	struct task *t = c->task;
	struct proof proof = {.methods = c->session.methods,
		.cookie = c->session.cookie,
		.provider = c->session.provider,
		.provider_session = c->session.provider_session,
		.scope = c->session.scope};
	struct feed_batch feed;
	struct account now;
	bool found;
	err e = account_find(tx, t->arena, c->account.id, &now, &found);

	if (e)
		return e;
	if (!found || !span_eq(now.password_hash, c->account.password_hash))
		return wrong_password(t);
	feed_begin(&feed, tx);
	e = id_token_find(tx, t->arena, c->session.id, &proof.id_token);
	if (!e)
		e = account_set_password(tx, now.id, c->hash);
	if (!e)
		e = account_end_credentials(tx, &feed, now.id, "password", t->now_us);
	if (!e)
		e = account_find(tx, t->arena, now.id, &now, &found); /* its epoch was raised */
	if (!e)
		e = audit_add(tx, t, "account.password", now.id, "{}");
	if (!e)
		e = notice(tx, t, MAIL_ACCOUNT_CHANGED, now.email, "the password was changed");
	if (!e)
		e = session_open(tx, t, &feed, &now, c->session.client_id, &proof, &c->opened);
	/* A password alone is no fresh proof of who has a second factor. */
	if (!e && now.factors)
		e = session_set_proof(tx, c->opened.subject.session, proof.methods,
			c->session.authenticated_at_us);
	return e ? e : feed_seal(&feed, &c->opened.seq);
}

static err check_current(struct changing *c, span current)
{
	err e = password_ask_again(c->task, current, &c->account);

	return e == ERR_DENIED ? wrong_password(c->task) : e;
}

err password_change(struct task *t, span current, span new_password, struct issued_tokens *ret)
{
	struct changing c = {.task = t};
	err e = db_transact(t->service->db, DB_READ, find_body, &c);

	if (!e && !c.found)
		e = fail(t, ERR_DENIED, "session_required",
			"A password is changed from a session: sign in first.");
	if (!e)
		e = check_current(&c, current);
	if (!e)
		e = password_accept(t, new_password, c.account.email, &c.hash);
	if (!e)
		e = db_transact(t->service->db, DB_WRITE, change_body, &c);
	return e ? e : session_opened(t, &c.opened, ret);
}
