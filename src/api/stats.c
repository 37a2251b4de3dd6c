/* What happened: download records, statistics, and why somebody may have a package or not. */
#include "api/handlers.h"

#include "api/write_download.h"
#include "service/explain.h"
#include "service/stats.h"

#include "base/banned.h"

#define STATS_DAYS_DEFAULT 30

static const char *outcome_of(const struct download *d)
{
	switch (d->state) {
	case DOWNLOAD_COMPLETED:
		return "success";
	case DOWNLOAD_FAILED:
		return "failure";
	default:
		return NULL;
	}
}

static void write_client(struct request *rq, const struct download *d)
{
	json_begin_object(&rq->out, "client");
	answer_text_or_null(rq, "os", d->client_os);
	answer_text_or_null(rq, "device", d->client_device);
	answer_text_or_null(rq, "version", d->client_version);
	json_end(&rq->out);
}

static void write_transfer(struct request *rq, const struct download *d)
{
	answer_time(rq, "first_byte_at", d->first_byte_at_us);
	answer_time(rq, "last_byte_at", d->last_byte_at_us);
	json_i64(&rq->out, "requests", d->requests);
	json_str(&rq->out, "ranges", d->ranges);
	json_u64(&rq->out, "bytes", d->bytes);
	json_u64(&rq->out, "bytes_sent", d->bytes_sent);
	if (d->reported_at_us || d->first_byte_at_us)
		json_i64(&rq->out, "duration_ms", d->duration_ms);
	else
		json_cstr(&rq->out, "duration_ms", NULL);
}

void write_download(struct request *rq, const struct download *d)
{
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "id", d->id);
	answer_text_or_null(rq, "package_id", d->package_id);
	json_str(&rq->out, "release_id", d->release_id);
	answer_text_or_null(rq, "account_id", d->account_id);
	answer_text_or_null(rq, "device_id", d->device_id);
	answer_text_or_null(rq, "licence_id", d->licence_id);
	answer_text_or_null(rq, "filename", d->filename);
	answer_text_or_null(rq, "product", d->product);
	answer_text_or_null(rq, "version", d->version);
	answer_text_or_null(rq, "platform", d->platform);
	answer_text_or_null(rq, "account", d->account);
	json_u64(&rq->out, "size", d->size);
	json_cstr(&rq->out, "state", download_state_name(d->state));
	json_cstr(&rq->out, "outcome", outcome_of(d));
	json_time(&rq->out, "granted_at", d->granted_at_us);
	json_time(&rq->out, "expires_at", d->expires_at_us);
	json_i64(&rq->out, "renewals", d->renewals);
	write_transfer(rq, d);
	answer_text_or_null(rq, "country", d->country);
	answer_text_or_null(rq, "referrer", d->referrer);
	write_client(rq, d);
	answer_time(rq, "reported_at", d->reported_at_us);
	answer_text_or_null(rq, "error", d->error);
	json_end(&rq->out);
}

err list_downloads(struct request *rq)
{
	size_t limit = (size_t)page_limit(rq), count;
	struct download_filter f = {.before = page_cursor(rq),
		.account = request_text(rq, "account"),
		.product = request_text(rq, "product"),
		.package = request_text(rq, "package"),
		.state = request_text(rq, "state"),
		.limit = (int64_t)limit + 1};
	struct download *list;
	err e = download_list_page(&rq->task, &f, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(count, limit); i++)
		write_download(rq, &list[i]);
	page_end(rq, count > limit ? list[limit - 1].id : SPAN_EMPTY);
	return OK;
}

err get_download(struct request *rq)
{
	struct download d;
	err e = download_get(&rq->task, rq->params[0], &d);

	if (!e)
		write_download(rq, &d);
	return e;
}

/* Statistics ----------------------------------------------------------------------------------- */

static void write_counts(struct request *rq, const struct stats_downloads *s)
{
	json_i64(&rq->out, "granted", s->granted);
	json_i64(&rq->out, "completed", s->completed);
	json_i64(&rq->out, "failed", s->failed);
	json_i64(&rq->out, "bytes", s->bytes);
	json_i64(&rq->out, "bytes_sent", s->bytes_sent);
}

static void write_stats_downloads(struct request *rq, const struct stats *s)
{
	json_begin_array(&rq->out, "downloads_by_day");
	for (size_t i = 0; i < s->days_count; i++) {
		json_begin_object(&rq->out, NULL);
		json_time(&rq->out, "day", s->days[i].day_us);
		write_counts(rq, &s->days[i]);
		json_end(&rq->out);
	}
	json_end(&rq->out);
	json_begin_array(&rq->out, "downloads_by_package");
	for (size_t i = 0; i < s->packages_count; i++) {
		json_begin_object(&rq->out, NULL);
		json_str(&rq->out, "product", s->packages[i].product);
		json_str(&rq->out, "version", s->packages[i].version);
		answer_text_or_null(rq, "platform", s->packages[i].platform);
		write_counts(rq, &s->packages[i]);
		json_end(&rq->out);
	}
	json_end(&rq->out);
}

static void write_stats_updates(struct request *rq, const struct stats *s)
{
	json_begin_array(&rq->out, "update_checks");
	for (size_t i = 0; i < s->checks_count; i++) {
		json_begin_object(&rq->out, NULL);
		json_time(&rq->out, "day", s->checks[i].day_us);
		json_str(&rq->out, "product", s->checks[i].product);
		json_str(&rq->out, "platform", s->checks[i].platform);
		json_str(&rq->out, "installed", s->checks[i].installed);
		json_i64(&rq->out, "checks", s->checks[i].checks);
		json_i64(&rq->out, "offered", s->checks[i].offered);
		json_end(&rq->out);
	}
	json_end(&rq->out);
	json_begin_array(&rq->out, "update_reports");
	for (size_t i = 0; i < s->reports_count; i++) {
		json_begin_object(&rq->out, NULL);
		json_str(&rq->out, "product", s->reports[i].product);
		json_str(&rq->out, "version", s->reports[i].version);
		json_str(&rq->out, "stage", s->reports[i].stage);
		json_i64(&rq->out, "devices", s->reports[i].devices);
		json_end(&rq->out);
	}
	json_end(&rq->out);
}

err get_stats(struct request *rq)
{
	int64_t days = request_int(rq, "days", STATS_DAYS_DEFAULT), from_us;
	struct stats s;
	err e = stats_of_days(&rq->task, days, &s, &from_us);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_i64(&rq->out, "days", days);
	json_time(&rq->out, "from", from_us);
	write_stats_downloads(rq, &s);
	write_stats_updates(rq, &s);
	json_end(&rq->out);
	return OK;
}

/* Explanations --------------------------------------------------------------------------------- */

static void write_facts(struct request *rq, const struct explanation *x)
{
	const struct access_object *o = &x->object;
	const struct access_verdict *v = &x->verdict;

	json_begin_object(&rq->out, "facts");
	json_str(&rq->out, "product", o->product.name);
	json_str(&rq->out, "version", o->release.version);
	json_cstr(&rq->out, "release_state", release_state_name(o->release.state));
	json_cstr(&rq->out, "class", class_name(o->package.class_));
	answer_text_or_null(rq, "entitlement", o->package.entitlement);
	json_bool(&rq->out, "blocked", o->package.blocked);
	answer_text_or_null(rq, "account_id", x->account_id);
	answer_text_or_null(rq, "role", v->account_role);
	answer_text_or_null(rq, "organisation", v->org);
	answer_text_or_null(rq, "licence_id", v->has_licence ? v->licence.id : SPAN_EMPTY);
	json_cstr(&rq->out, "device",
		!v->has_device                     ? NULL
		: v->device.state == DEVICE_ACTIVE ? "active"
						   : "revoked");
	json_end(&rq->out);
}

err get_explanation(struct request *rq)
{
	struct explain_request xr = {.package_id = request_text(rq, "package_id"),
		.account = request_text(rq, "account"),
		.device = request_text(rq, "device"),
		.country = request_text(rq, "country")};
	struct explanation x;
	err e = explain_download(&rq->task, &xr, &x);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_bool(&rq->out, "allowed", x.verdict.reason == POLICY_ALLOW);
	json_cstr(&rq->out, "reason", policy_reason_name(x.verdict.reason));
	json_cstr(&rq->out, "text", policy_reason_text(x.verdict.reason));
	write_facts(rq, &x);
	json_end(&rq->out);
	return OK;
}
