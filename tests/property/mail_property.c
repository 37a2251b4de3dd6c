/* Messages: whatever is put in, what comes out is one message with the headers that are ours. */
#include "gen.h"

#include "net/mail_message.h"

#define HEADERS 9

static const char *const names[HEADERS] = {"Date", "From", "To", "Subject", "Message-ID",
	"Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"};

/* Bytes that are likely to do harm. */
static span nasty(struct gen *g, char *memory, size_t max)
{
	static const char *const parts[] = {"\r\n", "\n", "\r", ".\r\n", "\r\n.\r\n", "Bcc: a@b.c",
		"=?UTF-8?Q?", "?=", "\"", "<", ">", "\\", ",", "\xc3\xa4", "\xf0\x9f\x98\x80",
		"\xff", "\0", "From ", "=", " ", "\t", "abc", "@", "\xe2\x80\xa8"};
	struct buf out;

	buf_init_fixed(&out, memory, max);
	for (uint64_t n = gen_u64(g) % 60; n > 0; n--) {
		size_t i = gen_u64(g) % ARRAY_LEN(parts);

		buf_add(&out, strcmp(parts[i], "") == 0 ? span_of("\0", 1) : span_from(parts[i]));
	}
	return buf_span(&out);
}

static void headers_are_ours(void **state UNUSED)
{
	struct gen g = gen_new("headers_are_ours");

	for (int i = 0; i < CASES; i++) {
		char subject[1000], name[1000], text[1000];
		AUTO(buf) out = {0};
		struct mail_message m = {.from = SPAN("server@example.com"),
			.to = SPAN("jo@example.com"),
			.message_id = SPAN("mail_1"),
			.date_us = 1800000000000000,
			.subject = nasty(&g, subject, sizeof(subject)),
			.from_name = nasty(&g, name, sizeof(name)),
			.text = nasty(&g, text, sizeof(text))};
		size_t header = 0;
		span line, rest;

		buf_init(&out, MAIL_MESSAGE_MAX);
		assert_ok(mail_build(&m, &out));
		rest = buf_span(&out);
		for (;;) {
			size_t end = span_find(rest, '\n');

			assert_true(end < rest.len && end > 0 && rest.ptr[end - 1] == '\r');
			line = span_sub(rest, 0, end - 1);
			rest = span_from_offset(rest, end + 1);
			assert_true(line.len <= 250);
			for (size_t k = 0; k < line.len; k++)
				assert_true((uint8_t)line.ptr[k] >= 0x20 &&
					    (uint8_t)line.ptr[k] < 0x7f);
			if (line.len == 0)
				break;
			if (line.ptr[0] == ' ') /* folded: belongs to the one before */
				continue;
			assert_true(header < HEADERS);
			assert_true(span_starts_with(line, span_from(names[header])));
			assert_true(line.ptr[strlen(names[header])] == ':');
			header++;
		}
		assert_int_equal(header, HEADERS);
		while (rest.len) { /* the body: short lines of ASCII, no line that ends the message
				    */
			size_t end = span_find(rest, '\n');

			assert_true(end < rest.len && end > 0 && rest.ptr[end - 1] == '\r');
			line = span_sub(rest, 0, end - 1);
			rest = span_from_offset(rest, end + 1);
			assert_true(line.len <= 76);
			assert_false(span_starts_with(line, SPAN(".")));
			assert_false(span_starts_with(line, SPAN("From ")));
			assert_false(span_ends_with(line, SPAN(" ")));
			for (size_t k = 0; k < line.len; k++)
				assert_true(line.ptr[k] == '\t' ||
					    ((uint8_t)line.ptr[k] >= 0x20 &&
						    (uint8_t)line.ptr[k] < 0x7f));
		}
	}
}

/* Decodes quoted-printable; our own lines only. */
static void decode(span body, struct buf *out)
{
	span line;

	while (span_cut(&body, '\n', &line)) {
		bool soft = false;

		if (!body.ptr)
			break;
		line = span_sub(line, 0, line.len - 1); /* CR */
		for (size_t i = 0; i < line.len; i++) {
			unsigned byte;

			if (line.ptr[i] != '=') {
				buf_add_byte(out, line.ptr[i]);
			} else if (i + 1 == line.len) {
				soft = true;
			} else {
				assert_int_equal(sscanf(line.ptr + i + 1, "%2X", &byte), 1);
				buf_add_byte(out, (char)byte);
				i += 2;
			}
		}
		if (!soft)
			buf_add_byte(out, '\n');
	}
}

static void bodies_come_back(void **state UNUSED)
{
	struct gen g = gen_new("bodies_come_back");

	for (int i = 0; i < CASES; i++) {
		char text[1000];
		AUTO(buf) out = {0};
		AUTO(buf) back = {0};
		struct mail_message m = {.from = SPAN("s@example.com"),
			.to = SPAN("jo@example.com"),
			.message_id = SPAN("m"),
			.text = nasty(&g, text, sizeof(text))};
		span message, got;

		buf_init(&out, MAIL_MESSAGE_MAX);
		buf_init(&back, 4096);
		assert_ok(mail_build(&m, &out));
		message = buf_span(&out);
		decode(span_from_offset(message,
			       (size_t)(strstr(message.ptr, "\r\n\r\n") - message.ptr) + 4),
			&back);
		got = buf_span(&back);
		if (got.len == m.text.len + 1) /* a last line without an end gets one */
			got.len--;
		assert_true(span_eq(got, m.text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_ours),
		cmocka_unit_test(bodies_come_back),
	};

	return cmocka_run_group_tests(tests, gen_setup, NULL);
}
