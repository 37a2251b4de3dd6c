#ifndef SLIPWAY_BASE_JSON_H
#define SLIPWAY_BASE_JSON_H

/*
 * JSON without allocation: a writer over a buf and a strict reader over a span (RFC 8259). They
 * serve the hot path (tokens, update checks, log lines); request bodies of the API are read by
 * jansson.
 *
 * Writer: commas and quoting are its business; errors stick in the buf. A key of NULL is for
 * elements of an array and for the outermost value. No name here is also one of jansson's, whose
 * library would otherwise call ours.
 *
 *     json_begin_object(&w, NULL); json_str(&w, "reason", SPAN("current")); json_end(&w);
 *
 * Reader: a cursor that walks one value. After json_enter_object, json_next_member gives each key
 * with the cursor before its value, which must be consumed by exactly one json_get_* / json_enter_*
 * / json_skip call. Errors stick: after the first, everything fails and json_read_error says it.
 */

#include "base/buf.h"

#define JSON_MAX_DEPTH 32

struct json_writer {
	struct buf *out_;
	uint8_t depth_;
	bool first_;
	char closing_[JSON_MAX_DEPTH];
};

void json_writer_init(struct json_writer *w, struct buf *out); /* keeps out */
void json_begin_object(struct json_writer *w, const char *key);
void json_begin_array(struct json_writer *w, const char *key);
void json_end(struct json_writer *w); /* closes the innermost object or array */
/* Text that is not valid UTF-8 is written with each bad byte replaced by U+FFFD. */
void json_str(struct json_writer *w, const char *key, span text);
void json_cstr(struct json_writer *w, const char *key, const char *text); /* NULL writes null */
void json_i64(struct json_writer *w, const char *key, int64_t n);
void json_u64(struct json_writer *w, const char *key, uint64_t n);
void json_bool(struct json_writer *w, const char *key, bool b);
void json_nil(struct json_writer *w, const char *key);
/* RFC 3339 in UTC, from microseconds since the epoch. */
void json_time(struct json_writer *w, const char *key, int64_t time_us);
/* A value that is JSON already; the caller answers for it. */
void json_raw(struct json_writer *w, const char *key, span json);
/* A string value or member whose key is a span (not known at compile time). */
void json_key(struct json_writer *w, span key); /* the next value is written with key NULL */

struct json_reader {
	span text_;
	size_t at_;
	uint8_t depth_;
	bool first_;       /* just behind an opening bracket: no comma is due */
	bool due_;         /* the cursor stands before a value that must be consumed */
	uint32_t objects_; /* bit n: what is open at depth n + 1 is an object, not an array */
	err error_;
};

enum json_type {
	JSON_TYPE_NULL,
	JSON_TYPE_BOOL,
	JSON_TYPE_NUMBER,
	JSON_TYPE_STRING,
	JSON_TYPE_ARRAY,
	JSON_TYPE_OBJECT,
	JSON_TYPE_NONE
};

void json_reader_init(struct json_reader *r, span text); /* keeps text */
/* Type of the value the cursor stands before; JSON_TYPE_NONE on an error or the end. */
enum json_type json_peek(struct json_reader *r);
void json_enter_object(struct json_reader *r);
void json_enter_array(struct json_reader *r);
/*
 * The next member's key as it stands in the text, without quotes. A key with an escape is refused,
 * so that equal keys are equal bytes. False at the closing brace and on an error.
 */
bool json_next_member(struct json_reader *r, span *ret_key);
/* True with the cursor before the next element; false at the closing bracket and on an error. */
bool json_next_element(struct json_reader *r);
/* String as it stands between the quotes, escapes untouched and checked. */
span json_get_raw_string(struct json_reader *r);
/* String decoded into out (UTF-8; lone surrogates are an error). */
void json_get_string(struct json_reader *r, struct buf *out);
/* A string that has no escapes, borrowed from the text: for tokens. With an escape: error. */
span json_get_plain_string(struct json_reader *r);
/* Integers only: a fraction or an exponent is an error. */
int64_t json_get_i64(struct json_reader *r);
bool json_get_bool(struct json_reader *r);
void json_skip(struct json_reader *r);
/* The text of the value, whatever it is. */
span json_get_value_text(struct json_reader *r);
/* OK when the whole text was one value and nothing but white space follows. */
err json_read_end(struct json_reader *r) MUST_USE;
err json_read_error(const struct json_reader *r);

#endif
