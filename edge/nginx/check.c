/*
 * Update checks: parameters, token, published state → choice → JSON. An answer that depends on
 * nothing but these is kept: most clients ask the same question.
 */
#include "slipway.h"

#include "base/banned.h"

#define HEAD_BYTES           16384
#define KEY_BYTES            1024
#define TAIL_BYTES           24
#define NEXT_CHECK_DEFAULT_S 21600 /* where the product names none */
#define JITTER_PERCENT       10

/* The same client waits the same time, clients together spread over ±10 %. */
static uint64_t next_check(ngx_http_request_t *r, const struct slipway_ctx *ctx,
	const struct slipway_check_args *args, uint32_t seconds)
{
	u_char drawn[2] = {(u_char)(args->cohort >> 8), (u_char)args->cohort};
	uint64_t base = seconds ? seconds : NEXT_CHECK_DEFAULT_S;
	uint64_t spread = base * 2 * JITTER_PERCENT / 100;
	span who = span_of_str(r->connection->addr_text);
	uint32_t hash;

	if (ctx->claims && ctx->claims->device.len)
		who = ctx->claims->device;
	else if (args->has_cohort)
		who = span_of(drawn, sizeof(drawn));
	char memory[64];

	ngx_memcpy(memory, who.ptr, MIN(who.len, sizeof(memory)));
	hash = ngx_murmur_hash2((u_char *)memory, MIN(who.len, sizeof(memory)));
	return base - spread / 2 + hash % (spread + 1);
}

/* ---- what is answered ---- */

/* Spans of the answer borrow head and the view. False when there is no such product. */
static bool make_answer(ngx_http_request_t *r, const struct slipway_ctx *ctx,
	const struct slipway_check_args *args, const struct state_view *v, struct buf *head,
	struct slipway_answer *ret, bool *ret_is_lasting)
{
	char memory[STATE_KEY_MAX + 1];
	struct state_product product;
	struct update_choice choice;
	struct buf key;
	span value;

	buf_init_fixed(&key, memory, sizeof(memory));
	state_key_product(&key, args->product);
	if (buf_error(&key) || !state_find(v, buf_span(&key), &value) ||
		state_unpack_product(value, &product))
		return false;
	*ret_is_lasting = slipway_choose(r, ctx, args, v, &product, &choice);
	slipway_write_choice(head, &choice, args->channel);
	*ret = (struct slipway_answer){.reason = choice.reason,
		.next_check_s = product.next_check_s,
		.head = buf_span(head)};
	if (choice.update) {
		ret->offered = choice.release.version_text;
		ret->package = choice.release.packages[choice.package].id;
	}
	return true;
}

/* The whole text in the request's pool; facts for the log in ctx. */
static span finish(ngx_http_request_t *r, struct slipway_ctx *ctx,
	const struct slipway_check_args *args, const struct slipway_answer *a)
{
	size_t size = a->head.len + TAIL_BYTES;
	char *memory = ngx_pnalloc(r->pool, size);
	struct buf text;

	if (!memory)
		return SPAN_EMPTY;
	buf_init_fixed(&text, memory, size);
	buf_add(&text, a->head);
	buf_add_u64(&text, next_check(r, ctx, args, a->next_check_s));
	buf_add_byte(&text, '}');
	ctx->reason = update_reason_name(a->reason);
	ctx->offered = slipway_copy(r, a->offered);
	ctx->package = slipway_copy(r, a->package);
	return buf_error(&text) ? SPAN_EMPTY : buf_span(&text);
}

static span answer(ngx_http_request_t *r, struct slipway_ctx *ctx,
	const struct slipway_check_args *args, const struct state_view *v, bool *ret_is_known)
{
	char head_memory[HEAD_BYTES], key_memory[KEY_BYTES];
	struct answer_cache *cache = slipway_answer_cache();
	struct slipway_answer a;
	struct buf head, key;
	bool is_lasting;

	*ret_is_known = true;
	buf_init_fixed(&key, key_memory, sizeof(key_memory));
	slipway_choice_key(&key, r, ctx, args, v);
	if (!buf_error(&key) && answer_cache_find(cache, buf_span(&key), &a))
		return finish(r, ctx, args, &a);
	buf_init_fixed(&head, head_memory, sizeof(head_memory));
	*ret_is_known = make_answer(r, ctx, args, v, &head, &a, &is_lasting);
	if (!*ret_is_known)
		return SPAN_EMPTY;
	if (buf_error(&head)) {
		ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
			"slipway: the answer to an update check exceeds %d bytes", HEAD_BYTES);
		return SPAN_EMPTY;
	}
	if (is_lasting && !buf_error(&key))
		answer_cache_put(cache, buf_span(&key), &a);
	return finish(r, ctx, args, &a);
}

/* ---- the handler ---- */

static ngx_int_t answer_or_refuse(
	ngx_http_request_t *r, struct slipway_ctx *ctx, const struct slipway_check_args *args)
{
	struct state_view v;
	bool is_known = false;
	span body = SPAN_EMPTY;

	if (!slipway_view(&v))
		return slipway_refuse(r, VERDICT_UNAVAILABLE);
	enum slipway_verdict verdict = slipway_judge(r, ctx, &v);
	bool good = verdict == VERDICT_OK || verdict == VERDICT_NONE || verdict == VERDICT_STALE;

	if (good)
		body = answer(r, ctx, args, &v, &is_known);
	state_end(&v);
	if (!good)
		return slipway_refuse(r, verdict);
	if (!is_known) {
		ctx->reason = update_reason_name(UPDATE_UNKNOWN_PRODUCT);
		return slipway_problem(
			r, NGX_HTTP_NOT_FOUND, "not_found", "There is no product of this name.");
	}
	if (!body.len)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	return slipway_send(r, NGX_HTTP_OK, SPAN("application/json"), body);
}

ngx_int_t slipway_check_handler(ngx_http_request_t *r)
{
	struct slipway_ctx *ctx = slipway_ctx(r);
	struct slipway_check_args args;
	const char *detail;

	if (!ctx)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	ctx->kind = "check";
	if (!slipway_is_get(r))
		return slipway_refuse_method(r);
	if (slipway_check_args(r, &args, &detail) != NGX_OK)
		return slipway_problem(r, NGX_HTTP_BAD_REQUEST, "invalid", detail);
	ctx->product = args.product;
	ctx->platform = args.platform;
	ctx->channel = span_from(channel_name(args.channel));
	ctx->installed = args.version;
	ctx->counted = args.counted;
	return answer_or_refuse(r, ctx, &args);
}
