/*
 * Sends a file the way nginx's own static module does (open_file_cache, directio, aio, sendfile,
 * ranges and conditions by nginx's filters), with our headers. Hard rule: a token that is good
 * never gets a 404; a file that should be here and is not is our fault, and may be elsewhere.
 */
#include "slipway.h"

#include "base/encode.h"
#include "crypto/digest.h"

#include "base/banned.h"

static bool blob_path(ngx_http_request_t *r, span sha256, ngx_str_t *ret)
{
	const struct slipway_main *conf = ngx_http_get_module_main_conf(r, ngx_http_slipway_module);
	size_t size = conf->blobs_dir.len + sizeof("/ab/cd/") + sha256.len;
	char *memory = ngx_pnalloc(r->pool, size);
	struct buf path;

	if (!memory)
		return false;
	buf_init_fixed(&path, memory, size);
	buf_add(&path, span_of_str(conf->blobs_dir));
	buf_add_byte(&path, '/');
	buf_add(&path, span_sub(sha256, 0, 2));
	buf_add_byte(&path, '/');
	buf_add(&path, span_sub(sha256, 2, 2));
	buf_add_byte(&path, '/');
	buf_add(&path, sha256);
	*ret = (ngx_str_t){buf_len(&path), (u_char *)memory};
	return buf_error(&path) == OK;
}

static ngx_int_t open_file(ngx_http_request_t *r, ngx_str_t *path, ngx_open_file_info_t *of)
{
	ngx_http_core_loc_conf_t *core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

	ngx_memzero(of, sizeof(*of));
	of->read_ahead = core->read_ahead;
	of->directio = core->directio;
	of->valid = core->open_file_cache_valid;
	of->min_uses = core->open_file_cache_min_uses;
	of->errors = core->open_file_cache_errors;
	of->events = core->open_file_cache_events;
	if (ngx_http_set_disable_symlinks(r, core, path, of) != NGX_OK)
		return NGX_ERROR;
	return ngx_open_cached_file(core->open_file_cache, path, of, r->pool);
}

static ngx_int_t unavailable(ngx_http_request_t *r, const ngx_str_t *path,
	const ngx_open_file_info_t *of, const char *what)
{
	ngx_log_error(
		NGX_LOG_ERR, r->connection->log, of->err, "slipway: \"%s\" %s", path->data, what);
	return slipway_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE, "file_unavailable",
		"The file is not on this server at the moment; try again or use a fallback URL.");
}

/* ---- headers ---- */

static bool is_plain(span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] < ' ' || name.ptr[i] > '~' || name.ptr[i] == '"' ||
			name.ptr[i] == '\\' || name.ptr[i] == '%')
			return false;
	return true;
}

/* RFC 6266: a quoted name, and for names a quoted string cannot hold the extended form as well. */
static span disposition(ngx_http_request_t *r, span name)
{
	size_t size = 64 + 4 * name.len;
	char *memory = ngx_pnalloc(r->pool, size);
	struct buf out;

	if (!memory)
		return (span){NULL, 0};
	buf_init_fixed(&out, memory, size);
	buf_add_str(&out, "attachment; filename=\"");
	for (size_t i = 0; i < name.len; i++)
		buf_add_byte(&out, is_plain(span_sub(name, i, 1)) ? name.ptr[i] : '_');
	buf_add_byte(&out, '"');
	if (!is_plain(name)) {
		buf_add_str(&out, "; filename*=UTF-8''");
		percent_encode(&out, name);
	}
	return buf_error(&out) ? (span){NULL, 0} : buf_span(&out);
}

/* Strong, and the same on every edge: the digest. The filters for conditions and ranges use it. */
static ngx_int_t set_etag(ngx_http_request_t *r, span sha256)
{
	char *memory = ngx_pnalloc(r->pool, SHA256_HEX + 3);
	struct buf tag;

	if (!memory)
		return NGX_ERROR;
	buf_init_fixed(&tag, memory, SHA256_HEX + 3);
	buf_add_byte(&tag, '"');
	buf_add(&tag, sha256);
	buf_add_byte(&tag, '"');
	r->headers_out.etag = slipway_header(r, "ETag", buf_span(&tag));
	return r->headers_out.etag ? NGX_OK : NGX_ERROR;
}

static ngx_int_t set_headers(
	ngx_http_request_t *r, span sha256, span name, const ngx_open_file_info_t *of)
{
	span attachment = disposition(r, name);

	r->headers_out.status = NGX_HTTP_OK;
	r->headers_out.content_length_n = of->size;
	r->headers_out.last_modified_time = of->mtime;
	ngx_str_set(&r->headers_out.content_type, "application/octet-stream");
	r->headers_out.content_type_len = r->headers_out.content_type.len;
	r->headers_out.content_type_lowcase = NULL;
	if (!attachment.ptr || set_etag(r, sha256) != NGX_OK ||
		!slipway_header(r, "Content-Disposition", attachment) ||
		!slipway_header(r, "X-Content-Type-Options", SPAN("nosniff")) ||
		!slipway_header(
			r, "Content-Security-Policy", SPAN("default-src 'none'; sandbox")) ||
		!slipway_header(r, "Cache-Control", SPAN("private, max-age=0")) ||
		!slipway_header(r, "X-Request-Id", slipway_request_id(r)))
		return NGX_ERROR;
	r->allow_ranges = 1;
	/* Many small ranges cost more than they are worth: then none counts (RFC 9110, 14.2). */
	if (r->headers_in.range &&
		slipway_range_count(span_of_str(r->headers_in.range->value)) > SLIPWAY_RANGES_MAX)
		r->headers_in.range = NULL;
	return NGX_OK;
}

/* ---- sending ---- */

static ngx_int_t send_file(
	ngx_http_request_t *r, const ngx_str_t *path, const ngx_open_file_info_t *of)
{
	/* everything is allocated before the header is sent: after it there is no way back */
	ngx_buf_t *b = ngx_calloc_buf(r->pool);
	ngx_file_t *file = ngx_pcalloc(r->pool, sizeof(*file));

	if (!b || !file)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	ngx_int_t rc = ngx_http_send_header(r);

	if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
		return rc;
	file->fd = of->fd;
	file->name = *path;
	file->log = r->connection->log;
	file->directio = of->is_directio;
	b->file = file;
	b->file_last = of->size;
	b->in_file = of->size > 0;
	b->last_buf = r == r->main;
	b->last_in_chain = 1;
	ngx_chain_t out = {.buf = b};

	return ngx_http_output_filter(r, &out);
}

ngx_int_t slipway_serve(ngx_http_request_t *r, struct slipway_ctx *ctx, span sha256, span filename,
	const uint64_t *size)
{
	ngx_open_file_info_t of;
	ngx_str_t path;
	ngx_int_t rc = ngx_http_discard_request_body(r);

	if (rc != NGX_OK)
		return rc;
	if (!blob_path(r, sha256, &path))
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (open_file(r, &path, &of) != NGX_OK)
		return unavailable(r, &path, &of, of.failed ? of.failed : "cannot be opened");
	if (!of.is_file)
		return unavailable(r, &path, &of, "is no regular file");
	if (size && (uint64_t)of.size != *size)
		return unavailable(r, &path, &of, "has not the size it was published with");
	r->root_tested = !r->error_page;
	r->connection->log->action = "sending response to client";
	ctx->size = (uint64_t)of.size;
	ctx->has_size = true;
	if (set_headers(r, sha256, filename, &of) != NGX_OK)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	return send_file(r, &path, &of);
}
