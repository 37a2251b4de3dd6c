/*
 * $slipway_…: for the JSON log and as keys of limits. Those that come from the token verify it when
 * they are asked before the content handler has, so that limit_req and limit_conn can use them.
 */
#include "slipway.h"

#include "base/time.h"

#include "base/banned.h"

#define NUMBER_BYTES 24

static ngx_int_t give(ngx_http_variable_value_t *v, span text)
{
	union {
		const char *from;
		u_char *to;
	} data = {.from = text.ptr}; /* nginx only reads it */

	v->valid = text.len > 0;
	v->not_found = text.len == 0;
	v->no_cacheable = 0;
	v->len = (unsigned)text.len;
	v->data = data.to;
	return NGX_OK;
}

static ngx_int_t give_number(ngx_http_request_t *r, ngx_http_variable_value_t *v, uint64_t n)
{
	char memory[NUMBER_BYTES];
	struct buf out;

	buf_init_fixed(&out, memory, sizeof(memory));
	buf_add_u64(&out, n);
	return give(v, slipway_copy(r, buf_span(&out)));
}

/* A span of the context, at this offset: what a handler has put there. */
static ngx_int_t get_fact(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t offset)
{
	const struct slipway_ctx *ctx = slipway_find_ctx(r);

	if (!ctx)
		return give(v, SPAN_EMPTY);
	return give(v, *(const span *)(const void *)((const char *)ctx + offset));
}

/* A claim of a token whose signature is good. */
static ngx_int_t get_claim(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t offset)
{
	struct slipway_ctx *ctx = slipway_ctx(r);

	if (!ctx)
		return NGX_ERROR;
	slipway_judge_for_variable(r->main, ctx);
	if (!ctx->claims)
		return give(v, SPAN_EMPTY);
	return give(v, *(const span *)(const void *)((const char *)ctx->claims + offset));
}

static ngx_int_t get_verdict(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
	struct slipway_ctx *ctx = slipway_ctx(r);

	if (!ctx)
		return NGX_ERROR;
	slipway_judge_for_variable(r->main, ctx);
	return give(v, span_from(slipway_verdict_name(ctx->verdict)));
}

static ngx_int_t get_kind(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
	const struct slipway_ctx *ctx = slipway_find_ctx(r);

	return give(v, span_from(ctx ? ctx->kind : NULL));
}

static ngx_int_t get_reason(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
	const struct slipway_ctx *ctx = slipway_find_ctx(r);

	return give(v, span_from(ctx ? ctx->reason : NULL));
}

static ngx_int_t get_size(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
	const struct slipway_ctx *ctx = slipway_find_ctx(r);

	return ctx && ctx->has_size ? give_number(r, v, ctx->size) : give(v, SPAN_EMPTY);
}

static span whole_file(ngx_http_request_t *r, uint64_t size)
{
	char memory[2 * NUMBER_BYTES];
	struct buf out;

	buf_init_fixed(&out, memory, sizeof(memory));
	buf_add_str(&out, "0-");
	buf_add_u64(&out, size - 1);
	return slipway_copy(r, buf_span(&out));
}

/* What the answer's body was made of: empty for HEAD, 304, errors and empty files. */
static ngx_int_t get_range(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
	const struct slipway_ctx *ctx = slipway_find_ctx(r);
	char memory[SLIPWAY_RANGES_MAX * 2 * NUMBER_BYTES];
	struct buf out;

	r = r->main;
	if (!ctx || !ctx->has_size || ctx->size == 0 || r->header_only)
		return give(v, SPAN_EMPTY);
	if (r->headers_out.status == NGX_HTTP_OK)
		return give(v, whole_file(r, ctx->size));
	buf_init_fixed(&out, memory, sizeof(memory));
	if (r->headers_out.status != NGX_HTTP_PARTIAL_CONTENT || !r->headers_in.range ||
		!slipway_ranges(span_of_str(r->headers_in.range->value), ctx->size, &out))
		return give(v, SPAN_EMPTY);
	return give(v, slipway_copy(r, buf_span(&out)));
}

static ngx_int_t get_time(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		return give(v, SPAN_EMPTY);
	return give_number(r, v, (uint64_t)(now.tv_sec * TIME_SECOND + now.tv_nsec / 1000));
}

static ngx_int_t get_request_id(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
	return give(v, slipway_request_id(r));
}

#define FACT(name, member)                                                                         \
	{                                                                                          \
		ngx_string(name), NULL, get_fact, offsetof(struct slipway_ctx, member),            \
			NGX_HTTP_VAR_NOCACHEABLE, 0                                                \
	}
#define CLAIM(name, member)                                                                        \
	{                                                                                          \
		ngx_string(name), NULL, get_claim, offsetof(struct token_claims, member),          \
			NGX_HTTP_VAR_NOCACHEABLE, 0                                                \
	}
#define OTHER(name, get)                                                                           \
	{                                                                                          \
		ngx_string(name), NULL, get, 0, NGX_HTTP_VAR_NOCACHEABLE, 0                        \
	}

static ngx_http_variable_t variables[] = {
	OTHER("slipway_kind", get_kind),
	OTHER("slipway_verdict", get_verdict),
	OTHER("slipway_reason", get_reason),
	OTHER("slipway_size", get_size),
	OTHER("slipway_range", get_range),
	OTHER("slipway_time_us", get_time),
	OTHER("slipway_request_id", get_request_id),
	CLAIM("slipway_subject", sub),
	CLAIM("slipway_jti", jti),
	CLAIM("slipway_device", device),
	CLAIM("slipway_download", download),
	CLAIM("slipway_rate_class", rate_class),
	FACT("slipway_package", package),
	FACT("slipway_file", name),
	FACT("slipway_product", product),
	FACT("slipway_platform", platform),
	FACT("slipway_channel", channel),
	FACT("slipway_installed", installed),
	FACT("slipway_offered", offered),
	FACT("slipway_counted", counted),
};

ngx_int_t slipway_add_variables(ngx_conf_t *cf)
{
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		ngx_http_variable_t *v =
			ngx_http_add_variable(cf, &variables[i].name, variables[i].flags);

		if (!v)
			return NGX_ERROR;
		v->get_handler = variables[i].get_handler;
		v->data = variables[i].data;
	}
	return NGX_OK;
}
