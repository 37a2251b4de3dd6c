/*
 * The JSON writer. The reader is in json_read.c. Hard rule: what is written parses, whatever bytes
 * the caller's strings hold.
 */
#include "base/json.h"

#include "base/time.h"

#include "base/banned.h"

void json_writer_init(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){.out_ = out, .first_ = true};
}

/* Writes what must stand between the previous text and a value. */
static void before_value(struct json_writer *w, const char *key)
{
	if (!w->first_)
		buf_add_byte(w->out_, ',');
	w->first_ = false;
	if (key) {
		buf_add_byte(w->out_, '"');
		buf_add_str(w->out_, key);
		buf_add(w->out_, SPAN("\":"));
	}
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

/* Length of the longest piece at the start of s that needs no escape. */
static size_t plain_len(span s)
{
	size_t i = 0;

	while (i < s.len) {
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

static void add_string(struct buf *out, span text)
{
	buf_add_byte(out, '"');
	while (text.len) {
		size_t n = plain_len(text);

		buf_add(out, span_sub(text, 0, n));
		text = span_from_offset(text, n);
		if (text.len) {
			add_escaped(out, (unsigned char)text.ptr[0]);
			text = span_from_offset(text, 1);
		}
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
