#ifndef SLIPWAY_SERVICE_PASSKEYS_H
#define SLIPWAY_SERVICE_PASSKEYS_H

/*
 * Passkeys (WebAuthn Level 2): challenges, enrolment, and signing in with nothing else. A challenge
 * is a ticket (account/ticket.h): good once, whatever the answer is worth, for five minutes. As a
 * second factor and as fresh proof they stand in second_factor.h.
 */

#include "service/second_factor.h"

#define PASSKEY_NAME_MAX     100
#define PASSKEY_CHALLENGE_US (INT64_C(300000000))

/* What a challenge is for; one is no good for another's answer. */
enum passkey_use { PASSKEY_ENROL, PASSKEY_SIGN_IN, PASSKEY_SECOND_FACTOR, PASSKEY_STEP_UP };

struct passkey_challenge {
	span ticket;          /* text; the challenge is what follows its prefix */
	span challenge;       /* Base64url */
	span account, email;  /* with PASSKEY_ENROL */
	struct factor *known; /* the account's passkeys: to exclude, or to allow */
	size_t count;
};
/*
 * Begins. mfa_token: with PASSKEY_SECOND_FACTOR; ERR_UNAUTHENTICATED "mfa_token_invalid". With
 * PASSKEY_SIGN_IN nothing is known of the account; ERR_LIMIT when one network asks too often.
 * ERR_CONFLICT "too_many_factors".
 */
err passkey_begin(struct task *t, enum passkey_use use, span mfa_token,
	struct passkey_challenge *ret) MUST_USE;
/*
 * Uses up the challenge of an answer; account: whose it must be, or empty. ERR_UNAUTHENTICATED
 * "challenge_invalid" when it is unknown, used, too old, or was for something else.
 */
err passkey_take_challenge(
	struct task *t, enum passkey_use use, span ticket, span account) MUST_USE;

/*
 * Inside a db body, after passkey_take_challenge(): judges an answer and notes its use. *ret is the
 * factor, in t's arena. ERR_UNAUTHENTICATED "invalid_passkey", "passkey_copied" when its counter
 * went back. account: whose it must be, or empty; then the user must be verified
 * and named.
 */
err passkey_judge(struct db_tx *tx, struct task *t, const struct passkey_answer *answer,
	span account, struct factor *ret) MUST_USE;

/*
 * After the body: a copied authenticator becomes an entry of the audit log by itself, not a counted
 * refusal: only who has the key can cause it.
 */
void passkey_judged(struct task *t, const struct passkey_answer *answer, err outcome);

/* Opens a session by a passkey alone, in which the authenticator has verified its user. */
err passkey_sign_in(struct task *t, const struct passkey_answer *answer, bool cookie,
	struct issued_tokens *ret) MUST_USE;

#endif
