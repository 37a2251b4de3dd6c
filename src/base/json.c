/*
 * The JSON writer. The reader is in json_read.c. Hard rule: what is written parses, whatever bytes
 * the caller's strings hold.
 */
#include "base/json.h"

#include <string.h>

#include "base/time.h"

#include "base/banned.h"

void json_writer_init(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){.out_ = out, .first_ = true};
}

/* Writes what must stand between the previous text and a value. */
static void before_value(struct json_writer *w, const char *key)
{
	size_t len = key ? strlen(key) : 0, n = 0;
	char *to = buf_reserve(w->out_, len + 4);

	if (!to)
		return;
	if (!w->first_)
		to[n++] = ',';
	w->first_ = false;
	if (key) {
		to[n++] = '"';
		memcpy(to + n, key, len);
		n += len;
		to[n++] = '"';
		to[n++] = ':';
	}
	buf_advance(w->out_, n);
}

static void open_bracket(struct json_writer *w, const char *key, char opening, char closing)
{
	if (w->depth_ == JSON_MAX_DEPTH) {
		buf_fail(w->out_, ERR_BUG);
		return;
	}
	before_value(w, key);
	buf_add_byte(w->out_, opening);
	w->closing_[w->depth_++] = closing;
	w->first_ = true;
}

void json_begin_object(struct json_writer *w, const char *key)
{
	open_bracket(w, key, '{', '}');
}

void json_begin_array(struct json_writer *w, const char *key)
{
	open_bracket(w, key, '[', ']');
}

void json_end(struct json_writer *w)
{
	if (w->depth_ == 0) {
		buf_fail(w->out_, ERR_BUG);
		return;
	}
	buf_add_byte(w->out_, w->closing_[--w->depth_]);
	w->first_ = false;
}

/* True when none of 8 characters needs a look: all are ASCII but controls, '"' and '\\'. */
static bool is_plain_word(const char *s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t word;

	memcpy(&word, s, sizeof(word));
	uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';

	/* a byte borrows into its top bit when it is below what is taken from it */
	return !((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops);
}

/* Length of the longest piece at the start of s that needs no escape. */
static size_t plain_len(span s)
{
	size_t i = 0;

	while (i < s.len) {
		if (s.len - i >= 8 && is_plain_word(s.ptr + i)) {
			i += 8;
			continue;
		}
		unsigned char c = (unsigned char)s.ptr[i];

		if (c < 0x20 || c == '"' || c == '\\')
			break;
		size_t n = c < 0x80 ? 1 : span_utf8_len(span_from_offset(s, i));

		if (n == 0)
			break;
		i += n;
	}
	return i;
}

static void add_escaped(struct buf *out, unsigned char c)
{
	static const char short_names[] = "btn?fr"; /* for 0x08 … 0x0D */

	if (c >= 0x80) {
		buf_add(out, SPAN("\xEF\xBF\xBD")); /* U+FFFD */
		return;
	}
	buf_add_byte(out, '\\');
	if (c == '"' || c == '\\')
		buf_add_byte(out, (char)c);
	else if (c >= 0x08 && c <= 0x0D && c != 0x0B)
		buf_add_byte(out, short_names[c - 0x08]);
	else
		buf_addf(out, "u%04x", c);
}

static void add_plain_string(struct buf *out, span text)
{
	char *to = buf_reserve(out, text.len + 2);

	if (!to)
		return;
	to[0] = '"';
	if (text.len)
		memcpy(to + 1, text.ptr, text.len);
	to[text.len + 1] = '"';
	buf_advance(out, text.len + 2);
}

static void add_string(struct buf *out, span text)
{
	size_t n = plain_len(text);

	if (n == text.len) {
		add_plain_string(out, text);
		return;
	}
	buf_add_byte(out, '"');
	while (text.len) {
		buf_add(out, span_sub(text, 0, n));
		text = span_from_offset(text, n);
		if (text.len) {
			add_escaped(out, (unsigned char)text.ptr[0]);
			text = span_from_offset(text, 1);
		}
		n = plain_len(text);
	}
	buf_add_byte(out, '"');
}

void json_str(struct json_writer *w, const char *key, span text)
{
	before_value(w, key);
	add_string(w->out_, text);
}

void json_cstr(struct json_writer *w, const char *key, const char *text)
{
	if (text)
		json_str(w, key, span_from(text));
	else
		json_nil(w, key);
}

void json_i64(struct json_writer *w, const char *key, int64_t n)
{
	before_value(w, key);
	buf_add_i64(w->out_, n);
}

void json_u64(struct json_writer *w, const char *key, uint64_t n)
{
	before_value(w, key);
	buf_add_u64(w->out_, n);
}

void json_bool(struct json_writer *w, const char *key, bool b)
{
	before_value(w, key);
	buf_add(w->out_, b ? SPAN("true") : SPAN("false"));
}

void json_nil(struct json_writer *w, const char *key)
{
	before_value(w, key);
	buf_add(w->out_, SPAN("null"));
}

void json_time(struct json_writer *w, const char *key, int64_t time_us)
{
	before_value(w, key);
	buf_add_byte(w->out_, '"');
	time_format(w->out_, time_us);
	buf_add_byte(w->out_, '"');
}

void json_raw(struct json_writer *w, const char *key, span json)
{
	before_value(w, key);
	buf_add(w->out_, json);
}

void json_key(struct json_writer *w, span key)
{
	before_value(w, NULL);
	add_string(w->out_, key);
	buf_add_byte(w->out_, ':');
	w->first_ = true; /* the value follows without a comma */
}
