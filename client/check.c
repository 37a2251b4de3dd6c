/*
 * The update check. It works without a device, and when the device's credentials have ended for
 * good it still works: what is public is offered to everybody.
 */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/semver.h"
#include "device.h"
#include "sys/clock.h"

#define URL_MAX          4096
#define REQUIREMENTS_MAX 64

/* A slipway_update and everything it points to. */
struct update {
	struct slipway_update public; /* first */
	struct arena *arena;
	struct slipway_requirement requirements[REQUIREMENTS_MAX];
};

static void add_parameter(struct buf *url, const char *name, const char *value)
{
	if (!value)
		return;
	buf_addf(url, "%c%s=", span_contains(buf_span(url), SPAN("?")) ? '&' : '?', name);
	percent_encode(url, span_from(value));
}

static err make_path(
	struct slipway *s, const struct slipway_check_options *o, int64_t now_us, struct buf *ret)
{
	const struct slipway_settings *t = &s->settings;
	const char *counted = "none";
	unsigned cohort = 0;
	char number[16];
	struct buf text;
	err e = device_cohort(s, &cohort);

	if (e == OK)
		e = device_last_counted(s, now_us, &counted);
	if (e != OK)
		return e;
	buf_init_fixed(&text, number, sizeof(number));
	buf_add_u64(&text, cohort);
	buf_add_str(ret, "/updates/check");
	add_parameter(ret, "product", t->product);
	add_parameter(ret, "version", t->installed);
	add_parameter(ret, "platform", t->platform);
	add_parameter(ret, "channel", t->channel);
	add_parameter(ret, "format", t->format);
	add_parameter(ret, "cohort", number);
	add_parameter(ret, "last_counted", counted);
	add_parameter(ret, "os_version", t->os_version);
	add_parameter(ret, "pin", o->pin);
	add_parameter(ret, "manual", o->manual ? "true" : NULL);
	return buf_error(ret) == OK
		       ? OK
		       : client_fail(s, ERR_INVALID, "settings", "The settings are too long");
}

static bool says_stale(const json_t *answer)
{
	const char *reason = json_string_value(json_object_get(answer, "reason"));

	return reason && !strcmp(reason, "credentials_stale");
}

/* Asks as the device; with credentials the server finds old, asks again with new ones. */
static err ask_as_device(
	struct slipway *s, struct client_call *call, struct device *d, json_t **ret)
{
	json_t *answer = NULL;
	int status = 0;
	err e;

	call->bearer = d->token;
	e = client_call(s, call, &answer, &status);
	if (!(e != OK && status == 401) && !(e == OK && says_stale(answer))) {
		*ret = answer;
		return e;
	}
	json_decref(answer);
	e = device_renew(s, d, d);
	if (e != OK)
		return e;
	call->bearer = d->token;
	return client_call(s, call, ret, NULL);
}

static err ask(struct slipway *s, const char *path, json_t **ret)
{
	struct client_call call = {.method = "GET", .path = path};
	struct device d;
	err e = device_get(s, &d);

	if (e == ERR_NOT_FOUND && !s->settings.licence_key)
		return client_call(s, &call, ret, NULL);
	return e == OK ? ask_as_device(s, &call, &d, ret) : e;
}

static bool is_sha256(const char *text)
{
	uint8_t bytes[32];

	return text && hex_decode(span_from(text), bytes, sizeof(bytes)) == OK;
}

static bool read_package(struct update *u, const json_t *package)
{
	struct slipway_package *p = &u->public.package;
	json_int_t size = json_integer_value(json_object_get(package, "size"));

	*p = (struct slipway_package){
		.id = member_text(u->arena, package, "id"),
		.filename = member_text(u->arena, package, "filename"),
		.sha256 = member_text(u->arena, package, "sha256"),
		.format = member_text(u->arena, package, "format"),
		.package_class = member_text(u->arena, package, "class"),
		.size = (uint64_t)size,
	};
	return p->id && p->filename && is_sha256(p->sha256) && size > 0;
}

static void read_requirements(struct update *u, const json_t *list)
{
	struct slipway_update *p = &u->public;
	json_t *item;
	size_t i;

	p->requirements = u->requirements;
	json_array_foreach(list, i, item)
	{
		if (i == REQUIREMENTS_MAX)
			break;
		u->requirements[p->requirements_count++] = (struct slipway_requirement){
			.product = member_text(u->arena, item, "product"),
			.range = member_text(u->arena, item, "range"),
			.version = member_text(u->arena, item, "version"),
			.release_id = member_text(u->arena, item, "release_id"),
			.package_id = member_text(u->arena, item, "package_id"),
		};
	}
}

static const char *absolute_url(struct slipway *s, struct arena *a, const char *url)
{
	return url && url[0] == '/' ? arena_printf(a, "%s%s", s->settings.server, url) : url;
}

static bool read_answer(struct slipway *s, struct update *u, const json_t *a)
{
	struct slipway_update *p = &u->public;

	p->available = json_is_true(json_object_get(a, "update"));
	p->reason = member_text(u->arena, a, "reason");
	p->policy = member_text(u->arena, a, "policy");
	p->next_check_seconds = json_integer_value(json_object_get(a, "next_check_seconds"));
	p->version = member_text(u->arena, a, "version");
	p->channel = member_text(u->arena, a, "channel");
	p->release_id = member_text(u->arena, a, "release_id");
	p->notes_url = absolute_url(s, u->arena, member_text(u->arena, a, "notes_url"));
	p->eol = member_text(u->arena, a, "eol");
	p->critical = json_is_true(json_object_get(a, "critical"));
	p->mandatory = json_is_true(json_object_get(a, "mandatory"));
	read_requirements(u, json_object_get(a, "requires"));
	if (!p->reason)
		return false;
	return !p->available ||
	       (p->version && p->release_id && read_package(u, json_object_get(a, "package")));
}

/*
 * A server never offers what is not newer; one that does is broken or lies, to bring back a version
 * with known holes, which the publisher has signed as well.
 */
static err check_newer(struct slipway *s, const struct slipway_update *u)
{
	struct semver offered, installed;

	if (!u->available)
		return OK;
	if (semver_parse(span_from(u->version), &offered) != OK)
		return client_fail(
			s, ERR_CORRUPT, "answer", "The server offers something that is no version");
	if (semver_parse(span_from(s->settings.installed), &installed) == OK &&
		semver_cmp(&offered, &installed) > 0)
		return OK;
	return client_fail(s, ERR_CORRUPT, "downgrade",
		"The server offers %.100s, which is not newer than what is installed", u->version);
}

static err make_update(struct slipway *s, const json_t *answer, struct slipway_update **ret)
{
	struct update *u = calloc(1, sizeof(*u));
	char *json = json_dumps(answer, JSON_INDENT(2));

	if (!u || !json) {
		free(u);
		free(json);
		return client_fail(s, ERR_NOMEM, "nomem", "Out of memory");
	}
	u->arena = arena_new();
	u->public.json = arena_strdup(u->arena, json);
	free(json);
	if (!read_answer(s, u, answer)) {
		slipway_update_free(&u->public);
		return client_fail(s, ERR_CORRUPT, "answer",
			"The server's answer to the update check is not complete");
	}
	err e = check_newer(s, &u->public);

	if (e != OK) {
		slipway_update_free(&u->public);
		return e;
	}
	*ret = &u->public;
	return OK;
}

void slipway_update_free(struct slipway_update *public)
{
	struct update *u = (struct update *)public; /* its first member */

	if (!u)
		return;
	arena_free(u->arena);
	free(u);
}

enum slipway_status slipway_check(
	struct slipway *s, const struct slipway_check_options *options, struct slipway_update **ret)
{
	static const struct slipway_check_options none = {0};
	int64_t now_us = clock_wall_us();
	AUTO(buf) path = {0};
	json_t *answer = NULL;
	err e = client_ready(s);

	buf_init(&path, URL_MAX);
	if (e == OK)
		e = make_path(s, options ? options : &none, now_us, &path);
	if (e == OK)
		e = ask(s, buf_str(&path), &answer);
	if (e == OK)
		e = make_update(s, answer, ret);
	json_decref(answer);
	if (e == OK) /* at worst this check is counted twice */
		(void)!device_set_counted(s, now_us);
	return status_of(e);
}
