/*
 * Reports. A completion report is written down before it is sent and deleted once the server has
 * it (or will never take it), so that neither a crash nor a dead network loses it.
 */
#include "report.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/typeid.h"
#include "device.h"
#include "sys/files.h"

#define REPORT_MAX   65536
#define REPORTS_MOST 100
#define TOO_OLD_S    (7 * 86400)

static err send_as_device(
	struct slipway *s, const char *method, const char *path, const json_t *body)
{
	struct client_call call = {
		.method = method, .path = path, .body = body, .idempotent = true};
	struct device d;
	json_t *answer = NULL;
	int status = 0;
	err e = device_get(s, &d);

	if (e == OK) {
		call.bearer = d.access_token;
		e = client_call(s, &call, &answer, &status);
		if (status == 401 && (e = device_renew(s, &d, &d)) == OK) {
			call.bearer = d.access_token;
			e = client_call(s, &call, &answer, &status);
		}
	} else if (e == ERR_NOT_FOUND && !s->settings.licence_key) {
		e = client_call(s, &call, &answer, &status);
	}
	json_decref(answer);
	return e;
}

/* Whether sending it again later can help. */
static bool worth_keeping(err e)
{
	return e == ERR_UNAVAILABLE || e == ERR_BUSY || e == ERR_LIMIT || e == ERR_CANCELLED ||
	       e == ERR_NOMEM;
}

static void send_kept(struct slipway *s, const char *path)
{
	struct slipway_problem before = s->problem; /* a report never hides another failure */
	AUTO(buf) text = {0};
	json_t *body;
	err e;

	buf_init(&text, REPORT_MAX);
	if (file_read(path, &text) != OK)
		return;
	body = json_loadb(buf_str(&text), buf_len(&text), 0, NULL);
	e = body ? send_as_device(s, "PUT", "/downloads/complete", body) : ERR_CORRUPT;
	if (!worth_keeping(e))
		(void)unlink(path);
	else
		client_note(
			s, "The server will be told with the next call (%s)", s->problem.detail);
	json_decref(body);
	s->problem = before;
}

/* Of this machine only what the program told us. */
static json_t *describe_client(struct slipway *s)
{
	const char *version = s->settings.os_version;

	return json_pack("{s:s, s:s}", "os",
		version ? arena_printf(s->arena, "%s %s", s->os, version) : s->os, "version",
		s->settings.installed);
}

void report_outcome(struct slipway *s, const struct outcome *o)
{
	json_t *body = json_pack("{s:s, s:s, s:I, s:I, s:o}", "download_id", o->download_id,
		"status", o->success ? "success" : "failure", "bytes", (json_int_t)o->bytes,
		"duration_ms", (json_int_t)o->duration_ms, "client", describe_client(s));
	const char *folder, *path;
	char *text;

	if (body && o->error)
		json_object_set_new(body, "error", json_string(o->error));
	text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	if (text && typeid_is(span_from(o->download_id), "dl") &&
		device_folder(s, "reports", &folder) == OK) {
		path = arena_printf(s->arena, "%s/%s.json", folder, o->download_id);
		if (file_write_atomic(path, span_from(text), 0600) == OK)
			send_kept(s, path);
	}
	free(text);
}

void report_pending(struct slipway *s)
{
	const char *path = arena_printf(s->arena, "%s/reports", s->state_dir);
	DIR *folder = opendir(path);
	struct dirent *entry;
	unsigned sent = 0;

	while (folder && (entry = readdir(folder)) && sent < REPORTS_MOST) {
		const char *file;
		struct stat st;

		if (!span_ends_with(span_from(entry->d_name), SPAN(".json")))
			continue;
		file = arena_printf(s->arena, "%s/%s", path, entry->d_name);
		if (stat(file, &st) == 0 && time(NULL) - st.st_mtime > TOO_OLD_S) {
			(void)unlink(file); /* the download's record has long been closed */
			continue;
		}
		send_kept(s, file);
		sent++;
	}
	if (folder)
		closedir(folder);
}

enum slipway_status slipway_report(
	struct slipway *s, const char *release_id, enum slipway_stage stage, const char *error)
{
	static const char *const stages[] = {
		"downloaded", "installed", "alive", "failed", "rolled_back"};
	struct device d = {0};
	const char *name = NULL;
	json_t *body;
	err e = client_ready(s);

	if (e == OK && ((unsigned)stage >= ARRAY_LEN(stages) || !release_id))
		e = client_fail(s, ERR_INVALID, "report", "No such stage or release");
	if (e == OK)
		e = device_get(s, &d);
	name = d.id;
	if (e == ERR_NOT_FOUND && !s->settings.licence_key)
		e = device_alias(s, &name);
	if (e != OK)
		return status_of(e);
	body = json_pack("{s:s, s:s, s:s}", "release_id", release_id, "stage", stages[stage],
		"device", name);
	if (body && error)
		json_object_set_new(body, "error", json_string(error));
	e = body ? send_as_device(s, "POST", "/updates/report", body)
		 : client_fail(s, ERR_NOMEM, "nomem", "Out of memory");
	json_decref(body);
	return status_of(e);
}
