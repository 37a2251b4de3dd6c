#include "token/fixture.h"

#include <string.h>

static void names(void **state UNUSED)
{
	assert_string_equal(token_verdict_name(TOKEN_OK), "ok");
	assert_string_equal(token_verdict_name(TOKEN_BAD_SIGNATURE), "bad_signature");
	assert_string_equal(token_verdict_name((enum token_verdict)99), "malformed");
	for (int v = 0; v < TOKEN_VERDICTS; v++)
		assert_non_null(token_verdict_name((enum token_verdict)v));
	assert_string_equal(token_kind_typ(TOKEN_ACCESS), "at+jwt");
	assert_string_equal(token_kind_typ(TOKEN_DEVICE), "slipway-device+jwt");
	assert_string_equal(token_kind_typ(TOKEN_DOWNLOAD), "slipway-dl+jwt");
}

static void lists(void **state UNUSED)
{
	assert_false(token_list_has(SPAN_EMPTY, SPAN("a")));
	assert_false(token_list_has(SPAN("a b"), SPAN_EMPTY));
	assert_false(token_list_has(SPAN("a  b"), SPAN_EMPTY));
	assert_false(token_list_has(SPAN("ab abc"), SPAN("a")));
	assert_false(token_list_has(SPAN("a b"), SPAN("a b")));
	assert_true(token_list_has(SPAN("a b c"), SPAN("a")));
	assert_true(token_list_has(SPAN("a b c"), SPAN("c")));
}

static void times(void **state UNUSED)
{
	static const struct {
		int64_t iat, nbf, exp;
		enum token_verdict want;
	} rows[] = {
		{NOW, 0, NOW + 1, TOKEN_OK},
		{NOW - 100, 0, NOW, TOKEN_OK}, /* within the leeway */
		{NOW - 100, 0, NOW - TOKEN_LEEWAY_S + 1, TOKEN_OK},
		{NOW - 100, 0, NOW - TOKEN_LEEWAY_S, TOKEN_EXPIRED},
		{NOW - 100, 0, NOW - 99, TOKEN_EXPIRED},
		{NOW + TOKEN_LEEWAY_S, 0, NOW + 100, TOKEN_OK},
		{NOW + TOKEN_LEEWAY_S + 1, 0, NOW + 100, TOKEN_NOT_YET_VALID},
		{NOW, NOW + TOKEN_LEEWAY_S, NOW + 100, TOKEN_OK},
		{NOW, NOW + TOKEN_LEEWAY_S + 1, NOW + 100, TOKEN_NOT_YET_VALID},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct token_claims c = {
			.iat = rows[i].iat, .nbf = rows[i].nbf, .exp = rows[i].exp};

		assert_int_equal(token_check_time(&c, NOW), rows[i].want);
	}
}

static void round_trip(void **state)
{
	struct fixture *f = *state;
	char scratch[TOKEN_DECODED_MAX];
	AUTO(buf) out = {0};

	buf_init(&out, TOKEN_MAX_BYTES);
	for (int kind = 0; kind < TOKEN_KINDS; kind++) {
		struct token_claims c = fixture_claims((enum token_kind)kind), got;
		span text = fixture_sign(f, &c, &out);

		assert_int_equal(
			token_verify(c.kind, text, &f->verifier, NOW, scratch, &got), TOKEN_OK);
		assert_span(got.jti, "jti-1");
		assert_true(span_eq(got.kid, c.kid) && span_eq(got.sub, c.sub));
		assert_int_equal(got.exp, NOW + 600);
		assert_int_equal(got.subject_epoch, 3);
		assert_int_equal(got.global_epoch, 4);
		assert_true(span_eq(got.permissions, c.permissions));
		assert_true(span_eq(got.entitlements, c.entitlements));
		assert_true(span_eq(got.filename, c.filename));
		assert_span(got.device, "dev_1");
		assert_span(got.epoch_subject, kind == TOKEN_ACCESS ? "acc_1" : "dev_1");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(lists),
		cmocka_unit_test(times), cmocka_unit_test(round_trip)};

	return cmocka_run_group_tests_name("token", tests, fixture_setup, fixture_teardown);
}
