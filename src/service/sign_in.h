#ifndef SLIPWAY_SERVICE_SIGN_IN_H
#define SLIPWAY_SERVICE_SIGN_IN_H

/* Sessions from a user's side: sign in, go on, sign out. */

#include "service/issue_tokens.h"

struct sign_in {
	span email, password;
	span otp;    /* of the authenticator app, for those who know it is asked for; or empty */
	bool cookie; /* for a browser's session */
};

/* A session, or what it still takes. */
struct signed_in {
	struct issued_tokens tokens;
	span mfa_token; /* not empty: second_factor_sign_in() goes on from here */
	span ways;      /* second_factor_ways() */
};

/*
 * Opens a session for the account with this address and password. Unknown addresses take the same
 * work and get the same answer as wrong passwords (ERR_UNAUTHENTICATED "invalid_credentials").
 * ERR_LIMIT with t->retry_after_us after too many failures, and when hashing is overloaded.
 * ERR_DENIED "account_disabled" only for those who know the password. An account with a second
 * factor opens no session by the password alone.
 */
err sign_in(struct task *t, const struct sign_in *in, struct signed_in *ret) MUST_USE;

/*
 * The next pair for a refresh token; see account/session.h for the rules. ERR_UNAUTHENTICATED
 * "invalid_grant" for any token that is not the living one of its session, or whose session is not
 * client_id's (empty: whosever). A device's session also gets a fresh device token.
 */
err refresh_session(
	struct task *t, span refresh_token, span client_id, struct issued_tokens *ret) MUST_USE;

/* Ends the session of this token, of whatever generation. OK when there is none to end. */
err sign_out(struct task *t, span refresh_token) MUST_USE;

#endif
