/*
 * What the verifier refuses. Tokens are forged by hand here, with the right key where that is the
 * point: only then is a check other than the signature's seen at work.
 */
#include "token/fixture.h"

#include <string.h>

#include "base/encode.h"

#define HEADER_ACCESS "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}"
#define CLAIMS(more)                                                                               \
	"{\"iss\":\"https://slipway.test\",\"sub\":\"acc_1\",\"aud\":\"slipway\",\"jti\":\"j\","   \
	"\"iat\":1700000000,\"exp\":1700000600,\"client_id\":\"portal\",\"role\":\"user\"" more    \
	"}"

/* header '.' payload '.' signature by k, of any text. */
static span forge(const struct eckey *k, span header, span payload, struct buf *out)
{
	uint8_t signature[ECKEY_SIGNATURE_SIZE];

	buf_clear(out);
	base64url_encode(out, header);
	buf_add_byte(out, '.');
	base64url_encode(out, payload);
	assert_ok(eckey_sign(k, buf_span(out), signature));
	buf_add_byte(out, '.');
	base64url_encode(out, span_of(signature, sizeof(signature)));
	assert_ok(buf_error(out));
	return buf_span(out);
}

static enum token_verdict verify(struct fixture *f, enum token_kind kind, span text)
{
	char scratch[TOKEN_DECODED_MAX];
	struct token_claims c = {.kid = SPAN("untouched")};
	enum token_verdict v = token_verify(kind, text, &f->verifier, NOW, scratch, &c);

	if (v != TOKEN_OK)
		assert_span(c.kid, "untouched");
	return v;
}

/* The verdict on a forged access token with this header and payload. */
static enum token_verdict judge(struct fixture *f, const char *header, const char *payload)
{
	AUTO(buf) out = {0};

	buf_init(&out, 16384);
	return verify(f, TOKEN_ACCESS,
		forge(f->keys[TOKEN_ACCESS], span_from(header), span_from(payload), &out));
}

#define expect(verdict, want, name)                                                                \
	do {                                                                                       \
		enum token_verdict got_ = (verdict);                                               \
		if (got_ != (want))                                                                \
			fail_msg("%s: got %s", (name), token_verdict_name(got_));                  \
	} while (0)

/* Each kind presented as each other kind, with its own key, and signed with every other key. */
static void kinds_do_not_mix(void **state)
{
	struct fixture *f = *state;
	AUTO(buf) out = {0};

	buf_init(&out, TOKEN_MAX_BYTES);
	for (int is = 0; is < TOKEN_KINDS; is++) {
		for (int as = 0; as < TOKEN_KINDS; as++) {
			struct token_claims c = fixture_claims((enum token_kind)is);
			span text = fixture_sign(f, &c, &out);

			expect(verify(f, (enum token_kind)as, text),
				is == as ? TOKEN_OK : TOKEN_WRONG_KIND, token_kind_typ(c.kind));
			if (is == as)
				continue;
			/* The right form and kid, but another kind's key. */
			buf_clear(&out);
			assert_ok(token_sign(&c, f->keys[as], &out));
			expect(verify(f, (enum token_kind)is, buf_span(&out)), TOKEN_BAD_SIGNATURE,
				"another kind's key");
			/* Another kind's kid. */
			struct token_claims other = fixture_claims((enum token_kind)as);

			c.kid = other.kid;
			buf_clear(&out);
			assert_ok(token_sign(&c, f->keys[as], &out));
			expect(verify(f, (enum token_kind)is, buf_span(&out)), TOKEN_UNKNOWN_KEY,
				"another kind's kid");
		}
	}
}

/* Another kind's claims under this kind's header and key: the demanded ones are missing. */
static void claims_of_another_kind(void **state)
{
	struct fixture *f = *state;
	static const char *const headers[TOKEN_KINDS] = {HEADER_ACCESS,
		"{\"alg\":\"ES256\",\"typ\":\"slipway-device+jwt\",\"kid\":\"dev-1\"}",
		"{\"alg\":\"ES256\",\"typ\":\"slipway-dl+jwt\",\"kid\":\"dl-1\"}"};
	char scratch[TOKEN_DECODED_MAX];
	AUTO(buf) own = {0};
	AUTO(buf) out = {0};
	size_t len;

	buf_init(&own, TOKEN_MAX_BYTES);
	buf_init(&out, TOKEN_MAX_BYTES);
	for (int is = 0; is < TOKEN_KINDS; is++) {
		struct token_claims c = fixture_claims((enum token_kind)is);
		span rest = fixture_sign(f, &c, &own), part;

		assert_true(span_cut(&rest, '.', &part) && span_cut(&rest, '.', &part));
		assert_ok(base64url_decode(part, scratch, sizeof(scratch), &len));
		for (int as = 0; as < TOKEN_KINDS; as++) {
			if (as == is || as == TOKEN_DEVICE)
				continue; /* a device token demands only what all have */
			span text = forge(
				f->keys[as], span_from(headers[as]), span_of(scratch, len), &out);

			expect(verify(f, (enum token_kind)as, text), TOKEN_MALFORMED, headers[as]);
		}
	}
}

static void headers_refused(void **state)
{
	static const struct {
		const char *header;
		enum token_verdict want;
	} rows[] = {
		{"{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"None\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"NONE\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":null,\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"ES384\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"ES256K\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"es256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"ES256 \",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":[\"ES256\"],\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", TOKEN_MALFORMED},
		{"{}", TOKEN_MALFORMED},
		{"[]", TOKEN_MALFORMED},
		{"null", TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}",
			TOKEN_MALFORMED},
		{"{\"alg\":\"none\",\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}",
			TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"x\",\"kid\":\"acc-1\"}",
			TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\",\"crit\":[]}",
			TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\",\"jku\":\"https://x\"}",
			TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\",\"jwk\":{}}",
			TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\",\"zip\":\"DEF\"}",
			TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\",\"cty\":\"JWT\"}",
			TOKEN_MALFORMED},
		{"{\"\\u0061lg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"ES25\\u0036\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"../../key\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"a' OR 1=1\"}", TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":"
		 "\"0123456789012345678901234567890123\"}",
			TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"acc-1\"} x", TOKEN_MALFORMED},
		{"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"acc-2\"}", TOKEN_UNKNOWN_KEY},
		{"{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"acc-1\"}", TOKEN_WRONG_KIND},
		{"{\"alg\":\"ES256\",\"typ\":\"AT+JWT\",\"kid\":\"acc-1\"}", TOKEN_WRONG_KIND},
		{"{\"alg\":\"ES256\",\"typ\":\"application/at+jwt\",\"kid\":\"acc-1\"}",
			TOKEN_WRONG_KIND},
		{"{\"alg\":\"ES256\",\"typ\":\"\",\"kid\":\"acc-1\"}", TOKEN_WRONG_KIND},
		/* Accepted: another order, white space. */
		{"{\"kid\":\"acc-1\",\"typ\":\"at+jwt\",\"alg\":\"ES256\"}", TOKEN_OK},
		{" { \"kid\" : \"acc-1\", \"typ\" : \"at+jwt\", \"alg\" : \"ES256\" } ", TOKEN_OK},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(judge(*state, rows[i].header, CLAIMS("")), rows[i].want, rows[i].header);
}

static void payloads_refused(void **state)
{
	static const char *const bad[] = {"", "{}", "[]", "null", "\"x\"", CLAIMS("") "x",
		CLAIMS("") CLAIMS(""), CLAIMS(",\"sub\":\"acc_2\""), /* twice */
		CLAIMS(",\"role\":\"admin\""),                       /* twice */
		CLAIMS(",\"new\":1,\"new\":1"),                      /* unknown, twice */
		CLAIMS(",\"\\u0073ub\":\"acc_2\""),                  /* twice, once in disguise */
		CLAIMS(",\"org\":\"a\\u0062\""),                     /* an escape */
		CLAIMS(",\"org\":\"\xc3\xa4\""),                     /* not ASCII */
		CLAIMS(",\"org\":\"\""), /* empty stands for absent, so is never written */
		CLAIMS(",\"org\":null"), CLAIMS(",\"org\":1"), CLAIMS(",\"org\":[\"a\"]"),
		CLAIMS(",\"ent\":\" a\""), CLAIMS(",\"ent\":\"a  b\""), CLAIMS(",\"ent\":\"a \""),
		CLAIMS(",\"scope\":[\"a\"]"), CLAIMS(",\"ep\":-1"), CLAIMS(",\"ep\":1.0"),
		CLAIMS(",\"ep\":\"1\""), CLAIMS(",\"ep\":9223372036854775808"),
		CLAIMS(",\"nbf\":0"), CLAIMS(",\"nbf\":-1"), CLAIMS(",\"nbf\":253402300800"),
		CLAIMS(",\"nbf\":1e3")};
	/* One demanded claim missing, or wrong, in turn. */
	static const char *const members[] = {"\"iss\":\"https://slipway.test\"",
		"\"sub\":\"acc_1\"", "\"aud\":\"slipway\"", "\"jti\":\"j\"", "\"iat\":1700000000",
		"\"exp\":1700000600", "\"client_id\":\"portal\"", "\"role\":\"user\""};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		expect(judge(*state, HEADER_ACCESS, bad[i]), TOKEN_MALFORMED, bad[i]);
	for (size_t missing = 0; missing <= ARRAY_LEN(members); missing++) {
		AUTO(buf) payload = {0};
		const char *between = "{";

		buf_init(&payload, 4096);
		for (size_t i = 0; i < ARRAY_LEN(members); i++) {
			if (i == missing)
				continue;
			buf_add_str(&payload, between);
			buf_add_str(&payload, members[i]);
			between = ",";
		}
		buf_add_byte(&payload, '}');
		expect(judge(*state, HEADER_ACCESS, buf_str(&payload)),
			missing == ARRAY_LEN(members) ? TOKEN_OK : TOKEN_MALFORMED,
			buf_str(&payload));
	}
}

/* Claims that are there, each well-formed, but do not go together. */
static void claims_that_disagree(void **state)
{
#define HEADER_DOWNLOAD "{\"alg\":\"ES256\",\"typ\":\"slipway-dl+jwt\",\"kid\":\"dl-1\"}"
#define DOWNLOAD(more)                                                                             \
	"{\"iss\":\"https://slipway.test\",\"sub\":\"s\",\"aud\":\"slipway\",\"jti\":\"j\","       \
	"\"iat\":1700000000,\"exp\":1700000600,\"dl\":\"d\",\"cdniuc\":\"regex:x\"" more "}"
	static const struct {
		const char *payload;
		enum token_verdict want;
	} rows[] = {
		{DOWNLOAD(""), TOKEN_MALFORMED}, /* opens nothing */
		{DOWNLOAD(",\"dig\":\"" DIGEST_HEX "\""), TOKEN_MALFORMED},
		{DOWNLOAD(",\"dig\":\"abc\",\"fn\":\"f\""), TOKEN_MALFORMED},
		{DOWNLOAD(",\"rel\":\"r\",\"fn\":\"f\""), TOKEN_MALFORMED},
		{DOWNLOAD(",\"fn\":\"f\""), TOKEN_MALFORMED},
		{DOWNLOAD(",\"dig\":\"" DIGEST_HEX "\",\"fn\":\"f\""), TOKEN_OK},
		{DOWNLOAD(",\"rel\":\"r\""), TOKEN_OK},
	};
	struct fixture *f = *state;
	AUTO(buf) out = {0};

	buf_init(&out, 16384);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(verify(f, TOKEN_DOWNLOAD,
			       forge(f->keys[TOKEN_DOWNLOAD], SPAN(HEADER_DOWNLOAD),
				       span_from(rows[i].payload), &out)),
			rows[i].want, rows[i].payload);
	expect(judge(f, HEADER_ACCESS,
		       "{\"iss\":\"https://slipway.test\",\"sub\":\"a\",\"aud\":\"slipway\",\"jti\":\"j\","
		       "\"iat\":1700000000,\"exp\":1700000000,\"client_id\":\"p\",\"role\":\"user\"}"),
		TOKEN_MALFORMED, "ends before it begins");
}

/* A claim only other kinds have does not reach the fields others act on. */
static void foreign_claims_do_not_arrive(void **state)
{
	struct fixture *f = *state;
	char scratch[TOKEN_DECODED_MAX];
	struct token_claims c;
	AUTO(buf) out = {0};

	buf_init(&out, 16384);
	span text = forge(f->keys[TOKEN_ACCESS], SPAN(HEADER_ACCESS),
		SPAN(CLAIMS(",\"acc\":\"acc_2\",\"dig\":\"" DIGEST_HEX "\",\"eps\":\"dev_9\"")),
		&out);

	expect(token_verify(TOKEN_ACCESS, text, &f->verifier, NOW, scratch, &c), TOKEN_OK,
		"access");
	assert_span(c.account, "acc_1");
	assert_span(c.epoch_subject, "acc_1");
	assert_int_equal(c.digest.len, 0);
}

static void unknown_claims_are_ignored(void **state)
{
	AUTO(buf) payload = {0};

	expect(judge(*state, HEADER_ACCESS, CLAIMS(",\"new\":{\"deep\":[1,2]},\"dl\":\"dl_1\"")),
		TOKEN_OK, "unknown and another kind's");
	/* But not any number of them. */
	buf_init(&payload, 4096);
	buf_add_str(&payload, CLAIMS(""));
	for (int i = 0; i < 17; i++) {
		buf_truncate(&payload, buf_len(&payload) - 1);
		buf_addf(&payload, ",\"new%d\":0}", i);
		expect(judge(*state, HEADER_ACCESS, buf_str(&payload)),
			i < 16 ? TOKEN_OK : TOKEN_MALFORMED, buf_str(&payload));
	}
}

static void other_issuer_or_audience(void **state)
{
	struct fixture *f = *state;
	AUTO(buf) out = {0};
	struct token_claims c = fixture_claims(TOKEN_ACCESS);

	buf_init(&out, TOKEN_MAX_BYTES);
	c.iss = SPAN("https://slipway.test/");
	expect(verify(f, TOKEN_ACCESS, fixture_sign(f, &c, &out)), TOKEN_WRONG_AUDIENCE, "iss");
	c = fixture_claims(TOKEN_ACCESS);
	c.aud = SPAN("slipway2");
	expect(verify(f, TOKEN_ACCESS, fixture_sign(f, &c, &out)), TOKEN_WRONG_AUDIENCE, "aud");
	c.aud = SPAN("SLIPWAY");
	expect(verify(f, TOKEN_ACCESS, fixture_sign(f, &c, &out)), TOKEN_WRONG_AUDIENCE,
		"case of aud");
	expect(judge(f, HEADER_ACCESS,
		       "{\"iss\":\"https://"
		       "slipway.test\",\"sub\":\"a\",\"aud\":[\"slipway\"],\"jti\":\"j\","
		       "\"iat\":1700000000,\"exp\":1700000600,\"client_id\":\"p\",\"role\":"
		       "\"user\"}"),
		TOKEN_MALFORMED, "array of audiences");
}

static void edges_of_validity(void **state)
{
	struct fixture *f = *state;
	AUTO(buf) out = {0};
	struct token_claims c = fixture_claims(TOKEN_DOWNLOAD);

	buf_init(&out, TOKEN_MAX_BYTES);
	c.iat = NOW - 1000;
	c.nbf = 0;
	c.exp = NOW - TOKEN_LEEWAY_S + 1;
	expect(verify(f, TOKEN_DOWNLOAD, fixture_sign(f, &c, &out)), TOKEN_OK, "last second");
	c.exp = NOW - TOKEN_LEEWAY_S;
	expect(verify(f, TOKEN_DOWNLOAD, fixture_sign(f, &c, &out)), TOKEN_EXPIRED, "expired");
	c.exp = NOW + 1000;
	c.nbf = NOW + TOKEN_LEEWAY_S;
	expect(verify(f, TOKEN_DOWNLOAD, fixture_sign(f, &c, &out)), TOKEN_OK, "first second");
	c.nbf++;
	expect(verify(f, TOKEN_DOWNLOAD, fixture_sign(f, &c, &out)), TOKEN_NOT_YET_VALID, "nbf");
	c.nbf = 0;
	c.iat = NOW + TOKEN_LEEWAY_S + 1;
	expect(verify(f, TOKEN_DOWNLOAD, fixture_sign(f, &c, &out)), TOKEN_NOT_YET_VALID, "iat");
}

/* Forms of the text: parts, alphabet, trailing bits, sizes. */
static void texts_refused(void **state)
{
	struct fixture *f = *state;
	AUTO(buf) good = {0};
	AUTO(buf) bad = {0};
	struct token_claims c = fixture_claims(TOKEN_ACCESS);
	span text, rest, header, payload, signature;

	buf_init(&good, TOKEN_MAX_BYTES);
	buf_init(&bad, 65536);
	text = rest = fixture_sign(f, &c, &good);
	assert_true(span_cut(&rest, '.', &header) && span_cut(&rest, '.', &payload) &&
		    span_cut(&rest, '.', &signature));
	static const char *const wrong[] = {"", ".", "..", "...", "a.b.c", "ab.ab.ab"};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		expect(verify(f, TOKEN_ACCESS, span_from(wrong[i])), TOKEN_MALFORMED, wrong[i]);
	for (size_t cut = 0; cut < text.len; cut++)
		assert_int_not_equal(verify(f, TOKEN_ACCESS, span_sub(text, 0, cut)), TOKEN_OK);

#define TRY(name, ...)                                                                             \
	do {                                                                                       \
		const span pieces[] = {__VA_ARGS__};                                               \
		buf_clear(&bad);                                                                   \
		for (size_t p = 0; p < ARRAY_LEN(pieces); p++)                                     \
			buf_add(&bad, pieces[p]);                                                  \
		expect(verify(f, TOKEN_ACCESS, buf_span(&bad)), TOKEN_MALFORMED, name);            \
	} while (0)
#define DOT SPAN(".")
	TRY("two parts", header, DOT, payload);
	TRY("no signature", header, DOT, payload, DOT);
	TRY("no payload", header, DOT, DOT, signature);
	TRY("four parts", text, DOT, signature);
	TRY("empty fourth part", text, DOT);
	TRY("five parts", text, DOT, signature, DOT, signature); /* an encrypted token's form */
	TRY("leading dot", DOT, text);
	TRY("padding", text, SPAN("="));
	TRY("two paddings", text, SPAN("=="));
	TRY("new line", text, SPAN("\n"));
	TRY("leading space", SPAN(" "), text);
	TRY("space between", header, DOT, payload, SPAN(" "), DOT, signature);
	TRY("signature of 63 bytes", header, DOT, payload, DOT, span_sub(signature, 0, 84));
	TRY("signature of 66 bytes", header, DOT, payload, DOT, signature, SPAN("AA"));
	TRY("NUL", text, span_of("\0", 1));
	TRY("quotes", SPAN("\""), text, SPAN("\""));
	/* 64 bytes leave four unused bits in the last digit: only zeros there are canonical. */
	assert_int_equal(signature.len, 86);
	for (char last = 'B'; last <= 'P'; last++) {
		if (signature.ptr[85] != 'A')
			break;
		TRY("trailing bits", header, DOT, payload, DOT, span_sub(signature, 0, 85),
			span_of(&last, 1));
	}
#undef TRY
#undef DOT
}

/* The examples of the standards are well-formed tokens of other systems: all are refused. */
static void examples_of_the_rfcs(void **state)
{
	static const char *const tokens[] = {
		/* RFC 7519 section 3.1: HS256. */
		"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
		"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
		"Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
		/* RFC 7519 section 6.1: none. */
		"eyJhbGciOiJub25lIn0."
		"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
		"Ijp0cnVlfQ.",
		/* RFC 7515 appendix A.3: ES256, without typ and kid. */
		"eyJhbGciOiJFUzI1NiJ9."
		"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
		"Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKT"
		"UJqPP3-Kg6NU1Q",
	};

	for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
		for (int kind = 0; kind < TOKEN_KINDS; kind++)
			expect(verify(*state, (enum token_kind)kind, span_from(tokens[i])),
				TOKEN_MALFORMED, tokens[i]);
}

/* The same digits in base64's other alphabet name the same bytes, but are not the same token. */
static void other_alphabet(void **state)
{
	struct fixture *f = *state;
	struct token_claims c = fixture_claims(TOKEN_ACCESS);
	bool found = false;
	AUTO(buf) out = {0};

	buf_init(&out, TOKEN_MAX_BYTES);
	for (int tries = 0; tries < 100 && !found; tries++) {
		char text[TOKEN_MAX_BYTES];
		span token = fixture_sign(f, &c, &out);

		memcpy(text, token.ptr, token.len);
		for (size_t i = 0; i < token.len; i++) {
			if (text[i] != '-' && text[i] != '_')
				continue;
			text[i] = text[i] == '-' ? '+' : '/';
			found = true;
		}
		if (found)
			expect(verify(f, TOKEN_ACCESS, span_of(text, token.len)), TOKEN_MALFORMED,
				text);
	}
	assert_true(found);
}

/* A DER signature of 64 bytes by chance, or padded to it, is no signature; r and s out of range. */
static void signatures_refused(void **state)
{
	struct fixture *f = *state;
	AUTO(buf) out = {0};
	static const uint8_t order_n[32] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3,
		0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
	uint8_t signature[72] = {0};
	size_t lengths[] = {0, 8, 32, 63, 65, 70, 71, 72};

	buf_init(&out, TOKEN_MAX_BYTES);
	span text = forge(f->keys[TOKEN_ACCESS], SPAN(HEADER_ACCESS), SPAN(CLAIMS("")), &out);
	size_t signed_len = span_rfind(text, '.') + 1;

	signature[0] = 0x30; /* as DER begins */
	signature[1] = 70;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		buf_truncate(&out, signed_len);
		base64url_encode(&out, span_of(signature, lengths[i]));
		expect(verify(f, TOKEN_ACCESS, buf_span(&out)), TOKEN_MALFORMED,
			"length of signature");
	}
	for (int form = 0; form < 5; form++) {
		memset(signature, 1, sizeof(signature));
		if (form == 0)
			memset(signature, 0, 64);
		if (form == 1 || form == 2)
			memset(signature + (form - 1) * 32, 0, 32);
		if (form >= 3)
			memcpy(signature + (form - 3) * 32, order_n, 32);
		buf_truncate(&out, signed_len);
		base64url_encode(&out, span_of(signature, 64));
		expect(verify(f, TOKEN_ACCESS, buf_span(&out)), TOKEN_BAD_SIGNATURE, "r and s");
	}
}

static void oversize(void **state)
{
	struct fixture *f = *state;
	AUTO(buf) payload = {0};
	AUTO(buf) out = {0};

	buf_init(&payload, 16384);
	buf_init(&out, 65536);
	buf_add_str(&payload, CLAIMS(",\"org\":\""));
	buf_truncate(&payload, buf_len(&payload) - 1);
	while (buf_len(&payload) < 4000)
		buf_add_byte(&payload, 'x');
	buf_add_str(&payload, "\"}");
	span text = forge(f->keys[TOKEN_ACCESS], SPAN(HEADER_ACCESS), buf_span(&payload), &out);

	assert_true(text.len > TOKEN_MAX_BYTES);
	expect(verify(f, TOKEN_ACCESS, text), TOKEN_MALFORMED, "too long");
	/* Around the limit: what is decoded would fit the scratch memory on both sides of it. */
	for (size_t len = 2940; len < 2990; len++) {
		buf_clear(&payload);
		buf_add_str(&payload, CLAIMS(",\"org\":\""));
		buf_truncate(&payload, buf_len(&payload) - 1);
		while (buf_len(&payload) < len)
			buf_add_byte(&payload, 'x');
		buf_add_str(&payload, "\"}");
		text = forge(f->keys[TOKEN_ACCESS], SPAN(HEADER_ACCESS), buf_span(&payload), &out);
		expect(verify(f, TOKEN_ACCESS, text),
			text.len <= TOKEN_MAX_BYTES ? TOKEN_OK : TOKEN_MALFORMED,
			"around the limit");
	}
	assert_true(text.len > TOKEN_MAX_BYTES);
	/* A header of its own size limit. */
	buf_clear(&payload);
	buf_add_str(&payload, HEADER_ACCESS);
	while (buf_len(&payload) < 300)
		buf_add_byte(&payload, ' ');
	text = forge(f->keys[TOKEN_ACCESS], buf_span(&payload), SPAN(CLAIMS("")), &out);
	expect(verify(f, TOKEN_ACCESS, text), TOKEN_MALFORMED, "long header");
	/* The largest token there can be is read without touching what lies behind the scratch. */
	char memory[TOKEN_DECODED_MAX + 16];
	struct token_claims c;

	memset(memory, 'z', sizeof(memory));
	buf_clear(&payload);
	buf_add_str(&payload, CLAIMS(",\"org\":\""));
	buf_truncate(&payload, buf_len(&payload) - 1);
	while (buf_len(&payload) < 2940)
		buf_add_byte(&payload, 'x');
	buf_add_str(&payload, "\"}");
	text = forge(f->keys[TOKEN_ACCESS], SPAN(HEADER_ACCESS), buf_span(&payload), &out);
	assert_true(text.len <= TOKEN_MAX_BYTES && text.len > TOKEN_MAX_BYTES - 64);
	expect(token_verify(TOKEN_ACCESS, text, &f->verifier, NOW, memory, &c), TOKEN_OK,
		"largest");
	for (size_t i = TOKEN_DECODED_MAX; i < sizeof(memory); i++)
		assert_int_equal(memory[i], 'z');
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(kinds_do_not_mix),
		cmocka_unit_test(claims_of_another_kind), cmocka_unit_test(claims_that_disagree),
		cmocka_unit_test(foreign_claims_do_not_arrive), cmocka_unit_test(headers_refused),
		cmocka_unit_test(payloads_refused), cmocka_unit_test(unknown_claims_are_ignored),
		cmocka_unit_test(other_issuer_or_audience), cmocka_unit_test(edges_of_validity),
		cmocka_unit_test(texts_refused), cmocka_unit_test(examples_of_the_rfcs),
		cmocka_unit_test(other_alphabet), cmocka_unit_test(signatures_refused),
		cmocka_unit_test(oversize)};

	return cmocka_run_group_tests_name("token verify", tests, fixture_setup, fixture_teardown);
}
