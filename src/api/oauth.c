/*
 * OAuth for tools: signing in a program from a browser (RFC 8628), going on (RFC 6749), a CI job's
 * token for one of ours (RFC 8693), giving back (RFC 7009), asking about a token (RFC 7662), and
 * where all that is (RFC 8414).
 */
#include "api/handlers.h"

#include "api/authenticate.h"
#include "api/server_url.h"
#include "base/time.h"
#include "service/device_grant.h"
#include "service/exchange_token.h"
#include "service/revoke.h"
#include "service/sessions.h"
#include "service/sign_in.h"

#include "base/banned.h"

#define DEVICE_CODE_GRANT "urn:ietf:params:oauth:grant-type:device_code"
#define EXCHANGE_GRANT    "urn:ietf:params:oauth:grant-type:token-exchange"
#define ACCESS_TOKEN      "urn:ietf:params:oauth:token-type:access_token"

static void write_url(struct request *rq, const char *name, const char *path)
{
	json_cstr(&rq->out, name,
		arena_printf(rq->task.arena, "%.*s%s", SPAN_ARG(server_base_url(rq)), path));
}

err get_oauth_metadata(struct request *rq)
{
	json_begin_object(&rq->out, NULL);
	write_url(rq, "issuer", "");
	write_url(rq, "token_endpoint", "/api/v1/oauth/token");
	write_url(rq, "device_authorization_endpoint", "/api/v1/oauth/device_authorization");
	write_url(rq, "introspection_endpoint", "/api/v1/oauth/introspect");
	write_url(rq, "revocation_endpoint", "/api/v1/oauth/revoke");
	write_url(rq, "jwks_uri", "/.well-known/jwks.json");
	answer_words(rq, "response_types_supported", SPAN_EMPTY);
	answer_words(rq, "grant_types_supported",
		SPAN(DEVICE_CODE_GRANT " " EXCHANGE_GRANT " refresh_token"));
	answer_words(rq, "token_endpoint_auth_methods_supported", SPAN("none"));
	answer_words(rq, "revocation_endpoint_auth_methods_supported", SPAN("none"));
	json_end(&rq->out);
	return OK;
}

err post_device_authorization(struct request *rq)
{
	struct device_grant g;
	err e = device_grant_begin(
		&rq->task, request_text(rq, "client_id"), request_text(rq, "scope"), &g);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "device_code", g.device_code);
	json_str(&rq->out, "user_code", g.user_code);
	write_url(rq, "verification_uri", "/device");
	write_url(rq, "verification_uri_complete",
		arena_printf(rq->task.arena, "/device?user_code=%.*s", SPAN_ARG(g.user_code)));
	json_i64(&rq->out, "expires_in", DEVICE_GRANT_LIFE_S);
	json_i64(&rq->out, "interval", DEVICE_GRANT_INTERVAL_S);
	json_end(&rq->out);
	return OK;
}

err get_oauth_device(struct request *rq)
{
	struct device_code c;
	err e = device_grant_show(&rq->task, request_text(rq, "user_code"), &c);
	const struct oauth_client *client = e ? NULL : oauth_client_find(c.client_id);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "client_id", c.client_id);
	json_str(&rq->out, "client", client ? span_from(client->title) : c.client_id);
	answer_words(rq, "scope", c.scope);
	answer_text_or_null(rq, "network", c.ip_prefix);
	answer_text_or_null(rq, "country", c.country);
	json_time(&rq->out, "created_at", c.created_at_us);
	json_time(&rq->out, "expires_at", c.expires_at_us);
	json_end(&rq->out);
	return OK;
}

err post_oauth_device(struct request *rq)
{
	return device_grant_decide(
		&rq->task, request_text(rq, "user_code"), request_bool(rq, "approve"));
}

static err answer_token(struct request *rq, const struct issued_tokens *tokens, span scope)
{
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "access_token", tokens->access_token);
	json_cstr(&rq->out, "token_type", "Bearer");
	json_i64(&rq->out, "expires_in", tokens->expires_in_s);
	if (tokens->refresh_token.len)
		json_str(&rq->out, "refresh_token", tokens->refresh_token);
	if (scope.len)
		json_str(&rq->out, "scope", scope);
	json_end(&rq->out);
	return OK;
}

static err missing(struct request *rq, const char *name)
{
	return fail(&rq->task, ERR_INVALID, "invalid_request", "'%s' is missing.", name);
}

static err answer_exchange(struct request *rq)
{
	const struct token_exchange x = {
		.subject_token = request_text(rq, "subject_token"),
		.subject_token_type = request_text(rq, "subject_token_type"),
		.requested_token_type = request_text(rq, "requested_token_type"),
		.identity = request_text(rq, "identity"),
		.audience = request_text(rq, "audience"),
		.resource = request_text(rq, "resource"),
		.scope = request_text(rq, "scope"),
		.base_url = server_base_url(rq),
		.actor = request_has(rq, "actor_token"),
	};
	struct token_exchanged t;
	err e = exchange_token(&rq->task, &x, &t);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "access_token", t.access_token);
	json_cstr(&rq->out, "issued_token_type", ACCESS_TOKEN);
	json_cstr(&rq->out, "token_type", "Bearer");
	json_i64(&rq->out, "expires_in", t.expires_in_s);
	json_str(&rq->out, "scope", t.scope);
	json_end(&rq->out);
	return OK;
}

err post_oauth_token(struct request *rq)
{
	span type = request_text(rq, "grant_type"), scope = SPAN_EMPTY;
	struct issued_tokens tokens;
	err e;

	if (span_is(type, EXCHANGE_GRANT))
		return answer_exchange(rq);
	if (span_is(type, DEVICE_CODE_GRANT)) {
		if (!request_has(rq, "device_code"))
			return missing(rq, "device_code");
		e = device_grant_poll(&rq->task, request_text(rq, "client_id"),
			request_text(rq, "device_code"), &tokens, &scope);
	} else if (span_is(type, "refresh_token")) {
		if (!request_has(rq, "refresh_token"))
			return missing(rq, "refresh_token");
		e = refresh_session(&rq->task, request_text(rq, "refresh_token"),
			request_text(rq, "client_id"), &tokens);
	} else {
		return fail(&rq->task, ERR_INVALID, "unsupported_grant_type",
			"There is no such grant here.");
	}
	return e ? e : answer_token(rq, &tokens, scope);
}

/* An access or device token: who holds it may end what it stands for. */
static err revoke_token(struct request *rq, span token)
{
	struct caller holder = {.address = rq->caller.address,
		.user_agent = rq->caller.user_agent,
		.request_id = rq->caller.request_id};
	struct task inner = rq->task;
	const char *ignored;
	err e;

	inner.caller = &holder;
	e = authenticate(&inner,
		span_from(arena_printf(rq->task.arena, "Bearer %.*s", SPAN_ARG(token))), true,
		&ignored);
	if (e == ERR_UNAUTHENTICATED)
		return OK; /* RFC 7009, 2.2: there is nothing left to revoke */
	if (e)
		return e;
	if (holder.session.len)
		return session_end_current(&inner);
	return revoke(&inner, &(struct revocation){.token = token});
}

err post_oauth_revoke(struct request *rq)
{
	span token = request_text(rq, "token");
	err e;

	if (span_starts_with(token, SPAN("slk_")))
		return fail(&rq->task, ERR_INVALID, "unsupported_token_type",
			"API keys are revoked with DELETE /api/v1/me/keys/{id}.");
	e = sign_out(&rq->task, token);
	if (!e)
		e = revoke_token(rq, token);
	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_end(&rq->out);
	return OK;
}

err post_introspection(struct request *rq)
{
	struct token_claims c;
	bool active;
	err e = token_inspect(&rq->task, request_text(rq, "token"), &c, &active);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_bool(&rq->out, "active", active);
	if (active) {
		json_cstr(&rq->out, "token_type", "Bearer");
		json_str(&rq->out, "iss", c.iss);
		json_str(&rq->out, "aud", c.aud);
		json_str(&rq->out, "sub", c.sub);
		json_str(&rq->out, "jti", c.jti);
		json_i64(&rq->out, "iat", c.iat);
		json_i64(&rq->out, "exp", c.exp);
		if (c.client_id.len)
			json_str(&rq->out, "client_id", c.client_id);
		if (c.permissions.len)
			json_str(&rq->out, "scope", c.permissions);
	}
	json_end(&rq->out);
	return OK;
}
