/* Hard rule: no password is hashed outside the gate. */
#include "service/passwords.h"

#include "account/throttle.h"
#include "base/time.h"
#include "crypto/password.h"
#include "sys/gate.h"
#include "sys/metrics.h"

#include "base/banned.h"

#define GATE_WAIT (2 * TIME_SECOND)

static err enter(struct task *t)
{
	err e = gate_enter(t->service->hashing, GATE_WAIT);

	if (e != ERR_BUSY)
		return e;
	t->retry_after_us = TIME_SECOND;
	return fail(t, ERR_LIMIT, "sign_in_busy", "Too many sign-ins at once, try again.");
}

/* So that it can be seen that unknown accounts cost what known ones do. */
static void count_hash(void)
{
	metric_add(METRIC_PASSWORD_HASHES, NULL, 1);
}

static err hash(struct task *t, span password, span *ret)
{
	char memory[PASSWORD_HASH_MAX + 1];
	struct buf text;
	err e;

	buf_init_fixed(&text, memory, sizeof(memory));
	count_hash();
	e = password_hash(password, &text);
	if (!e)
		e = buf_error(&text);
	if (!e)
		*ret = arena_span(t->arena, buf_span(&text));
	return e;
}

err password_accept(struct task *t, span password, span email, span *ret_hash)
{
	const char *problem = password_problem(
		password, email, span_from(conf_str(t->service->conf, CONF_SERVER_NAME)));
	err e;

	if (problem)
		return fail(t, ERR_INVALID, "password_refused", "%s", problem);
	e = enter(t);
	if (e)
		return e;
	e = hash(t, password, ret_hash);
	gate_leave(t->service->hashing);
	return e;
}

err password_check(struct task *t, span password, const struct account *account, span *ret_better)
{
	span better = SPAN_EMPTY;
	err e = enter(t);

	if (e)
		return e;
	/* Accounts of identity providers may have none. */
	count_hash();
	if (account && account->password_hash.len) {
		e = password_verify(password, account->password_hash);
	} else {
		password_verify_nobody(password);
		e = ERR_DENIED;
	}
	if (!e && password_needs_rehash(account->password_hash))
		e = hash(t, password, &better);
	gate_leave(t->service->hashing);
	if (!e)
		*ret_better = better;
	return e;
}

err password_ask_again(struct task *t, span password, const struct account *account)
{
	struct throttle_subject who = {"password", account->id, 1};
	span better;

	if (throttle_try(t->service->sign_ins, &who, t->now_us, &t->retry_after_us))
		return fail(t, ERR_LIMIT, "sign_in_throttled",
			"Too many wrong passwords. Wait as long as Retry-After says.");
	err e = password_check(t, password, account, &better);

	if (e != ERR_DENIED)
		throttle_undo(t->service->sign_ins, &who);
	return e;
}
