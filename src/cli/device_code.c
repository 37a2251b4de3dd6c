/*
 * Device codes. Hard rule: a server that is away is asked again until the code ends; any word of
 * the server that is final ends it.
 */
#include "cli/device_code.h"

#include <string.h>

#include "base/time.h"
#include "cli/request.h"
#include "sys/clock.h"

#include "base/banned.h"

#define CLIENT_ID    "slipway-cli"
#define GRANT        "urn:ietf:params:oauth:grant-type:device_code"
#define ASK_TIMEOUT  (10 * TIME_SECOND)
#define SLOW_DOWN    (5 * TIME_SECOND) /* RFC 8628, 3.5 */
#define LONGEST_WAIT (30 * TIME_SECOND)
#define LIFE_MOST_S  86400
#define EACH_MOST_S  300

/* POSTs a form; *ret is the answer's object (given) or NULL. The words stay in *a. */
static err post(struct cli *cli, struct session *s, const char *path, const char *form,
	struct http_answer *a, json_t **ret)
{
	struct http_request rq = {.method = "POST",
		.url = session_url(cli, s, path),
		.content_type = "application/x-www-form-urlencoded",
		.body = span_from(form),
		.timeout_us = ASK_TIMEOUT};
	err e = http_send(s->http, &rq, a);

	*ret = e ? NULL : json_loadb(buf_str(&a->body), buf_len(&a->body), 0, NULL);
	return e;
}

/* A text that may be shown and opened; NULL if it is none. */
static const char *shown_text(struct cli *cli, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	AUTO(buf) clean = {0};

	if (!text)
		return NULL;
	buf_init(&clean, 1 << 16);
	text_clean(&clean, span_from(text));
	return buf_len(&clean) ? arena_str(cli->arena, buf_span(&clean)) : NULL;
}

static int64_t seconds(const json_t *object, const char *name, int64_t absent, int64_t most)
{
	int64_t n = json_integer_value(json_object_get(object, name));

	return n <= 0 ? absent : MIN(n, most);
}

static bool read_code(struct cli *cli, const json_t *answer, struct device_code *ret)
{
	const char *secret = json_string_value(json_object_get(answer, "device_code"));
	int64_t now_us = clock_monotonic_us();
	struct device_code c = {.user_code = shown_text(cli, answer, "user_code"),
		.uri = shown_text(cli, answer, "verification_uri"),
		.uri_complete = shown_text(cli, answer, "verification_uri_complete"),
		.expires_in_s = seconds(answer, "expires_in", 0, LIFE_MOST_S),
		.interval_s = seconds(answer, "interval", 5, EACH_MOST_S)};

	if (!secret || !c.user_code || !c.uri || !c.expires_in_s)
		return false;
	if (!c.uri_complete) /* optional in RFC 8628 */
		c.uri_complete = c.uri;
	c.device_code_ = arena_strdup(cli->arena, secret);
	c.pause_us_ = c.interval_s * TIME_SECOND;
	c.expires_us = now_us + c.expires_in_s * TIME_SECOND;
	c.next_us = now_us + c.pause_us_;
	*ret = c;
	return true;
}

err device_code_begin(struct cli *cli, const char *scope, struct device_code *ret)
{
	const char *const form[][2] = {{"client_id", CLIENT_ID}, {"scope", scope}};
	struct http_answer a;
	struct session *s;
	json_t *answer = NULL;
	err e = session_get_anonymous(cli, &s);

	if (e)
		return e;
	http_answer_init(&a);
	e = post(cli, s, API "/oauth/device_authorization",
		request_form(cli, form, ARRAY_LEN(form)), &a, &answer);
	if (e)
		(void)session_explain(cli, e, &a);
	else if (!read_code(cli, answer, ret))
		e = cli_fail(cli, ERR_CORRUPT, "answer", "the server's answer is incomplete");
	json_decref(answer);
	http_answer_done(&a);
	return e;
}

static bool is_code(const struct http_answer *a, const char *code)
{
	return !strcmp(a->code, code);
}

/* No answer, or one that says nothing about the code: a restart, a proxy in between, a limit. */
static bool is_away(const struct http_answer *a)
{
	if (a->status == 0)
		return !is_code(a, "certificate") && !is_code(a, "tls") && !is_code(a, "url");
	return a->status == 429 || a->status >= 500;
}

/* RFC 8628, 3.5: who gets no answer asks more and more rarely. */
static void wait_for_server(struct device_code *c, const struct http_answer *a, int64_t now_us)
{
	int64_t pause_us = c->pause_us_;

	for (int64_t i = 0; i < c->failures_ && pause_us < LONGEST_WAIT; i++)
		pause_us *= 2;
	c->failures_++;
	c->away = true;
	c->next_us = now_us + MAX(MIN(pause_us, LONGEST_WAIT), a->retry_after_us);
	c->next_us = MIN(c->next_us, c->expires_us);
}

static err expired(struct cli *cli, const struct device_code *c)
{
	cli_hint(cli, "`slipway login` shows a new one");
	return cli_fail(cli, ERR_EXPIRED, "expired_token", "the code has expired: %s",
		c->away ? "the server did not answer any more" : "nobody approved it in time");
}

/* What a refusal means; OK: ask again. */
static err understand(struct cli *cli, struct device_code *c, err e, const struct http_answer *a)
{
	int64_t now_us = clock_monotonic_us();

	if (e == ERR_CANCELLED)
		return cli_fail(cli, e, "cancelled", "cancelled; nobody is signed in");
	if (is_away(a)) {
		wait_for_server(c, a, now_us);
		return OK;
	}
	c->away = false;
	c->failures_ = 0;
	if (is_code(a, "slow_down"))
		c->pause_us_ += SLOW_DOWN;
	c->next_us = now_us + c->pause_us_;
	if (is_code(a, "slow_down") || is_code(a, "authorization_pending"))
		return OK;
	if (is_code(a, "expired_token"))
		return expired(cli, c);
	if (is_code(a, "access_denied"))
		return cli_fail(cli, ERR_DENIED, "access_denied",
			"the sign-in was refused, or the session that approved it has ended");
	if (is_code(a, "invalid_grant")) {
		cli_hint(cli, "begin again: `slipway login`");
		return cli_fail(cli, ERR_INVALID, "invalid_grant",
			"the server does not know the code any more");
	}
	return session_explain(cli, e, a);
}

err device_code_ask(struct cli *cli, struct device_code *c, json_t **ret_tokens)
{
	const char *const form[][2] = {
		{"grant_type", GRANT}, {"client_id", CLIENT_ID}, {"device_code", c->device_code_}};
	struct session *s = cli->data;
	struct http_answer a;
	err e;

	*ret_tokens = NULL;
	if (clock_monotonic_us() >= c->expires_us)
		return expired(cli, c);
	http_answer_init(&a);
	e = post(cli, s, API "/oauth/token", request_form(cli, form, ARRAY_LEN(form)), &a,
		ret_tokens);
	if (e)
		e = understand(cli, c, e, &a);
	else if (!*ret_tokens)
		e = cli_fail(cli, ERR_CORRUPT, "answer", "the server's answer is no JSON");
	http_answer_done(&a);
	return e;
}
