#ifndef SLIPWAY_SERVICE_PASSWORDS_H
#define SLIPWAY_SERVICE_PASSWORDS_H

/*
 * Password hashing behind the service's gate: each hash takes 46 MiB and a core for 50 ms, so only
 * login.workers run at once, a few wait for a moment, and the rest get ERR_LIMIT.
 */

#include "account/account.h"
#include "service/service.h"

/* Checks the rules for new passwords and hashes it, in t's arena. ERR_INVALID says what is wrong.
 */
err password_accept(struct task *t, span password, span email, span *ret_hash) MUST_USE;
/*
 * OK, ERR_DENIED when it does not match, ERR_LIMIT. account NULL: the same work for nobody, then
 * ERR_DENIED. *ret_better is a fresh hash when the stored one is weaker than today's, else empty.
 */
err password_check(
	struct task *t, span password, const struct account *account, span *ret_better) MUST_USE;
/*
 * The password of somebody who is signed in already, asked for again. OK, ERR_DENIED (without
 * words) when it is wrong, ERR_LIMIT after too many wrong ones: counted apart from sign-ins, so
 * that others who guess do not keep the owner out.
 */
err password_ask_again(struct task *t, span password, const struct account *account) MUST_USE;

#endif
