/*
 * Answers made of memory, and the headers every answer carries.
 */
#include "slipway.h"

#include "base/banned.h"

ngx_table_elt_t *slipway_header(ngx_http_request_t *r, const char *name, span value)
{
	ngx_table_elt_t *h = ngx_list_push(&r->headers_out.headers);
	union {
		const char *from;
		u_char *to;
	} key = {.from = name}, text = {.from = value.ptr}; /* nginx only reads them */

	if (!h)
		return NULL;
	ngx_memzero(h, sizeof(*h));
	h->hash = 1;
	h->key = (ngx_str_t){strlen(name), key.to};
	h->value = (ngx_str_t){value.len, text.to};
	return h;
}

/* ---- sending ---- */

bool slipway_is_get(ngx_http_request_t *r)
{
	return r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD);
}

ngx_int_t slipway_refuse_method(ngx_http_request_t *r)
{
	if (!slipway_header(r, "Allow", SPAN("GET, HEAD")))
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	return slipway_problem(r, NGX_HTTP_NOT_ALLOWED, "method_not_allowed",
		"Only GET and HEAD are allowed here.");
}

static ngx_buf_t *memory_buf(ngx_http_request_t *r, span body)
{
	ngx_buf_t *b = ngx_calloc_buf(r->pool);
	union {
		const char *from;
		u_char *to;
	} text = {.from = body.ptr}; /* b->memory: not to be changed by filters */

	if (!b)
		return NULL;
	b->pos = text.to;
	b->last = b->pos + body.len;
	b->memory = body.len ? 1 : 0;
	b->last_buf = r == r->main;
	b->last_in_chain = 1;
	return b;
}

ngx_int_t slipway_send(ngx_http_request_t *r, ngx_uint_t status, span content_type, span body)
{
	ngx_int_t rc = ngx_http_discard_request_body(r);
	ngx_buf_t *b = memory_buf(r, body);
	union {
		const char *from;
		u_char *to;
	} type = {.from = content_type.ptr};

	if (rc != NGX_OK)
		return rc;
	if (!b || !slipway_header(r, "Cache-Control", SPAN("no-store")) ||
		!slipway_header(r, "X-Request-Id", slipway_request_id(r)))
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	r->headers_out.status = status;
	r->headers_out.content_length_n = (off_t)body.len;
	r->headers_out.content_type = (ngx_str_t){content_type.len, type.to};
	r->headers_out.content_type_len = content_type.len;
	r->headers_out.content_type_lowcase = NULL;
	rc = ngx_http_send_header(r);
	if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
		return rc;
	ngx_chain_t out = {.buf = b};

	return ngx_http_output_filter(r, &out);
}
