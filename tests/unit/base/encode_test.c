#include "test.h"

#include <string.h>

#include "base/encode.h"

/* RFC 4648 section 10. */
static const struct {
	const char *plain, *base64, *base64url;
} rfc4648[] = {
	{"", "", ""},
	{"f", "Zg==", "Zg"},
	{"fo", "Zm8=", "Zm8"},
	{"foo", "Zm9v", "Zm9v"},
	{"foob", "Zm9vYg==", "Zm9vYg"},
	{"fooba", "Zm9vYmE=", "Zm9vYmE"},
	{"foobar", "Zm9vYmFy", "Zm9vYmFy"},
	{"\xfb\xff\xfe", "+//+", "-__-"},
};

static void base64url_refused(void **state UNUSED)
{
	static const char *const bad[] = {"Z", "Zg==", "Zg=", "Zh", "Zm9", "Zm9vY", "Zm+v", "Zm/v",
		"Zm 9", "Zm9v\n", " Zm9v", "Zm9v=", "Z\xc3\xa4g", "====", "Zm9\x80"};
	char out[32];
	size_t len = 99;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(
			base64url_decode(span_from(bad[i]), out, sizeof(out), &len) == ERR_INVALID,
			bad[i]);
	assert_int_equal(
		base64url_decode(span_of("Zm\0v", 4), out, sizeof(out), &len), ERR_INVALID);
	assert_int_equal(base64url_decode(SPAN("Zm9vYmFy"), out, 5, &len), ERR_TOO_LARGE);
	assert_int_equal(len, 99);
}

static void base64_refused(void **state UNUSED)
{
	static const char *const bad[] = {"Zg",
		"Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zm-v", "Zm_v",
		"Zg==Zg==", "=Zg=", "Zm9v\n", "Zm9vZ"};
	char out[32];
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(base64_decode(span_from(bad[i]), out, sizeof(out), &len) == ERR_INVALID,
			bad[i]);
	assert_int_equal(base64_decode(SPAN("Zm9vYmFy"), out, 5, &len), ERR_TOO_LARGE);
}

static void base64_vectors(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rfc4648); i++) {
		span plain = span_from(rfc4648[i].plain);
		char bytes[16];
		size_t len;
		AUTO(buf) b = {0};

		buf_init(&b, 100);
		base64_encode(&b, plain);
		assert_span(buf_span(&b), rfc4648[i].base64);
		assert_ok(base64_decode(buf_span(&b), bytes, sizeof(bytes), &len));
		assert_true(span_eq(span_of(bytes, len), plain));
		buf_clear(&b);
		base64url_encode(&b, plain);
		assert_span(buf_span(&b), rfc4648[i].base64url);
		assert_int_equal(base64url_decoded_len(buf_len(&b)), plain.len);
		assert_ok(base64url_decode(buf_span(&b), bytes, plain.len, &len));
		assert_true(span_eq(span_of(bytes, len), plain));
	}
}

static void hex(void **state UNUSED)
{
	static const char *const bad[] = {"", "0", "00f", "0g", "0F", "0x", " 0", "000102"};
	uint8_t bytes[2] = {7, 7};
	AUTO(buf) b = {0};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(hex_decode(span_from(bad[i]), bytes, 2) == ERR_INVALID, bad[i]);
	assert_int_equal(hex_decode(SPAN("00f"), bytes, 1), ERR_INVALID);
	assert_int_equal(hex_decode(SPAN("00zz"), bytes, 2), ERR_INVALID);
	assert_true(bytes[0] == 7 && bytes[1] == 7);
	assert_ok(hex_decode(SPAN("00fe"), bytes, 2));
	assert_true(bytes[0] == 0 && bytes[1] == 0xfe);
	assert_ok(hex_decode(SPAN_EMPTY, bytes, 0));
	buf_init(&b, 4);
	hex_encode(&b, span_of(bytes, 2));
	assert_span(buf_span(&b), "00fe");
	hex_encode(&b, span_of(bytes, 1));
	assert_int_equal(buf_error(&b), ERR_TOO_LARGE);
}

static void percent_refused(void **state UNUSED)
{
	static const char *const bad[] = {"%", "%4", "%zz", "%4z", "a%", "%00", "x%0", "%%41"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(buf) b = {0};

		buf_init(&b, 100);
		assert_row(percent_decode(&b, span_from(bad[i])) == ERR_INVALID, bad[i]);
	}
	AUTO(buf) small = {0};

	buf_init(&small, 2);
	assert_int_equal(percent_decode(&small, SPAN("abc")), ERR_TOO_LARGE);
}

static void percent(void **state UNUSED)
{
	AUTO(buf) b = {0};

	buf_init(&b, 1000);
	percent_encode(&b, SPAN("AZaz09-._~ +/%\xc3\xa4"));
	assert_span(buf_span(&b), "AZaz09-._~%20%2B%2F%25%C3%A4");
	buf_clear(&b);
	assert_ok(percent_decode(&b, SPAN("a+b%20%2b%2B%2541")));
	assert_span(buf_span(&b), "a+b ++%41"); /* decoded once */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(base64url_refused),
		cmocka_unit_test(base64_refused), cmocka_unit_test(base64_vectors),
		cmocka_unit_test(hex), cmocka_unit_test(percent_refused),
		cmocka_unit_test(percent)};

	return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
