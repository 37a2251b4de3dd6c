/*
 * Takes the token out of a request's URL. Hard rule: it is copied first, then overwritten in place
 * wherever nginx keeps the URL (request line, URI, arguments; with HTTP/2 the :path is a copy of
 * its own), before any later phase, so that no log, variable or upstream can show it. The length
 * stays: nothing that points into the URL moves.
 *
 *   /d/TOKEN/name      the first of several segments, unless another token is given
 *   /d/TOKEN           a single segment that looks like a token
 *   ?token=TOKEN       anywhere
 */
#include "slipway.h"

#include "base/banned.h"

#define FILLER      'x'
#define TOKEN_LEAST 32
/* longer URLs that were not understood are not logged at all */
#define SUSPICIOUS_LENGTH 512

static const span under = SPAN_INIT("/d/");

static bool is_inside(const u_char *at, ngx_str_t s)
{
	return s.data && at >= s.data && at < s.data + s.len;
}

/* Overwrites bytes of the URL as sent, and with HTTP/2 the same bytes of the request line. */
static void wipe_raw(ngx_http_request_t *r, u_char *at, size_t len)
{
	ngx_memset(at, FILLER, len);
	if (!is_inside(at, r->unparsed_uri) || is_inside(at, r->request_line))
		return;
	size_t offset = r->method_name.len + 1 + (at - r->unparsed_uri.data);

	if (offset + len <= r->request_line.len)
		ngx_memset(r->request_line.data + offset, FILLER, len);
}

/* Overwrites a part of the decoded path. */
static void wipe_path(ngx_http_request_t *r, u_char *at, size_t len)
{
	if (is_inside(at, r->unparsed_uri)) {
		wipe_raw(r, at, len);
		return;
	}
	/* The path was sent in another form (%-escapes, "//", ".."): all of that form goes. */
	ngx_memset(at, FILLER, len);
	if (r->unparsed_uri.len == 0)
		return;
	u_char *start = r->unparsed_uri.data;
	u_char *end = is_inside(r->args.data, r->unparsed_uri) ? r->args.data
							       : start + r->unparsed_uri.len;

	wipe_raw(r, start, end - start);
}

/* Ours start with '{"' in base64url; damaged ones still have the shape of a JWS. */
static bool looks_like_token(span s)
{
	size_t dots = 0;

	if (span_starts_with(s, SPAN("eyJ")) || s.len > 255)
		return true;
	for (size_t i = 0; i < s.len; i++)
		dots += s.ptr[i] == '.';
	return dots == 2 && s.len >= 100;
}

static void keep_token(ngx_http_request_t *r, struct slipway_ctx *ctx, span token)
{
	if (token.len == 0)
		return;
	if (ctx->token.len) {
		ctx->several = ctx->several || !span_eq(ctx->token, token);
		return;
	}
	ctx->token = slipway_copy(r, token);
}

static bool is_token_parameter(span name)
{
	return span_eq_nocase(name, SPAN("token"));
}

static bool has_other_token(ngx_http_request_t *r)
{
	span rest = span_of_str(r->args), part;

	if (r->headers_in.authorization)
		return true;
	while (rest.len && span_cut(&rest, '&', &part))
		if (is_token_parameter(span_sub(part, 0, span_find(part, '='))))
			return true;
	return false;
}

/* With the token elsewhere any path may lead to the name. */
static span last_segment(span path)
{
	size_t slash = span_rfind(path, '/');

	return slash == path.len ? path : span_from_offset(path, slash + 1);
}

static void scrub_path(ngx_http_request_t *r, struct slipway_ctx *ctx)
{
	span below = span_from_offset(span_of_str(r->uri), under.len);
	span first = span_sub(below, 0, span_find(below, '/'));
	bool is_alone = first.len == below.len;

	ctx->under_d = true;
	ctx->name = last_segment(below);
	if (!looks_like_token(first) && (is_alone || has_other_token(r)))
		return;
	keep_token(r, ctx, first);
	wipe_path(r, r->uri.data + under.len, first.len);
	ctx->name = is_alone ? SPAN_EMPTY : span_from_offset(below, first.len + 1);
}

static void scrub_arguments(ngx_http_request_t *r, struct slipway_ctx *ctx)
{
	u_char *at = r->args.data, *end = r->args.data + r->args.len;

	while (at < end) {
		span part = span_of(at, end - at);

		part.len = span_find(part, '&');
		size_t name_len = span_find(part, '=');

		if (name_len < part.len && is_token_parameter(span_sub(part, 0, name_len))) {
			keep_token(r, ctx, span_from_offset(part, name_len + 1));
			wipe_raw(r, at + name_len + 1, part.len - name_len - 1);
		}
		at += part.len + 1;
	}
}

/*
 * A path that is not ours but holds a token all the same: a mistyped prefix, say. Arguments are
 * left alone here, others may need theirs (a sign-in's `state` looks like a token).
 */
static void scrub_other_path(ngx_http_request_t *r)
{
	span uri = span_of_str(r->uri);
	size_t at = 0;

	while (at < uri.len) {
		span segment = span_from_offset(uri, at);

		segment.len = span_find(segment, '/');
		if (span_starts_with(segment, SPAN("eyJ")) && segment.len >= TOKEN_LEAST)
			wipe_path(r, r->uri.data + at, segment.len);
		at += segment.len + 1;
	}
}

static bool has_token_argument(ngx_http_request_t *r)
{
	span args = span_of_str(r->args);

	for (size_t at = 0; at < args.len; at++) {
		at += span_find(span_from_offset(args, at), '=');
		if (at >= 5 && is_token_parameter(span_sub(args, at - 5, 5)))
			return true;
	}
	return false;
}

static void scrub(ngx_http_request_t *r, struct slipway_ctx *ctx)
{
	span uri = span_of_str(r->uri);

	ctx->scrubbed = true;
	if (span_starts_with(uri, under))
		scrub_path(r, ctx);
	if (has_token_argument(r))
		scrub_arguments(r, ctx);
	if (span_find(uri, 'J') < uri.len)
		scrub_other_path(r);
	if (r->headers_in.referer)
		slipway_redact(r->headers_in.referer->value.data, r->headers_in.referer->value.len);
}

ngx_int_t slipway_scrub_handler(ngx_http_request_t *r)
{
	struct slipway_ctx *ctx = slipway_ctx(r);

	if (!ctx)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	scrub(r, ctx);
	if (!ctx->token.len || slipway_is_private(r))
		return NGX_DECLINED;
	ctx->verdict = VERDICT_PLAINTEXT;
	ctx->verified = true;
	ngx_http_finalize_request(r, slipway_refuse(r, VERDICT_PLAINTEXT));
	return NGX_DONE;
}

/* A URL nginx could not make sense of, or forgot: nothing in it has a known place. */
static void blank_if_suspicious(ngx_str_t text)
{
	span s = span_of_str(text);

	s = span_sub(s, 0, span_find(s, '\n'));
	size_t at = span_find(s, ' ');

	if (at == s.len)
		at = 0;
	if (s.len > SUSPICIOUS_LENGTH || span_contains(s, SPAN("/d/")) ||
		span_contains(s, SPAN("eyJ")) || span_contains(s, SPAN("oken=")))
		ngx_memset(text.data + at, FILLER, s.len - at);
}

static void scrub_unparsed(ngx_http_request_t *r)
{
	ngx_str_t line = r->request_line;

	/* what nginx logs as the request line when it has not seen its end */
	if (!line.data && r->request_start) {
		line.data = r->request_start;
		line.len = r->header_in->last - r->request_start;
	}
	blank_if_suspicious(line);
	blank_if_suspicious(r->unparsed_uri);
}

/* Nobody needs the URL any more: what looks like a token goes from the arguments of others, too. */
static void redact_all(ngx_http_request_t *r)
{
	slipway_redact(r->request_line.data, r->request_line.len);
	if (!is_inside(r->unparsed_uri.data, r->request_line))
		slipway_redact(r->unparsed_uri.data, r->unparsed_uri.len);
	if (!is_inside(r->uri.data, r->unparsed_uri))
		slipway_redact(r->uri.data, r->uri.len);
	if (!is_inside(r->args.data, r->unparsed_uri))
		slipway_redact(r->args.data, r->args.len);
}

ngx_int_t slipway_scrub_before_log(ngx_http_request_t *r)
{
	struct slipway_ctx *ctx = slipway_ctx(r);

	/* Refused while it was being read; an error_page may have set another URI since. */
	if (!ctx || !ctx->scrubbed) {
		scrub_unparsed(r);
		if (ctx && r->uri.len && !r->internal)
			scrub(r, ctx);
	}
	if (ctx)
		ctx->logging = true;
	redact_all(r);
	return NGX_OK;
}
