/* What providers say of themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "federation/discovery.h"

#define ISSUER "https://login.example.test/tenant"
#define GOOD                                                                                       \
	"{\"issuer\":\"" ISSUER                                                                    \
	"\",\"authorization_endpoint\":\"https://login.example.test/a?x=1\","                      \
	"\"token_endpoint\":\"https://login.example.test/t\","                                     \
	"\"jwks_uri\":\"https://login.example.test/k\""

/* What a CI system says of itself: it signs, and nobody signs in through it. */
#define KEYS "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://login.example.test/k\""

static void test_good(void **state)
{
	AUTO_PTR(arena) a = arena_new();
	struct discovery d;

	(void)state;
	assert_null(discovery_parse(a, SPAN(GOOD "}"), SPAN(ISSUER), &d));
	assert_true(span_is(d.authorization_endpoint, "https://login.example.test/a?x=1"));
	assert_true(span_is(d.token_endpoint, "https://login.example.test/t"));
	assert_null(d.sign_in_problem);
	assert_int_equal(d.userinfo_endpoint.len, 0);
	assert_false(d.names_itself);
	assert_null(discovery_parse(a,
		SPAN(GOOD ",\"userinfo_endpoint\":\"https://u.test/\",\"end_session_endpoint\":"
			  "\"https://e.test/\",\"response_types_supported\":[\"code\"],"
			  "\"code_challenge_methods_supported\":[\"plain\",\"S256\"],"
			  "\"authorization_response_iss_parameter_supported\":true}"),
		SPAN(ISSUER), &d));
	assert_true(d.names_itself);
	assert_true(span_is(d.end_session_endpoint, "https://e.test/"));
}

static void test_url(void **state)
{
	AUTO_PTR(arena) a = arena_new();

	(void)state;
	assert_string_equal(discovery_url(a, SPAN("https://x.test")),
		"https://x.test/.well-known/openid-configuration");
	assert_string_equal(discovery_url(a, SPAN("https://x.test/a/")),
		"https://x.test/a/.well-known/openid-configuration");
}

static void test_refused(void **state)
{
	static const struct {
		const char *document, *why;
	} cases[] = {
		{"", "not a JSON object"},
		{"[]", "not a JSON object"},
		{"{\"issuer\":\"" ISSUER "\",\"issuer\":\"" ISSUER "\"}", "not a JSON object"},
		{"{}", "names the issuer ''"},
		{"{\"issuer\":\"" ISSUER "/\"}", "names the issuer"},
		{"{\"issuer\":\"https://evil.test\"}", "names the issuer 'https://evil.test'"},
		{"{\"issuer\":\"" ISSUER "\"}", "no usable jwks_uri"},
		{KEYS ",\"authorization_endpoint\":\"javascript:alert(1)\"}",
			"no usable authorization_endpoint"},
		{KEYS ",\"authorization_endpoint\":\"https://x.test/#a\"}",
			"no usable authorization_endpoint"},
		{KEYS ",\"authorization_endpoint\":\"https://x.test/\\r\\nSet-Cookie: a=b\"}",
			"no usable authorization_endpoint"},
		{GOOD ",\"userinfo_endpoint\":7}", "no usable userinfo_endpoint"},
		{GOOD ",\"end_session_endpoint\":\"ftp://x.test\"}",
			"no usable end_session_endpoint"},
	};
	AUTO_PTR(arena) a = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct discovery d;
		const char *why =
			discovery_parse(a, span_from(cases[i].document), SPAN(ISSUER), &d);

		if (!why || !strstr(why, cases[i].why))
			fail_msg("%s: %s", cases[i].document, why ? why : "accepted");
	}
}

static void test_nobody_signs_in_through_it(void **state)
{
	static const struct {
		const char *document, *why;
	} cases[] = {
		{KEYS "}", "no authorization_endpoint"},
		{KEYS ",\"response_types_supported\":[\"id_token\"]}", "no authorization_endpoint"},
		{KEYS ",\"authorization_endpoint\":\"https://x.test/a\"}", "no token_endpoint"},
		{GOOD ",\"response_types_supported\":[\"id_token\"]}", "authorization code"},
		{GOOD ",\"code_challenge_methods_supported\":[\"plain\"]}", "PKCE"},
	};
	AUTO_PTR(arena) a = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct discovery d = {0};

		assert_null(discovery_parse(a, span_from(cases[i].document), SPAN(ISSUER), &d));
		assert_true(span_is(d.jwks_uri, "https://login.example.test/k"));
		assert_non_null(strstr(d.sign_in_problem, cases[i].why));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_signs_in_through_it),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
