/*
 * Errors as RFC 9457 problem documents. Hard rule: what is for the log never gets in here; server
 * errors say nothing about the inside but the request's id, under which the log has the rest.
 */
#include "api/exchange.h"

#include "api/form.h"

#include "base/banned.h"

int problem_status(const struct exchange *x)
{
	return x->rq.status >= 400 && x->rq.status < 600 ? x->rq.status
							 : err_http_status(x->outcome);
}

static const char *detail_of(const struct exchange *x)
{
	if (x->rq.task.detail)
		return x->rq.task.detail;
	if (problem_status(x) >= 500)
		return "The request could not be served. The request_id leads to the reason in "
		       "the server's log.";
	return NULL;
}

/* RFC 6750 section 3: without credentials the challenge names no error. */
static void challenge(struct exchange *x)
{
	const char *text = "Bearer realm=\"slipway\"";

	if (x->bearer_error)
		text = arena_printf(x->rq.task.arena,
			"%s, error=\"invalid_token\", "
			"error_description=\"%s\"",
			text, x->bearer_error);
	answer_header(&x->rq, "WWW-Authenticate", span_from(text));
}

static void retry_after(struct exchange *x)
{
	int64_t us = x->rq.task.retry_after_us;

	if (us <= 0 && x->outcome != ERR_LIMIT && x->outcome != ERR_BUSY)
		return;
	int64_t seconds = us <= 0 ? 1 : (us + 999999) / 1000000;

	answer_header(&x->rq, "Retry-After",
		span_from(arena_printf(x->rq.task.arena, "%lld", (long long)seconds)));
}

static void write_document(struct exchange *x)
{
	struct task *t = &x->rq.task;
	const char *code = t->reason ? t->reason : err_name(x->outcome);
	struct json_writer *w = &x->rq.out;

	x->rq.status = problem_status(x);
	x->content_type = "application/problem+json";
	buf_clear(&x->rq.out_text);
	json_writer_init(w, &x->rq.out_text);
	json_begin_object(w, NULL);
	json_cstr(w, "type", arena_printf(t->arena, "urn:slipway:problem:%s", code));
	json_cstr(w, "title", err_title(x->outcome));
	json_i64(w, "status", x->rq.status);
	if (detail_of(x))
		json_cstr(w, "detail", detail_of(x));
	json_cstr(w, "code", code);
	json_str(w, "request_id", x->rq.caller.request_id);
	for (struct problem_member *m = x->problem_members; m; m = m->next)
		if (m->words)
			answer_words(&x->rq, m->name, m->value);
		else
			json_str(w, m->name, m->value);
	json_end(w);
}

void problem_write(struct exchange *x)
{
	if (x->rq.route && x->rq.route->form)
		oauth_error_write(x);
	else
		write_document(x);
	if (x->rq.status == 401)
		challenge(x);
	if (x->rq.status == 429 || x->rq.status == 503)
		retry_after(x);
}
