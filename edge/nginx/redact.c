/*
 * The second line of defence for error logs: whatever a message says, nothing in it that looks like
 * a token is written. scrub.c cleans a request before nginx works on it; this also catches what
 * nginx says about a request it refused while still reading it.
 */
#include "slipway.h"

#include "base/banned.h"

#define TOKEN_LEAST 32 /* shorter runs are words */

static bool is_token_char(u_char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

static bool ends_parameter(u_char c)
{
	return c <= ' ' || c == '&' || c == '"' || c == '\'' || c == '#' || c == ',';
}

/* Every JWS begins with the base64url form of '{"': "eyJ". */
static void redact_jws(u_char *text, size_t len)
{
	u_char *at = text, *end = text + len;

	while (at < end && (at = memchr(at, 'J', end - at)) != NULL) {
		u_char *run = at - 2;

		if (at - text < 2 || run[0] != 'e' || run[1] != 'y') {
			at++;
			continue;
		}
		while (at < end && is_token_char(*at))
			at++;
		if (at - run >= TOKEN_LEAST)
			ngx_memset(run, 'x', at - run);
	}
}

static void redact_parameter(u_char *text, size_t len)
{
	u_char *at = text, *end = text + len;

	while (at < end && (at = memchr(at, '=', end - at)) != NULL) {
		span name = span_of(text, at - text);
		bool is_parameter = span_ends_with(name, SPAN("?token")) ||
				    span_ends_with(name, SPAN("&token"));

		at++;
		while (is_parameter && at < end && !ends_parameter(*at))
			*at++ = 'x';
	}
}

void slipway_redact(u_char *text, size_t len)
{
	redact_jws(text, len);
	redact_parameter(text, len);
}

/* What a guarded log would have used; kept in its wdata. */
struct guarded {
	ngx_log_writer_pt writer;
	void *wdata;
};

/* As ngx_log_error_core() does for a log without a writer. */
static void write_file(ngx_log_t *log, u_char *text, size_t len)
{
	if (ngx_time() == log->disk_full_time)
		return;
	if (ngx_write_fd(log->file->fd, text, len) == -1 && ngx_errno == NGX_ENOSPC)
		log->disk_full_time = ngx_time();
}

static void write_guarded(ngx_log_t *log, ngx_uint_t level, u_char *text, size_t len)
{
	struct guarded *kept = log->wdata;

	slipway_redact(text, len);
	if (!kept->writer) {
		write_file(log, text, len);
		return;
	}
	ngx_log_t original = *log;

	original.writer = kept->writer;
	original.wdata = kept->wdata;
	kept->writer(&original, level, text, len);
}

ngx_int_t slipway_guard_log(ngx_pool_t *pool, ngx_log_t *log)
{
	for (; log; log = log->next) {
		if (log->writer == write_guarded)
			continue;
		struct guarded *kept = ngx_palloc(pool, sizeof(*kept));

		if (!kept)
			return NGX_ERROR;
		*kept = (struct guarded){log->writer, log->wdata};
		log->writer = write_guarded;
		log->wdata = kept;
	}
	return NGX_OK;
}
