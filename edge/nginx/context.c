/*
 * What is known of one request. nginx clears the contexts of modules at an internal redirect (an
 * error_page, say); the clean-up entry of the pool, which it keeps, leads back to ours.
 */
#include "slipway.h"

#include "base/banned.h"

static void mark(void *data)
{
	(void)data; /* nothing to clean up: the entry is only found by this function's address */
}

struct slipway_ctx *slipway_find_ctx(ngx_http_request_t *r)
{
	r = r->main;
	struct slipway_ctx *ctx = ngx_http_get_module_ctx(r, ngx_http_slipway_module);

	if (ctx || (!r->internal && !r->filter_finalize))
		return ctx;
	for (ngx_pool_cleanup_t *c = r->pool->cleanup; c; c = c->next) {
		if (c->handler == mark) {
			ngx_http_set_ctx(r, c->data, ngx_http_slipway_module);
			return c->data;
		}
	}
	return NULL;
}

struct slipway_ctx *slipway_ctx(ngx_http_request_t *r)
{
	struct slipway_ctx *ctx = slipway_find_ctx(r);

	if (ctx)
		return ctx;
	r = r->main;
	ngx_pool_cleanup_t *entry = ngx_pool_cleanup_add(r->pool, sizeof(*ctx));

	if (!entry)
		return NULL;
	entry->handler = mark;
	ctx = entry->data;
	ngx_memzero(ctx, sizeof(*ctx));
	ngx_http_set_ctx(r, ctx, ngx_http_slipway_module);
	return ctx;
}

span slipway_copy(ngx_http_request_t *r, span s)
{
	u_char *copy = ngx_pnalloc(r->pool, s.len + 1);

	if (!copy)
		return (span){NULL, 0};
	ngx_memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return span_of(copy, s.len);
}
