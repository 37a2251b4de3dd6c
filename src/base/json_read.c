/*
 * The JSON reader: a cursor over the text (RFC 8259). Hard rules: every byte passed over has been
 * checked, also in what is skipped; nesting is bounded and nothing here recurses.
 */
#include "base/json.h"

#include <string.h>

#include "base/banned.h"

void json_reader_init(struct json_reader *r, span text)
{
	*r = (struct json_reader){.text_ = text, .due_ = true};
}

static void fail(struct json_reader *r, err e)
{
	if (!r->error_)
		r->error_ = e;
}

static void skip_space(struct json_reader *r)
{
	while (r->at_ < r->text_.len && r->text_.ptr[r->at_] &&
		strchr(" \t\n\r", r->text_.ptr[r->at_]))
		r->at_++;
}

/* The byte at the cursor after white space; 0 at the end and after an error. */
static char look(struct json_reader *r)
{
	if (r->error_)
		return 0;
	skip_space(r);
	return r->at_ < r->text_.len ? r->text_.ptr[r->at_] : 0;
}

/* Takes this byte after white space, or fails. */
static bool expect(struct json_reader *r, char c)
{
	if (look(r) != c || r->error_) {
		fail(r, ERR_INVALID);
		return false;
	}
	r->at_++;
	return true;
}

/* Each value begins here: refuses a get for which no value is due. */
static bool begin_value(struct json_reader *r)
{
	if (!r->error_ && !r->due_)
		fail(r, ERR_BUG);
	if (r->error_)
		return false;
	r->due_ = false;
	skip_space(r);
	return true;
}

enum json_type json_peek(struct json_reader *r)
{
	char c = r->due_ ? look(r) : 0;

	switch (c) {
	case '{':
		return JSON_TYPE_OBJECT;
	case '[':
		return JSON_TYPE_ARRAY;
	case '"':
		return JSON_TYPE_STRING;
	case 't':
	case 'f':
		return JSON_TYPE_BOOL;
	case 'n':
		return JSON_TYPE_NULL;
	default:
		return c == '-' || (c >= '0' && c <= '9') ? JSON_TYPE_NUMBER : JSON_TYPE_NONE;
	}
}

static void enter(struct json_reader *r, char opening)
{
	if (!begin_value(r) || !expect(r, opening))
		return;
	if (r->depth_ == JSON_MAX_DEPTH) {
		fail(r, ERR_TOO_LARGE);
		return;
	}
	uint32_t bit = UINT32_C(1) << r->depth_++;

	r->objects_ = opening == '{' ? r->objects_ | bit : r->objects_ & ~bit;
	r->first_ = true;
}

void json_enter_object(struct json_reader *r)
{
	enter(r, '{');
}

void json_enter_array(struct json_reader *r)
{
	enter(r, '[');
}

static bool in_object(const struct json_reader *r)
{
	return r->depth_ && r->objects_ >> (r->depth_ - 1) & 1;
}

/* Takes the closing bracket or the comma that is due. True when a member or element follows. */
static bool next(struct json_reader *r, bool object)
{
	if (!r->error_ && (r->due_ || r->depth_ == 0 || in_object(r) != object))
		fail(r, ERR_BUG);
	char c = look(r);

	if (r->error_)
		return false;
	if (c == (object ? '}' : ']')) {
		r->at_++;
		r->depth_--;
		r->first_ = false;
		return false;
	}
	if (!r->first_ && !expect(r, ','))
		return false;
	r->first_ = false;
	return true;
}

/* Value of four hex digits at p; negative when they are none. */
static int32_t hex4(const char *p)
{
	int32_t value = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* Decodes \uXXXX, or a pair of them, at the start of s. Gives the bytes read; 0 if malformed. */
static size_t unicode_escape(span s, uint32_t *ret_code)
{
	int32_t high = s.len >= 6 ? hex4(s.ptr + 2) : -1;

	if (high < 0 || (high >= 0xDC00 && high <= 0xDFFF))
		return 0;
	if (high < 0xD800 || high > 0xDBFF) {
		*ret_code = (uint32_t)high;
		return 6;
	}
	if (s.len < 12 || s.ptr[6] != '\\' || s.ptr[7] != 'u')
		return 0;
	int32_t low = hex4(s.ptr + 8);

	if (low < 0xDC00 || low > 0xDFFF)
		return 0;
	*ret_code = 0x10000 + ((uint32_t)(high - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
	return 12;
}

/* Decodes the escape at the start of s (a backslash). Gives the bytes read; 0 if malformed. */
static size_t escape(span s, uint32_t *ret_code)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";

	if (s.len < 2)
		return 0;
	if (s.ptr[1] == 'u')
		return unicode_escape(s, ret_code);
	const char *name = s.ptr[1] ? strchr(names, s.ptr[1]) : NULL;

	if (!name)
		return 0;
	*ret_code = (uint32_t)values[name - names];
	return 2;
}

/* Takes a string; its text between the quotes, checked whole. */
static span take_string(struct json_reader *r, bool *ret_escapes)
{
	bool escapes = false;

	if (!expect(r, '"'))
		return SPAN_EMPTY;
	span rest = span_from_offset(r->text_, r->at_);
	size_t i = 0;

	while (i < rest.len && rest.ptr[i] != '"') {
		unsigned char c = (unsigned char)rest.ptr[i];
		uint32_t code;
		size_t n = c == '\\'  ? escape(span_from_offset(rest, i), &code)
			   : c < 0x20 ? 0
			   : c < 0x80 ? 1
				      : span_utf8_len(span_from_offset(rest, i));

		if (n == 0) {
			fail(r, ERR_INVALID);
			return SPAN_EMPTY;
		}
		escapes = escapes || c == '\\';
		i += n;
	}
	if (i >= rest.len) {
		fail(r, ERR_INVALID);
		return SPAN_EMPTY;
	}
	r->at_ += i + 1;
	*ret_escapes = escapes;
	return span_of(rest.ptr, i);
}

bool json_next_member(struct json_reader *r, span *ret_key)
{
	bool escapes = false;

	if (!next(r, true))
		return false;
	span key = take_string(r, &escapes);

	if (escapes)
		fail(r, ERR_INVALID);
	if (!expect(r, ':'))
		return false;
	r->due_ = true;
	*ret_key = key;
	return true;
}

bool json_next_element(struct json_reader *r)
{
	if (!next(r, false))
		return false;
	r->due_ = true;
	return true;
}

span json_get_raw_string(struct json_reader *r)
{
	bool escapes;

	return begin_value(r) ? take_string(r, &escapes) : SPAN_EMPTY;
}

span json_get_plain_string(struct json_reader *r)
{
	bool escapes = false;
	span text = begin_value(r) ? take_string(r, &escapes) : SPAN_EMPTY;

	if (escapes) {
		fail(r, ERR_INVALID);
		return SPAN_EMPTY;
	}
	return text;
}

static void add_utf8(struct buf *out, uint32_t code)
{
	if (code < 0x80) {
		buf_add_byte(out, (char)code);
	} else if (code < 0x800) {
		buf_add_byte(out, (char)(0xC0 | code >> 6));
		buf_add_byte(out, (char)(0x80 | (code & 0x3F)));
	} else {
		if (code < 0x10000) {
			buf_add_byte(out, (char)(0xE0 | code >> 12));
		} else {
			buf_add_byte(out, (char)(0xF0 | code >> 18));
			buf_add_byte(out, (char)(0x80 | (code >> 12 & 0x3F)));
		}
		buf_add_byte(out, (char)(0x80 | (code >> 6 & 0x3F)));
		buf_add_byte(out, (char)(0x80 | (code & 0x3F)));
	}
}

void json_get_string(struct json_reader *r, struct buf *out)
{
	span rest = json_get_raw_string(r);

	while (rest.len && !r->error_) {
		size_t plain = span_find(rest, '\\');
		uint32_t code = 0;

		buf_add(out, span_sub(rest, 0, plain));
		rest = span_from_offset(rest, plain);
		if (rest.len) {
			rest = span_from_offset(rest, escape(rest, &code));
			add_utf8(out, code);
		}
	}
	if (buf_error(out))
		fail(r, buf_error(out));
}

static size_t digits_at(span s, size_t i)
{
	size_t from = i;

	while (i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9')
		i++;
	return i - from;
}

/* Takes a number (RFC 8259 section 6), or fails. */
static span take_number(struct json_reader *r)
{
	span s = span_from_offset(r->text_, r->at_);
	size_t i = s.len && s.ptr[0] == '-', n = digits_at(s, i);
	bool valid = n && (n == 1 || s.ptr[i] != '0');

	i += n;
	if (i < s.len && s.ptr[i] == '.') {
		n = digits_at(s, ++i);
		valid = valid && n;
		i += n;
	}
	if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
		i++;
		i += i < s.len && (s.ptr[i] == '+' || s.ptr[i] == '-');
		n = digits_at(s, i);
		valid = valid && n;
		i += n;
	}
	if (!valid) {
		fail(r, ERR_INVALID);
		return SPAN_EMPTY;
	}
	r->at_ += i;
	return span_sub(s, 0, i);
}

int64_t json_get_i64(struct json_reader *r)
{
	int64_t n = 0;

	if (!begin_value(r))
		return 0;
	span text = take_number(r);

	if (r->error_)
		return 0;
	err e = span_to_i64(text, &n);

	if (e)
		fail(r, e);
	return n;
}

static bool take_word(struct json_reader *r, span word)
{
	if (!span_starts_with(span_from_offset(r->text_, r->at_), word))
		return false;
	r->at_ += word.len;
	return true;
}

bool json_get_bool(struct json_reader *r)
{
	if (!begin_value(r))
		return false;
	if (take_word(r, SPAN("true")))
		return true;
	if (!take_word(r, SPAN("false")))
		fail(r, ERR_INVALID);
	return false;
}

/* One step of a walk over the value at the cursor: a scalar, an opening, or what follows one. */
static void skip_step(struct json_reader *r)
{
	enum json_type type = json_peek(r);
	span key;

	if (!r->due_) {
		if (in_object(r))
			(void)json_next_member(r, &key); /* an error is seen by the caller */
		else
			(void)json_next_element(r);
		return;
	}
	if (type == JSON_TYPE_OBJECT || type == JSON_TYPE_ARRAY)
		enter(r, type == JSON_TYPE_OBJECT ? '{' : '[');
	else if (type == JSON_TYPE_STRING)
		(void)json_get_raw_string(r); /* read past */
	else if (type == JSON_TYPE_BOOL)
		(void)json_get_bool(r);
	else if (!begin_value(r))
		return;
	else if (type == JSON_TYPE_NUMBER)
		(void)take_number(r);
	else if (!take_word(r, SPAN("null")))
		fail(r, ERR_INVALID);
}

void json_skip(struct json_reader *r)
{
	uint8_t depth = r->depth_;

	if (!r->error_ && !r->due_)
		fail(r, ERR_BUG);
	while (!r->error_ && (r->due_ || r->depth_ > depth))
		skip_step(r);
}

span json_get_value_text(struct json_reader *r)
{
	if (!r->error_)
		skip_space(r);
	size_t from = r->at_;

	json_skip(r);
	return r->error_ ? SPAN_EMPTY : span_sub(r->text_, from, r->at_ - from);
}

err json_read_end(struct json_reader *r)
{
	if (r->error_)
		return r->error_;
	if (r->due_ || r->depth_)
		return ERR_BUG;
	skip_space(r);
	if (r->at_ < r->text_.len)
		fail(r, ERR_INVALID);
	return r->error_;
}

err json_read_error(const struct json_reader *r)
{
	return r->error_;
}
