/* Messages and addresses: tables of cases. The property test has what no table thinks of. */
#include "test.h"

#include "net/mail.h"

static void addresses(void **state UNUSED)
{
	static const char *const good[] = {"a@b", "jo.doe+tag@mail.example.com",
		"x_y-z@xn--4ca.example", "!#$%&'*+-/=?^_`{|}~@example.com", "a@1.2"};
	static const char *const bad[] = {"", "@", "a@", "@b", "a", "a@b@c", "a b@c", "a@b c",
		".a@b", "a.@b", "a..b@c", "a@.b", "a@b.", "a@b..c", "a@-b", "a@b-", "\"a\"@b",
		"a@[1.2.3.4]", "<a@b>", "a@b>", "a@b\r\nRCPT TO:<x@y>", "a\n@b", "a@b,c@d", "a;b@c",
		"(x)a@b", "\xc3\xa4@b", "a@\xc3\xa4.example", "a:b@c", "a\\@b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_row(mail_address_is_valid(span_from(good[i])), good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(!mail_address_is_valid(span_from(bad[i])), bad[i]);
	assert_false(mail_address_is_valid(SPAN("a\0b@c")));
}

static void a_message(void **state UNUSED)
{
	AUTO(buf) out = {0};
	struct mail_message m = {.from_name = SPAN("Slipway"),
		.from = SPAN("server@example.com"),
		.to = SPAN("jo@example.org"),
		.subject = SPAN("Hello there"),
		.text = SPAN("A = \xc3\xa4 \n.\nFrom me\nend"),
		.message_id = SPAN("mail_1"),
		.date_us = INT64_C(784111777000000)};

	buf_init(&out, MAIL_MESSAGE_MAX);
	assert_ok(mail_build(&m, &out));
	assert_span(buf_span(&out), "Date: Sun, 06 Nov 1994 08:49:37 +0000\r\n"
				    "From: \"Slipway\" <server@example.com>\r\n"
				    "To: <jo@example.org>\r\n"
				    "Subject: Hello there\r\n"
				    "Message-ID: <mail_1@example.com>\r\n"
				    "Auto-Submitted: auto-generated\r\n"
				    "MIME-Version: 1.0\r\n"
				    "Content-Type: text/plain; charset=utf-8\r\n"
				    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
				    "A =3D =C3=A4=20\r\n=2E\r\n=46rom me\r\nend\r\n");
}

static void refused(void **state UNUSED)
{
	static const struct {
		const char *from, *to, *id;
	} rows[] = {{"a", "b@c", "i"}, {"a@b", "c", "i"}, {"a@b", "c@d", ""}, {"a@b", "c@d", "x>"},
		{"a@b", "c@d\nBcc: e@f", "i"}, {"a@b", "c@d", "i\r\nX: y"}};
	AUTO(buf) out = {0};

	buf_init(&out, MAIL_MESSAGE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct mail_message m = {.from = span_from(rows[i].from),
			.to = span_from(rows[i].to),
			.message_id = span_from(rows[i].id)};

		assert_row(mail_build(&m, &out) == ERR_INVALID, rows[i].to);
	}
}

static void servers(void **state UNUSED)
{
	static const char *const good[] = {"smtp://mail.example.com", "smtp://mail.example.com:587",
		"smtps://[2001:db8::1]:465", "smtps://mail.example.com/"};
	static const char *const bad[] = {"", "mail.example.com", "http://a", "smtp://",
		"smtp://u@h", "smtp://u:p@h", "smtp://h/x", "smtp://h?x", "smtp://h#x",
		"smtp://h:99999"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_row(!mail_url_problem(good[i]), good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(mail_url_problem(bad[i]) != NULL, bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(a_message),
		cmocka_unit_test(refused),
		cmocka_unit_test(servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
