/* Downloads as clients ask for them: grant, renewal, report. */
#include "api/handlers.h"

#include "api/server_url.h"
#include "api/write_download.h"
#include "service/complete_download.h"
#include "service/grant_download.h"

#include "base/banned.h"

/* With credentials: those that permit it. */
static err check_permission(struct request *rq)
{
	if (rq->caller.kind == CALLER_ANONYMOUS || caller_may(&rq->caller, "download.request"))
		return OK;
	return fail(&rq->task, ERR_DENIED, "permission_missing",
		"This needs the permission download.request.");
}

static void write_files(struct request *rq, const struct download_grant *g)
{
	json_begin_array(&rq->out, "files");
	for (size_t i = 0; i < g->files_count; i++) {
		const struct package *p = &g->files[i].package;

		json_begin_object(&rq->out, NULL);
		json_str(&rq->out, "package_id", p->id);
		json_str(&rq->out, "filename", p->filename);
		json_str(&rq->out, "platform", p->platform);
		json_u64(&rq->out, "size", p->size);
		json_str(&rq->out, "sha256", p->sha256);
		json_end(&rq->out);
	}
	json_end(&rq->out);
}

static void write_grant(struct request *rq, const struct download_grant *g)
{
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "token", g->token);
	json_str(&rq->out, "download_id", g->download.id);
	json_time(&rq->out, "expires_at", g->download.expires_at_us);
	json_str(&rq->out, "url", g->url);
	json_begin_array(&rq->out, "fallback_urls");
	json_end(&rq->out);
	answer_text_or_null(rq, "filename", g->download.filename);
	json_u64(&rq->out, "size", g->download.size);
	answer_text_or_null(rq, "sha256", g->sha256);
	if (g->download.package_id.len == 0)
		write_files(rq, g);
	json_end(&rq->out);
}

err post_download_token(struct request *rq)
{
	struct grant_request g = {.package_id = request_text(rq, "package_id"),
		.release_id = request_text(rq, "release_id"),
		.device_id = request_text(rq, "device_id"),
		.agent = request_header(rq, "User-Agent"),
		.base_url = server_base_url(rq)};
	struct download_grant grant;
	err e = check_permission(rq);

	if (!e && (g.package_id.len > 0) == (g.release_id.len > 0))
		return fail(&rq->task, ERR_INVALID, "subject_missing",
			"Name what to download: either package_id or release_id.");
	if (!e)
		e = grant_download(&rq->task, &g, &grant);
	if (!e)
		write_grant(rq, &grant);
	return e;
}

err post_download_renewal(struct request *rq)
{
	struct download_grant grant;
	err e = check_permission(rq);

	if (!e)
		e = renew_download(&rq->task, rq->params[0], server_base_url(rq), &grant);
	if (!e)
		write_grant(rq, &grant);
	return e;
}

static span member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
				     : SPAN_EMPTY;
}

err put_download_report(struct request *rq)
{
	const json_t *client = request_json(rq, "client");
	struct download_report r = {.success = span_is(request_text(rq, "status"), "success"),
		.bytes = (uint64_t)request_int(rq, "bytes", 0),
		.duration_ms = request_int(rq, "duration_ms", 0),
		.error = request_text(rq, "error"),
		.referrer = request_text(rq, "referrer"),
		.client_os = member(client, "os"),
		.client_device = member(client, "device"),
		.client_version = member(client, "version")};
	struct download d;
	err e = check_permission(rq);

	if (!e)
		e = complete_download(&rq->task, request_text(rq, "download_id"), &r, &d);
	if (!e)
		write_download(rq, &d);
	return e;
}
