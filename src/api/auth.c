/* Signing in, going on, signing out, the first administrator, and who one is. */
#include "api/handlers.h"

#include "api/browser.h"
#include "api/server_url.h"
#include "api/write_account.h"
#include "base/time.h"
#include "service/accounts.h"
#include "service/federated_sign_in.h"
#include "service/sessions.h"
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

/* Tokens, or a browser's session: its cookie goes into a header that no page can read. */
err answer_session(struct request *rq, const struct issued_tokens *tokens)
{
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "session_id", tokens->session);
	if (tokens->cookie.len) {
		answer_session_cookie(
			rq, tokens->cookie, (tokens->ends_at_us - rq->task.now_us) / TIME_SECOND);
		json_str(&rq->out, "csrf_token", tokens->csrf_token);
		answer_time(rq, "expires_at", tokens->ends_at_us);
	} else {
		write_tokens(rq, tokens);
	}
	if (tokens->must_enrol)
		json_bool(&rq->out, "mfa_enrolment_required", true);
	json_end(&rq->out);
	return OK;
}

/*
 * Whether the request asks for a browser's session. Only our own pages may: another's must not sign
 * a visitor in as somebody else.
 */
err request_wants_cookie(struct request *rq, bool *ret)
{
	*ret = span_is(request_text(rq, "session"), "cookie");
	if (*ret && !request_is_same_origin(rq))
		return fail(&rq->task, ERR_DENIED, "csrf",
			"A browser's session is only given to pages of this server.");
	return OK;
}

/* A 401 that says how to go on. */
static err mfa_required(struct request *rq, const struct signed_in *in)
{
	problem_text(rq, "mfa_token", in->mfa_token);
	problem_words(rq, "methods", in->ways);
	return fail(&rq->task, ERR_UNAUTHENTICATED, "mfa_required",
		"The password is right. Send mfa_token and a second factor to "
		"/api/v1/auth/second-factor within five minutes.");
}

err post_login(struct request *rq)
{
	struct sign_in in = {.email = request_text(rq, "email"),
		.password = request_text(rq, "password"),
		.otp = request_text(rq, "otp")};
	struct signed_in out;
	err e = request_wants_cookie(rq, &in.cookie);

	if (!e)
		e = sign_in(&rq->task, &in, &out);
	if (e)
		return e;
	return out.mfa_token.len ? mfa_required(rq, &out) : answer_session(rq, &out.tokens);
}

err post_refresh(struct request *rq)
{
	struct issued_tokens tokens;
	err e = refresh_session(&rq->task, request_text(rq, "refresh_token"), SPAN_EMPTY, &tokens);

	return e ? e : answer_session(rq, &tokens);
}

err post_logout(struct request *rq)
{
	rq->status = 204;
	if (request_has(rq, "refresh_token"))
		return sign_out(&rq->task, request_text(rq, "refresh_token"));
	if (rq->caller.session.len == 0)
		return fail(&rq->task, ERR_INVALID, "nothing_to_end",
			"Name the session to end: its refresh_token, or its own credentials.");
	if (rq->caller.cookie) {
		answer_no_session_cookie(rq);
		answer_header(rq, "Clear-Site-Data", SPAN("\"cache\", \"cookies\", \"storage\""));
	}
	const char *url = NULL;
	err e = rq->caller.cookie ? federation_logout_url(&rq->task, server_base_url(rq), &url)
				  : OK;

	if (!e)
		e = session_end_current(&rq->task);
	if (!e && url) {
		rq->status = 200;
		json_begin_object(&rq->out, NULL);
		json_cstr(&rq->out, "logout_url", url);
		json_end(&rq->out);
	}
	return e;
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
	struct session session;
	struct account account;
	bool found;
	err e;

	/* Who has a licence key need not know whose licence it is. */
	if (c->device.len)
		return fail(&rq->task, ERR_DENIED, "account_needed",
			"A device's credentials do not tell whose device it is.");
	if (c->kind == CALLER_WORKLOAD)
		return fail(&rq->task, ERR_DENIED, "account_needed",
			"A workload identity is nobody's account.");
	e = account_get(&rq->task, c->account, &account);
	if (!e)
		e = session_current(&rq->task, &session, &found);
	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_cstr(&rq->out, "kind", c->kind == CALLER_API_KEY ? "api_key" : "account");
	json_str(&rq->out, "account_id", account.id);
	json_str(&rq->out, "email", account.email);
	answer_time(rq, "verified_at", account.verified_at_us);
	json_bool(&rq->out, "has_password", account.password_hash.len > 0);
	json_str(&rq->out, "role", account.role);
	answer_text_or_null(rq, "organisation", account.org);
	answer_text_or_null(rq, "organisation_name", account.org_name);
	answer_words(rq, "permissions", c->permissions);
	answer_words(rq, "entitlements", c->entitlements);
	answer_text_or_null(rq, "session_id", c->session);
	json_str(&rq->out, "client_id", found ? session.client_id : c->client_id);
	answer_words(rq, "methods", found ? session.methods : SPAN_EMPTY);
	answer_time(rq, "signed_in_at", found ? session.created_at_us : 0);
	answer_time(rq, "session_expires_at", found ? session.expires_at_us : 0);
	if (c->cookie)
		json_str(&rq->out, "csrf_token", csrf_token(&rq->task, c->session));
	json_end(&rq->out);
	return OK;
}
