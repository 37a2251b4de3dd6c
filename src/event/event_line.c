/*
 * Lines of the event log. Hard rule: whatever the bytes, a verdict and no harm.
 */
#include "event/event_line.h"

#include "base/json.h"
#include "base/time.h"

#include "base/banned.h"

/* Every line begins with this; see find_glued(). */
#define LINE_START "{\"event\":\""
/* What nginx puts around each part of a multipart/byteranges body, at most (RFC 9110, 14.6). */
#define PART_OVERHEAD 256

static const char *const kind_names[EVENT_KINDS] = {"download", "check"};

const char *event_kind_name(enum event_kind k)
{
	return kind_names[k];
}

/* A number with a fraction of at most 6 digits, times a million: nginx writes $msec as "1.234". */
static err parse_seconds(span text, int64_t *ret_us)
{
	span whole, rest = text;
	uint64_t seconds, fraction = 0;

	(void)span_cut(&rest, '.', &whole); /* text is not NULL */
	if (span_to_u64(whole, (uint64_t)TIME_MAX / TIME_SECOND, &seconds))
		return ERR_INVALID;
	if (rest.ptr) {
		if (rest.len > 6 || span_to_u64(rest, 999999, &fraction))
			return ERR_INVALID;
		for (size_t digits = rest.len; digits < 6; digits++)
			fraction *= 10;
	}
	*ret_us = (int64_t)seconds * TIME_SECOND + (int64_t)fraction;
	return OK;
}

enum member_type { MEMBER_TEXT, MEMBER_NUMBER, MEMBER_STATUS, MEMBER_SECONDS, MEMBER_OK };

/* The members of a line: name, type and where the value goes. Others are ignored. */
static const struct member {
	span name;
	enum member_type type;
	size_t offset;
} members[] = {
#define MEMBER(name, type, field)                                                                  \
	{                                                                                          \
		SPAN_INIT(name), type, offsetof(struct event_line, field)                          \
	}
	MEMBER("time", MEMBER_SECONDS, at_us),
	MEMBER("duration", MEMBER_SECONDS, duration_us),
	MEMBER("download", MEMBER_TEXT, download),
	MEMBER("file", MEMBER_TEXT, filename),
	MEMBER("method", MEMBER_TEXT, method),
	MEMBER("status", MEMBER_STATUS, status),
	MEMBER("sent", MEMBER_NUMBER, sent),
	MEMBER("size", MEMBER_NUMBER, size),
	MEMBER("complete", MEMBER_OK, complete),
	MEMBER("content_range", MEMBER_TEXT, content_range),
	MEMBER("range", MEMBER_TEXT, range),
	MEMBER("agent", MEMBER_TEXT, agent),
	MEMBER("country", MEMBER_TEXT, country),
	MEMBER("product", MEMBER_TEXT, product),
	MEMBER("platform", MEMBER_TEXT, platform),
	MEMBER("channel", MEMBER_TEXT, channel),
	MEMBER("installed", MEMBER_TEXT, installed),
	MEMBER("offered", MEMBER_TEXT, offered),
	MEMBER("reason", MEMBER_TEXT, reason),
	MEMBER("counted", MEMBER_TEXT, counted),
#undef MEMBER
};

static err set_member(struct event_line *l, const struct member *m, span value)
{
	void *to = (char *)l + m->offset;
	uint64_t number;

	switch (m->type) {
	case MEMBER_TEXT:
		*(span *)to = value;
		return OK;
	case MEMBER_OK:
		*(bool *)to = span_is(value, "OK");
		return OK;
	case MEMBER_SECONDS:
		return parse_seconds(value, to);
	case MEMBER_STATUS:
		if (span_to_u64(value, 999, &number))
			return ERR_INVALID;
		*(int *)to = (int)number;
		return OK;
	case MEMBER_NUMBER:
		/* A variable that is not set is written as the empty string or '-'. */
		if (value.len == 0 || span_is(value, "-"))
			return OK;
		return span_to_u64(value, INT64_MAX, to);
	}
	return ERR_BUG;
}

/* The value's text, without quotes if it is a string. */
static span value_text(struct json_reader *r)
{
	return json_peek(r) == JSON_TYPE_STRING ? json_get_raw_string(r) : json_get_value_text(r);
}

static err read_member(struct event_line *l, span key, struct json_reader *r)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (!span_eq(members[i].name, key))
			continue;
		span value = value_text(r);

		return json_read_error(r) ? ERR_INVALID : set_member(l, &members[i], value);
	}
	json_skip(r);
	return OK;
}

static err read_kind(span name, enum event_kind *ret)
{
	for (enum event_kind k = 0; k < EVENT_KINDS; k++) {
		if (!span_is(name, kind_names[k]))
			continue;
		*ret = k;
		return OK;
	}
	return ERR_INVALID;
}

static bool is_plain(span text)
{
	return span_find(text, '\\') == text.len;
}

/* Whether what the program goes on to use as a name or an id is there and has no escapes. */
static err check_line(const struct event_line *l)
{
	if (l->at_us == 0 || !is_plain(l->country))
		return ERR_INVALID;
	if (l->kind == EVENT_DOWNLOAD)
		return l->download.len && is_plain(l->download) && is_plain(l->filename) &&
				       l->status
			       ? OK
			       : ERR_INVALID;
	return l->product.len && is_plain(l->product) && is_plain(l->platform) &&
			       is_plain(l->installed) && is_plain(l->offered)
		       ? OK
		       : ERR_INVALID;
}

static err parse_object(span line, struct event_line *ret)
{
	struct event_line l = {0};
	struct json_reader r;
	span key;
	bool first = true;

	json_reader_init(&r, line);
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		err e;

		if (first != span_is(key, "event"))
			return ERR_INVALID;
		e = first ? read_kind(json_get_plain_string(&r), &l.kind)
			  : read_member(&l, key, &r);
		if (e)
			return e;
		first = false;
	}
	if (json_read_end(&r) || first || check_line(&l))
		return ERR_INVALID;
	*ret = l;
	return OK;
}

/*
 * A disk that was full for a moment leaves the beginning of one line with the next one glued to
 * it. Quotes in a value are escaped by nginx, so the start of a line cannot stand inside one.
 */
static bool find_glued(span line, span *ret)
{
	const size_t n = sizeof(LINE_START) - 1;

	for (size_t at = line.len; at-- > 1;) {
		if (span_eq(span_sub(line, at, n), SPAN(LINE_START))) {
			*ret = span_from_offset(line, at);
			return true;
		}
	}
	return false;
}

void event_line_clean(char *line, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t n = (unsigned char)line[i] < 0x80
				   ? 1
				   : span_utf8_len(span_of(line + i, len - i));

		if (n == 0)
			line[i] = '?';
		i += MAX(n, 1);
	}
}

err event_line_parse(span line, struct event_line *ret)
{
	span glued;

	if (line.len > EVENT_LINE_MAX)
		return ERR_INVALID;
	if (!parse_object(line, ret))
		return OK;
	return find_glued(line, &glued) ? parse_object(glued, ret) : ERR_INVALID;
}

/* "bytes 0-99/200" (RFC 9110, 14.4) */
static err parse_content_range(span text, struct byte_range *ret)
{
	span unit, first, last, rest = text;

	if (!span_cut(&rest, ' ', &unit) || !span_is(unit, "bytes") ||
		!span_cut(&rest, '-', &first) || !span_cut(&rest, '/', &last) || !rest.ptr)
		return ERR_INVALID;
	if (span_to_u64(first, INT64_MAX - 1, &ret->from) ||
		span_to_u64(last, INT64_MAX - 1, &ret->to) || ret->from > ret->to)
		return ERR_INVALID;
	return OK;
}

/* One range-spec of a Range header: "a-b", "a-", "-suffix" (RFC 9110, 14.1.2). */
static err parse_range_spec(span text, uint64_t size, struct byte_range *ret)
{
	span first, rest = text;
	uint64_t from, to;

	if (!span_cut(&rest, '-', &first) || !rest.ptr)
		return ERR_INVALID;
	if (first.len == 0) {
		if (span_to_u64(rest, INT64_MAX - 1, &to) || to == 0)
			return ERR_INVALID;
		*ret = (struct byte_range){to < size ? size - to : 0, size - 1};
		return OK;
	}
	if (span_to_u64(first, INT64_MAX - 1, &from) || from >= size)
		return ERR_INVALID;
	if (rest.len == 0)
		to = size - 1;
	else if (span_to_u64(rest, INT64_MAX - 1, &to) || to < from)
		return ERR_INVALID;
	*ret = (struct byte_range){from, MIN(to, size - 1)};
	return OK;
}

/* The parts of a multipart answer, in the order of the request, as far as `sent` bytes reach. */
static size_t multipart_ranges(const struct event_line *l, struct byte_range *ret)
{
	span unit, spec, rest = l->range;
	uint64_t left = l->sent;
	size_t count = 0;

	if (l->size == 0 || !span_cut(&rest, '=', &unit) || !span_eq_nocase(unit, SPAN("bytes")))
		return 0;
	while (count < EVENT_RANGES_MAX && span_cut(&rest, ',', &spec)) {
		struct byte_range part;

		if (parse_range_spec(span_trim(spec), l->size, &part))
			continue; /* an unsatisfiable part is left out of the answer */
		if (!l->complete) {
			if (left <= PART_OVERHEAD)
				break;
			left -= PART_OVERHEAD;
			part.to = MIN(part.to, part.from + left - 1);
			left -= part.to - part.from + 1;
		}
		ret[count++] = part;
	}
	return count;
}

size_t event_line_ranges(const struct event_line *l, struct byte_range ret[EVENT_RANGES_MAX])
{
	struct byte_range range = {0, 0};

	if (l->kind != EVENT_DOWNLOAD || !span_is(l->method, "GET") || l->sent == 0 ||
		l->sent > INT64_MAX / 2)
		return 0;
	if (l->status == 206 && l->content_range.len == 0)
		return multipart_ranges(l, ret);
	if (l->status != 200 && l->status != 206)
		return 0;
	if (l->status == 206 && parse_content_range(l->content_range, &range))
		return 0;
	if (range.from > INT64_MAX / 2)
		return 0;
	uint64_t to = range.from + l->sent - 1;

	if (l->status == 206)
		to = MIN(to, range.to);
	else if (l->size)
		to = MIN(to, l->size - 1);
	ret[0] = (struct byte_range){range.from, to};
	return 1;
}
