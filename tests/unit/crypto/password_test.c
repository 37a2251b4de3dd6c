#include "test.h"

#include <string.h>

#include "crypto/password.h"

static void damaged_hashes(void **state UNUSED)
{
	static const char *const bad[] = {"", "plain",
		"$argon2i$v=19$m=47104,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
		"$argon2id$m=47104,t=1,p=1$c2FsdHNhbHQ$aGFzaA", "$argon2id$v=19$m=47104,t=1$x$y",
		"$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo", /* 4 GiB */
		"$argon2id$v=19$m=64,t=99999,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo",
		"$argon2id$v=19$m=64,t=1,p=1", "$argon2id$v=19$m=64,t=1,p=1$$",
		"$argon2id$v=19$m=-1,t=1,p=1$a$b", "$argon2id$v=19$m=64,t=1,p=1$!!$##"};
	char huge[PASSWORD_HASH_MAX + 2];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(password_verify(SPAN("x"), span_from(bad[i])) == ERR_CORRUPT, bad[i]);
	memset(huge, 'a', sizeof(huge));
	assert_int_equal(password_verify(SPAN("x"), span_of(huge, sizeof(huge))), ERR_CORRUPT);
	assert_true(password_needs_rehash(SPAN("plain")));
}

static void wrong_and_right(void **state UNUSED)
{
	AUTO(buf) a = {0};
	AUTO(buf) b = {0};
	char long_one[PASSWORD_MAX_BYTES + 1];

	memset(long_one, 'x', sizeof(long_one));
	buf_init(&a, PASSWORD_HASH_MAX);
	buf_init(&b, PASSWORD_HASH_MAX);
	assert_int_equal(password_hash(span_of(long_one, sizeof(long_one)), &a), ERR_TOO_LARGE);
	assert_ok(password_hash(SPAN("correct horse"), &a));
	assert_ok(password_hash(SPAN("correct horse"), &b));
	assert_true(span_starts_with(buf_span(&a), SPAN("$argon2id$v=19$m=47104,t=1,p=1$")));
	assert_false(span_eq(buf_span(&a), buf_span(&b)));
	assert_int_equal(password_verify(SPAN("correct hors"), buf_span(&a)), ERR_DENIED);
	assert_int_equal(password_verify(SPAN_EMPTY, buf_span(&a)), ERR_DENIED);
	assert_int_equal(
		password_verify(span_of(long_one, sizeof(long_one)), buf_span(&a)), ERR_DENIED);
	assert_ok(password_verify(SPAN("correct horse"), buf_span(&a)));
	assert_false(password_needs_rehash(buf_span(&a)));
	password_verify_nobody(SPAN("correct horse"));
}

/* Made by the command `argon2` of the reference implementation. */
static void foreign_hashes(void **state UNUSED)
{
	static const char *const phc[] = {"$argon2id$v=19$m=64,t=1,p=1$c2FsdHkgc2FsdCBzYWx0$"
					  "YDeBODYJVs0STQd17Zzh6SBPSix34S2e",
		"$argon2id$v=19$m=47104,t=1,p=1$c2FsdHkgc2FsdCBzYWx0$"
		"+f46jo/5UQH+eZfXFiOvZLYmHKdbGLQU2iW+K9Gnvog",
		"$argon2id$v=19$m=1000,t=3,p=4$c2FsdHkgc2FsdCBzYWx0$"
		"mh1QHuBEnKtI+NYNOaTCOtfIrgdo5EPUyDyJKz6b0iUFJZA4hq953VpQl5P8mzlp1HMYb+A0VMbfn475WIF+OA"};

	for (size_t i = 0; i < ARRAY_LEN(phc); i++) {
		assert_row(password_verify(SPAN("correct horse"), span_from(phc[i])) == OK, phc[i]);
		assert_row(password_verify(SPAN("correct hors"), span_from(phc[i])) == ERR_DENIED,
			phc[i]);
	}
	assert_true(password_needs_rehash(span_from(phc[0])));
	assert_false(password_needs_rehash(span_from(phc[1])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_hashes),
		cmocka_unit_test(wrong_and_right), cmocka_unit_test(foreign_hashes)};

	return cmocka_run_group_tests_name("password", tests, NULL, NULL);
}
