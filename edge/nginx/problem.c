/*
 * Errors as problem documents (RFC 9457), of the same form as the control plane's.
 */
#include "slipway.h"

#include "base/banned.h"

#define PROBLEM_BYTES 1024

static const char *title_of(ngx_uint_t status)
{
	static const struct {
		ngx_uint_t status;
		const char *title;
	} titles[] = {
		{400, "The request is not valid"},
		{401, "Authentication is required"},
		{403, "Permission denied"},
		{404, "Not found"},
		{405, "Method not allowed"},
		{408, "The request took too long"},
		{413, "Too large"},
		{414, "The URL is too long"},
		{416, "The range is not satisfiable"},
		{429, "Too many requests"},
		{431, "The headers are too large"},
		{494, "The headers are too large"},
		{500, "Internal error"},
		{501, "Not supported"},
		{502, "A needed service is not available"},
		{503, "A needed service is not available"},
		{504, "A needed service did not answer in time"},
		{505, "This version of HTTP is not supported"},
	};

	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return status < 500 ? "The request is not valid" : "Internal error";
}

static span write_problem(
	ngx_http_request_t *r, ngx_uint_t status, const char *code, const char *detail)
{
	char text[PROBLEM_BYTES], type[128];
	struct json_writer w;
	struct buf out, urn;

	buf_init_fixed(&urn, type, sizeof(type));
	buf_add_str(&urn, "urn:slipway:problem:");
	buf_add_str(&urn, code);
	buf_init_fixed(&out, text, sizeof(text));
	json_writer_init(&w, &out);
	json_begin_object(&w, NULL);
	json_str(&w, "type", buf_span(&urn));
	json_cstr(&w, "title", title_of(status));
	json_u64(&w, "status", status);
	json_cstr(&w, "detail", detail);
	json_cstr(&w, "code", code);
	json_str(&w, "request_id", slipway_request_id(r));
	json_end(&w);
	return buf_error(&out) || buf_error(&urn) ? (span){NULL, 0}
						  : slipway_copy(r, buf_span(&out));
}

/* RFC 6750 section 3: without credentials the challenge names no error. */
static bool challenge(ngx_http_request_t *r, const char *code)
{
	span text = SPAN("Bearer realm=\"slipway\", error=\"invalid_token\"");

	if (span_is(span_from(code), "authentication_required"))
		text = SPAN("Bearer realm=\"slipway\"");
	return slipway_header(r, "WWW-Authenticate", text) != NULL;
}

ngx_int_t slipway_problem(
	ngx_http_request_t *r, ngx_uint_t status, const char *code, const char *detail)
{
	struct slipway_ctx *ctx = slipway_find_ctx(r);
	span body = write_problem(r, status, code, detail);

	if (ctx && !ctx->reason)
		ctx->reason = code;
	if (!body.ptr)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (status == NGX_HTTP_UNAUTHORIZED && !challenge(r, code))
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if ((status == NGX_HTTP_SERVICE_UNAVAILABLE || status == NGX_HTTP_TOO_MANY_REQUESTS) &&
		!slipway_header(r, "Retry-After", SPAN("5")))
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	return slipway_send(r, status, SPAN("application/problem+json"), body);
}

ngx_int_t slipway_refuse(ngx_http_request_t *r, enum slipway_verdict v)
{
#define ROW(verdict, name, http_status, code, detail) [verdict] = {http_status, code, detail},
	static const struct {
		ngx_uint_t status;
		const char *code, *detail;
	} of[VERDICT_COUNT] = {SLIPWAY_VERDICTS(ROW)};
#undef ROW

	return slipway_problem(r, of[v].status, of[v].code, of[v].detail);
}

/* ---- nginx's own errors ---- */

static const char *code_of(ngx_uint_t status)
{
	static const struct {
		ngx_uint_t status;
		const char *code;
	} codes[] = {
		{400, "invalid"},
		{401, "unauthenticated"},
		{403, "denied"},
		{404, "not_found"},
		{405, "method_not_allowed"},
		{408, "timeout"},
		{413, "too_large"},
		{414, "too_large"},
		{416, "range_not_satisfiable"},
		{429, "limit"},
		{431, "too_large"},
		{494, "too_large"},
		{501, "invalid"},
		{502, "unavailable"},
		{503, "busy"},
		{504, "unavailable"},
		{505, "invalid"},
	};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].status == status)
			return codes[i].code;
	return status < 500 ? "invalid" : "bug";
}

ngx_int_t slipway_problem_handler(ngx_http_request_t *r)
{
	ngx_uint_t status = r->err_status ? r->err_status : NGX_HTTP_NOT_FOUND;

	return slipway_problem(r, status, code_of(status), title_of(status));
}
