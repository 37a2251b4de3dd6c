#ifndef SLIPWAY_SERVICE_SECOND_FACTOR_H
#define SLIPWAY_SERVICE_SECOND_FACTOR_H

/*
 * The second factor: at sign-in, as a fresh proof before dangerous actions, and its own life
 * (enrolment, recovery codes, removal). Wrong answers are throttled per account as passwords are;
 * an account that has factors ends all its other sessions when they change.
 */

#include "account/account.h"
#include "account/factor.h"
#include "service/issue_tokens.h"

/* What an authenticator answers; bytes, decoded. origin: this server's, as browsers see it. */
struct passkey_answer {
	span ticket, origin;
	span credential_id, client_data, authenticator_data, signature;
	span user; /* the user handle: the account's id; or empty */
};

/* What somebody answers with; exactly one member is there. */
struct factor_answer {
	span otp, recovery_code;
	const struct passkey_answer *passkey;
};

/* True when these methods of a session (RFC 8176 words) are more than a password. */
bool methods_have_second_factor(span methods);
/*
 * What a session of the account may do: its role's permissions; or, while it lacks a second factor
 * it must have, no more than is needed to enrol one.
 */
bool account_must_enrol(const struct service *s, const struct account *a, span methods);
span session_permissions(const struct service *s, const struct account *a, span methods);

/*
 * Inside a db body, while a sign-in waits: the ticket that second_factor_sign_in() takes. *ret is
 * in t's arena.
 */
err second_factor_wait(struct db_tx *tx, struct task *t, const struct account *account,
	span client_id, const struct proof *proof, span *ret_ticket) MUST_USE;
/* How the account can answer: "totp", "passkey", "recovery_code", space-separated. */
err second_factor_ways(
	struct db_tx *tx, struct task *t, const struct account *account, span *ret) MUST_USE;
/*
 * Counts an attempt before it is made: ERR_LIMIT. Then, inside a db body, the answer is used up and
 * *ret_method is its RFC 8176 word; ERR_UNAUTHENTICATED "invalid_factor" when it is wrong. After
 * the body second_factor_tried() says how it went.
 */
err second_factor_try(struct task *t, const struct account *account) MUST_USE;
err second_factor_use(struct db_tx *tx, struct task *t, const struct account *account,
	const struct factor_answer *answer, span *ret_method) MUST_USE;
void second_factor_tried(struct task *t, const struct account *account, err outcome);

/*
 * Finishes a sign-in that waits. ERR_UNAUTHENTICATED "mfa_token_invalid" for a ticket that is
 * unknown, used or five minutes old, "invalid_factor" (the ticket stays good) for a wrong answer.
 */
err second_factor_sign_in(struct task *t, span ticket, const struct factor_answer *answer,
	struct issued_tokens *ret) MUST_USE;

/*
 * Proves again who the caller of a session is: with a factor where the account has one, else with
 * the password. ERR_DENIED "factor_needed" when a password alone is not enough.
 */
err step_up(struct task *t, span password, const struct factor_answer *answer) MUST_USE;
/* OK when the caller's session was proved recently enough (auth.step_up_window); API keys pass. */
err step_up_check(struct task *t) MUST_USE;
err step_up_check_in(struct db_tx *tx, struct task *t) MUST_USE; /* the same, in a transaction */

/* The caller's own factors ----------------------------------------------------------------------
 */

struct factors {
	struct factor *list; /* active ones */
	size_t count;
	int64_t recovery_codes; /* left */
	bool required;
};
err factors_own(struct task *t, struct factors *ret) MUST_USE;

struct totp_enrolment {
	span id, secret, uri;
};
/* Begins; replaces an enrolment that was not finished. ERR_CONFLICT when there is one already. */
err totp_begin(struct task *t, struct totp_enrolment *ret) MUST_USE;
struct recovery_codes {
	char text[RECOVERY_CODES][RECOVERY_CODE_SIZE];
	size_t count; /* 0: the account had codes already, which stay */
};
/* The first password makes it a factor; all other sessions end. The caller wipes ret. */
err totp_confirm(struct task *t, span otp, struct recovery_codes *ret) MUST_USE;
/*
 * A new passkey of the caller: the answer to a challenge for PASSKEY_ENROL (service/passkeys.h).
 * ERR_INVALID "invalid_passkey", ERR_CONFLICT "passkey_exists" whoever has registered it,
 * ERR_DENIED "challenge_invalid". All other sessions end. The caller wipes codes.
 */
struct new_passkey {
	span ticket, origin, name;
	span client_data, attestation_object; /* bytes, decoded */
};
err passkey_add(struct task *t, const struct new_passkey *n, struct factor *ret,
	struct recovery_codes *ret_codes) MUST_USE;
/* Removes one of the caller's. ERR_DENIED "factor_required" when it is the last of one who needs
 * it. */
err factor_remove(struct task *t, enum factor_kind kind, span id) MUST_USE;
/* New codes instead of the old ones. ERR_DENIED without a factor. */
err recovery_codes_renew(struct task *t, struct recovery_codes *ret) MUST_USE;

/* For administrators: another account's factors go, and its sessions end. */
err factors_reset(struct task *t, span account) MUST_USE;

#endif
