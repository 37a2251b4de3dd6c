/*
 * Opening a client, calling the API, and the words of failures.
 */
#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/semver.h"
#include "crypto/minisign.h"
#include "crypto/secret.h"

#define ANSWER_MAX (16u << 20)

_Static_assert(SLIPWAY_BUG == 17 && ERR_COUNT == 17, "statuses are the exit codes of err.h");

enum slipway_status status_of(err e)
{
	return (enum slipway_status)err_exit_code(e);
}

const char *slipway_status_name(enum slipway_status status)
{
	for (unsigned e = 0; e < ERR_COUNT; e++)
		if (err_exit_code((err)e) == (int)status)
			return err_name((err)e);
	return err_name(ERR_BUG);
}

const char *slipway_version(void)
{
	return SLIPWAY_VERSION;
}

const struct slipway_problem *slipway_problem_get(const struct slipway *s)
{
	return &s->problem;
}

static void set_problem(struct slipway_problem *p, const char *code, const char *detail)
{
	*p = (struct slipway_problem){0};
	snprintf(p->code, sizeof(p->code), "%s", code);
	snprintf(p->detail, sizeof(p->detail), "%s", detail);
}

err client_fail(struct slipway *s, err e, const char *code, const char *format, ...)
{
	char detail[sizeof(s->problem.detail)];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	set_problem(&s->problem, code, detail);
	return e;
}

err client_explain(struct slipway *s, err e, const struct http_answer *a)
{
	client_fail(s, e, a->code[0] ? a->code : err_name(e), "%s",
		buf_len(&a->detail) ? buf_str(&a->detail) : err_title(e));
	snprintf(s->problem.request_id, sizeof(s->problem.request_id), "%s", a->request_id);
	s->problem.retry_after_s = a->retry_after_us / 1000000;
	return e;
}

void client_note(struct slipway *s, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (!s->settings.note)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	s->settings.note(s->settings.ctx, text);
}

bool client_cancelled(const struct slipway *s)
{
	return s->settings.cancelled && s->settings.cancelled(s->settings.ctx);
}

const char *member_text(struct arena *a, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? arena_strdup(a, text) : NULL;
}

static err send_call(
	struct slipway *s, const struct client_call *call, const char *body, struct http_answer *a)
{
	AUTO(buf) bearer = {0};
	AUTO(buf) url = {0};
	struct http_header headers[1];
	struct http_request rq = {.method = call->method,
		.answer_max = ANSWER_MAX,
		.idempotent = call->idempotent,
		.body = span_of(body, body ? strlen(body) : 0),
		.content_type = body ? "application/json" : NULL};
	err e;

	buf_init(&bearer, 8192);
	buf_init(&url, 8192);
	buf_addf(&url, "%s/api/v1%s", s->settings.server, call->path);
	if (call->bearer) {
		buf_addf(&bearer, "Bearer %s", call->bearer);
		headers[0] = (struct http_header){"Authorization", buf_span(&bearer)};
		rq.headers = headers;
		rq.headers_count = 1;
	}
	rq.url = buf_str(&url);
	e = http_send(s->http, &rq, a);
	buf_wipe(&bearer);
	return e == OK ? OK : client_explain(s, e, a);
}

err client_call(struct slipway *s, const struct client_call *call, json_t **ret, int *ret_status)
{
	char *body = call->body ? json_dumps(call->body, JSON_COMPACT) : NULL;
	struct http_answer a;
	json_t *answer = NULL;
	err e;

	if (call->body && !body)
		return client_fail(s, ERR_NOMEM, "nomem", "Out of memory");
	http_answer_init(&a);
	e = send_call(s, call, body, &a);
	if (body)
		wipe(body, strlen(body)); /* may hold a licence key or a refresh token */
	free(body);
	if (ret_status)
		*ret_status = a.status;
	if (e == OK && buf_len(&a.body) > 0) {
		answer = json_loadb(
			buf_str(&a.body), buf_len(&a.body), JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(answer)) {
			json_decref(answer);
			e = client_fail(s, ERR_CORRUPT, "answer", "The server's answer is no JSON");
		}
	}
	http_answer_done(&a);
	if (e == OK)
		*ret = answer;
	return e;
}

/* Settings ------------------------------------------------------------------------------------- */

/* "https://host/" without what ends it; NULL when it is no such URL. */
static const char *normal_server(struct arena *a, const char *server)
{
	span text = span_from(server);
	const span https = SPAN("https://");

	while (span_ends_with(text, SPAN("/")))
		text.len--;
	if (!span_starts_with(text, https) || text.len == https.len ||
		span_contains(span_from_offset(text, https.len), SPAN("/")))
		return NULL;
	return arena_str(a, text);
}

static const char *default_state_dir(struct arena *a)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (state && state[0] == '/')
		return arena_printf(a, "%s/slipway-update", state);
	if (home && home[0] == '/')
		return arena_printf(a, "%s/.local/state/slipway-update", home);
	return NULL;
}

static const char *copy(struct arena *a, const char *text)
{
	return text && *text ? arena_strdup(a, text) : NULL;
}

static const char *const *copy_list(struct arena *a, const char *const *list)
{
	size_t count = 0;
	const char **copies;

	while (list && list[count])
		count++;
	copies = arena_try_array(a, count + 1, sizeof(*copies));
	if (!copies)
		abort(); /* a handful of pointers: memory is out */
	for (size_t i = 0; i < count; i++)
		copies[i] = arena_strdup(a, list[i]);
	return count ? copies : NULL;
}

static err copy_settings(struct slipway *s, const struct slipway_settings *from)
{
	struct slipway_settings *to = &s->settings;
	struct arena *a = s->arena;

	*to = *from;
	to->server = from->server ? normal_server(a, from->server) : NULL;
	to->ca_file = copy(a, from->ca_file);
	to->product = copy(a, from->product);
	to->platform = copy(a, from->platform);
	to->installed = copy(a, from->installed);
	to->channel = from->channel && *from->channel ? copy(a, from->channel) : "stable";
	to->format = copy(a, from->format);
	to->os_version = copy(a, from->os_version);
	to->licence_key = copy(a, from->licence_key);
	to->device_name = copy(a, from->device_name);
	to->user_agent = copy(a, from->user_agent);
	to->publisher_keys = copy_list(a, from->publisher_keys);
	s->state_dir = from->state_dir ? copy(a, from->state_dir) : default_state_dir(a);
	if (from->server && !to->server)
		return client_fail(s, ERR_INVALID, "server",
			"The server must be given as https://HOST or https://HOST:PORT");
	if (!s->state_dir)
		return client_fail(s, ERR_INVALID, "state",
			"There is no home directory; give a state directory");
	return OK;
}

/* What is given must be right; what is missing is asked for by who needs it (client_ready). */
static err check_settings(struct slipway *s)
{
	const struct slipway_settings *t = &s->settings;
	span rest = span_from(t->platform), os;
	struct semver v;
	struct minisign_public key;

	if (t->installed && semver_parse(span_from(t->installed), &v) != OK)
		return client_fail(s, ERR_INVALID, "installed",
			"The installed version must be a semantic version like 1.2.0; 0.0.0 when "
			"nothing is installed");
	for (size_t i = 0; t->publisher_keys && t->publisher_keys[i]; i++)
		if (minisign_parse_public(span_from(t->publisher_keys[i]), &key) != OK)
			return client_fail(s, ERR_INVALID, "publisher_key",
				"Publisher key %zu is no minisign public key", i + 1);
	s->os = s->arch = "unknown";
	if (!t->platform)
		return OK;
	if (!span_cut(&rest, '-', &os) || os.len == 0 || !rest.ptr || rest.len == 0)
		return client_fail(s, ERR_INVALID, "platform",
			"The platform must be given as OS-ARCH, like linux-amd64");
	s->os = arena_str(s->arena, os);
	s->arch = arena_str(s->arena, rest);
	return OK;
}

err client_ready(struct slipway *s)
{
	const struct slipway_settings *t = &s->settings;
	const char *missing = !t->server      ? "server"
			      : !t->product   ? "product"
			      : !t->platform  ? "platform"
			      : !t->installed ? "installed version"
					      : NULL;

	return missing ? client_fail(s, ERR_INVALID, "settings", "The %s is missing", missing) : OK;
}

static err open_http(struct slipway *s)
{
	const char *agent = s->settings.user_agent
				    ? s->settings.user_agent
				    : arena_printf(s->arena, "libslipway/%s (%s; %s)",
					      SLIPWAY_VERSION, s->os, s->arch);
	struct http_settings settings = {.ca_file = s->settings.ca_file,
		.user_agent = agent,
		.cancelled = s->settings.cancelled,
		.ctx = s->settings.ctx};
	err e = http_new(&settings, &s->http);

	if (e != OK)
		return client_fail(s, e, "ca", "The CA file %s cannot be read",
			s->settings.ca_file ? s->settings.ca_file : "");
	return OK;
}

enum slipway_status slipway_open(const struct slipway_settings *settings, struct slipway **ret,
	struct slipway_problem *problem)
{
	struct slipway *s = calloc(1, sizeof(*s));
	err e;

	if (!s) {
		if (problem)
			set_problem(problem, "nomem", "Out of memory");
		return SLIPWAY_NOMEM;
	}
	s->arena = arena_new();
	if (settings->api_version != SLIPWAY_API_VERSION)
		e = client_fail(s, ERR_INVALID, "api_version",
			"The program was built for another libslipway");
	else
		e = copy_settings(s, settings);
	if (e == OK)
		e = check_settings(s);
	if (e == OK)
		e = open_http(s);
	if (e != OK) {
		if (problem)
			*problem = s->problem;
		slipway_close(s);
		return status_of(e);
	}
	*ret = s;
	return SLIPWAY_OK;
}

void slipway_close(struct slipway *s)
{
	if (!s)
		return;
	http_free(s->http);
	arena_free(s->arena);
	free(s);
}
