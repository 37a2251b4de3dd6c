/*
 * Update checks: the parameters, the caller and the published index go into update_choose(), its
 * choice comes out as JSON. Hard rule: of a release or package the caller may not have, nothing is
 * written.
 */
#include "slipway.h"

#include "base/time.h"

#include "base/banned.h"

#define ANSWER_BYTES         16384
#define NEXT_CHECK_DEFAULT_S 21600 /* where the product names none */
#define JITTER_PERCENT       10

/* ---- the index ---- */

struct index {
	const struct state_view *view;
	const struct slipway_check_args *args;
	struct state_walk walk;
};

static bool is_blocked(const struct state_view *v, span sha256)
{
	char memory[STATE_KEY_MAX + 1];
	struct buf key;
	span value;

	buf_init_fixed(&key, memory, sizeof(memory));
	state_key_blocked(&key, sha256);
	return buf_error(&key) || state_find(v, buf_span(&key), &value);
}

static void drop_blocked(const struct index *ix, struct update_release *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->packages_count; i++)
		if (!is_blocked(ix->view, r->packages[i].sha256))
			r->packages[kept++] = r->packages[i];
	r->packages_count = kept;
}

static bool next_release(void *ctx, struct update_release *ret)
{
	struct index *ix = ctx;
	span key, value;

	/* a damaged record is as good as none: the next older release may do */
	while (state_walk_previous(&ix->walk, &key, &value)) {
		if (state_unpack_release(value, ret))
			continue;
		/* an older one ends the walk, whatever its packages */
		if (semver_cmp(&ret->version, &ix->args->installed) > 0)
			drop_blocked(ix, ret);
		return true;
	}
	return false;
}

static void releases_key(struct buf *out, span product, const struct slipway_check_args *args)
{
	state_key_releases(out, product, args->platform, args->channel);
}

static bool resolve(void *ctx, span product, span range, struct update_release *ret)
{
	const struct index *ix = ctx;
	char memory[STATE_KEY_MAX + 1];
	struct state_walk w;
	struct buf prefix;
	span key, value;
	bool found = false;

	buf_init_fixed(&prefix, memory, sizeof(memory));
	releases_key(&prefix, product, ix->args);
	if (buf_error(&prefix) || state_walk_begin(ix->view, buf_span(&prefix), &w))
		return false;
	for (size_t i = 0; i < UPDATE_MAX_WALK && !found; i++) {
		if (!state_walk_previous(&w, &key, &value))
			break;
		found = !state_unpack_release(value, ret) && ret->state == RELEASE_PUBLISHED &&
			semver_range_matches(range, &ret->version);
	}
	state_walk_end(&w);
	if (found)
		drop_blocked(ix, ret);
	return found;
}

/* ---- the caller ---- */

static span country_of(ngx_http_request_t *r)
{
	const struct slipway_main *conf = ngx_http_get_module_main_conf(r, ngx_http_slipway_module);
	ngx_str_t value;

	if (!conf->country || ngx_http_complex_value(r, conf->country, &value) != NGX_OK)
		return SPAN_EMPTY;
	return span_of_str(value);
}

/* A licence, and what it entitles to, counts for its own product only. */
static struct policy_subject subject_of(
	const struct slipway_ctx *ctx, span country, const struct state_product *product)
{
	const struct token_claims *c = ctx->claims;

	if (!c)
		return (struct policy_subject){.country = country};
	bool licensed = c->licence.len && span_eq(c->product, product->id);

	return (struct policy_subject){
		.authenticated = true,
		.stale = ctx->verdict == VERDICT_STALE,
		.org = c->org,
		.permissions = c->permissions,
		.entitlements = licensed ? c->entitlements : SPAN_EMPTY,
		.country = country,
		.licence = licensed ? LICENCE_ACTIVE : LICENCE_NONE,
		.device = c->device.len ? DEVICE_ACTIVE : DEVICE_NONE,
	};
}

/* The product's own restriction counts before any release is looked at. */
static enum policy_reason judge_product(
	const struct state_product *p, const struct policy_subject *s, int64_t now_us)
{
	struct policy_object o = {.class_ = CLASS_PUBLIC,
		.state = RELEASE_PUBLISHED,
		.countries_denied = p->countries_denied,
		.countries_allowed = p->countries_allowed};

	return policy_decide(s, &o, now_us);
}

/* ---- the answer ---- */

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

static void write_text(struct json_writer *w, const char *key, span text)
{
	if (text.len)
		json_str(w, key, text);
	else
		json_nil(w, key);
}

static void write_package(struct json_writer *w, const struct update_package *p)
{
	json_begin_object(w, "package");
	json_str(w, "id", p->id);
	json_str(w, "filename", p->filename);
	json_u64(w, "size", p->size);
	json_str(w, "sha256", p->sha256);
	json_str(w, "format", p->format);
	json_cstr(w, "class", class_name(p->class_));
	json_end(w);
}

static void write_release(struct json_writer *w, const struct update_choice *c)
{
	const struct update_release *r = &c->release;

	write_text(w, "version", c->update ? r->version_text : SPAN_EMPTY);
	write_text(w, "release_id", c->update ? r->id : SPAN_EMPTY);
	json_bool(w, "critical", c->update && r->critical);
	json_bool(w, "mandatory", c->update && r->mandatory);
	write_text(w, "notes_url", c->update ? r->notes_url : SPAN_EMPTY);
	if (c->update)
		write_package(w, &r->packages[c->package]);
	else
		json_nil(w, "package");
	json_nil(w, "delta");
	if (c->update && r->eol_us > 0)
		json_time(w, "eol", r->eol_us);
	else
		json_nil(w, "eol");
}

static void write_requires(struct json_writer *w, const struct update_choice *c)
{
	json_begin_array(w, "requires");
	for (size_t i = 0; c->update && i < c->requires_count; i++) {
		json_begin_object(w, NULL);
		json_str(w, "product", c->requires[i].product);
		json_str(w, "range", c->requires[i].range);
		json_str(w, "version", c->requires[i].version);
		json_str(w, "release_id", c->requires[i].release_id);
		json_str(w, "package_id", c->requires[i].package_id);
		json_end(w);
	}
	json_end(w);
}

static void write_answer(
	struct buf *out, const struct update_choice *c, enum channel channel, uint64_t next_check_s)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w, NULL);
	json_bool(&w, "update", c->update);
	json_cstr(&w, "reason", update_reason_name(c->reason));
	json_cstr(&w, "policy",
		c->reason == UPDATE_NOT_ENTITLED ? policy_reason_name(c->policy) : NULL);
	json_cstr(&w, "channel", channel_name(channel));
	write_release(&w, c);
	write_requires(&w, c);
	json_u64(&w, "next_check_seconds", next_check_s);
	json_end(&w);
}

static void remember(ngx_http_request_t *r, struct slipway_ctx *ctx, const struct update_choice *c)
{
	ctx->reason = update_reason_name(c->reason);
	if (!c->update)
		return;
	/* out of memory only makes the log line poorer */
	ctx->offered = slipway_copy(r, c->release.version_text);
	ctx->package = slipway_copy(r, c->release.packages[c->package].id);
}

/* ---- the handler ---- */

static void choose(ngx_http_request_t *r, const struct slipway_ctx *ctx,
	const struct slipway_check_args *args, const struct state_view *v,
	const struct state_product *product, struct update_choice *ret)
{
	const ngx_time_t *now = ngx_timeofday();
	struct index ix = {.view = v, .args = args};
	struct update_index index = {.next = next_release, .resolve = resolve, .ctx = &ix};
	struct update_request rq = {.installed = args->installed,
		.has_installed = true,
		.format = args->format,
		.os_version = args->os_version,
		.device = ctx->claims ? ctx->claims->device : SPAN_EMPTY,
		.cohort = args->cohort,
		.has_cohort = args->has_cohort,
		.pin = args->pin,
		.manual = args->manual,
		.subject = subject_of(ctx, country_of(r), product),
		.now_us = now->sec * TIME_SECOND + now->msec * TIME_MS};
	char memory[STATE_KEY_MAX + 1];
	struct buf prefix;

	/* the whole is large, and of a choice without an update only this is read */
	ret->update = false;
	ret->reason = UPDATE_CHANNEL_EMPTY;
	ret->policy = judge_product(product, &rq.subject, rq.now_us);
	if (ret->policy == POLICY_COUNTRY_RESTRICTED) {
		ret->reason = UPDATE_NOT_ENTITLED;
		return;
	}
	buf_init_fixed(&prefix, memory, sizeof(memory));
	releases_key(&prefix, args->product, args);
	if (buf_error(&prefix) || state_walk_begin(v, buf_span(&prefix), &ix.walk))
		return;
	update_choose(&rq, &index, ret);
	state_walk_end(&ix.walk);
}

/* The answer's text in the request's pool, or an empty span with what to return. */
static span answer(ngx_http_request_t *r, struct slipway_ctx *ctx,
	const struct slipway_check_args *args, const struct state_view *v, bool *ret_is_known)
{
	char memory[ANSWER_BYTES], key_memory[STATE_KEY_MAX + 1];
	struct state_product product;
	struct update_choice choice;
	struct buf key, out;
	span value;

	buf_init_fixed(&key, key_memory, sizeof(key_memory));
	state_key_product(&key, args->product);
	*ret_is_known = !buf_error(&key) && state_find(v, buf_span(&key), &value) &&
			!state_unpack_product(value, &product);
	if (!*ret_is_known)
		return SPAN_EMPTY;
	choose(r, ctx, args, v, &product, &choice);
	remember(r, ctx, &choice);
	buf_init_fixed(&out, memory, sizeof(memory));
	write_answer(&out, &choice, args->channel, next_check(r, ctx, args, product.next_check_s));
	if (!buf_error(&out))
		return slipway_copy(r, buf_span(&out));
	ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
		"slipway: the answer to an update check exceeds %d bytes", ANSWER_BYTES);
	return SPAN_EMPTY;
}

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
