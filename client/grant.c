/*
 * Asking for a download. Hard rule: the token goes into the Authorization header, never into a URL
 * of ours, where logs of proxies would keep it.
 */
#include "grant.h"

#include <string.h>

#include "base/time.h"
#include "sys/clock.h"

#define RENEW_BEFORE_US (30 * TIME_SECOND)

/*
 * Calls as the device, or as nobody when there is none. Credentials the server refuses are renewed
 * once.
 */
static err call_as_device(
	struct slipway *s, struct client_call *call, json_t **ret, int *ret_status)
{
	struct device d;
	err e = device_get(s, &d);

	if (e == ERR_NOT_FOUND && !s->settings.licence_key)
		return client_call(s, call, ret, ret_status);
	if (e == OK && clock_wall_us() > d.access_expires_us - RENEW_BEFORE_US)
		e = device_renew(s, &d, &d);
	if (e != OK)
		return e;
	call->bearer = d.access_token;
	e = client_call(s, call, ret, ret_status);
	if (e == OK || (*ret_status != 401 && strcmp(s->problem.code, "credentials_stale") != 0))
		return e;
	e = device_renew(s, &d, &d);
	if (e != OK)
		return e;
	call->bearer = d.access_token;
	return client_call(s, call, ret, ret_status);
}

/* "https://host/d/TOKEN/name" → "https://host/d/name"; a path is of our server. */
static const char *bare_url(struct slipway *s, struct arena *a, const char *url, const char *token)
{
	span text =
		span_from(url[0] == '/' ? arena_printf(a, "%s%s", s->settings.server, url) : url);
	span infix = span_from(arena_printf(a, "/%s/", token));
	size_t at = 0;

	if (!span_starts_with(text, SPAN("https://")))
		return NULL;
	for (; at + infix.len <= text.len; at++)
		if (span_eq(span_sub(text, at, infix.len), infix))
			return arena_printf(a, "%.*s/%.*s", (int)at, text.ptr,
				SPAN_ARG(span_from_offset(text, at + infix.len)));
	return arena_str(a, text);
}

static void add_url(struct slipway *s, struct arena *a, const json_t *value, struct grant *g)
{
	const char *url = json_string_value(value);
	const char *bare = url ? bare_url(s, a, url, g->token) : NULL;

	if (bare && g->urls_count < GRANT_URLS_MAX)
		g->urls[g->urls_count++] = bare;
}

static err read_grant(struct slipway *s, struct arena *a, const json_t *answer, struct grant *ret)
{
	struct grant g = {
		.download_id = member_text(a, answer, "download_id"),
		.token = member_text(a, answer, "token"),
	};
	json_t *value;
	size_t i;

	if (g.token && g.download_id) {
		add_url(s, a, json_object_get(answer, "url"), &g);
		json_array_foreach(json_object_get(answer, "fallback_urls"), i, value)
			add_url(s, a, value, &g);
	}
	if (g.urls_count == 0)
		return client_fail(s, ERR_CORRUPT, "answer", "The server's grant is not complete");
	*ret = g;
	return OK;
}

err grant_get(struct slipway *s, struct arena *a, const char *package_id, const char *download_id,
	struct grant *ret)
{
	json_t *body = NULL, *answer = NULL;
	struct client_call call = {.method = "POST"};
	int status = 0;
	err e = ERR_NOT_FOUND;

	if (download_id) {
		call.path = arena_printf(a, "/downloads/%s/renew", download_id);
		call.idempotent = true;
		e = call_as_device(s, &call, &answer, &status);
	}
	/* Unknown or ended there: another download of the same bytes does as well. */
	if (e == ERR_NOT_FOUND || e == ERR_CONFLICT || e == ERR_EXPIRED) {
		body = json_pack("{s:s}", "package_id", package_id);
		call = (struct client_call){.method = "POST",
			.path = "/downloads/token",
			.body = body,
			.idempotent = true};
		e = call_as_device(s, &call, &answer, &status);
		json_decref(body);
	}
	if (e == OK)
		e = read_grant(s, a, answer, ret);
	json_decref(answer);
	return e;
}
