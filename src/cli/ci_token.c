/*
 * Hard rule: the provider's token goes to the server and nowhere else, what it is asked for with to
 * the provider, and neither to a file.
 */
#include "cli/ci_token.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/time.h"
#include "cli/request.h"
#include "crypto/secret.h"
#include "sys/clock.h"
#include "sys/files.h"

#include "base/banned.h"

#define GRANT      "urn:ietf:params:oauth:grant-type:token-exchange"
#define TOKEN_TYPE "urn:ietf:params:oauth:token-type:jwt"
#define TOKEN_MAX  16384
#define URL_MAX    8000
#define LIFE_MOST  86400

#define GITHUB_URL   "ACTIONS_ID_TOKEN_REQUEST_URL"
#define GITHUB_TOKEN "ACTIONS_ID_TOKEN_REQUEST_TOKEN"

static const char *set(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

bool ci_token_is_given(const struct cli *cli)
{
	return cli_text(cli, "id-token-file") || set("SLIPWAY_ID_TOKEN");
}

bool ci_token_can_be_asked_for(void)
{
	return set(GITHUB_URL) && set(GITHUB_TOKEN);
}

const char *ci_token_advice(struct cli *cli, const struct session *s)
{
	if (set("GITHUB_ACTIONS"))
		return "in GitHub Actions give the job `permissions:` `id-token: write`, and the "
		       "server a workload identity for it; or set SLIPWAY_API_KEY";
	if (set("GITLAB_CI"))
		return arena_printf(cli->arena,
			"in GitLab CI give the job `id_tokens:` `SLIPWAY_ID_TOKEN:` `aud: %s`, and "
			"the server a workload identity for it; or set SLIPWAY_API_KEY",
			s->server);
	return NULL;
}

/* A member of an answer's object, in the arena; NULL if it is none. */
static const char *member(struct cli *cli, const struct http_answer *a, const char *name)
{
	json_t *object = json_loadb(buf_str(&a->body), buf_len(&a->body), 0, NULL);
	const char *text = json_string_value(json_object_get(object, name));

	text = text && *text ? arena_strdup(cli->arena, text) : NULL;
	json_decref(object);
	return text;
}

/* The provider's token --------------------------------------------------------------------------
 */

static err read_given(struct cli *cli, const char **ret)
{
	const char *path = cli_text(cli, "id-token-file");
	AUTO(buf) text = {0};
	bool ignored;
	err e;

	if (!path) {
		*ret = arena_str(cli->arena, span_trim(span_from(set("SLIPWAY_ID_TOKEN"))));
		return OK;
	}
	buf_init(&text, TOKEN_MAX);
	e = secret_file_read(path, &text, &ignored);
	*ret = arena_str(cli->arena, span_trim(buf_span(&text)));
	buf_wipe(&text);
	return e ? cli_fail(cli, e, "id_token", "%s cannot be read: %s", path, err_title(e)) : OK;
}

/* What tokens for this server are to be asked for: as it calls itself. */
static err learn_audience(struct cli *cli, struct session *s, const char **ret)
{
	struct http_request rq = {.method = "GET",
		.url = session_url(cli, s, "/.well-known/oauth-authorization-server")};
	struct http_answer a;
	err e;

	*ret = set("SLIPWAY_AUDIENCE");
	if (*ret)
		return OK;
	http_answer_init(&a);
	e = http_send(s->http, &rq, &a);
	*ret = e ? NULL : member(cli, &a, "issuer");
	if (e)
		e = session_explain(cli, e, &a);
	else if (!*ret)
		e = cli_fail(cli, ERR_CORRUPT, "answer", "the server does not say its address");
	http_answer_done(&a);
	return e;
}

/* The runner itself says where; not over a network in the clear. */
static err check_github_url(struct cli *cli, const char *url, bool *ret_plain)
{
	span text = span_from(url);

	*ret_plain = span_starts_with(text, SPAN("http://127.0.0.1:")) ||
		     span_starts_with(text, SPAN("http://localhost:"));
	if (*ret_plain || span_starts_with(text, SPAN("https://")))
		return OK;
	return cli_fail(cli, ERR_INVALID, "id_token", "%s is no https:// URL", GITHUB_URL);
}

static err send_to_github(const char *url, bool plain, struct http_answer *a)
{
	struct http_settings settings = {
		.user_agent = "slipway/" SLIPWAY_VERSION, .plain = plain, .no_redirects = true};
	AUTO(buf) bearer = {0};
	struct http *http;
	err e = http_new(&settings, &http);

	if (e)
		return e;
	buf_init(&bearer, TOKEN_MAX);
	buf_addf(&bearer, "Bearer %s", set(GITHUB_TOKEN));
	struct http_header header = {"Authorization", buf_span(&bearer)};
	struct http_request rq = {
		.method = "GET", .url = url, .headers = &header, .headers_count = 1};

	e = http_send(http, &rq, a);
	buf_wipe(&bearer);
	http_free(http);
	return e;
}

static err ask_github(struct cli *cli, const char *audience, const char **ret)
{
	AUTO(buf) url = {0};
	struct http_answer a;
	bool plain;
	err e = check_github_url(cli, set(GITHUB_URL), &plain);

	if (e)
		return e;
	buf_init(&url, URL_MAX);
	buf_addf(&url, "%s%caudience=", set(GITHUB_URL), strchr(set(GITHUB_URL), '?') ? '&' : '?');
	percent_encode(&url, span_from(audience));
	http_answer_init(&a);
	e = buf_error(&url) ? buf_error(&url) : send_to_github(buf_str(&url), plain, &a);
	*ret = e ? NULL : member(cli, &a, "value");
	if (!e && !*ret)
		e = ERR_CORRUPT;
	if (e)
		e = cli_fail(cli, e, "id_token", "GitHub Actions gave the job no token: %s",
			buf_len(&a.detail) ? buf_str(&a.detail) : err_title(e));
	http_answer_done(&a);
	return e;
}

static err get_token(struct cli *cli, struct session *s, const char **ret)
{
	const char *audience = NULL;
	err e;

	if (ci_token_is_given(cli))
		return read_given(cli, ret);
	e = learn_audience(cli, s, &audience);
	return e ? e : ask_github(cli, audience, ret);
}

/* The exchange ----------------------------------------------------------------------------------
 */

/* What would make the server trust this job, or the job be told from others. */
static void hint_for_refusal(struct cli *cli, const struct http_answer *a)
{
	const char *github = set("GITHUB_REPOSITORY"), *gitlab = set("CI_PROJECT_PATH");

	if (span_contains(buf_span(&a->detail), SPAN("already")) && ci_token_is_given(cli))
		cli_hint(cli, "for several commands in one job exchange it once: export "
			      "SLIPWAY_TOKEN=\"$(slipway workload token)\"");
	else if (github)
		cli_hint(cli,
			"an administrator sees what is trusted with `slipway workload list`, and "
			"trusts this repository with `slipway workload create NAME --github %s`",
			github);
	else if (gitlab)
		cli_hint(cli,
			"an administrator sees what is trusted with `slipway workload list`, and "
			"trusts this project with `slipway workload create NAME --gitlab %s`",
			gitlab);
}

static err refused(struct cli *cli, err e, const struct http_answer *a)
{
	if (strcmp(a->code, "invalid_grant") != 0)
		return session_explain(cli, e, a);
	hint_for_refusal(cli, a);
	if (a->request_id[0])
		cli->request_id = arena_strdup(cli->arena, a->request_id);
	return cli_fail(cli, ERR_UNAUTHENTICATED, "invalid_grant",
		"the server does not take this job's token: %s", buf_str(&a->detail));
}

static err read_answer(struct cli *cli, struct session *s, const struct http_answer *a)
{
	json_t *said = json_loadb(buf_str(&a->body), buf_len(&a->body), 0, NULL);
	const char *token = json_string_value(json_object_get(said, "access_token"));
	const char *scope = json_string_value(json_object_get(said, "scope"));
	int64_t life_s = json_integer_value(json_object_get(said, "expires_in"));
	bool good = token && scope && life_s > 0 && life_s <= LIFE_MOST;

	if (good) {
		s->bearer = arena_strdup(cli->arena, token);
		s->scope = arena_strdup(cli->arena, scope);
		s->bearer_expires_us = clock_wall_us() + life_s * TIME_SECOND;
	}
	json_decref(said);
	return good ? OK : cli_fail(cli, ERR_CORRUPT, "answer", "the server's answer has no token");
}

err ci_token_exchange(struct cli *cli, struct session *s)
{
	const char *token = NULL;
	struct http_answer a;
	err e = get_token(cli, s, &token);

	if (e)
		return e;
	const char *const form[][2] = {{"grant_type", GRANT}, {"subject_token", token},
		{"subject_token_type", TOKEN_TYPE}, {"identity", set("SLIPWAY_WORKLOAD")}};
	struct http_request rq = {.method = "POST",
		.url = session_url(cli, s, API "/oauth/token"),
		.content_type = "application/x-www-form-urlencoded",
		.body = span_from(request_form(cli, form, ARRAY_LEN(form))),
		.once = true};

	http_answer_init(&a);
	e = http_send(s->http, &rq, &a);
	e = e ? refused(cli, e, &a) : read_answer(cli, s, &a);
	http_answer_done(&a);
	return e;
}
