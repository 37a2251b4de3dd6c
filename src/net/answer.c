/*
 * Reading an answer: headers, problem documents (RFC 9457), Retry-After (RFC 9110, 10.2.3).
 * Everything here comes from outside: sizes are bounded, nothing is trusted to be there.
 */
#include "net/answer.h"

#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/time.h"

#include "base/banned.h"

#define HEADERS_MAX 65536
#define DETAIL_MAX  4096

void http_answer_init(struct http_answer *a)
{
	*a = (struct http_answer){0};
	buf_init(&a->body, 0);
	buf_init(&a->headers_, HEADERS_MAX);
	buf_init(&a->detail, DETAIL_MAX);
}

void http_answer_done(struct http_answer *a)
{
	buf_wipe(&a->body); /* may have held tokens */
	buf_done(&a->headers_);
	buf_done(&a->detail);
}

void answer_clear(struct http_answer *a, size_t body_max)
{
	a->status = 0;
	buf_wipe(&a->body);
	buf_init(&a->body, body_max);
	buf_clear(&a->headers_);
	buf_clear(&a->detail);
	a->code[0] = a->request_id[0] = '\0';
	a->retry_after_us = 0;
}

void answer_add_header(struct http_answer *a, span line)
{
	if (span_starts_with(line, SPAN("HTTP/")))
		buf_clear(&a->headers_);
	buf_add(&a->headers_, span_trim(line));
	buf_add_byte(&a->headers_, '\n');
}

span http_answer_header(const struct http_answer *a, const char *name)
{
	span rest = buf_span(&a->headers_), line;

	while (span_cut(&rest, '\n', &line)) {
		size_t colon = span_find(line, ':');

		if (colon < line.len && span_eq_nocase(span_sub(line, 0, colon), span_from(name)))
			return span_trim(span_from_offset(line, colon + 1));
	}
	return SPAN_EMPTY;
}

void answer_set_problem(struct http_answer *a, const char *code, const char *format, ...)
{
	struct buf out;
	va_list args;

	buf_init_fixed(&out, a->code, sizeof(a->code));
	buf_add_str(&out, code);
	buf_clear(&a->detail);
	va_start(args, format);
	buf_vaddf(&a->detail, format, args);
	va_end(args);
}

static void copy_text(char *ret, size_t size, span text)
{
	struct buf out;

	buf_init_fixed(&out, ret, size);
	buf_add(&out, span_sub(text, 0, size - 1));
}

/*
 * Reads code, detail, title and request_id of a problem document, or error and error_description
 * of OAuth (RFC 6749, 5.2); false if it is neither.
 */
static bool read_problem(struct http_answer *a)
{
	struct json_reader r;
	struct buf text;
	span key;
	bool found = false;

	json_reader_init(&r, buf_span(&a->body));
	if (json_peek(&r) != JSON_TYPE_OBJECT)
		return false;
	buf_init(&text, DETAIL_MAX);
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (json_peek(&r) != JSON_TYPE_STRING) {
			json_skip(&r);
			continue;
		}
		buf_clear(&text);
		json_get_string(&r, &text);
		if (span_is(key, "code") || span_is(key, "error"))
			copy_text(a->code, sizeof(a->code), buf_span(&text));
		else if (span_is(key, "request_id"))
			copy_text(a->request_id, sizeof(a->request_id), buf_span(&text));
		if (!span_is(key, "detail") && !span_is(key, "error_description") &&
			!(span_is(key, "title") && buf_len(&a->detail) == 0))
			continue;
		found = true;
		buf_clear(&a->detail);
		buf_add(&a->detail, buf_span(&text));
	}
	buf_done(&text);
	return found && json_read_end(&r) == OK;
}

/* Seconds; 0 for the other form of RFC 9110, a date. */
static int64_t read_retry_after(const struct http_answer *a)
{
	uint64_t seconds;

	if (span_to_u64(http_answer_header(a, "retry-after"), 86400, &seconds) != OK)
		return 0;
	return (int64_t)seconds * TIME_SECOND;
}

void answer_explain(struct http_answer *a)
{
	span type = http_answer_header(a, "content-type");

	a->retry_after_us = read_retry_after(a);
	if (span_contains(type, SPAN("json")) && !read_problem(a))
		buf_clear(&a->detail);
	if (!a->code[0])
		copy_text(a->code, sizeof(a->code),
			span_from(err_name(err_from_http_status(a->status))));
	if (buf_len(&a->detail) == 0)
		buf_addf(&a->detail, "The server answered with HTTP status %d", a->status);
	if (!a->request_id[0])
		copy_text(a->request_id, sizeof(a->request_id),
			http_answer_header(a, "x-request-id"));
}
