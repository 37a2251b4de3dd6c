/*
 * A request's way from header to answer. Hard rule: nothing of a request is acted on before its
 * route, its credentials and its permission stand; whatever fails ends as one problem document and
 * one line in the log.
 */
#include "api/exchange.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "api/authenticate.h"
#include "api/browser.h"
#include "api/form.h"
#include "api/limits.h"
#include "api/router.h"
#include "api/server_url.h"
#include "api/validate.h"
#include "base/encode.h"
#include "crypto/random.h"
#include "service/second_factor.h"
#include "service/audit.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/metrics.h"

#include "base/banned.h"

#define ANSWER_MAX_BYTES (16 * 1048576)
#define REQUEST_ID_MAX   128
#define PARAMETER_MAX    4096
#define PIECE_SENT_MAX   65536 /* of an answer in pieces, at once */
/* nginx passes bodies below this on as they arrive (proxy_request_buffering). */
#define STREAMED_PATHS "/api/v1/admin/uploads"

/* Identity of the request -------------------------------------------------------------------- */

static bool id_is_plain(span s)
{
	if (s.len == 0 || s.len > REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_' || c == '.'))
			return false;
	}
	return true;
}

/* W3C Trace Context: version "-" trace-id (32 hex) "-" parent "-" flags. Empty when it is none. */
static span trace_id(span traceparent)
{
	uint8_t bytes[16];
	span id = span_sub(traceparent, 3, 32);

	if (traceparent.len < 55 || traceparent.ptr[2] != '-' || traceparent.ptr[35] != '-' ||
		hex_decode(id, bytes, sizeof(bytes)))
		return SPAN_EMPTY;
	return id;
}

static span request_id(struct exchange *x)
{
	span id = request_header(&x->rq, "X-Request-Id");
	uint8_t bytes[16];
	char hex[2 * sizeof(bytes) + 1];
	struct buf text;

	if (id_is_plain(id))
		return arena_span(x->rq.task.arena, id);
	id = trace_id(request_header(&x->rq, "traceparent"));
	if (id.len)
		return arena_span(x->rq.task.arena, id);
	random_bytes(bytes, sizeof(bytes));
	buf_init_fixed(&text, hex, sizeof(hex));
	hex_encode(&text, span_of(bytes, sizeof(bytes)));
	return arena_span(x->rq.task.arena, buf_span(&text));
}

/* Text for people from anywhere: nothing when it is not UTF-8 or has control characters. */
static span clean_text(struct arena *a, span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return SPAN_EMPTY;
	return span_is_utf8(text) ? arena_span(a, text) : SPAN_EMPTY;
}

/* nginx says where the client is; only nginx and this node's own processes reach the socket. */
static void set_origin(struct exchange *x)
{
	struct caller *c = &x->rq.caller;
	const char *address =
		arena_str(x->rq.task.arena, request_header(&x->rq, "X-Slipway-Client-Address"));
	span country = request_header(&x->rq, "X-Slipway-Country");
	struct in6_addr ignored;

	if (inet_pton(AF_INET, address, &ignored) == 1 ||
		inet_pton(AF_INET6, address, &ignored) == 1)
		c->address = span_from(address);
	if (country.len == 2 && country.ptr[0] >= 'A' && country.ptr[0] <= 'Z' &&
		country.ptr[1] >= 'A' && country.ptr[1] <= 'Z')
		c->country = arena_span(x->rq.task.arena, country);
	c->user_agent = clean_text(x->rq.task.arena, request_header(&x->rq, "User-Agent"));
}

/* Opening ------------------------------------------------------------------------------------- */

static err reject(struct exchange *x, int status, err e, const char *reason, const char *detail)
{
	x->rq.status = status;
	return fail(&x->rq.task, e, reason, "%s", detail);
}

static err find_route(struct exchange *x)
{
	struct task *t = &x->rq.task;
	struct route_match m;
	AUTO(buf) text = {0};

	buf_init(&text, REQUEST_ID_MAX * 32);
	router_find(x->rq.method, x->rq.path, &m);
	x->body_is_streamed |= !m.path_known;
	if (!m.route && !m.path_known)
		return fail(t, ERR_NOT_FOUND, "no_such_endpoint",
			"There is nothing under this path. /api/v1/openapi.json lists what there "
			"is.");
	if (!m.route) {
		router_allow(x->rq.path, &text);
		answer_header(&x->rq, "Allow", buf_span(&text));
		if (span_is(x->rq.method, "OPTIONS")) {
			x->rq.status = 204;
			return OK;
		}
		return reject(x, 405, ERR_INVALID, "method_not_allowed",
			arena_printf(t->arena, "This path knows: %s.", buf_str(&text)));
	}
	x->rq.route = m.route;
	x->rq.status = m.route->status;
	for (size_t i = 0; i < ROUTE_PARAMS_MAX; i++) {
		buf_clear(&text);
		if (percent_decode(&text, m.params[i]) || !span_is_utf8(buf_span(&text)))
			return fail(t, ERR_INVALID, "invalid_path", "The path is not valid.");
		x->rq.params[i] = arena_span(t->arena, buf_span(&text));
	}
	return OK;
}

struct header_count {
	unsigned authorization;
};

static enum MHD_Result count_header(
	void *ctx, enum MHD_ValueKind kind UNUSED, const char *name, const char *value UNUSED)
{
	struct header_count *c = ctx;

	c->authorization += span_eq_nocase(span_from(name), SPAN("Authorization"));
	return MHD_YES;
}

static err identify(struct exchange *x)
{
	struct header_count count = {0};
	span authorization = request_header(&x->rq, "Authorization");

	(void)MHD_get_connection_values(
		x->connection, MHD_HEADER_KIND, count_header, &count); /* only counts */
	x->presented_credentials = count.authorization > 0;
	if (count.authorization > 1) {
		x->bearer_error = "Authorization stands twice";
		return fail(&x->rq.task, ERR_UNAUTHENTICATED, "credentials_unsupported",
			"Authorization stands twice.");
	}
	if (count.authorization == 1 && authorization.len == 0)
		authorization = SPAN("none");
	if (count.authorization == 0)
		return browser_identify(x);
	return authenticate(&x->rq.task, authorization, x->rq.route->device, &x->bearer_error);
}

/* Deny by default: a route has to say that it keeps to what narrows its caller. */
static err check_scopes(struct exchange *x)
{
	const struct route *r = x->rq.route;
	span list = x->rq.caller.permissions;
	bool personal = span_is(span_from(r->permission), ALLOW_SIGNED_IN) ||
			permission_is_personal(span_from(r->permission));
	bool beyond = (permissions_are_for_products(list) && !(r->scopes & SCOPE_PRODUCT)) ||
		      (permissions_are_for_organisation(list) && !(r->scopes & SCOPE_ORGANISATION));

	if (beyond && !personal)
		return fail(&x->rq.task, ERR_DENIED, "beyond_scope",
			"Your permissions are narrowed to some products or to your organisation; "
			"this is about more.");
	return r->step_up ? step_up_check(&x->rq.task) : OK;
}

static err permit(struct exchange *x)
{
	struct task *t = &x->rq.task;
	const struct caller *c = &x->rq.caller;
	span permission = span_from(x->rq.route->permission);

	if (span_is(permission, ALLOW_ANYONE))
		return OK;
	if (span_is(permission, ALLOW_INTERNAL))
		return request_header(&x->rq, "X-Slipway-Client-Address").len == 0
			       ? OK
			       : fail(t, ERR_NOT_FOUND, "no_such_endpoint",
					 "There is nothing under this path.");
	if (c->kind == CALLER_ANONYMOUS)
		return fail(t, ERR_UNAUTHENTICATED, "authentication_required",
			"Sign in, or send an API key: Authorization: Bearer …");
	if (span_is(permission, ALLOW_SIGNED_IN) || caller_may(c, x->rq.route->permission))
		return check_scopes(x);
	return fail(t, ERR_DENIED, "permission_missing", "This needs the permission %s.",
		x->rq.route->permission);
}

struct query {
	struct exchange *x;
	err failed;
};

static enum MHD_Result on_parameter(void *ctx, enum MHD_ValueKind kind UNUSED, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	struct query *q = ctx;
	struct exchange *x = q->x;
	AUTO(buf) key = {0};
	AUTO(buf) text = {0};

	buf_init(&key, PARAMETER_MAX);
	buf_init(&text, PARAMETER_MAX);
	if (percent_decode(&key, span_of(name, name_len)) ||
		percent_decode(&text, value ? span_of(value, value_len) : SPAN_EMPTY))
		q->failed = fail(&x->rq.task, ERR_INVALID, "invalid_query",
			"The query is not valid: a bad escape, or longer than %d bytes.",
			PARAMETER_MAX);
	else
		q->failed = validate_parameter(&x->rq.task, x->rq.route->query, buf_span(&key),
			buf_span(&text), x->rq.body);
	return q->failed ? MHD_NO : MHD_YES;
}

static err read_query(struct exchange *x)
{
	struct query q = {x, OK};

	x->rq.body = json_object();
	if (!x->rq.body)
		return ERR_NOMEM;
	if (!x->rq.route->query)
		return OK;
	(void)MHD_get_connection_values_n(x->connection, MHD_GET_ARGUMENT_KIND, on_parameter,
		&q); /* the count; failures are in q */
	if (q.failed)
		return q.failed;
	return validate_required(&x->rq.task, x->rq.route->query, x->rq.body);
}

static bool is_json(span type)
{
	span media;

	return span_cut(&type, ';', &media) &&
	       span_eq_nocase(span_trim(media), SPAN("application/json")) &&
	       (!type.ptr || span_eq_nocase(span_trim(type), SPAN("charset=utf-8")));
}

static err expect_body(struct exchange *x)
{
	const struct route *r = x->rq.route;

	if (r->sink) {
		err e = r->sink->begin(&x->rq);

		x->sink_is_open = e == OK;
		return e;
	}
	if (!x->has_body)
		return OK;
	if (!r->body)
		return fail(&x->rq.task, ERR_INVALID, "body_not_expected",
			"This endpoint takes no body.");
	if (r->form && !content_is_form(request_header(&x->rq, "Content-Type")))
		return reject(x, 400, ERR_INVALID, "invalid_request",
			"The body must be of type application/x-www-form-urlencoded.");
	if (!r->form && !is_json(request_header(&x->rq, "Content-Type")))
		return reject(x, 415, ERR_INVALID, "content_type",
			"The body must be JSON, sent as Content-Type: application/json.");
	if (x->body_is_long)
		return fail(&x->rq.task, ERR_TOO_LARGE, "body_too_large",
			"The body may have %d bytes.", BODY_MAX_BYTES);
	return OK;
}

static void measure_body(struct exchange *x)
{
	span length = request_header(&x->rq, "Content-Length");
	uint64_t n = 0;

	if (request_header(&x->rq, "Transfer-Encoding").len) {
		x->has_body = x->body_is_streamed = true; /* nginx knows the length of its own */
	} else if (length.len) {
		x->body_is_long = span_to_u64(length, INT64_MAX, &n) || n > BODY_MAX_BYTES;
		x->has_body = x->body_is_long || n > 0;
	}
}

static void admit(struct exchange *x)
{
	if (!x->outcome)
		x->outcome = identify(x);
	if (!x->outcome)
		x->outcome = limits_take(x);
	if (!x->outcome)
		x->outcome = permit(x);
	if (!x->outcome)
		x->outcome = read_query(x);
	if (!x->outcome)
		x->outcome = expect_body(x);
}

/*
 * Bodies below /admin/uploads, and of paths that are none of ours, come at the client's pace: one
 * that nobody will read is not waited for, as it would hold one of the few places for as long as
 * its sender likes. All others nginx has collected first; reading them keeps the connection.
 */
static bool is_decided_early(const struct exchange *x)
{
	const struct route *r = x->rq.route;
	bool streamed = x->body_is_streamed || span_starts_with(x->rq.path, SPAN(STREAMED_PATHS));

	return x->has_body && (x->outcome || !r) && (x->body_is_long || streamed || (r && r->sink));
}

struct exchange *exchange_open(struct service *service, struct MHD_Connection *connection,
	const char *method, const char *path)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->connection = connection;
	x->started_us = clock_monotonic_us();
	buf_init(&x->body, BODY_MAX_BYTES);
	buf_init(&x->rq.out_text, ANSWER_MAX_BYTES);
	json_writer_init(&x->rq.out, &x->rq.out_text);
	x->rq.connection_ = x;
	x->rq.task = (struct task){.service = service,
		.caller = &x->rq.caller,
		.arena = arena_new(),
		.now_us = clock_wall_us()};
	x->rq.method = span_from(arena_strdup(x->rq.task.arena, method));
	x->rq.path = span_from(arena_strdup(x->rq.task.arena, path));
	x->rq.caller.request_id = request_id(x);
	log_set_request(x->rq.caller.request_id);
	set_origin(x);
	measure_body(x);
	x->outcome = host_check(&x->rq);
	if (!x->outcome)
		x->outcome = find_route(x);
	if (x->rq.route)
		admit(x);
	x->decided_early = is_decided_early(x);
	return x;
}

/* Body ---------------------------------------------------------------------------------------- */

bool exchange_is_decided(const struct exchange *x)
{
	return x->decided_early;
}

static void close_sink(struct exchange *x, bool complete)
{
	err e;

	if (!x->sink_is_open)
		return;
	x->sink_is_open = false;
	e = x->rq.route->sink->end(&x->rq, complete);
	if (!x->outcome)
		x->outcome = e;
}

/*
 * After a failure the rest of the body is read and dropped: only then does the client, which is
 * still sending, see the answer that says why.
 */
void exchange_receive(struct exchange *x, span bytes)
{
	if (x->outcome || !x->rq.route)
		return;
	if (x->sink_is_open) {
		x->outcome = x->rq.route->sink->write(&x->rq, bytes);
		if (x->outcome)
			close_sink(x, false);
		return;
	}
	buf_add(&x->body, bytes);
	if (buf_error(&x->body) == ERR_TOO_LARGE)
		x->outcome = fail(&x->rq.task, ERR_TOO_LARGE, "body_too_large",
			"The body may have %d bytes.", BODY_MAX_BYTES);
	else
		x->outcome = buf_error(&x->body);
}

static err read_body(struct exchange *x)
{
	json_t *body = NULL;
	err e;

	if (!x->rq.route->body)
		return OK;
	e = x->rq.route->form
		    ? validate_form(&x->rq.task, x->rq.route->body, buf_span(&x->body), &body)
		    : validate_body(&x->rq.task, x->rq.route->body, buf_span(&x->body), &body);
	buf_wipe(&x->body);
	if (e)
		return e;
	if (json_object_size(x->rq.body) > 0 && json_object_update_missing(body, x->rq.body))
		e = ERR_NOMEM;
	json_decref(x->rq.body);
	x->rq.body = body;
	return e;
}

void exchange_finish(struct exchange *x)
{
	if (x->rq.route && x->rq.route->sink) {
		close_sink(x, true);
	} else if (x->rq.route && !x->outcome) {
		x->outcome = read_body(x);
		if (!x->outcome)
			x->outcome = x->rq.route->handler(&x->rq);
		/* Of a change that is stored, whatever else went wrong: the one before is dead. */
		if (!x->outcome || x->rq.task.stored)
			browser_give_cookie(&x->rq);
	}
	if (!x->outcome)
		x->outcome = buf_error(&x->rq.out_text);
}

/* Answer -------------------------------------------------------------------------------------- */

static void add_headers(struct exchange *x, struct MHD_Response *response, bool last)
{
	bool cache = false;

	for (struct answer_header *h = x->headers; h; h = h->next) {
		cache |= span_eq_nocase(span_from(h->name), SPAN("Cache-Control"));
		(void)MHD_add_response_header(response, h->name, h->value); /* checked before */
	}
	/* Answers may hold tokens or depend on who asks. */
	if (!cache || x->outcome)
		(void)MHD_add_response_header(response, "Cache-Control", "no-store");
	(void)MHD_add_response_header(response, "X-Request-Id",
		x->rq.caller.request_id.ptr); /* NUL-terminated in arena */
	if (buf_len(&x->rq.out_text) || (x->next_piece && !x->outcome))
		(void)MHD_add_response_header(response, "Content-Type",
			x->content_type ? x->content_type : "application/json");
	if (last)
		(void)MHD_add_response_header(response, "Connection", "close");
}

/* MHD_ContentReaderCallback; MHD cuts what is longer than max itself by asking again. */
static ssize_t read_piece(void *ctx, uint64_t position UNUSED, char *ret, size_t max)
{
	struct exchange *x = ctx;

	while (x->piece_sent == buf_len(&x->piece)) {
		if (x->pieces_end)
			return MHD_CONTENT_READER_END_OF_STREAM;
		buf_clear(&x->piece);
		x->piece_sent = 0;
		x->rq.task.now_us = clock_wall_us();
		x->outcome = x->next_piece(&x->rq, x->pieces_data, &x->piece, &x->pieces_end);
		if (!x->outcome)
			x->outcome = buf_error(&x->piece);
		if (x->outcome)
			return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	span rest = span_sub(buf_span(&x->piece), x->piece_sent, max);

	memcpy(ret, rest.ptr, rest.len);
	x->piece_sent += rest.len;
	return (ssize_t)rest.len;
}

static struct MHD_Response *make_response(struct exchange *x)
{
	if (!x->next_piece || x->outcome)
		return MHD_create_response_from_buffer(buf_len(&x->rq.out_text),
			(void *)(uintptr_t)buf_str(&x->rq.out_text), MHD_RESPMEM_PERSISTENT);
	buf_init(&x->piece, ANSWER_PIECE_MAX);
	return MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, PIECE_SENT_MAX, read_piece, x, NULL);
}

enum MHD_Result exchange_send(struct exchange *x, bool last_of_connection)
{
	struct MHD_Response *response;
	enum MHD_Result queued;

	if (x->outcome)
		problem_write(x);
	response = make_response(x);
	if (!response)
		return MHD_NO;
	add_headers(x, response, last_of_connection);
	queued = MHD_queue_response(x->connection, (unsigned)x->rq.status, response);
	MHD_destroy_response(response);
	x->sent = true;
	return queued;
}

/* The one line about a failed request. Successes stand in nginx's access log. */
static void log_failure(const struct exchange *x)
{
	const struct task *t = &x->rq.task;
	enum log_level level = x->rq.status >= 500 ? LOG_ERROR_LEVEL : LOG_INFO_LEVEL;
	struct log_field fields[] = {LOG_SPAN("method", x->rq.method),
		LOG_STR("route", x->rq.route ? x->rq.route->path : "none"),
		LOG_INT("status", x->rq.status),
		LOG_STR("code", t->reason ? t->reason : err_name(x->outcome)),
		LOG_SPAN("account", x->rq.caller.account), LOG_SPAN("device", x->rq.caller.device),
		LOG_SPAN("workload", x->rq.caller.workload),
		LOG_STR("permission", x->rq.route ? x->rq.route->permission : ""),
		LOG_STR("reason", t->log ? t->log : ""), {0}};

	log_write(level, "request failed", fields);
}

static const char *status_class(int status)
{
	return status < 300 ? "2xx" : status < 400 ? "3xx" : status < 500 ? "4xx" : "5xx";
}

/*
 * Who was refused what. Bad requests are not refusals, nor are those that came without credentials:
 * there is nobody to name.
 */
static void audit_failure(const struct exchange *x)
{
	const struct task *t = &x->rq.task;
	bool bad_credentials = x->outcome == ERR_UNAUTHENTICATED && x->presented_credentials;

	if (!x->rq.route || (x->outcome != ERR_DENIED && !bad_credentials))
		return;
	audit_refused(t, bad_credentials ? "auth.credentials" : "access",
		span_from(arena_printf(t->arena, "%s %s", x->rq.route->method, x->rq.route->path)),
		t->reason ? t->reason : err_name(x->outcome));
}

void exchange_close(struct exchange *x)
{
	close_sink(x, false);
	if (x->outcome)
		audit_failure(x);
	if (x->outcome && x->sent)
		log_failure(x);
	if (x->sent)
		metric_add(METRIC_HTTP_REQUESTS, status_class(x->rq.status), 1);
	metric_observe_us(METRIC_HTTP_SECONDS, NULL, clock_monotonic_us() - x->started_us);
	log_set_request(SPAN_EMPTY);
	json_decref(x->rq.body);
	buf_wipe(&x->body);
	buf_wipe(&x->rq.out_text);
	buf_wipe(&x->piece);
	arena_free(x->rq.task.arena);
	free(x);
}
