/*
 * Talking to the server as somebody. One rule: a refresh token is used under the lock of the
 * credentials file and its successor is on disk before the lock is given up.
 */
#include "cli/session.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/ci_token.h"
#include "cli/interrupt.h"
#include "cli/request.h"
#include "cli/proof.h"
#include "crypto/secret.h"
#include "sys/clock.h"

#include "base/banned.h"

#define RENEW_BEFORE_US (30 * TIME_SECOND)
#define GIVE_BACK_US    (5 * TIME_SECOND)
#define HURRIED_US      TIME_SECOND
#define LAST_ANSWER_US  (2 * TIME_SECOND) /* after Ctrl-C */
#define ANSWER_MAX      (64u << 20)

/* "host:8443/" → "https://host:8443"; only https, no path. */
static err normal_server(struct cli *cli, const char *given, const char **ret)
{
	span text = span_from(given);

	if (span_starts_with(text, SPAN("http://")))
		return cli_fail(cli, ERR_INVALID, "server",
			"%s: Slipway is spoken to over https only", given);
	if (!span_starts_with(text, SPAN("https://")))
		text = span_from(arena_printf(cli->arena, "https://%s", given));
	while (span_ends_with(text, SPAN("/")))
		text.len--;
	if (text.len <= SPAN("https://").len ||
		span_contains(span_from_offset(text, SPAN("https://").len), SPAN("/")))
		return cli_fail(cli, ERR_INVALID, "server",
			"%s is no server; write https://HOST or https://HOST:PORT", given);
	*ret = arena_str(cli->arena, text);
	return OK;
}

static err load_credentials(struct cli *cli, const char *server, struct session *s)
{
	err e = credentials_load(cli->arena, server, &s->credentials);

	if (e == OK)
		s->identity = IDENTITY_SIGNED_IN;
	if (e == OK || e == ERR_NOT_FOUND || e == ERR_INVALID)
		return OK; /* nobody signed in, or nowhere to keep it */
	if (e == ERR_CORRUPT)
		cli_hint(cli, "`slipway login` writes it anew");
	return cli_fail(
		cli, e, "credentials", "the stored credentials cannot be read: %s", err_title(e));
}

static err choose_identity(struct cli *cli, const char *server, struct session *s, bool anonymous)
{
	const char *token = cli_text(cli, "token"), *key = cli_text(cli, "api-key");
	err e;

	e = load_credentials(cli, server, s);
	if (e != OK)
		return e;
	s->server = server ? server : s->credentials.server;
	s->ca_file = cli_text(cli, "ca") ? cli_text(cli, "ca") : s->credentials.ca_file;
	if (anonymous) {
		s->identity = IDENTITY_NOBODY;
	} else if (token || key) {
		s->identity = IDENTITY_GIVEN;
		s->bearer = token ? token : key;
	} else if (ci_token_is_given(cli) ||
		   (s->identity == IDENTITY_NOBODY && ci_token_can_be_asked_for())) {
		s->identity = IDENTITY_JOB;
	}
	if (s->server)
		return OK;
	cli_hint(cli, "name it with --server URL or SLIPWAY_SERVER, or sign in: slipway login "
		      "--server URL");
	return cli_fail(cli, ERR_INVALID, "no_server", "no server is known");
}

static void close_session(void *session)
{
	struct session *s = session;

	http_free(s->http);
	json_decref(s->problem);
}

/*
 * A command that watches for Ctrl-C ends in order: what is on its way may still come back, because
 * it may be what has to be given back.
 */
static bool is_cancelled(void *ctx)
{
	struct session *s = ctx;

	if (!interrupt_seen())
		return false;
	if (!s->interrupted_us)
		s->interrupted_us = clock_monotonic_us();
	return clock_monotonic_us() - s->interrupted_us > LAST_ANSWER_US;
}

static err open_session(struct cli *cli, bool anonymous, struct session **ret)
{
	struct session *s = arena_alloc(cli->arena, sizeof(*s));
	struct http_settings settings = {
		.user_agent = "slipway/" SLIPWAY_VERSION, .cancelled = is_cancelled, .ctx = s};
	const char *server = NULL;
	err e;

	if (cli_text(cli, "server")) {
		e = normal_server(cli, cli_text(cli, "server"), &server);
		if (e != OK)
			return e;
	}
	e = choose_identity(cli, server, s, anonymous);
	if (e != OK)
		return e;
	settings.ca_file = s->ca_file;
	if (cli->hurried) {
		settings.connect_timeout_us = settings.stall_timeout_us = HURRIED_US;
		settings.attempts = 1;
	}
	e = http_new(&settings, &s->http);
	if (e != OK)
		return cli_fail(
			cli, e, "ca", "%s: %s", s->ca_file ? s->ca_file : "CA file", err_title(e));
	arena_on_free(cli->arena, close_session, s);
	cli->data = s;
	*ret = s;
	return OK;
}

err session_get(struct cli *cli, struct session **ret)
{
	if (!cli->data)
		return open_session(cli, false, ret);
	*ret = cli->data;
	return OK;
}

err session_get_anonymous(struct cli *cli, struct session **ret)
{
	if (!cli->data)
		return open_session(cli, true, ret);
	*ret = cli->data;
	return OK;
}

const char *session_url(struct cli *cli, const struct session *s, const char *path)
{
	return arena_printf(cli->arena, "%s%s", s->server, path);
}

static err parse_answer(const struct http_answer *a, json_t **ret)
{
	json_t *root =
		json_loadb(buf_str(&a->body), buf_len(&a->body), JSON_REJECT_DUPLICATES, NULL);

	if (!root)
		return ERR_CORRUPT;
	*ret = root;
	return OK;
}

err session_store_tokens(
	struct cli *cli, struct session *s, const char *email, const json_t *tokens)
{
	const char *access = json_string_value(json_object_get(tokens, "access_token"));
	const char *refresh = json_string_value(json_object_get(tokens, "refresh_token"));
	int64_t expires_in = json_integer_value(json_object_get(tokens, "expires_in"));
	char absolute[PATH_MAX];

	if (!access || !refresh || expires_in <= 0 || expires_in > 86400 * 366)
		return ERR_CORRUPT;
	s->credentials = (struct credentials){
		.server = s->server,
		.email = email,
		.access_token = arena_strdup(cli->arena, access),
		.refresh_token = arena_strdup(cli->arena, refresh),
		.access_expires_us = clock_wall_us() + expires_in * TIME_SECOND,
	};
	if (s->ca_file)
		s->credentials.ca_file = realpath(s->ca_file, absolute)
						 ? arena_strdup(cli->arena, absolute)
						 : s->ca_file;
	s->identity = IDENTITY_SIGNED_IN;
	return credentials_save(cli->arena, &s->credentials);
}

/* Trades in the refresh token; the lock is held. */
static err trade_in(struct cli *cli, struct session *s)
{
	json_t *body = json_pack("{s:s}", "refresh_token", s->credentials.refresh_token);
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct http_request rq = {.method = "POST",
		.content_type = "application/json",
		.url = session_url(cli, s, API "/auth/refresh"),
		.body = span_from(text)};
	struct http_answer a;
	json_t *tokens = NULL;
	err e;

	json_decref(body);
	if (!text)
		return ERR_NOMEM;
	http_answer_init(&a);
	e = http_send(s->http, &rq, &a);
	wipe(text, strlen(text));
	free(text);
	if (e == OK)
		e = parse_answer(&a, &tokens);
	if (e == OK)
		e = session_store_tokens(cli, s, s->credentials.email, tokens);
	if (e != OK && a.status != 400 && a.status != 401)
		(void)session_explain(cli, e, &a);
	if (a.status == 400 || a.status == 401) {
		cli_hint(cli, "sign in again: slipway login --server %s", s->server);
		e = cli_fail(cli, ERR_UNAUTHENTICATED,
			a.code[0] ? arena_strdup(cli->arena, a.code) : NULL,
			"the sign-in at %s has ended", s->server);
	}
	json_decref(tokens);
	http_answer_done(&a);
	return e;
}

/* A working access token: another run's, if it was faster, else a new one. */
static err renew(struct cli *cli, struct session *s)
{
	const char *mine = s->credentials.access_token;
	int lock = -1;
	err e = credentials_lock(cli->arena, &lock);

	if (e != OK)
		return cli_fail(cli, e, "credentials", "the credentials cannot be locked: %s",
			err_title(e));
	e = credentials_load(cli->arena, s->server, &s->credentials);
	if (e != OK)
		e = cli_fail(cli, ERR_UNAUTHENTICATED, "signed_out",
			"the sign-in at %s was removed meanwhile", s->server);
	else if (!strcmp(mine, s->credentials.access_token))
		e = trade_in(cli, s);
	credentials_unlock(lock);
	return e;
}

static err send_as(struct session *s, const struct http_request *rq, struct http_answer *a)
{
	struct http_header headers[SESSION_HEADERS + 1];
	struct http_request with = *rq;
	const char *bearer =
		s->identity == IDENTITY_SIGNED_IN ? s->credentials.access_token : s->bearer;
	AUTO(buf) value = {0};
	err e;

	if (!bearer)
		return http_send(s->http, rq, a);
	if (rq->headers_count > SESSION_HEADERS)
		return ERR_BUG;
	buf_init(&value, 8192);
	buf_addf(&value, "Bearer %s", bearer);
	if (rq->headers_count)
		memcpy(headers, rq->headers, rq->headers_count * sizeof(*headers));
	headers[rq->headers_count] = (struct http_header){"Authorization", buf_span(&value)};
	with.headers = headers;
	with.headers_count = rq->headers_count + 1;
	e = http_send(s->http, &with, a);
	buf_wipe(&value);
	return e;
}

/* A job that was given a token has that one, and it is good once. */
static bool can_renew(const struct cli *cli, const struct session *s)
{
	return s->identity == IDENTITY_SIGNED_IN ||
	       (s->identity == IDENTITY_JOB && !ci_token_is_given(cli));
}

static bool token_is_due(const struct cli *cli, const struct session *s)
{
	int64_t ends_us = s->identity == IDENTITY_SIGNED_IN ? s->credentials.access_expires_us
							    : s->bearer_expires_us;

	if (s->identity == IDENTITY_JOB && !s->bearer)
		return true;
	return can_renew(cli, s) && clock_wall_us() > ends_us - RENEW_BEFORE_US;
}

static err new_token(struct cli *cli, struct session *s)
{
	return s->identity == IDENTITY_JOB ? ci_token_exchange(cli, s) : renew(cli, s);
}

err session_try(struct cli *cli, const struct http_request *rq, struct http_answer *a)
{
	struct session *s;
	err e = session_get(cli, &s);

	if (e == OK && token_is_due(cli, s))
		e = new_token(cli, s);
	if (e != OK)
		return e;
	e = send_as(s, rq, a);
	if (e != ERR_UNAUTHENTICATED || !can_renew(cli, s))
		return e;
	e = new_token(cli, s);
	return e == OK ? send_as(s, rq, a) : e;
}

/* What to do about refusals that say it by their code alone. */
static const char *remedy(const char *code)
{
	static const char *const remedies[][2] = {
		{"invalid_credentials",
			"an administrator can set a new one: slipway account set-password"},
		{"mfa_required",
			"give the code of the authenticator app with --otp, or on a terminal"},
		{"invalid_factor",
			"the app's code changes every 30 s; a recovery code is good once"},
		{"permission_missing",
			"`slipway whoami` shows what you may do; an administrator can give more"},
		{"step_up_required",
			"run it on a terminal, which asks for it; or sign in anew in a browser, then with "
			"`slipway login`, which takes that proof over"},
		{"factor_needed",
			"who has only a passkey signs in anew in a browser, then with `slipway login`"},
	};

	for (size_t i = 0; i < ARRAY_LEN(remedies); i++)
		if (!strcmp(code, remedies[i][0]))
			return remedies[i][1];
	return NULL;
}

/* The same to a CI job; NULL: as to everybody. */
static const char *remedy_for_job(struct cli *cli, err e, const char *code)
{
	const struct session *s = cli->data;

	if (!s || s->identity != IDENTITY_JOB || !s->bearer)
		return NULL;
	if (!strcmp(code, "permission_missing") || !strcmp(code, "account_needed"))
		return arena_printf(cli->arena, "the workload identity permits: %s", s->scope);
	if (e != ERR_UNAUTHENTICATED)
		return NULL;
	return s->bearer_expires_us <= clock_wall_us()
		       ? "the job's access token has ended; the workload identity can have a "
			 "longer --lifetime"
		       : "the workload identity was changed, disabled or deleted meanwhile, or its "
			 "owner was";
}

static void hint_for(struct cli *cli, err e, const struct http_answer *a)
{
	const struct session *s = cli->data;

	if (cli->hint)
		return;
	if (!strcmp(a->code, "certificate"))
		cli_hint_certificate(cli, buf_span(&a->detail), s ? s->ca_file : NULL);
	else if (remedy_for_job(cli, e, a->code))
		cli_hint(cli, "%s", remedy_for_job(cli, e, a->code));
	else if (remedy(a->code))
		cli_hint(cli, "%s", remedy(a->code));
	else if (a->status == 0 && e == ERR_UNAVAILABLE)
		cli_hint(cli, "is %s right, and does the server run?", s ? s->server : "the URL");
	else if (e == ERR_UNAUTHENTICATED && s && s->identity == IDENTITY_NOBODY &&
		 ci_token_advice(cli, s))
		cli_hint(cli, "%s", ci_token_advice(cli, s));
	else if (e == ERR_UNAUTHENTICATED && s && s->identity == IDENTITY_NOBODY)
		cli_hint(cli, "sign in with `slipway login`, or set SLIPWAY_API_KEY");
	else if (e == ERR_UNAUTHENTICATED && s && s->identity == IDENTITY_GIVEN)
		cli_hint(cli, "the token or API key is not valid here, or no longer");
	else if (a->retry_after_us > 0)
		cli_hint(cli, "try again in %lld s", (long long)(a->retry_after_us / TIME_SECOND));
}

/* Keeps the whole document: some refusals say how to go on. */
static void keep_problem(struct session *s, const struct http_answer *a)
{
	json_decref(s->problem);
	s->problem = json_loadb(buf_str(&a->body), buf_len(&a->body), JSON_REJECT_DUPLICATES, NULL);
}

err session_explain(struct cli *cli, err e, const struct http_answer *a)
{
	if (cli->detail) /* already explained, by somebody who knew better */
		return e;
	hint_for(cli, e, a);
	if (a->request_id[0])
		cli->request_id = arena_strdup(cli->arena, a->request_id);
	return cli_fail(cli, e, a->code[0] ? arena_strdup(cli->arena, a->code) : NULL, "%s",
		buf_len(&a->detail) ? buf_str(&a->detail) : err_title(e));
}

err session_send(struct cli *cli, const struct http_request *rq, struct http_answer *a)
{
	err e = session_try(cli, rq, a);

	if (e == OK)
		return OK;
	if (cli->data)
		keep_problem(cli->data, a);
	return session_explain(cli, e, a);
}

void session_give_back(struct cli *cli, const char *refresh_token)
{
	const char *const form[][2] = {{"token", refresh_token}};
	struct session *s = cli->data;
	struct http_request rq = {.method = "POST",
		.url = session_url(cli, s, API "/oauth/revoke"),
		.content_type = "application/x-www-form-urlencoded",
		.body = span_from(request_form(cli, form, 1)),
		.timeout_us = GIVE_BACK_US};
	struct http_answer a;

	s->interrupted_us = 0; /* this gets its own time after Ctrl-C */
	http_answer_init(&a);
	(void)!http_send(s->http, &rq, &a); /* else it runs out by itself */
	http_answer_done(&a);
}

err session_renew(struct cli *cli)
{
	struct session *s;
	err e = session_get(cli, &s);

	return e || s->identity != IDENTITY_SIGNED_IN ? e : renew(cli, s);
}

/* One call; the code of a failure is in cli. */
static err call_once(
	struct cli *cli, const char *method, const char *path, const json_t *body, json_t **ret)
{
	struct session *s;
	struct http_request rq = {.method = method, .answer_max = ANSWER_MAX};
	struct http_answer a;
	char *text = NULL;
	err e = session_get(cli, &s);

	if (e != OK)
		return e;
	if (body) {
		text = json_dumps(body, JSON_COMPACT);
		if (!text)
			return ERR_NOMEM;
		rq.body = span_from(text);
		rq.content_type = "application/json";
	}
	rq.url = arena_printf(cli->arena, "%s" API "%s", s->server, path);
	http_answer_init(&a);
	e = session_send(cli, &rq, &a);
	if (text)
		wipe(text, strlen(text)); /* may hold a password */
	free(text);
	*ret = NULL;
	if (e == OK && a.status != 204 && parse_answer(&a, ret) != OK)
		e = cli_fail(cli, ERR_CORRUPT, "answer", "the server's answer is no JSON");
	http_answer_done(&a);
	return e;
}

err session_call(
	struct cli *cli, const char *method, const char *path, const json_t *body, json_t **ret)
{
	err e = call_once(cli, method, path, body, ret);

	if (!e || !cli->code || strcmp(cli->code, "step_up_required") != 0 || !isatty(STDIN_FILENO))
		return e;
	e = proof_give(cli);
	return e ? e : call_once(cli, method, path, body, ret);
}

err session_call_as_anybody(struct cli *cli, const char *path, json_t *body, json_t **ret)
{
	struct session *s;
	err e = session_get_anonymous(cli, &s);

	if (e == OK)
		e = session_call(cli, "POST", path, body, ret);
	json_decref(body);
	return e;
}
