/*
 * Tokens. The first byte says how the rest is used: as a whole token, which nobody signed and which
 * must not verify; or as "header NUL payload", signed here with the right key so that the fuzzer
 * reaches the claims, which must then be such as the signer itself would write.
 */
#include "fuzz.h"

#include "base/encode.h"
#include "crypto/eckey.h"
#include "token/token.h"

#define NOW INT64_C(1700000000)

static struct eckey *key;

static const struct eckey *lookup(void *ctx UNUSED, enum token_kind kind UNUSED, span kid)
{
	return span_is(kid, "k") ? key : NULL;
}

static const struct token_verifier verifier = {
	.lookup = lookup, .issuer = SPAN_INIT("i"), .audience = SPAN_INIT("a")};

static void check_forged(enum token_kind kind, span text)
{
	char scratch[TOKEN_DECODED_MAX], scratch_again[TOKEN_DECODED_MAX];
	struct token_claims c, again;
	uint8_t signature[ECKEY_SIGNATURE_SIZE];
	size_t nul = span_find(text, '\0');
	AUTO(buf) b = {0};

	buf_init(&b, text.len * 2 + 1000);
	base64url_encode(&b, span_sub(text, 0, nul));
	buf_add_byte(&b, '.');
	base64url_encode(&b, span_from_offset(text, nul + 1));
	check(eckey_sign(key, buf_span(&b), signature) == OK);
	buf_add_byte(&b, '.');
	base64url_encode(&b, span_of(signature, sizeof(signature)));
	if (token_verify(kind, buf_span(&b), &verifier, NOW, scratch, &c) != TOKEN_OK)
		return;
	AUTO(buf) own = {0};

	buf_init(&own, TOKEN_MAX_BYTES);
	err e = token_sign(&c, key, &own);

	check(e == OK || e == ERR_TOO_LARGE); /* escapes of '/' cannot occur; epochs may be added */
	if (e)
		return;
	check(token_verify(kind, buf_span(&own), &verifier, NOW, scratch_again, &again) ==
		TOKEN_OK);
	check(span_eq(c.sub, again.sub) && span_eq(c.jti, again.jti) && c.exp == again.exp);
	check(span_eq(c.entitlements, again.entitlements) && span_eq(c.digest, again.digest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char scratch[TOKEN_DECODED_MAX];
	struct token_claims c;

	if (!key)
		check(eckey_generate(&key) == OK);
	if (size == 0)
		return 0;
	span text = fuzz_input(data + 1, size - 1);
	enum token_kind kind = (enum token_kind)(data[0] % TOKEN_KINDS);

	if (data[0] & 0x40)
		check_forged(kind, text);
	else
		check(token_verify(kind, text, &verifier, NOW, scratch, &c) != TOKEN_OK);
	fuzz_free(text);
	return 0;
}
