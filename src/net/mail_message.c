/*
 * Hard rule: a byte from outside reaches the head of a message only as a letter of a checked
 * address or within an encoded word or quoted string, and never as a line break.
 */
#include "net/mail_message.h"

#include <string.h>

#include "base/encode.h"
#include "base/time.h"

#include "base/banned.h"

#define SUBJECT_MAX    200
#define NAME_MAX_BYTES 100
#define WORD_BYTES     45 /* encoded: 60, with =?UTF-8?B?…?= 72 of the 75 allowed */
#define QP_LINE        75 /* and the '=' of a soft break */
#define LOCAL_MAX      64
#define MESSAGE_ID_MAX 128

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Parts between dots, none of them empty. */
static bool is_dotted(span s, const char *more)
{
	char before = '.';

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '.' && before == '.')
			return false;
		if (c != '.' && !is_letter_or_digit(c) && (c == '\0' || !strchr(more, c)))
			return false;
		before = c;
	}
	return s.len > 0 && before != '.';
}

static bool is_domain(span s)
{
	span label;

	if (!is_dotted(s, "-"))
		return false;
	while (span_cut(&s, '.', &label))
		if (label.len > 63 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
			return false;
	return true;
}

bool mail_address_is_valid(span address)
{
	size_t at = span_find(address, '@');

	return address.len <= MAIL_ADDRESS_MAX && at < address.len && at <= LOCAL_MAX &&
	       is_dotted(span_sub(address, 0, at), "!#$%&'*+-/=?^_`{|}~") &&
	       is_domain(span_from_offset(address, at + 1));
}

/* UTF-8 without control characters, at most max bytes: what is shown of a text from outside. */
static void clean(struct buf *out, span text, size_t max)
{
	for (size_t i = 0; i < text.len;) {
		span rest = span_from_offset(text, i);
		size_t n = span_utf8_len(rest);
		bool control = n == 1 && ((uint8_t)rest.ptr[0] < 0x20 || rest.ptr[0] == 0x7f);

		if (buf_len(out) + MAX(n, 1) > max)
			return;
		if (n == 0)
			buf_add_byte(out, '?');
		else if (control)
			buf_add_byte(out, ' ');
		else
			buf_add(out, span_sub(rest, 0, n));
		i += MAX(n, 1);
	}
}

static bool is_plain(span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_letter_or_digit(s.ptr[i]) &&
			(!s.ptr[i] || !strchr(" ,.;:!-_/+'", s.ptr[i])))
			return false;
	return s.len <= WORD_BYTES && s.len > 0 && s.ptr[0] != ' ' && s.ptr[s.len - 1] != ' ';
}

/* Encoded words of whole characters, folded: one per line. */
static void add_encoded(struct buf *out, span text)
{
	bool first = true;

	while (text.len) {
		size_t take = 0;

		while (take < text.len) {
			size_t n = span_utf8_len(span_from_offset(text, take));

			if (take + n > WORD_BYTES)
				break;
			take += n;
		}
		buf_add_str(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
		base64_encode(out, span_sub(text, 0, take));
		buf_add_str(out, "?=");
		text = span_from_offset(text, take);
		first = false;
	}
}

static void add_subject(struct buf *out, span subject)
{
	char memory[SUBJECT_MAX + 1];
	struct buf text;

	buf_init_fixed(&text, memory, sizeof(memory));
	clean(&text, subject, SUBJECT_MAX);
	buf_add_str(out, "Subject: ");
	if (is_plain(buf_span(&text)))
		buf_add(out, buf_span(&text));
	else
		add_encoded(out, buf_span(&text));
	buf_add_str(out, "\r\n");
}

static void add_mailbox(struct buf *out, const char *header, span name, span address)
{
	char memory[NAME_MAX_BYTES + 1];
	struct buf text;

	buf_init_fixed(&text, memory, sizeof(memory));
	clean(&text, name, NAME_MAX_BYTES);
	buf_addf(out, "%s: ", header);
	if (buf_len(&text) && is_plain(buf_span(&text)))
		buf_addf(out, "\"%s\" ", buf_str(&text));
	else if (buf_len(&text))
		add_encoded(out, buf_span(&text));
	if (buf_len(&text) && !is_plain(buf_span(&text)))
		buf_add_str(out, "\r\n ");
	buf_addf(out, "<%.*s>\r\n", SPAN_ARG(address));
}

static void add_date(struct buf *out, int64_t date_us)
{
	AUTO(buf) text = {0};
	span s;

	/* "Sun, 06 Nov 1994 08:49:37 GMT": mail writes the zone as a number. */
	buf_init(&text, 64);
	time_format_http(&text, date_us);
	s = buf_span(&text);
	buf_addf(out, "Date: %.*s+0000\r\n", (int)(s.len - strlen("GMT")), s.ptr);
}

/* Quoted-printable; a '.' or "From " at the start of a line is nothing any relay may touch. */
static void add_body(struct buf *out, span text)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t column = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = (uint8_t)text.ptr[i];
		bool ends = i + 1 == text.len || text.ptr[i + 1] == '\n';
		bool plain =
			c > ' ' && c < 0x7f && c != '=' && !(column == 0 && (c == '.' || c == 'F'));

		if (c == '\n') {
			buf_add_str(out, "\r\n");
			column = 0;
			continue;
		}
		plain |= (c == ' ' || c == '\t') && !ends;
		if (column + (plain ? 1 : 3) > QP_LINE) {
			buf_add_str(out, "=\r\n");
			column = 0;
			plain &= c != '.' && c != 'F';
		}
		if (plain) {
			buf_add_byte(out, (char)c);
			column++;
		} else {
			buf_add_byte(out, '=');
			buf_add_byte(out, digits[c >> 4]);
			buf_add_byte(out, digits[c & 15]);
			column += 3;
		}
	}
	if (column)
		buf_add_str(out, "\r\n");
}

static bool is_message_id(span s)
{
	return s.len <= MESSAGE_ID_MAX && is_dotted(s, "_-");
}

err mail_build(const struct mail_message *m, struct buf *out)
{
	buf_clear(out);
	if (!mail_address_is_valid(m->from) || !mail_address_is_valid(m->to) ||
		!is_message_id(m->message_id) || m->date_us < 0 || m->date_us > TIME_MAX)
		return ERR_INVALID;
	add_date(out, m->date_us);
	add_mailbox(out, "From", m->from_name, m->from);
	add_mailbox(out, "To", SPAN_EMPTY, m->to);
	add_subject(out, m->subject);
	buf_addf(out, "Message-ID: <%.*s@%.*s>\r\n", SPAN_ARG(m->message_id),
		SPAN_ARG(span_from_offset(m->from, span_find(m->from, '@') + 1)));
	/* RFC 3834: nobody's absence note shall answer. */
	buf_add_str(out, "Auto-Submitted: auto-generated\r\n"
			 "MIME-Version: 1.0\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	add_body(out, m->text);
	return buf_error(out);
}
