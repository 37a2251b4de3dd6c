/*
 * The choice of an update check: the published index and the caller, translated for
 * update_choose(). Hard rule: whatever is read here of the request, the token or the state is in
 * slipway_choice_key() too, or slipway_choose() says that the choice does not last.
 */
#include "slipway.h"

#include "base/time.h"

#include "base/banned.h"

/* ---- the index ---- */

struct index {
	const struct state_view *view;
	const struct slipway_check_args *args;
	struct state_walk walk;
	bool used_cohort; /* a release in a rollout was looked at */
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
		if (semver_cmp(&ret->version, &ix->args->installed) > 0) {
			drop_blocked(ix, ret);
			ix->used_cohort = ix->used_cohort || ret->rollout_seed.len;
		}
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
static struct policy_subject subject_of(ngx_http_request_t *r, const struct slipway_ctx *ctx,
	span name, const struct state_product *product)
{
	const struct token_claims *c = ctx->claims;
	span country = country_of(r);

	if (!c)
		return (struct policy_subject){.country = country};
	bool licensed = c->licence.len && span_eq(c->product, product->id);

	return (struct policy_subject){
		.authenticated = true,
		.stale = ctx->verdict == VERDICT_STALE,
		.org = c->org,
		.permissions = permissions_for_packages(c->permissions, name),
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

/* ---- the choice ---- */

static void add_number(struct buf *key, uint64_t n, size_t bytes)
{
	buf_add(key, span_of(&n, bytes)); /* in this process's own byte order */
}

static void add_text(struct buf *key, span text)
{
	add_number(key, text.len, 2);
	buf_add(key, text);
}

void slipway_choice_key(struct buf *key, ngx_http_request_t *r, const struct slipway_ctx *ctx,
	const struct slipway_check_args *args, const struct state_view *v)
{
	static const struct token_claims anonymous;
	const struct token_claims *c = ctx->claims ? ctx->claims : &anonymous;
	const span texts[] = {args->product, args->version, args->platform, args->format,
		args->os_version, args->pin, country_of(r), c->org, c->permissions, c->product,
		c->entitlements};
	const bool flags[] = {args->manual, ctx->claims, ctx->verdict == VERDICT_STALE,
		c->licence.len, c->device.len};

	add_number(key, slipway_snapshot(v), sizeof(uint64_t));
	add_number(key, args->channel, 1);
	buf_add(key, span_of(flags, sizeof(flags)));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		add_text(key, texts[i]);
}

bool slipway_choose(ngx_http_request_t *r, const struct slipway_ctx *ctx,
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
		.subject = subject_of(r, ctx, args->product, product),
		.now_us = now->sec * TIME_SECOND + now->msec * TIME_MS};
	char memory[STATE_KEY_MAX + 1];
	struct buf prefix;

	/* the whole is large, and of a choice without an update only this is read */
	ret->update = false;
	ret->reason = UPDATE_CHANNEL_EMPTY;
	ret->policy = judge_product(product, &rq.subject, rq.now_us);
	if (ret->policy == POLICY_COUNTRY_RESTRICTED) {
		ret->reason = UPDATE_NOT_ENTITLED;
		return false;
	}
	buf_init_fixed(&prefix, memory, sizeof(memory));
	releases_key(&prefix, args->product, args);
	if (buf_error(&prefix) || state_walk_begin(v, buf_span(&prefix), &ix.walk))
		return false;
	update_choose(&rq, &index, ret);
	state_walk_end(&ix.walk);
	return !ix.used_cohort && !rq.subject.licence_starts_us && !rq.subject.licence_expires_us;
}
