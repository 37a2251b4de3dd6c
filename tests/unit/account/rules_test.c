#include "test.h"

#include "account/account.h"

static void emails(void **state UNUSED)
{
	static const struct {
		const char *email;
		bool valid;
	} rows[] = {{"", false}, {"a", false}, {"@", false}, {"a@", false}, {"@b", false},
		{"a@@b", false}, {"a@b@c", false}, {"a b@c", false}, {"a@b c", false},
		{"a\n@b", false}, {"a@b.", false}, {"a@.b", false}, {"a@b..c", false},
		{".a@b", false}, {"a.@b", false}, {"a@-b", false}, {"\"a\"@b", false},
		{"a@[127.0.0.1]", false}, {"<a@b>", false}, {"a,b@c", false}, {"a@\xff", false},
		{"a@b", true}, {"a.b+c@example.com", true}, {"A_b-c@Example.COM", true},
		{"j\xc3\xb6rg@b\xc3\xbc"
		 "cher.example",
			true},
		{"o'neil@example.org", true}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(
			email_is_valid(span_from(rows[i].email)) == rows[i].valid, rows[i].email);
}

static void longest_email(void **state UNUSED)
{
	char email[EMAIL_MAX_BYTES + 2] = "";

	for (size_t i = 0; i < sizeof(email) - 1; i++)
		email[i] = i == 5 ? '@' : 'a';
	assert_false(email_is_valid(span_of(email, EMAIL_MAX_BYTES + 1)));
	assert_true(email_is_valid(span_of(email, EMAIL_MAX_BYTES)));
}

static void keys_ignore_case(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();

	assert_span(email_key(a, SPAN("Jane.DOE@Example.com")), "jane.doe@example.com");
	assert_span(email_key(a, SPAN("\xc3\x84@b")), "\xc3\x84@b");
}

static void passwords(void **state UNUSED)
{
	static const struct {
		const char *password;
		bool accepted;
	} rows[] = {{"", false}, {"short12", false}, {"password", false}, {"PASSWORD123", false},
		{"Qwertyuiop", false}, {"12345678", false}, {"changeme", false},
		{"jane.doe@mail.example.com", false}, {"JANE.Doe@mail.example.com", false},
		{"jane.doe1", false}, {"1234Jane", false}, {"2024Mail!", false},
		{"slipway2024!", false}, {"--SLIPWAY--", false}, {"acme1234", false},
		{"12345VPNco", false}, {"downloads.acme.test", false}, {"changeme1", false},
		{"whocares1", false}, {"TAEKWONDO", false},
		{"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", false}, {"slipway harbour", true},
		{"83619274", true}, {"correct horse battery staple", true}, {"xyzzy plugh", true},
		{"\xe5\xaf\x86\xe7\xa0\x81\xe5\xaf\x86", false},
		{"\xe5\xaf\x86\xe7\xa0\x81\xe5\xaf\x86\xe5\xaf\x86\xe7\xa0\x81\xe5\xaf\x86\xe5\xaf\x86\xe7\xa0\x81",
			true},
		{"aaaaaaab", true}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(!password_problem(span_from(rows[i].password),
				   SPAN("jane.doe@mail.example.com"),
				   SPAN("downloads.acme.test *.vpnco.test")) == rows[i].accepted,
			rows[i].password);
}

static void longest_password(void **state UNUSED)
{
	static char text[1025];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	assert_null(password_problem(span_of(text, 1024), SPAN_EMPTY, SPAN_EMPTY));
	assert_non_null(password_problem(span_of(text, 1025), SPAN_EMPTY, SPAN_EMPTY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(emails),
		cmocka_unit_test(longest_email), cmocka_unit_test(keys_ignore_case),
		cmocka_unit_test(passwords), cmocka_unit_test(longest_password)};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
