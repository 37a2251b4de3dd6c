/* Tokens of others: each way in which one can lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <cjose/cjose.h>

#include "base/arena.h"
#include "base/encode.h"
#include "crypto/ed25519.h"
#include "federation/foreign_token.h"
#include "federation/strict_json.h"

#define NOW       1700000000
#define ISSUER    "https://login.example.test"
#define AUDIENCE  "slipway"
#define CLAIMS(x) "{\"iss\":\"" ISSUER "\",\"aud\":\"slipway\",\"sub\":\"alice\"," x "}"
#define TIMES     "\"iat\":1700000000,\"exp\":1700000300"

static cjose_jwk_t *rsa, *ec, *other;

static int make_keys(void **state)
{
	cjose_err e;

	(void)state;
	rsa = cjose_jwk_create_RSA_random(2048, (const uint8_t *)"\x01\x00\x01", 3, &e);
	other = cjose_jwk_create_RSA_random(2048, (const uint8_t *)"\x01\x00\x01", 3, &e);
	ec = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &e);
	return rsa && ec && other ? 0 : -1;
}

static int free_keys(void **state)
{
	(void)state;
	cjose_jwk_release(rsa);
	cjose_jwk_release(ec);
	cjose_jwk_release(other);
	return 0;
}

/* The JWK of a key with these members besides. */
static json_t *jwk(const cjose_jwk_t *key, bool private, const char *more)
{
	cjose_err e;
	char *text = cjose_jwk_to_json(key, private, &e);
	json_t *object = json_loads(text, 0, NULL), *extra = json_loads(more, 0, NULL);

	free(text);
	assert_non_null(extra);
	json_object_update(object, extra);
	json_decref(extra);
	return object;
}

static struct key_set *set_of(json_t *a, json_t *b)
{
	json_t *set = json_object(), *keys = json_array();
	struct key_set *ret;

	json_array_append_new(keys, a);
	if (b)
		json_array_append_new(keys, b);
	json_object_set_new(set, "keys", keys);
	char *text = json_dumps(set, JSON_COMPACT);

	assert_int_equal(key_set_parse(span_from(text), &ret), OK);
	free(text);
	json_decref(set);
	return ret;
}

static struct key_set *usual_keys(void)
{
	return set_of(jwk(rsa, false, "{\"kid\":\"r\",\"use\":\"sig\"}"),
		jwk(ec, false, "{\"kid\":\"e\",\"alg\":\"ES256\"}"));
}

/* A token, signed by libcjose as the header says. */
static span sign(struct arena *a, const cjose_jwk_t *key, const char *header, const char *claims)
{
	cjose_err e;
	cjose_header_t *h = (cjose_header_t *)json_loads(header, 0, NULL);
	const char *text;
	cjose_jws_t *jws = cjose_jws_sign(key, h, (const uint8_t *)claims, strlen(claims), &e);
	span ret;

	assert_non_null(jws);
	assert_true(cjose_jws_export(jws, &text, &e));
	ret = arena_span(a, span_from(text));
	cjose_jws_release(jws);
	cjose_header_release(h);
	return ret;
}

static enum foreign_verdict verify(struct arena *a, const struct key_set *keys, span token)
{
	struct foreign_expected expected = {
		.issuer = SPAN(ISSUER), .audience = SPAN(AUDIENCE), .types = "JWT"};
	json_t *claims = NULL;
	enum foreign_verdict v = foreign_token_verify(keys, token, &expected, NOW, a, &claims);

	if (!v)
		assert_true(span_is(member_text(claims, "sub"), "alice"));
	else
		assert_null(claims);
	return v;
}

/* By: 'r', 'e' or 'o', a key that is not in the set. */
struct lie {
	const char *what;
	char by;
	const char *header, *claims;
	enum foreign_verdict expected;
};

static const struct lie lies[] = {
	{"good RS256", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}", CLAIMS(TIMES), FOREIGN_OK},
	{"good ES256", 'e', "{\"alg\":\"ES256\",\"kid\":\"e\"}", CLAIMS(TIMES), FOREIGN_OK},
	{"typ", 'e', "{\"alg\":\"ES256\",\"kid\":\"e\",\"typ\":\"application/jwt\"}", CLAIMS(TIMES),
		FOREIGN_OK},
	{"aud among others", 'e', "{\"alg\":\"ES256\",\"kid\":\"e\"}",
		"{\"iss\":\"" ISSUER "\",\"aud\":[\"x\",\"slipway\"],\"sub\":\"alice\"," TIMES "}",
		FOREIGN_OK},
	{"just within leeway", 'e', "{\"alg\":\"ES256\",\"kid\":\"e\"}",
		CLAIMS("\"iat\":1700000030,\"nbf\":1700000030,\"exp\":1699999971"), FOREIGN_OK},
	{"wrong key", 'o', "{\"alg\":\"RS256\",\"kid\":\"r\"}", CLAIMS(TIMES),
		FOREIGN_BAD_SIGNATURE},
	{"kid unknown", 'r', "{\"alg\":\"RS256\",\"kid\":\"../r\"}", CLAIMS(TIMES),
		FOREIGN_UNKNOWN_KEY},
	{"kid missing, two keys", 'r', "{\"alg\":\"RS256\"}", CLAIMS(TIMES), FOREIGN_UNKNOWN_KEY},
	{"kid of the other key", 'r', "{\"alg\":\"RS256\",\"kid\":\"e\"}", CLAIMS(TIMES),
		FOREIGN_WRONG_ALGORITHM},
	{"PS256 with an RS256 key", 'r', "{\"alg\":\"PS256\",\"kid\":\"r\"}", CLAIMS(TIMES),
		FOREIGN_WRONG_ALGORITHM},
	{"RS512", 'r', "{\"alg\":\"RS512\",\"kid\":\"r\"}", CLAIMS(TIMES), FOREIGN_WRONG_ALGORITHM},
	{"typ of a logout token", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\",\"typ\":\"logout+jwt\"}",
		CLAIMS(TIMES), FOREIGN_WRONG_TYPE},
	{"typ of an access token", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\",\"typ\":\"at+jwt\"}",
		CLAIMS(TIMES), FOREIGN_WRONG_TYPE},
	{"empty typ", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\",\"typ\":\"\"}", CLAIMS(TIMES),
		FOREIGN_WRONG_TYPE},
	{"crit", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\",\"crit\":[\"exp\"]}", CLAIMS(TIMES),
		FOREIGN_MALFORMED},
	{"zip", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\",\"zip\":\"DEF\"}", CLAIMS(TIMES),
		FOREIGN_MALFORMED},
	{"kid a number", 'r', "{\"alg\":\"RS256\",\"kid\":7}", CLAIMS(TIMES), FOREIGN_MALFORMED},
	{"iss of another", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		"{\"iss\":\"https://evil.test\",\"aud\":\"slipway\",\"sub\":\"alice\"," TIMES "}",
		FOREIGN_WRONG_ISSUER},
	{"iss with a slash", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		"{\"iss\":\"" ISSUER "/\",\"aud\":\"slipway\",\"sub\":\"alice\"," TIMES "}",
		FOREIGN_WRONG_ISSUER},
	{"no iss", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		"{\"aud\":\"slipway\",\"sub\":\"alice\"," TIMES "}", FOREIGN_WRONG_ISSUER},
	{"iss twice", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		CLAIMS(TIMES ",\"iss\":\"" ISSUER "\""), FOREIGN_MALFORMED},
	{"sub twice", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}", CLAIMS(TIMES ",\"sub\":\"admin\""),
		FOREIGN_MALFORMED},
	{"sub with NUL", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		"{\"iss\":\"" ISSUER "\",\"aud\":\"slipway\",\"sub\":\"a\\u0000b\"," TIMES "}",
		FOREIGN_MALFORMED},
	{"aud of another", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		"{\"iss\":\"" ISSUER "\",\"aud\":\"slipway2\",\"sub\":\"alice\"," TIMES "}",
		FOREIGN_WRONG_AUDIENCE},
	{"aud empty", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		"{\"iss\":\"" ISSUER "\",\"aud\":[],\"sub\":\"alice\"," TIMES "}",
		FOREIGN_WRONG_AUDIENCE},
	{"no sub", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		"{\"iss\":\"" ISSUER "\",\"aud\":\"slipway\"," TIMES "}", FOREIGN_MISSING_CLAIM},
	{"sub a number", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		"{\"iss\":\"" ISSUER "\",\"aud\":\"slipway\",\"sub\":1," TIMES "}",
		FOREIGN_MISSING_CLAIM},
	{"no exp", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}", CLAIMS("\"iat\":1700000000"),
		FOREIGN_MISSING_CLAIM},
	{"no iat", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}", CLAIMS("\"exp\":1700000300"),
		FOREIGN_MISSING_CLAIM},
	{"exp a text", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		CLAIMS("\"iat\":1700000000,\"exp\":\"1700000300\""), FOREIGN_MISSING_CLAIM},
	{"exp beyond all time", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		CLAIMS("\"iat\":1700000000,\"exp\":1e300"), FOREIGN_MISSING_CLAIM},
	{"expired", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		CLAIMS("\"iat\":1699999000,\"exp\":1699999970"), FOREIGN_EXPIRED},
	{"issued in the future", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		CLAIMS("\"iat\":1700000031,\"exp\":1700000300"), FOREIGN_NOT_YET_VALID},
	{"nbf in the future", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}",
		CLAIMS(TIMES ",\"nbf\":1700000031"), FOREIGN_NOT_YET_VALID},
	{"nbf a text", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}", CLAIMS(TIMES ",\"nbf\":\"0\""),
		FOREIGN_NOT_YET_VALID},
	{"claims an array", 'r', "{\"alg\":\"RS256\",\"kid\":\"r\"}", "[]", FOREIGN_MALFORMED},
};

static void test_lies(void **state)
{
	struct key_set *keys = usual_keys();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		AUTO_PTR(arena) a = arena_new();
		const cjose_jwk_t *by = lies[i].by == 'r' ? rsa : lies[i].by == 'e' ? ec : other;
		span token = sign(a, by, lies[i].header, lies[i].claims);
		enum foreign_verdict v = verify(a, keys, token);

		if (v != lies[i].expected)
			fail_msg("%s: %s", lies[i].what, foreign_verdict_name(v));
	}
	key_set_unref(keys);
}

static span unsigned_token(
	struct arena *a, const char *header, const char *claims, const char *tail)
{
	AUTO(buf) b = {0};

	buf_init(&b, 4096);
	base64url_encode(&b, span_from(header));
	buf_add_byte(&b, '.');
	base64url_encode(&b, span_from(claims));
	buf_add_str(&b, tail);
	return arena_span(a, buf_span(&b));
}

/* Algorithms that are not a key's, in all spellings. */
static void test_algorithms_of_attackers(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"kid\":\"r\"}",
		"{\"alg\":\"nOnE\",\"kid\":\"r\"}",
		"{\"alg\":\"\",\"kid\":\"r\"}",
		"{\"alg\":\"rs256\",\"kid\":\"r\"}",
		"{\"alg\":\"HS256\",\"kid\":\"r\"}",
	};
	struct key_set *keys = usual_keys();
	AUTO_PTR(arena) a = arena_new();
	cjose_err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		assert_int_equal(
			verify(a, keys, unsigned_token(a, headers[i], CLAIMS(TIMES), ".AAAA")),
			FOREIGN_WRONG_ALGORITHM);
		assert_int_equal(verify(a, keys, unsigned_token(a, headers[i], CLAIMS(TIMES), ".")),
			FOREIGN_MALFORMED);
	}
	assert_int_equal(
		verify(a, keys, unsigned_token(a, "{\"kid\":\"r\"}", CLAIMS(TIMES), ".AAAA")),
		FOREIGN_MALFORMED);
	assert_int_equal(
		verify(a, keys,
			unsigned_token(a, "{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"r\"}",
				CLAIMS(TIMES), ".AAAA")),
		FOREIGN_MALFORMED);
	/* The public key as the secret of an HMAC. */
	json_t *public = jwk(rsa, false, "{}");
	span n = member_text(public, "n");
	cjose_jwk_t *hmac = cjose_jwk_create_oct_spec((const uint8_t *)n.ptr, n.len, &e);

	assert_int_equal(
		verify(a, keys, sign(a, hmac, "{\"alg\":\"HS256\",\"kid\":\"r\"}", CLAIMS(TIMES))),
		FOREIGN_WRONG_ALGORITHM);
	cjose_jwk_release(hmac);
	json_decref(public);
	key_set_unref(keys);
}

/* A key in the token is not a key; nor is what it points to. */
static void test_keys_in_the_token(void **state)
{
	struct key_set *keys = usual_keys();
	AUTO_PTR(arena) a = arena_new();
	json_t *header = json_object();

	(void)state;
	json_object_set_new(header, "alg", json_string("RS256"));
	json_object_set_new(header, "kid", json_string("r"));
	json_object_set_new(header, "jku", json_string("https://evil.test/keys"));
	json_object_set_new(header, "jwk", jwk(other, false, "{}"));
	char *text = json_dumps(header, 0);

	assert_int_equal(
		verify(a, keys, sign(a, other, text, CLAIMS(TIMES))), FOREIGN_BAD_SIGNATURE);
	assert_int_equal(verify(a, keys, sign(a, rsa, text, CLAIMS(TIMES))), FOREIGN_OK);
	free(text);
	json_decref(header);
	key_set_unref(keys);
}

static void test_texts(void **state)
{
	struct key_set *keys = usual_keys();
	AUTO_PTR(arena) a = arena_new();
	span good = sign(a, rsa, "{\"alg\":\"RS256\",\"kid\":\"r\"}", CLAIMS(TIMES));
	static const char *const formats[] = {"", ".", "..", "...", "a.b.c", "%.*s.", "%.*s.x",
		"%.*s.x.y", "%.*s=", "%.*s ", " %.*s"};

	(void)state;
	assert_true(span_is(foreign_token_kid(a, good), "r"));
	assert_true(span_is(foreign_token_issuer(a, good), ISSUER));
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		AUTO(buf) text = {0};
		span rest = span_from(formats[i]), before;

		buf_init(&text, 2 * FOREIGN_TOKEN_MAX);
		(void)span_cut(&rest, '%', &before);
		buf_add(&text, before);
		if (rest.ptr) {
			buf_add(&text, good);
			buf_add(&text, span_from_offset(rest, 3));
		}
		assert_int_equal(verify(a, keys, buf_span(&text)), FOREIGN_MALFORMED);
		assert_int_equal(foreign_token_kid(a, buf_span(&text)).len, 0);
	}
	/* The last character of the signature has bits that mean nothing: they must be zero. */
	char *twisted = arena_str(a, good);
	char *last = &twisted[good.len - 1];

	*last = *last == 'A' ? 'B' : *last == 'Q' ? 'R' : *last == 'g' ? 'h' : 'x';
	assert_int_equal(verify(a, keys, span_from(twisted)), FOREIGN_MALFORMED);
	char *huge = arena_try_alloc(a, FOREIGN_TOKEN_MAX + 2);

	memset(huge, 'A', FOREIGN_TOKEN_MAX + 1);
	assert_int_equal(verify(a, keys, span_from(huge)), FOREIGN_MALFORMED);
	key_set_unref(keys);
}

static void test_one_key_needs_no_kid(void **state)
{
	AUTO_PTR(arena) a = arena_new();
	struct key_set *one = set_of(jwk(rsa, false, "{\"alg\":\"PS256\"}"), NULL);

	(void)state;
	assert_int_equal(
		verify(a, one, sign(a, rsa, "{\"alg\":\"PS256\"}", CLAIMS(TIMES))), FOREIGN_OK);
	assert_int_equal(verify(a, one, sign(a, rsa, "{\"alg\":\"RS256\"}", CLAIMS(TIMES))),
		FOREIGN_WRONG_ALGORITHM);
	key_set_unref(one);
}

/* Keys that are none of ours, and a kid that two keys have. */
static void test_keys_left_out(void **state)
{
	static const struct {
		const char *more;
		bool of_ec;
		size_t count;
	} cases[] = {
		{"{}", false, 1},
		{"{\"use\":\"enc\"}", false, 0},
		{"{\"key_ops\":[\"encrypt\"]}", false, 0},
		{"{\"key_ops\":[\"verify\"]}", false, 1},
		{"{\"alg\":\"RSA-OAEP\"}", false, 0},
		{"{\"alg\":\"none\"}", false, 0},
		{"{\"alg\":\"HS256\"}", false, 0},
		{"{\"alg\":\"ES256\"}", false, 0},
		{"{\"kty\":\"oct\",\"k\":\"AAAA\"}", false, 0},
		{"{\"n\":\"AQAB\"}", false, 0},
		{"{\"e\":\"\"}", false, 0},
		{"{\"e\":\"AQABAQABAQABAQAB\"}", false, 0},
		{"{}", true, 1},
		{"{\"crv\":\"P-384\"}", true, 0},
		{"{\"x\":\"AAAA\"}", true, 0},
		{"{\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", true, 0},
	};
	AUTO_PTR(arena) a = arena_new();
	struct key_set *keys;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		keys = set_of(jwk(cases[i].of_ec ? ec : rsa, i % 2 == 0, cases[i].more), NULL);
		if (key_set_count(keys) != cases[i].count)
			fail_msg("%s: %zu", cases[i].more, key_set_count(keys));
		key_set_unref(keys);
	}
	keys = set_of(jwk(rsa, false, "{\"kid\":\"r\"}"), jwk(other, false, "{\"kid\":\"r\"}"));
	assert_false(key_set_has(keys, SPAN("r")));
	assert_int_equal(
		verify(a, keys, sign(a, rsa, "{\"alg\":\"RS256\",\"kid\":\"r\"}", CLAIMS(TIMES))),
		FOREIGN_UNKNOWN_KEY);
	key_set_unref(keys);
}

/* Ed25519 (RFC 8037), which libcjose does not know ----------------------------------------------
 */

#define SEED   "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
#define PUBLIC "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define OKP(x) "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" x "\""

static struct key_set *set_of_text(const char *key)
{
	struct key_set *ret;
	AUTO_PTR(arena) a = arena_new();

	assert_int_equal(
		key_set_parse(span_from(arena_printf(a, "{\"keys\":[%s]}", key)), &ret), OK);
	return ret;
}

/* A token of the key of RFC 8037, appendix A.1. */
static span sign_ed25519(struct arena *a, const char *header, const char *claims)
{
	uint8_t seed[ED25519_SEED_SIZE], signature[ED25519_SIGNATURE_SIZE];
	size_t len;
	AUTO(buf) b = {0};

	assert_int_equal(base64url_decode(SPAN(SEED), seed, sizeof(seed), &len), OK);
	buf_init(&b, 4096);
	base64url_encode(&b, span_from(header));
	buf_add_byte(&b, '.');
	base64url_encode(&b, span_from(claims));
	assert_int_equal(ed25519_sign(seed, buf_span(&b), signature), OK);
	buf_add_byte(&b, '.');
	base64url_encode(&b, span_of(signature, sizeof(signature)));
	return arena_span(a, buf_span(&b));
}

static void test_ed25519_of_the_rfc(void **state)
{
	static const char *const example =
		"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
		"09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
	struct key_set *keys = set_of_text(OKP(PUBLIC) "}");

	(void)state;
	assert_int_equal(key_set_count(keys), 1);
	assert_int_equal(key_set_check(keys, SPAN_EMPTY, SPAN("EdDSA"), span_from(example)), OK);
	assert_int_equal(
		key_set_check(keys, SPAN_EMPTY, SPAN("ES256"), span_from(example)), ERR_INVALID);
	/* Its other name, where the set does not name it. */
	assert_int_equal(key_set_check(keys, SPAN_EMPTY, SPAN("Ed25519"), span_from(example)), OK);
	key_set_unref(keys);
	for (int i = 0; i < 2; i++) {
		bool curve = i == 1;

		keys = set_of_text(curve ? OKP(PUBLIC) ",\"alg\":\"Ed25519\"}"
					 : OKP(PUBLIC) ",\"alg\":\"EdDSA\"}");
		assert_int_equal(
			key_set_check(keys, SPAN_EMPTY, SPAN("Ed25519"), span_from(example)),
			curve ? OK : ERR_INVALID);
		assert_int_equal(key_set_check(keys, SPAN_EMPTY, SPAN("EdDSA"), span_from(example)),
			curve ? ERR_INVALID : OK);
		key_set_unref(keys);
	}
}

static void test_ed25519_tokens(void **state)
{
	AUTO_PTR(arena) a = arena_new();
	struct key_set *keys = set_of_text(OKP(PUBLIC) ",\"kid\":\"o\",\"use\":\"sig\"}");
	const char *head = "{\"alg\":\"EdDSA\",\"kid\":\"o\"}";
	span good = sign_ed25519(a, head, CLAIMS(TIMES));

	(void)state;
	assert_int_equal(verify(a, keys, good), FOREIGN_OK);
	assert_true(span_is(foreign_token_algorithm(a, good), "EdDSA"));
	/* One bit of anything. */
	for (size_t i = 0; i < good.len; i++) {
		char *bad = arena_str(a, good);

		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		if (bad[i] != good.ptr[i])
			assert_int_not_equal(verify(a, keys, span_from(bad)), FOREIGN_OK);
	}
	assert_int_equal(
		verify(a, keys,
			sign_ed25519(a, "{\"alg\":\"ES256\",\"kid\":\"o\"}", CLAIMS(TIMES))),
		FOREIGN_WRONG_ALGORITHM);
	assert_int_equal(
		verify(a, keys, sign_ed25519(a, "{\"alg\":\"none\",\"kid\":\"o\"}", CLAIMS(TIMES))),
		FOREIGN_WRONG_ALGORITHM);
	key_set_unref(keys);
}

/* Signatures that a careless reader takes for others: RFC 8032, 5.1.7 and 8.4. */
static void test_ed25519_signatures_refused(void **state)
{
	static const uint8_t order[] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c,
		0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0x10};
	AUTO_PTR(arena) a = arena_new();
	struct key_set *keys = set_of_text(OKP(PUBLIC) "}");
	span good = sign_ed25519(a, "{\"alg\":\"EdDSA\"}", CLAIMS(TIMES));
	size_t dot = span_rfind(good, '.'), len;
	uint8_t right[ED25519_SIGNATURE_SIZE], wrong[ED25519_SIGNATURE_SIZE + 1];
	enum { LONGER, SHORTER, HALVES, S_PLUS_ORDER, ZEROS, ONES, SWAPPED, CASES };

	(void)state;
	assert_int_equal(
		base64url_decode(span_from_offset(good, dot + 1), right, sizeof(right), &len), OK);
	for (int i = 0; i < CASES; i++) {
		size_t size = sizeof(right);
		unsigned carry = 0;
		AUTO(buf) text = {0};

		memset(wrong, 0, sizeof(wrong));
		memcpy(wrong, right, sizeof(right));
		if (i == LONGER || i == SHORTER || i == HALVES)
			size = i == LONGER ? size + 1 : i == SHORTER ? size - 1 : size / 2;
		for (size_t at = 0; i == S_PLUS_ORDER && at < 32; at++) {
			carry += wrong[32 + at] + order[at];
			wrong[32 + at] = (uint8_t)carry;
			carry >>= 8;
		}
		if (i == ZEROS || i == ONES)
			memset(wrong, i == ONES ? 0xff : 0, sizeof(right));
		if (i == SWAPPED) {
			memcpy(wrong, right + 32, 32);
			memcpy(wrong + 32, right, 32);
		}
		buf_init(&text, 4096);
		buf_add(&text, span_sub(good, 0, dot + 1));
		base64url_encode(&text, span_of(wrong, size));
		if (verify(a, keys, buf_span(&text)) != FOREIGN_BAD_SIGNATURE)
			fail_msg("case %d was not refused", i);
	}
	key_set_unref(keys);
}

static void test_ed25519_keys_left_out(void **state)
{
	static const char *const keys_of_none[] = {
		OKP("") "}",
		OKP("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp") "}", /* bits that mean nothing,
									   set */
		OKP(PUBLIC "AA") "}",
		OKP(PUBLIC) ",\"alg\":\"ES256\"}",
		OKP(PUBLIC) ",\"use\":\"enc\"}",
		"{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" PUBLIC "\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" PUBLIC "\"}",
		"{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"" PUBLIC "\"}",
		/* Of small order: anybody could sign by them. */
		OKP("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") "}",
		OKP("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") "}",
		OKP("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA") "}",
		OKP("7P_______________________________________38") "}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys_of_none); i++) {
		struct key_set *keys = set_of_text(keys_of_none[i]);

		if (key_set_count(keys))
			fail_msg("%s was taken", keys_of_none[i]);
		key_set_unref(keys);
	}
}

static void test_not_key_sets(void **state)
{
	static const char *const texts[] = {"", "null", "[]", "{}", "{\"keys\":{}}",
		"{\"keys\":[],\"keys\":[]}", "{\"keys\":[]} x"};
	AUTO(buf) many = {0};
	struct key_set *keys = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(key_set_parse(span_from(texts[i]), &keys), ERR_INVALID);
	buf_init(&many, KEY_SET_MAX_BYTES + 1000);
	buf_add_str(&many, "{\"keys\":[0");
	for (int i = 0; i < KEY_SET_MAX_KEYS; i++)
		buf_add_str(&many, ",0");
	buf_add_str(&many, "]}");
	assert_int_equal(key_set_parse(buf_span(&many), &keys), ERR_TOO_LARGE);
	buf_clear(&many);
	buf_add_str(&many, "{\"keys\":[]}");
	while (buf_len(&many) <= KEY_SET_MAX_BYTES)
		buf_add_str(&many, "          ");
	assert_int_equal(key_set_parse(buf_span(&many), &keys), ERR_TOO_LARGE);
	assert_null(keys);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_algorithms_of_attackers),
		cmocka_unit_test(test_keys_in_the_token),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_one_key_needs_no_kid),
		cmocka_unit_test(test_keys_left_out),
		cmocka_unit_test(test_ed25519_of_the_rfc),
		cmocka_unit_test(test_ed25519_tokens),
		cmocka_unit_test(test_ed25519_signatures_refused),
		cmocka_unit_test(test_ed25519_keys_left_out),
		cmocka_unit_test(test_not_key_sets),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
