/*
 * The id under which a request stands in logs and problem documents: the client's own where it is
 * harmless, else one of ours. Ours need to be unique, not secret: a counter mixed with what this
 * worker drew when it started, because libcrypto's generator costs more than the whole answer.
 */
#include "slipway.h"

#include "crypto/random.h"

#include "base/banned.h"

#define REQUEST_ID_MAX 64

static bool is_hex(span s)
{
	bool is_zero = true;

	for (size_t i = 0; i < s.len; i++) {
		if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f')))
			return false;
		is_zero = is_zero && s.ptr[i] == '0';
	}
	return !is_zero;
}

/* W3C trace context, section 3.2: "00-" trace id "-" parent id "-" flags. */
static bool trace_id(span header, span *ret)
{
	if (header.len < 55 || header.ptr[2] != '-' || header.ptr[35] != '-' ||
		header.ptr[52] != '-' || span_starts_with(header, SPAN("ff")) ||
		!is_hex(span_sub(header, 3, 32)))
		return false;
	*ret = span_sub(header, 3, 32);
	return true;
}

/* The same rule as the control plane's: a client's own id is taken when it is harmless in a log. */
static bool plain_id(span header, span *ret)
{
	if (header.len == 0 || header.len > REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < header.len; i++) {
		char c = header.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_' || c == '.'))
			return false;
	}
	*ret = header;
	return true;
}

/* The first header of this name, read by `parse`. */
static bool find_id(
	ngx_http_request_t *r, span name, bool (*parse)(span header, span *ret), span *ret)
{
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		const ngx_table_elt_t *h = part->elts;

		for (ngx_uint_t i = 0; i < part->nelts; i++)
			if (h[i].key.len == name.len && span_eq_nocase(span_of_str(h[i].key), name))
				return parse(span_of_str(h[i].value), ret);
	}
	return false;
}

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators). */
static uint64_t mix(uint64_t n)
{
	n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
	return n ^ (n >> 31);
}

static void write_hex(char *to, uint64_t n)
{
	for (int i = 15; i >= 0; i--) {
		to[i] = "0123456789abcdef"[n & 15];
		n >>= 4;
	}
}

static span own_id(struct slipway_ctx *ctx)
{
	static uint64_t drawn[2], count;

	if (!count)
		random_bytes(drawn, sizeof(drawn));
	count++;
	write_hex(ctx->own_id, mix(drawn[0] + count * UINT64_C(0x9e3779b97f4a7c15)));
	write_hex(ctx->own_id + 16, mix(drawn[1] ^ count));
	return span_of(ctx->own_id, sizeof(ctx->own_id));
}

span slipway_request_id(ngx_http_request_t *r)
{
	struct slipway_ctx *ctx = slipway_ctx(r);

	if (!ctx)
		return SPAN_EMPTY;
	if (ctx->request_id.len == 0 &&
		!find_id(r->main, SPAN("X-Request-Id"), plain_id, &ctx->request_id) &&
		!find_id(r->main, SPAN("traceparent"), trace_id, &ctx->request_id))
		ctx->request_id = own_id(ctx);
	return ctx->request_id;
}
