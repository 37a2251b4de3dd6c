/* Signing in, going on, signing out, the first administrator, and who one is. */
#include "api/handlers.h"

#include "api/write_account.h"
#include "service/accounts.h"
#include "service/setup.h"
#include "service/sign_in.h"

#include "base/banned.h"

void write_tokens(struct request *rq, const struct issued_tokens *tokens)
{
	json_str(&rq->out, "access_token", tokens->access_token);
	json_cstr(&rq->out, "token_type", "Bearer");
	json_i64(&rq->out, "expires_in", tokens->expires_in_s);
	json_str(&rq->out, "refresh_token", tokens->refresh_token);
	if (tokens->device_token.len)
		json_str(&rq->out, "device_token", tokens->device_token);
}

static err answer_tokens(struct request *rq, const struct issued_tokens *tokens)
{
	json_begin_object(&rq->out, NULL);
	write_tokens(rq, tokens);
	json_end(&rq->out);
	return OK;
}

err post_login(struct request *rq)
{
	struct issued_tokens tokens;
	err e = sign_in(
		&rq->task, request_text(rq, "email"), request_text(rq, "password"), &tokens);

	return e ? e : answer_tokens(rq, &tokens);
}

err post_refresh(struct request *rq)
{
	struct issued_tokens tokens;
	err e = refresh_session(&rq->task, request_text(rq, "refresh_token"), &tokens);

	return e ? e : answer_tokens(rq, &tokens);
}

err post_logout(struct request *rq)
{
	return sign_out(&rq->task, request_text(rq, "refresh_token"));
}

err post_setup(struct request *rq)
{
	struct account account;
	err e = setup_with_token(&rq->task, request_text(rq, "token"), request_text(rq, "email"),
		request_text(rq, "password"), &account);

	if (!e)
		write_account(rq, &account);
	return e;
}

err get_me(struct request *rq)
{
	const struct caller *c = &rq->caller;
	struct account account;
	err e = account_get(&rq->task, c->account, &account);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_cstr(&rq->out, "kind", c->kind == CALLER_API_KEY ? "api_key" : "account");
	json_str(&rq->out, "account_id", account.id);
	json_str(&rq->out, "email", account.email);
	json_str(&rq->out, "role", account.role);
	answer_text_or_null(rq, "organisation", account.org);
	answer_words(rq, "permissions", c->permissions);
	answer_words(rq, "entitlements", c->entitlements);
	json_end(&rq->out);
	return OK;
}
