/* What the signer refuses, and the exact text it writes. */
#include "token/fixture.h"

#include <regex.h>
#include <string.h>

#include "base/encode.h"

#define BAD(name, of_kind, change)                                                                 \
	{                                                                                          \
		struct token_claims c = fixture_claims(of_kind);                                   \
		AUTO(buf) out;                                                                     \
		buf_init(&out, TOKEN_MAX_BYTES);                                                   \
		buf_add_str(&out, "before");                                                       \
		change;                                                                            \
		assert_row(                                                                        \
			token_sign(&c, f->keys[c.kind % TOKEN_KINDS], &out) == ERR_INVALID, name); \
		assert_span(buf_span(&out), "before");                                             \
	}

static void claims_refused(void **state)
{
	struct fixture *f = *state;

	BAD("kind", TOKEN_ACCESS, c.kind = TOKEN_KINDS);
	BAD("kid", TOKEN_ACCESS, c.kid = SPAN_EMPTY);
	BAD("kid with a slash", TOKEN_ACCESS, c.kid = SPAN("a/b"));
	BAD("iss", TOKEN_ACCESS, c.iss = SPAN_EMPTY);
	BAD("sub", TOKEN_DEVICE, c.sub = SPAN_EMPTY);
	BAD("aud", TOKEN_DOWNLOAD, c.aud = SPAN_EMPTY);
	BAD("jti", TOKEN_ACCESS, c.jti = SPAN_EMPTY);
	BAD("iat", TOKEN_ACCESS, c.iat = 0);
	BAD("exp", TOKEN_ACCESS, c.exp = 0);
	BAD("exp before iat", TOKEN_ACCESS, c.exp = c.iat);
	BAD("negative time", TOKEN_ACCESS, c.nbf = -1);
	BAD("time beyond 9999", TOKEN_ACCESS, c.exp = INT64_MAX);
	BAD("client_id", TOKEN_ACCESS, c.client_id = SPAN_EMPTY);
	BAD("role", TOKEN_ACCESS, c.role = SPAN_EMPTY);
	BAD("quote", TOKEN_ACCESS, c.org = SPAN("a\",\"role\":\"admin"));
	BAD("backslash", TOKEN_ACCESS, c.org = SPAN("a\\"));
	BAD("control", TOKEN_ACCESS, c.org = SPAN("a\n"));
	BAD("NUL", TOKEN_ACCESS, c.org = SPAN("a\0b"));
	BAD("not ASCII", TOKEN_ACCESS, c.org = SPAN("\xc3\xa4"));
	BAD("two spaces", TOKEN_ACCESS, c.permissions = SPAN("a  b"));
	BAD("trailing space", TOKEN_DEVICE, c.entitlements = SPAN("a "));
	BAD("epoch", TOKEN_DEVICE, c.subject_epoch = UINT64_MAX);
	BAD("download", TOKEN_DOWNLOAD, c.download = SPAN_EMPTY);
	BAD("uri", TOKEN_DOWNLOAD, c.uri = SPAN_EMPTY);
	BAD("neither digest nor release", TOKEN_DOWNLOAD, c.digest = c.release = SPAN_EMPTY);
	BAD("digest without file name", TOKEN_DOWNLOAD, c.filename = SPAN_EMPTY);
	BAD("file name without digest", TOKEN_DOWNLOAD, c.digest = SPAN_EMPTY);
	BAD("short digest", TOKEN_DOWNLOAD, c.digest.len--);
	BAD("upper-case digest", TOKEN_DOWNLOAD,
		c.digest =
			SPAN("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"));
}

static void lists_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct token_claims c = fixture_claims(TOKEN_DEVICE);
	AUTO(buf) list = {0};
	AUTO(buf) out = {0};

	buf_init(&list, 1000);
	buf_init(&out, TOKEN_MAX_BYTES);
	for (int i = 0; i < TOKEN_MAX_LIST; i++)
		buf_add_str(&list, i ? " e" : "e");
	c.entitlements = buf_span(&list);
	assert_ok(token_sign(&c, f->keys[TOKEN_DEVICE], &out));
	buf_add_str(&list, " e");
	c.entitlements = buf_span(&list);
	buf_clear(&out);
	assert_int_equal(token_sign(&c, f->keys[TOKEN_DEVICE], &out), ERR_INVALID);
}

static void size_is_bounded(void **state)
{
	struct fixture *f = *state;
	char text[TOKEN_MAX_BYTES];
	struct token_claims c = fixture_claims(TOKEN_ACCESS);
	AUTO(buf) out = {0};
	char small_memory[100];
	struct buf small;
	bool too_large = false;

	memset(text, 'x', sizeof(text));
	buf_init(&out, 1 << 20);
	for (size_t len = 2400; len < 3200; len += 8) {
		c.org = span_of(text, len);
		err e = token_sign(&c, f->keys[TOKEN_ACCESS], &out);

		assert_true(e == OK || e == ERR_TOO_LARGE);
		assert_true(buf_len(&out) <= TOKEN_MAX_BYTES);
		assert_true(!too_large || e); /* once too large, always */
		too_large = too_large || e;
		buf_clear(&out);
	}
	assert_true(too_large);
	c = fixture_claims(TOKEN_ACCESS);
	buf_init_fixed(&small, small_memory, sizeof(small_memory));
	assert_int_equal(token_sign(&c, f->keys[TOKEN_ACCESS], &small), ERR_TOO_LARGE);
	assert_int_equal(buf_len(&small), 0);
}

static void public_key_cannot_sign(void **state)
{
	struct fixture *f = *state;
	uint8_t point[ECKEY_PUBLIC_SIZE];
	AUTO_PTR(eckey) public = NULL;
	struct token_claims c = fixture_claims(TOKEN_ACCESS);
	AUTO(buf) out = {0};

	buf_init(&out, TOKEN_MAX_BYTES);
	eckey_public(f->keys[TOKEN_ACCESS], point);
	assert_ok(eckey_from_public(point, &public));
	assert_int_equal(token_sign(&c, public, &out), ERR_INVALID);
	assert_int_equal(buf_len(&out), 0);
}

/* Decodes part number `part` of the token. */
static void decode_part(span token, int part, struct buf *out)
{
	char bytes[TOKEN_DECODED_MAX];
	span text = SPAN_EMPTY;
	size_t len;

	for (int i = 0; i <= part; i++)
		assert_true(span_cut(&token, '.', &text));
	assert_ok(base64url_decode(text, bytes, sizeof(bytes), &len));
	buf_clear(out);
	buf_add(out, span_of(bytes, len));
}

static void exact_texts(void **state)
{
	static const char *const headers[TOKEN_KINDS] = {
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}",
		"{\"alg\":\"ES256\",\"typ\":\"slipway-device+jwt\",\"kid\":\"dev-1\"}",
		"{\"alg\":\"ES256\",\"typ\":\"slipway-dl+jwt\",\"kid\":\"dl-1\"}"};
	static const char *const payloads[TOKEN_KINDS] = {
		"{\"iss\":\"https://"
		"slipway.test\",\"sub\":\"acc_1\",\"aud\":\"slipway\",\"jti\":\"jti-1\","
		"\"iat\":1700000000,\"exp\":1700000600,\"client_id\":\"portal\",\"role\":\"user\","
		"\"scope\":\"self.read "
		"self.write\",\"sid\":\"ses_1\",\"org\":\"org_1\",\"dev\":\"dev_1\","
		"\"lic\":\"lic_1\",\"prd\":\"prod_1\",\"ent\":\"pro\",\"ep\":3,\"gep\":4}",
		"{\"iss\":\"https://"
		"slipway.test\",\"sub\":\"dev_1\",\"aud\":\"slipway\",\"jti\":\"jti-1\","
		"\"iat\":1700000000,\"exp\":1700000600,\"acc\":\"acc_1\",\"org\":\"org_1\","
		"\"lic\":\"lic_1\",\"prd\":\"prod_1\",\"ent\":\"pro extra\",\"ep\":3,\"gep\":4}",
		"{\"iss\":\"https://"
		"slipway.test\",\"sub\":\"acc_1\",\"aud\":\"slipway\",\"jti\":\"jti-1\","
		"\"iat\":1700000000,\"nbf\":1699999995,\"exp\":1700000600,\"dev\":\"dev_1\",\"ep\":"
		"3,"
		"\"gep\":4,\"dl\":\"dl_1\",\"eps\":\"dev_1\",\"dig\":\"" DIGEST_HEX
		"\",\"rel\":\"rel_1\","
		"\"pkg\":\"pkg_1\",\"fn\":\"openvpn_2.6.3-1+deb12u2_amd64.deb\","
		"\"cdniuc\":\"regex:^https?://[^/]+/d/[^/]+/x$\",\"cdniip\":\"192.0.2.0/24\","
		"\"rc\":\"slow\",\"edge\":\"edg_1\"}"};
	struct fixture *f = *state;
	AUTO(buf) out = {0};
	AUTO(buf) part = {0};

	buf_init(&out, TOKEN_MAX_BYTES);
	buf_init(&part, TOKEN_MAX_BYTES);
	for (int kind = 0; kind < TOKEN_KINDS; kind++) {
		struct token_claims c = fixture_claims((enum token_kind)kind);
		span text = fixture_sign(f, &c, &out);

		decode_part(text, 0, &part);
		assert_span(buf_span(&part), headers[kind]);
		decode_part(text, 1, &part);
		assert_span(buf_span(&part), payloads[kind]);
	}
}

/* The container is a POSIX extended regular expression: it must match its file and no other. */
static void download_uri(void **state UNUSED)
{
	static const struct {
		const char *filename, *url;
		bool matches;
	} rows[] = {
		{"a.deb", "https://dl.example/d/TOKEN/a.deb", true},
		{"a.deb", "http://dl.example:8080/d/TOKEN/a.deb?token=x", true},
		{"a.deb", "https://dl.example/d/TOKEN/a-deb", false}, /* '.' is no wildcard */
		{"a.deb", "https://dl.example/d/TOKEN/a.deb.exe", false},
		{"a.deb", "https://dl.example/d/TOKEN/xa.deb", false},
		{"a.deb", "https://dl.example/d/TOKEN/b/a.deb", false},
		{"a.deb", "https://dl.example/e/TOKEN/a.deb", false},
		{"a.deb", "ftp://dl.example/d/TOKEN/a.deb", false},
		{"vpn 2+(1).deb", "https://dl.example/d/T/vpn%202+(1).deb", true},
		{"vpn 2+(1).deb", "https://dl.example/d/T/vpn%202%2B%281%29.deb", true},
		{"vpn 2+(1).deb", "https://dl.example/d/T/vpn%20221.deb", false},
		{"[^]\\.x", "https://dl.example/d/T/%5B%5E%5D%5C.x", true},
		{"", "https://dl.example/d/T/anything.pkg", true},
		{"", "https://dl.example/d/T/", false},
		{"", "https://dl.example/d/T/a/b", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		regex_t re;
		AUTO(buf) b = {0};

		buf_init(&b, 1000);
		token_download_uri(&b, span_from(rows[i].filename));
		assert_ok(buf_error(&b));
		assert_true(span_starts_with(buf_span(&b), SPAN("regex:")));
		assert_int_equal(regcomp(&re, buf_str(&b) + 6, REG_EXTENDED | REG_NOSUB), 0);
		assert_row((regexec(&re, rows[i].url, 0, NULL, 0) == 0) == rows[i].matches,
			rows[i].url);
		assert_false(span_contains(buf_span(&b), SPAN("\\")));
		regfree(&re);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(claims_refused),
		cmocka_unit_test(lists_are_bounded), cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(public_key_cannot_sign), cmocka_unit_test(exact_texts),
		cmocka_unit_test(download_uri)};

	return cmocka_run_group_tests_name("token sign", tests, fixture_setup, fixture_teardown);
}
