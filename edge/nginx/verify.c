/*
 * From a request's token to a verdict. Two steps: what the token alone says (kind, signature,
 * audience: proved once, then cached) and how it stands now (time, revocation, epochs: looked at
 * for each request). Hard rule: a fact that cannot be read counts against the token.
 */
#include "slipway.h"

#include "base/banned.h"

const char *slipway_verdict_name(enum slipway_verdict v)
{
#define NAME(verdict, name, status, code, detail) [verdict] = name,
	static const char *const names[VERDICT_COUNT] = {SLIPWAY_VERDICTS(NAME)};
#undef NAME

	return names[v];
}

bool slipway_is_private(ngx_http_request_t *r)
{
	const struct slipway_srv *conf = ngx_http_get_module_srv_conf(r, ngx_http_slipway_module);

	return r->connection->ssl != NULL || conf->plaintext;
}

/* ---- which token ---- */

/* False for an Authorization header that is no Bearer credential (RFC 6750 section 2.1). */
static bool bearer(ngx_http_request_t *r, span *ret)
{
	span value = span_of_str(r->headers_in.authorization->value);

	if (!span_eq_nocase(span_sub(value, 0, 7), SPAN("bearer ")))
		return false;
	*ret = span_trim(span_from_offset(value, 7));
	return ret->len > 0;
}

/* VERDICT_OK with the request's one token, or what is wrong before it is looked at. */
static enum slipway_verdict take_token(
	ngx_http_request_t *r, const struct slipway_ctx *ctx, span *ret)
{
	span token = ctx->token;

	if (r->headers_in.authorization) {
		span value;

		if (!bearer(r, &value))
			return VERDICT_MALFORMED;
		if (token.len && !span_eq(token, value))
			return VERDICT_SEVERAL;
		token = value;
	}
	if (ctx->several)
		return VERDICT_SEVERAL;
	if (token.len == 0)
		return VERDICT_NONE;
	if (!slipway_is_private(r))
		return VERDICT_PLAINTEXT;
	*ret = token;
	return VERDICT_OK;
}

/* ---- how it stands now ---- */

/* True when the state demands an epoch above `epoch` under this key. */
static bool is_below(const struct state_view *v, const struct buf *key, uint64_t epoch)
{
	uint64_t least;
	span value;

	if (buf_error(key))
		return true;
	if (!state_find(v, buf_span(key), &value))
		return false;
	return state_unpack_u64(value, &least) || epoch < least;
}

static bool is_stale(const struct state_view *v, const struct token_claims *c)
{
	char memory[STATE_KEY_MAX + 1];
	struct buf key;
	span subject = c->kind == TOKEN_DOWNLOAD ? c->epoch_subject : c->sub;

	buf_init_fixed(&key, memory, sizeof(memory));
	state_key_global_epoch(&key);
	if (is_below(v, &key, c->global_epoch))
		return true;
	if (subject.len == 0)
		return false;
	buf_clear(&key);
	state_key_epoch(&key, subject);
	return is_below(v, &key, c->subject_epoch);
}

static bool has_revocation(const struct state_view *v, span id)
{
	char memory[STATE_KEY_MAX + 1];
	struct buf key;
	span value;

	buf_init_fixed(&key, memory, sizeof(memory));
	state_key_revoked(&key, id);
	return buf_error(&key) || state_find(v, buf_span(&key), &value);
}

/* An access token also dies with the session it was issued for. */
static bool is_revoked(const struct state_view *v, const struct token_claims *c)
{
	return has_revocation(v, c->jti) || (c->session.len && has_revocation(v, c->session));
}

static enum slipway_verdict standing(const struct state_view *v, const struct token_claims *c)
{
	if (is_revoked(v, c))
		return VERDICT_REVOKED;
	return is_stale(v, c) ? VERDICT_STALE : VERDICT_OK;
}

/* ---- what the token says ---- */

struct lookup {
	const struct state_view *view;
	uint64_t generation;
};

static const struct eckey *look_up(void *ctx, enum token_kind kind, span kid)
{
	struct lookup *l = ctx;

	return key_cache_get(slipway_key_cache(), l->view, kind, kid, &l->generation);
}

static enum slipway_verdict of_token_verdict(enum token_verdict v)
{
	static const enum slipway_verdict of[TOKEN_VERDICTS] = {
		[TOKEN_OK] = VERDICT_OK,
		[TOKEN_MALFORMED] = VERDICT_MALFORMED,
		[TOKEN_WRONG_KIND] = VERDICT_WRONG_KIND,
		[TOKEN_UNKNOWN_KEY] = VERDICT_UNKNOWN_KEY,
		[TOKEN_BAD_SIGNATURE] = VERDICT_BAD_SIGNATURE,
		[TOKEN_WRONG_AUDIENCE] = VERDICT_WRONG_AUDIENCE,
		[TOKEN_NOT_YET_VALID] = VERDICT_NOT_YET_VALID,
		[TOKEN_EXPIRED] = VERDICT_EXPIRED,
	};

	return of[v];
}

static bool is_kind_good(const struct slipway_ctx *ctx, enum token_kind kind)
{
	return ctx->under_d == (kind == TOKEN_DOWNLOAD);
}

static enum token_verdict verify_as(ngx_http_request_t *r, enum token_kind kind, span token,
	struct lookup *l, char *scratch, struct token_claims *ret)
{
	const struct slipway_main *conf = ngx_http_get_module_main_conf(r, ngx_http_slipway_module);
	struct token_verifier verifier = {.lookup = look_up,
		.ctx = l,
		.issuer = span_of_str(conf->issuer),
		.audience = span_of_str(kind == TOKEN_DOWNLOAD ? conf->pool : conf->audience)};

	return token_verify(kind, token, &verifier, ngx_time(), scratch, ret);
}

static enum slipway_verdict verify_fresh(ngx_http_request_t *r, const struct slipway_ctx *ctx,
	span token, const struct state_view *v, struct token_claims *ret)
{
	struct lookup l = {.view = v};
	char *scratch = ngx_palloc(r->pool, TOKEN_DECODED_MAX); /* claims point into it */

	if (!scratch)
		return VERDICT_UNAVAILABLE;
	enum token_kind kind = ctx->under_d ? TOKEN_DOWNLOAD : TOKEN_DEVICE;
	enum token_verdict verdict = verify_as(r, kind, token, &l, scratch, ret);

	/* the kind is told from the header, before any key is asked */
	if (verdict == TOKEN_WRONG_KIND && kind == TOKEN_DEVICE)
		verdict = verify_as(r, TOKEN_ACCESS, token, &l, scratch, ret);
	if (verdict == TOKEN_OK)
		token_cache_put(slipway_token_cache(), token, ret,
			(struct token_mark){.generation = l.generation}, ngx_time());
	return of_token_verdict(verdict);
}

/* False when the key that verified a cached token is gone, or another under the same name. */
static bool is_key_there(
	const struct state_view *v, const struct token_claims *c, uint64_t verified_with)
{
	uint64_t present;

	return key_cache_get(slipway_key_cache(), v, c->kind, c->kid, &present) &&
	       present == verified_with;
}

/*
 * Signature, key, revocation and epochs. All of it depends on the token and the published state
 * alone, so for a token that was good in this very state nothing needs to be asked again.
 * *ret_proved: the claims are those of a good signature, whatever the verdict.
 */
static enum slipway_verdict verify(ngx_http_request_t *r, const struct slipway_ctx *ctx, span token,
	const struct state_view *v, struct token_claims *ret, bool *ret_proved)
{
	uint64_t snapshot = slipway_snapshot(v);
	enum slipway_verdict verdict = VERDICT_OK;

	*ret_proved = false;
	struct token_mark *mark = token_cache_find(slipway_token_cache(), token, r->pool, ret);

	if (mark && !is_kind_good(ctx, ret->kind))
		return VERDICT_WRONG_KIND;
	if (mark && mark->snapshot == snapshot) {
		*ret_proved = true;
		return VERDICT_OK;
	}
	if (!mark || !is_key_there(v, ret, mark->generation)) {
		mark = NULL;
		verdict = verify_fresh(r, ctx, token, v, ret);
	}
	*ret_proved = verdict == VERDICT_OK;
	if (verdict == VERDICT_OK)
		verdict = standing(v, ret);
	if (verdict == VERDICT_OK && mark)
		mark->snapshot = snapshot;
	return verdict;
}

static enum slipway_verdict take_and_verify(
	ngx_http_request_t *r, struct slipway_ctx *ctx, const struct state_view *v)
{
	span token;
	bool proved;
	enum slipway_verdict verdict = take_token(r, ctx, &token);

	if (verdict != VERDICT_OK)
		return verdict;
	struct token_claims *claims = ngx_palloc(r->pool, sizeof(*claims));

	if (!claims)
		return VERDICT_UNAVAILABLE;
	verdict = verify(r, ctx, token, v, claims, &proved);
	if (proved)
		ctx->claims = claims;
	return verdict;
}

/* ---- the verdict ---- */

enum slipway_verdict slipway_judge(
	ngx_http_request_t *r, struct slipway_ctx *ctx, const struct state_view *v)
{
	uint64_t snapshot = slipway_snapshot(v);

	/* a variable may have asked earlier, and a limit have held the request since */
	if (!ctx->verified || ctx->snapshot != snapshot) {
		ctx->verdict = take_and_verify(r, ctx, v);
		ctx->snapshot = snapshot;
		ctx->verified = true;
	}
	if (ctx->verdict == VERDICT_OK)
		ctx->verdict = of_token_verdict(token_check_time(ctx->claims, ngx_time()));
	return ctx->verdict;
}

void slipway_judge_for_variable(ngx_http_request_t *r, struct slipway_ctx *ctx)
{
	struct state_view v;

	if (ctx->verified || ctx->logging)
		return;
	if (!slipway_view(&v)) {
		ctx->verdict = VERDICT_UNAVAILABLE;
		return;
	}
	(void)slipway_judge(r, ctx, &v); /* the verdict stays in ctx */
	state_end(&v);
}
