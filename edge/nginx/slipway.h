#ifndef SLIPWAY_EDGE_NGINX_SLIPWAY_H
#define SLIPWAY_EDGE_NGINX_SLIPWAY_H

/*
 * ngx_http_slipway_module: the border between nginx and the pure libraries. The module owns
 * decisions (is this token good, which update does this client get, which file is this); nginx owns
 * bytes. It never blocks on anything but the disk, and never calls the control plane.
 *
 *   module.c       directives, configuration, hooks into nginx
 *   worker.c       what a worker process keeps: the open state, the caches
 *   context.c      what is known of one request
 *   scrub.c        no token survives in memory that logs are written from
 *   redact.c       no token survives in a line of an error log either
 *   verify.c       token → verdict and claims
 *   token_cache.c  tokens verified before            key_cache.c   parsed verification keys
 *   check.c        update checks                     check_args.c  their parameters
 *   choose.c       … from the published index        check_json.c  … as JSON
 *   answer_cache.c … given before
 *   download.c     /d/: may this be sent, and which file is it
 *   serve.c        sends a file as nginx's static module does
 *   range.c        which bytes were asked for        variables.c   $slipway_…
 *   answer.c       JSON answers                      problem.c     errors as problem documents
 *   request_id.c   what a request is called
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "base/json.h"
#include "state/records.h"
#include "state/state.h"

extern ngx_module_t ngx_http_slipway_module;

/* ---- configuration ---- */

struct slipway_main {
	ngx_str_t state_dir, blobs_dir; /* absolute after configuration; empty: see used */
	ngx_str_t issuer, audience;     /* of access and device tokens */
	ngx_str_t pool;                 /* audience of download tokens */
	ngx_str_t edge;                 /* this node's name */
	size_t token_cache_bytes;
	ngx_http_complex_value_t *country;
	bool used; /* false: no directive of ours stands in the configuration */
};

struct slipway_srv {
	ngx_flag_t plaintext; /* tokens are accepted without TLS */
};

/* ---- verdicts ---- */

/* What became of a request's token: name for the log, HTTP status, problem code, detail. */
#define SLIPWAY_VERDICTS(X)                                                                        \
	X(VERDICT_NONE, "none", 401, "authentication_required",                                    \
		"This needs a token: in the path, as Bearer or as the parameter token.")           \
	X(VERDICT_OK, "ok", 200, "ok", "")                                                         \
	X(VERDICT_MALFORMED, "malformed", 401, "invalid_token", "The token is not well-formed.")   \
	X(VERDICT_UNKNOWN_KEY, "unknown_key", 401, "invalid_token",                                \
		"The token was signed with a key that is not in use.")                             \
	X(VERDICT_BAD_SIGNATURE, "bad_signature", 401, "invalid_token",                            \
		"The signature of the token does not match.")                                      \
	X(VERDICT_WRONG_KIND, "wrong_kind", 401, "wrong_token_kind",                               \
		"This kind of token is not valid here.")                                           \
	X(VERDICT_WRONG_AUDIENCE, "wrong_audience", 401, "wrong_audience",                         \
		"The token was issued for another server.")                                        \
	X(VERDICT_NOT_YET_VALID, "not_yet_valid", 401, "token_not_yet_valid",                      \
		"The token is not valid yet; check the clock.")                                    \
	X(VERDICT_EXPIRED, "expired", 401, "token_expired",                                        \
		"The token has expired; get a new one.")                                           \
	X(VERDICT_REVOKED, "revoked", 401, "token_revoked", "The token was revoked.")              \
	X(VERDICT_STALE, "stale", 401, "credentials_stale",                                        \
		"The credentials are out of date; renew them.")                                    \
	X(VERDICT_SEVERAL, "several", 400, "several_tokens",                                       \
		"The request carries more than one token; send one.")                              \
	X(VERDICT_PLAINTEXT, "plaintext", 403, "plaintext_refused",                                \
		"Tokens are accepted over HTTPS only. This one has been exposed: get a new one.")  \
	X(VERDICT_WRONG_EDGE, "wrong_edge", 403, "wrong_edge", "The token is for another edge.")   \
	X(VERDICT_WRONG_NETWORK, "wrong_network", 403, "wrong_network",                            \
		"The token is for clients of another network.")                                    \
	X(VERDICT_WRONG_FILE, "wrong_file", 403, "wrong_file", "The token is for another file.")   \
	X(VERDICT_BLOCKED, "blocked", 403, "package_blocked", "The package is blocked.")           \
	X(VERDICT_UNAVAILABLE, "state_unavailable", 503, "state_unavailable",                      \
		"This server has no published state yet; try again soon.")

#define SLIPWAY_VERDICT_ENUM(verdict, name, status, code, detail) verdict,
enum slipway_verdict { SLIPWAY_VERDICTS(SLIPWAY_VERDICT_ENUM) VERDICT_COUNT };
#undef SLIPWAY_VERDICT_ENUM

const char *slipway_verdict_name(enum slipway_verdict v);

/* ---- one request ---- */

/*
 * Everything the module knows of a request; lives in its pool and survives internal redirects.
 * Spans point into the pool, into static memory or into the request's own (scrubbed) buffers.
 */
struct slipway_ctx {
	span token;    /* copied out of the URL before that was overwritten, or empty */
	bool several;  /* … and another one that differs */
	bool scrubbed; /* the URL is clean */
	bool under_d;  /* the path starts with /d/ */
	bool logging;  /* the log phase has begun: nothing is verified any more */
	span name;     /* under /d/: of the file that is asked for, decoded */

	bool verified;     /* claims and verdict hold what the token is worth, but for its times */
	uint64_t snapshot; /* of the published state for which that was found out */
	enum slipway_verdict verdict;
	struct token_claims
		*claims; /* of a good signature, else NULL; stays when it turns bad later */

	span request_id; /* empty until asked for */
	char own_id[32]; /* where it is not the client's */

	/* for the log */
	const char *kind;   /* "check", "download" or NULL */
	const char *reason; /* update reason or problem code */
	span product, platform, channel, installed, offered, counted, package;
	uint64_t size;
	bool has_size;
};

/* Creates it on first use; NULL only when memory is out. */
struct slipway_ctx *slipway_ctx(ngx_http_request_t *r);
/* As slipway_ctx, NULL where there is none yet. */
struct slipway_ctx *slipway_find_ctx(ngx_http_request_t *r);

static inline span span_of_str(ngx_str_t s)
{
	return span_of(s.data, s.len);
}

/* NUL-terminated copy in the request's pool; ptr NULL when memory is out. */
span slipway_copy(ngx_http_request_t *r, span s);

/* ---- worker ---- */

ngx_int_t slipway_worker_init(ngx_cycle_t *cycle, struct slipway_main *conf);
void slipway_worker_exit(void);
/*
 * A view of the published state, to be ended with state_end() in the same call from nginx.
 * False while there is no state; the log says so once a minute at most.
 */
bool slipway_view(struct state_view *ret);
/* A number that no other content of the state has, also not that of a state opened later; not 0. */
uint64_t slipway_snapshot(const struct state_view *v);
struct token_cache *slipway_token_cache(void);
struct key_cache *slipway_key_cache(void);
struct answer_cache *slipway_answer_cache(void);

/* ---- key_cache.c ---- */

struct key_cache;
struct key_cache *key_cache_new(void);
void key_cache_free(struct key_cache *c); /* accepts NULL */
/*
 * The parsed key that the state holds now under kind and kid, or NULL. *ret_generation is a number
 * that no other key, and no later one under the same name, has.
 */
const struct eckey *key_cache_get(struct key_cache *c, const struct state_view *v,
	enum token_kind kind, span kid, uint64_t *ret_generation);

/* ---- token_cache.c ---- */

struct token_cache;
/* Fixed memory of about this size. NULL when memory is out. */
struct token_cache *token_cache_new(size_t bytes);
void token_cache_free(struct token_cache *c); /* accepts NULL */

/* What verify.c knows of a cached token besides its claims. */
struct token_mark {
	uint64_t generation; /* of the key that verified it */
	uint64_t snapshot;   /* the last in which key, revocations and epochs were good, or 0 */
};

/*
 * Claims of a token that was verified before; their spans point into memory of pool. Gives its
 * mark, which the caller may change until the next put, or NULL.
 */
struct token_mark *token_cache_find(
	struct token_cache *c, span token, ngx_pool_t *pool, struct token_claims *ret);
void token_cache_put(struct token_cache *c, span token, const struct token_claims *claims,
	struct token_mark mark, int64_t now_s);

/* ---- answer_cache.c ---- */

/* What an update check says, but for the time of the next one. */
struct slipway_answer {
	enum update_reason reason;
	uint32_t next_check_s; /* before it is spread over clients */
	span head;             /* JSON, up to the number of seconds */
	span offered, package; /* for the log */
};

struct answer_cache;
struct answer_cache *answer_cache_new(void);    /* NULL when memory is out */
void answer_cache_free(struct answer_cache *c); /* accepts NULL */
/* Spans of the answer live until the next put. */
bool answer_cache_find(struct answer_cache *c, span key, struct slipway_answer *ret);
void answer_cache_put(struct answer_cache *c, span key, const struct slipway_answer *a);

/* ---- scrub.c, redact.c ---- */

/* POST_READ: takes the token out of the URL. The first handler of the log phase does it again. */
ngx_int_t slipway_scrub_handler(ngx_http_request_t *r);
ngx_int_t slipway_scrub_before_log(ngx_http_request_t *r);
/* Overwrites everything in text that looks like a token, and the value of any `token=`. */
void slipway_redact(u_char *text, size_t len);
/* Puts slipway_redact() in front of an error log and those chained to it; idempotent. */
ngx_int_t slipway_guard_log(ngx_pool_t *pool, ngx_log_t *log);

/* ---- verify.c ---- */

/*
 * What the request's token is worth now: claims in ctx when VERDICT_OK. Under /d/ only download
 * tokens are good, elsewhere device and access tokens.
 */
enum slipway_verdict slipway_judge(
	ngx_http_request_t *r, struct slipway_ctx *ctx, const struct state_view *v);
/* As slipway_judge with a view of its own, at most once per request: for variables. */
void slipway_judge_for_variable(ngx_http_request_t *r, struct slipway_ctx *ctx);
/* True when tokens may be used on this connection. */
bool slipway_is_private(ngx_http_request_t *r);

/* ---- answers ---- */

/* Adds a header to the answer; value must live as long as the request. NULL: out of memory. */
ngx_table_elt_t *slipway_header(ngx_http_request_t *r, const char *name, span value);
/* X-Request-Id of the request if harmless, else the trace id of traceparent, else our own. */
span slipway_request_id(ngx_http_request_t *r);
/* Sends body (kept) as the whole answer; Cache-Control: no-store. For GET and HEAD. */
ngx_int_t slipway_send(ngx_http_request_t *r, ngx_uint_t status, span content_type, span body);
/* Sends a problem document (RFC 9457). code and detail must live as long as the request. */
ngx_int_t slipway_problem(
	ngx_http_request_t *r, ngx_uint_t status, const char *code, const char *detail);
/* The problem that a verdict other than VERDICT_OK is. */
ngx_int_t slipway_refuse(ngx_http_request_t *r, enum slipway_verdict v);
bool slipway_is_get(ngx_http_request_t *r); /* or HEAD */
ngx_int_t slipway_refuse_method(ngx_http_request_t *r);

/* ---- content handlers ---- */

ngx_int_t slipway_check_handler(ngx_http_request_t *r);
ngx_int_t slipway_download_handler(ngx_http_request_t *r);
/* Renders nginx's own errors: the target of error_page. */
ngx_int_t slipway_problem_handler(ngx_http_request_t *r);

/*
 * Sends the blob of this digest (64 hex digits) under this name, as an attachment. size, when not
 * NULL, is what the file must have. All arguments must live as long as the request.
 */
ngx_int_t slipway_serve(ngx_http_request_t *r, struct slipway_ctx *ctx, span sha256, span filename,
	const uint64_t *size);

struct slipway_check_args {
	span product, platform, format, os_version, pin, counted, version;
	enum channel channel;
	struct semver installed;
	uint32_t cohort;
	bool has_cohort, manual;
};
/* Reads the query. NGX_OK, or NGX_DECLINED with a detail for the client. */
ngx_int_t slipway_check_args(
	ngx_http_request_t *r, struct slipway_check_args *ret, const char **ret_detail);

/* All that a lasting choice depends on, in bytes that no other question has. */
void slipway_choice_key(struct buf *key, ngx_http_request_t *r, const struct slipway_ctx *ctx,
	const struct slipway_check_args *args, const struct state_view *v);
/*
 * Fills ret in any case; its spans borrow the view. True when the choice lasts: it is the same for
 * every request with this key, neither cohort nor time took part in it.
 */
bool slipway_choose(ngx_http_request_t *r, const struct slipway_ctx *ctx,
	const struct slipway_check_args *args, const struct state_view *v,
	const struct state_product *product, struct update_choice *ret);
/* The answer as JSON, up to the number of seconds until the next check. */
void slipway_write_choice(struct buf *out, const struct update_choice *c, enum channel channel);

/* "0-99,200-299": what a Range header means for a file of this size; false if nothing. */
#define SLIPWAY_RANGES_MAX 8
bool slipway_ranges(span header, uint64_t size, struct buf *out);
/* Number of ranges a header names, well-formed or not. */
size_t slipway_range_count(span header);

ngx_int_t slipway_add_variables(ngx_conf_t *cf);

#endif
