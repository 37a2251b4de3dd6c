#ifndef SLIPWAY_API_WRITE_ACCOUNT_H
#define SLIPWAY_API_WRITE_ACCOUNT_H

/* Parts of answers that several handlers write. */

#include "account/account.h"
#include "api/api.h"
#include "service/issue_tokens.h"

/* The schema "account", as an object. */
void write_account(struct request *rq, const struct account *a);
/* The members of the schema "tokens", into the object that is open. */
void write_tokens(struct request *rq, const struct issued_tokens *tokens);

/* The schema "session_opened": tokens, or a browser's session with its cookie. */
err answer_session(struct request *rq, const struct issued_tokens *tokens) MUST_USE;
/*
 * The member "session" of a sign-in's body: *ret is true for "cookie", which only pages of this
 * server may ask for (ERR_DENIED "csrf").
 */
err request_wants_cookie(struct request *rq, bool *ret) MUST_USE;

#endif
