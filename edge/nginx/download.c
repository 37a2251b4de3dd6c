/*
 * /d/: may this be sent, and which file is it. Hard rule: the path of a file on disk is made of a
 * digest that a token or the published state names, never of anything the client wrote.
 *
 *   /d/TOKEN/FILENAME     /d/…/FILENAME with the token as Bearer or ?token=
 */
#include "slipway.h"

#include "base/banned.h"

/* A file that may be sent; spans live as long as the request. */
struct file {
	span sha256, name;
	uint64_t size;
	bool has_size;
};

/* ---- conditions of the token ---- */

/* RFC 9246 section 2.1.13 (cdniip): the client's network, where the token names one. */
static bool is_network_right(ngx_http_request_t *r, span prefix)
{
	ngx_cidr_t cidr;
	ngx_array_t cidrs = {.elts = &cidr, .nelts = 1, .size = sizeof(cidr), .nalloc = 1};
	char memory[64];

	if (prefix.len == 0)
		return true;
	if (prefix.len >= sizeof(memory))
		return false;
	ngx_memcpy(memory, prefix.ptr, prefix.len);
	memory[prefix.len] = '\0';
	ngx_str_t text = {prefix.len, (u_char *)memory};

	ngx_memzero(&cidr, sizeof(cidr));
	if (ngx_ptocidr(&text, &cidr) == NGX_ERROR)
		return false;
	return ngx_cidr_match(r->connection->sockaddr, &cidrs) == NGX_OK;
}

static bool is_blocked(const struct state_view *v, span sha256)
{
	char memory[STATE_KEY_MAX + 1];
	struct buf key;
	span reason;

	buf_init_fixed(&key, memory, sizeof(memory));
	state_key_blocked(&key, sha256);
	return buf_error(&key) || state_find(v, buf_span(&key), &reason);
}

/* ---- which file ---- */

static bool is_digest(span s)
{
	bool good = s.len == 64;

	for (size_t i = 0; good && i < s.len; i++)
		good = (s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f');
	return good;
}

enum found { FOUND, NO_SUCH_FILE, OTHER_FILE };

/* A file of the release the token opens, by its name. */
static enum found find_in_release(ngx_http_request_t *r, struct slipway_ctx *ctx,
	const struct state_view *v, struct file *ret)
{
	char memory[STATE_KEY_MAX + 1];
	struct state_file record;
	struct buf key;
	span value;

	buf_init_fixed(&key, memory, sizeof(memory));
	state_key_file(&key, ctx->claims->release, ret->name);
	if (buf_error(&key) || !state_find(v, buf_span(&key), &value) ||
		state_unpack_file(value, &record))
		return NO_SUCH_FILE;
	ret->sha256 = slipway_copy(r, record.sha256);
	ret->size = record.size;
	ret->has_size = true;
	ctx->package = slipway_copy(r, record.package_id);
	return ret->sha256.ptr ? FOUND : NO_SUCH_FILE;
}

static enum found find_file(ngx_http_request_t *r, struct slipway_ctx *ctx,
	const struct state_view *v, struct file *ret)
{
	const struct token_claims *c = ctx->claims;

	*ret = (struct file){.name = ctx->name, .sha256 = c->digest};
	ctx->package = c->package;
	if (ret->name.len == 0)
		return NO_SUCH_FILE;
	if (c->digest.len == 0)
		return c->release.len ? find_in_release(r, ctx, v, ret) : OTHER_FILE;
	return is_digest(c->digest) && span_eq(ret->name, c->filename) ? FOUND : OTHER_FILE;
}

/* ---- the handler ---- */

static enum slipway_verdict conditions(ngx_http_request_t *r, const struct token_claims *c)
{
	const struct slipway_main *conf = ngx_http_get_module_main_conf(r, ngx_http_slipway_module);

	if (c->edge.len && !span_eq(c->edge, span_of_str(conf->edge)))
		return VERDICT_WRONG_EDGE;
	return is_network_right(r, c->ip_prefix) ? VERDICT_OK : VERDICT_WRONG_NETWORK;
}

/* VERDICT_NONE stands for "there is no such file". */
static enum slipway_verdict decide(ngx_http_request_t *r, struct slipway_ctx *ctx,
	const struct state_view *v, enum found *ret_found, struct file *ret)
{
	enum slipway_verdict verdict = slipway_judge(r, ctx, v);

	if (verdict == VERDICT_OK)
		verdict = conditions(r, ctx->claims);
	if (verdict != VERDICT_OK)
		return verdict;
	*ret_found = find_file(r, ctx, v, ret);
	if (*ret_found == OTHER_FILE)
		return VERDICT_WRONG_FILE;
	if (*ret_found == FOUND && is_blocked(v, ret->sha256))
		return VERDICT_BLOCKED;
	return VERDICT_OK;
}

ngx_int_t slipway_download_handler(ngx_http_request_t *r)
{
	struct slipway_ctx *ctx = slipway_ctx(r);
	enum found found = NO_SUCH_FILE;
	struct state_view v;
	struct file file;

	if (!ctx)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	ctx->kind = "download";
	if (!slipway_is_get(r))
		return slipway_refuse_method(r);
	if (!ctx->under_d)
		return slipway_problem(
			r, NGX_HTTP_NOT_FOUND, "not_found", "Downloads are below /d/.");
	if (!slipway_view(&v))
		return slipway_refuse(r, VERDICT_UNAVAILABLE);
	enum slipway_verdict verdict = decide(r, ctx, &v, &found, &file);

	state_end(&v);
	ctx->verdict = verdict;
	if (verdict != VERDICT_OK)
		return slipway_refuse(r, verdict);
	if (found != FOUND)
		return slipway_problem(r, NGX_HTTP_NOT_FOUND, "not_found",
			"The release has no file of this name.");
	return slipway_serve(r, ctx, file.sha256, file.name, file.has_size ? &file.size : NULL);
}
