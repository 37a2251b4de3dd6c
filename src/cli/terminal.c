/*
 * Widths of text on a terminal, and making foreign text harmless. One rule: whatever leaves here is
 * valid UTF-8 without control characters, except for what this file itself put in.
 */
#include "cli/terminal.h"

#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/banned.h"

#define WIDTH_DEFAULT 80
#define WIDTH_LEAST   40
#define ELLIPSIS      "\xe2\x80\xa6"
#define REPLACEMENT   "\xef\xbf\xbd"

static void measure(int fd, struct terminal *ret)
{
	struct winsize size = {0};
	uint64_t columns = 0;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		columns = size.ws_col;
	else if (span_to_u64(span_from(getenv("COLUMNS")), 10000, &columns) != OK)
		columns = 0;
	ret->endless = columns == 0 && !ret->tty;
	ret->width = (unsigned)MAX(columns ? columns : WIDTH_DEFAULT, WIDTH_LEAST);
}

void terminal_of(FILE *stream, struct terminal *ret)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	int fd = fileno(stream);

	ret->tty = fd >= 0 && isatty(fd) == 1;
	ret->redraws = ret->tty && !(term && !strcmp(term, "dumb"));
	ret->colour = ret->redraws && (!no_colour || !*no_colour);
	measure(fd, ret);
}

void tone_add(struct buf *out, bool colour, enum tone tone)
{
	static const char *const sequences[] = {
		[TONE_PLAIN] = "\033[0m",
		[TONE_GOOD] = "\033[32m",
		[TONE_WARN] = "\033[33m",
		[TONE_BAD] = "\033[31m",
		[TONE_DIM] = "\033[2m",
		[TONE_STRONG] = "\033[1m",
	};

	if (colour)
		buf_add_str(out, sequences[tone]);
}

/* The first code point of valid UTF-8 that is len bytes long. */
static uint32_t code_point(span s, size_t len)
{
	static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = (uint8_t)s.ptr[0] & masks[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((uint8_t)s.ptr[i] & 0x3f);
	return c;
}

static locale_t utf8_locale;

static void make_locale(void)
{
	utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* The C library's own table, asked in a UTF-8 locale whatever the environment says. */
static unsigned code_point_width(uint32_t c)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	locale_t before;
	int width;

	if (c < 0x7f)
		return 1;
	(void)pthread_once(&once, make_locale); /* fails only for a bad argument */
	if (!utf8_locale)
		return 1;
	before = uselocale(utf8_locale);
	width = wcwidth((wchar_t)c);
	uselocale(before);
	return width < 0 ? 1 : (unsigned)width;
}

unsigned text_width(span text)
{
	unsigned width = 0;

	while (text.len > 0) {
		size_t len = span_utf8_len(text);

		width += len ? code_point_width(code_point(text, len)) : 1;
		text = span_from_offset(text, MAX(len, 1));
	}
	return width;
}

/*
 * C0, DEL and C1 controls, and the characters that turn the direction of writing around (they can
 * make a file name look like another one).
 */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void clean(struct buf *out, span text, bool keep_lines)
{
	while (text.len > 0) {
		size_t len = span_utf8_len(text);
		char first = text.ptr[0];

		if (first == '\n' || first == '\t')
			buf_add_byte(out, keep_lines ? first : ' ');
		else if (len == 0 || is_control(code_point(text, len)))
			buf_add_str(out, REPLACEMENT);
		else
			buf_add(out, span_sub(text, 0, len));
		text = span_from_offset(text, MAX(len, 1));
	}
}

void text_clean(struct buf *out, span text)
{
	clean(out, text, false);
}

void text_clean_lines(struct buf *out, span text)
{
	clean(out, text, true);
}

/* Bytes of the longest start of text that takes at most width columns. */
static size_t fitting(span text, unsigned width)
{
	size_t at = 0;

	while (at < text.len) {
		span rest = span_from_offset(text, at);
		size_t len = MAX(span_utf8_len(rest), 1);
		unsigned taken = text_width(span_sub(rest, 0, len));

		if (taken > width)
			break;
		width -= taken;
		at += len;
	}
	return at;
}

void text_cut(struct buf *out, span text, unsigned width)
{
	if (text_width(text) <= width) {
		buf_add(out, text);
		return;
	}
	if (width == 0)
		return;
	buf_add(out, span_sub(text, 0, fitting(text, width - 1)));
	buf_add_str(out, ELLIPSIS);
}

static void wrap_line(struct buf *out, span line, unsigned indent, unsigned width)
{
	unsigned at = 0;
	span word;

	while (span_cut(&line, ' ', &word)) {
		unsigned taken = text_width(word);

		if (taken == 0)
			continue;
		if (at > 0 && at + 1 + taken > width) {
			buf_add_byte(out, '\n');
			at = 0;
		}
		if (at == 0) {
			for (unsigned i = 0; i < indent; i++)
				buf_add_byte(out, ' ');
			at = indent;
		} else {
			buf_add_byte(out, ' ');
			at++;
		}
		buf_add(out, word);
		at += taken;
	}
	buf_add_byte(out, '\n');
}

void text_wrap(struct buf *out, span text, unsigned indent, unsigned width)
{
	span line;

	while (span_cut(&text, '\n', &line))
		wrap_line(out, line, indent, width);
}
