/*
 * Signing in with a password. Hard rule: nothing that is answered, or done before the answer,
 * depends on whether the address has an account, until the password was right.
 */
#include "service/sign_in.h"

#include "account/throttle.h"
#include "service/audit.h"
#include "service/open_session.h"
#include "service/passwords.h"
#include "service/second_factor.h"
#include "sys/metrics.h"

#include "base/banned.h"

/*
 * Who is slowed down, in units of login.attempts. Mostly the one who guesses: if failures counted
 * against the account alone, anybody who knows an administrator's address could lock them out for
 * as long as they like. The account itself only gives in to guesses from many networks.
 */
enum { BY_ADDRESS, BY_GUESSER, BY_ACCOUNT, SUBJECTS };
#define ADDRESS_FACTOR 10 /* an office or a carrier's gateway: the failures of as many accounts */
#define ACCOUNT_FACTOR 20

struct attempt {
	struct task *task;
	span email;
	struct account account;
	bool found;
	span better_hash;
	const struct sign_in *in;
	struct opened_session opened;
	span mfa_token, ways;
};

static err find_account(struct db_tx *tx, void *arg)
{
	struct attempt *a = arg;

	return account_find_by_email(tx, a->task->arena, a->email, &a->account, &a->found);
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

/* The password was right, and is not enough. */
static err ask_for_factor(struct db_tx *tx, struct attempt *a, const struct proof *proof)
{
	err e = second_factor_ways(tx, a->task, &a->account, &a->ways);

	return e ? e
		 : second_factor_wait(
			   tx, a->task, &a->account, SPAN(CLIENT_PASSWORD), proof, &a->mfa_token);
}

static err open_session(struct db_tx *tx, struct attempt *a, struct proof *proof)
{
	struct factor_answer answer = {.otp = a->in->otp};
	struct feed_batch feed;
	span method;
	err e = OK;

	if (a->account.factors) {
		e = second_factor_use(tx, a->task, &a->account, &answer, &method);
		proof->methods = SPAN("pwd otp");
	}
	feed_begin(&feed, tx);
	if (!e)
		e = session_open(
			tx, a->task, &feed, &a->account, SPAN(CLIENT_PASSWORD), proof, &a->opened);
	return e ? e : feed_seal(&feed, &a->opened.seq);
}

static err enter(struct db_tx *tx, void *arg)
{
	struct attempt *a = arg;
	struct proof proof = {.methods = SPAN("pwd"), .cookie = a->in->cookie};
	err e = check_again(tx, a);

	a->mfa_token = SPAN_EMPTY;
	if (!e && a->account.disabled)
		return fail_policy(a->task, POLICY_ACCOUNT_DISABLED);
	if (!e && a->better_hash.len)
		e = account_set_password(tx, a->account.id, a->better_hash);
	if (e)
		return e;
	return a->account.factors && !a->in->otp.len ? ask_for_factor(tx, a, &proof)
						     : open_session(tx, a, &proof);
}

/* A wrong code is throttled by itself: the password was right. */
static err let_in(struct attempt *a)
{
	struct task *t = a->task;
	bool factor = a->account.factors && a->in->otp.len;
	err e = factor ? second_factor_try(t, &a->account) : OK;

	if (e)
		return e;
	e = db_transact(t->service->db, DB_WRITE, enter, a);
	if (factor)
		second_factor_tried(t, &a->account, e);
	return e;
}

static err refused(struct attempt *a)
{
	metric_add(METRIC_LOGINS, "refused", 1);
	audit_refused(a->task, "auth.login", a->found ? a->account.id : SPAN("unknown"),
		"invalid_credentials");
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

static void name_subjects(struct task *t, span email, struct throttle_subject ret[SUBJECTS])
{
	span address = t->caller->address, key = email_key(t->arena, email);
	span prefix = address_prefix(t->arena, address);
	const char *guesser = arena_printf(t->arena, "%.*s %.*s", SPAN_ARG(prefix), SPAN_ARG(key));

	ret[BY_ADDRESS] = (struct throttle_subject){
		"address", address_network(t->arena, address), ADDRESS_FACTOR};
	ret[BY_GUESSER] = (struct throttle_subject){"guesser", span_from(guesser), 1};
	ret[BY_ACCOUNT] = (struct throttle_subject){"account", key, ACCOUNT_FACTOR};
}

static void undo(struct task *t, const struct throttle_subject *subjects, size_t count)
{
	for (size_t i = 0; i < count; i++)
		throttle_undo(t->service->sign_ins, &subjects[i]);
}

/* Counts the attempt against all subjects, or, when one must wait, against none. */
static err count_attempt(struct task *t, const struct throttle_subject subjects[SUBJECTS])
{
	int64_t wait_us = 0;

	for (size_t i = 0; i < SUBJECTS; i++)
		if (throttle_try(t->service->sign_ins, &subjects[i], t->now_us, &wait_us)) {
			undo(t, subjects, i);
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
	return e ? e : let_in(a);
}

err sign_in(struct task *t, const struct sign_in *in, struct signed_in *ret)
{
	struct attempt a = {.task = t, .email = in->email, .in = in};
	struct throttle_subject subjects[SUBJECTS];
	err e;

	name_subjects(t, in->email, subjects);
	e = count_attempt(t, subjects);
	if (e)
		return e;
	e = try_password(&a, in->password);
	if (e != ERR_UNAUTHENTICATED)
		undo(t, subjects, SUBJECTS);
	if (!e)
		throttle_forget(t->service->sign_ins, &subjects[BY_GUESSER]);
	if (e)
		return e;
	*ret = (struct signed_in){.mfa_token = a.mfa_token, .ways = a.ways};
	return a.mfa_token.len ? OK : session_opened(t, &a.opened, &ret->tokens);
}
