/*
 * Signing in with a password. Hard rule: nothing that is answered, or done before the answer,
 * depends on whether the address has an account, until the password was right.
 */
#include "service/sign_in.h"

#include "account/throttle.h"
#include "service/audit.h"
#include "service/open_session.h"
#include "service/passwords.h"
#include "sys/metrics.h"

#include "base/banned.h"

/* An address may be an office or a carrier's gateway: as many failures as this many accounts. */
#define ADDRESS_FACTOR 10

struct attempt {
	struct task *task;
	span email;
	struct account account;
	bool found;
	span better_hash;
	bool cookie;
	struct opened_session opened;
};

static err find_account(struct db_tx *tx, void *arg)
{
	struct attempt *a = arg;

	return account_find_by_email(tx, a->task->arena, a->email, &a->account, &a->found);
}

static err record_refusal(struct db_tx *tx, void *arg)
{
	struct attempt *a = arg;
	span object = a->found ? a->account.id : SPAN("unknown");

	return audit_add_outcome(tx, a->task, "auth.login", object, "refused", "{}");
}

/* The password was right a moment ago; the account may have changed since. */
static err check_again(struct db_tx *tx, struct attempt *a)
{
	struct account now;
	bool found;
	err e = account_find(tx, a->task->arena, a->account.id, &now, &found);

	if (e)
		return e;
	if (!found || !span_eq(now.password_hash, a->account.password_hash))
		return fail(a->task, ERR_UNAUTHENTICATED, "invalid_credentials",
			"E-mail address or password is wrong.");
	a->account = now;
	return OK;
}

static err open_session(struct db_tx *tx, void *arg)
{
	struct attempt *a = arg;
	struct proof proof = {.methods = SPAN("pwd"), .cookie = a->cookie};
	struct feed_batch feed;
	err e = check_again(tx, a);

	feed_begin(&feed, tx);
	if (!e && a->better_hash.len)
		e = account_set_password(tx, a->account.id, a->better_hash);
	if (!e)
		e = session_open(
			tx, a->task, &feed, &a->account, SPAN(CLIENT_PASSWORD), &proof, &a->opened);
	return e ? e : feed_seal(&feed, &a->opened.seq);
}

static err refused(struct attempt *a)
{
	metric_add(METRIC_LOGINS, "refused", 1);
	err e = db_transact(a->task->service->db, DB_WRITE, record_refusal, a);

	if (e)
		return e;
	return fail(a->task, ERR_UNAUTHENTICATED, "invalid_credentials",
		"E-mail address or password is wrong.");
}

static err throttled(struct task *t, int64_t wait_us)
{
	metric_add(METRIC_LOGINS, "throttled", 1);
	t->retry_after_us = wait_us;
	return fail(t, ERR_LIMIT, "sign_in_throttled",
		"Too many failed sign-ins. Wait as long as Retry-After says.");
}

/* Counts the attempt against both the account's address and the client's. */
static err count_attempt(struct task *t, const struct throttle_subject *account,
	const struct throttle_subject *address)
{
	struct throttle *throttle = t->service->sign_ins;
	int64_t wait_us = 0;

	if (throttle_try(throttle, address, t->now_us, &wait_us))
		return throttled(t, wait_us);
	if (throttle_try(throttle, account, t->now_us, &wait_us)) {
		throttle_undo(throttle, address);
		return throttled(t, wait_us);
	}
	return OK;
}

static err try_password(struct attempt *a, span password)
{
	struct task *t = a->task;
	err e = db_transact(t->service->db, DB_READ, find_account, a);

	if (!e)
		e = password_check(t, password, a->found ? &a->account : NULL, &a->better_hash);
	if (e == ERR_DENIED)
		return refused(a);
	if (!e)
		e = db_transact(t->service->db, DB_WRITE, open_session, a);
	return e;
}

err sign_in(struct task *t, const struct sign_in *in, struct issued_tokens *ret)
{
	struct attempt a = {.task = t, .email = in->email, .cookie = in->cookie};
	struct throttle_subject account = {"account", email_key(t->arena, in->email), 1};
	struct throttle_subject address = {"address", t->caller->address, ADDRESS_FACTOR};
	err e = count_attempt(t, &account, &address);

	if (e)
		return e;
	e = try_password(&a, in->password);
	if (e != ERR_UNAUTHENTICATED)
		throttle_undo(t->service->sign_ins, &address);
	if (!e)
		throttle_forget(t->service->sign_ins, &account);
	else if (e != ERR_UNAUTHENTICATED)
		throttle_undo(t->service->sign_ins, &account);
	return e ? e : session_opened(t, &a.opened, ret);
}
