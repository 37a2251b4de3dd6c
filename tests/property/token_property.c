/* Properties of tokens: what is signed verifies to the same claims, and nothing near it does. */
#include "gen.h"

#include "token/fixture.h"

static const char printable[] = " !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`"
				"abcdefghijklmnopqrstuvwxyz{|}~";
static const char *const words[] = {"pro", "team", "self.read", "x", "a-b_c"};

/* Claims of the fixture's kind with generated content; texts live in `memory`. */
static struct token_claims gen_claims(struct gen *g, enum token_kind kind, struct buf *list_a,
	struct buf *list_b, char memory[8][40])
{
	struct token_claims c = fixture_claims(kind);

	c.sub = gen_text(g, printable, memory[0], 1, 40);
	c.jti = gen_text(g, printable, memory[1], 1, 40);
	c.org = gen_text(g, printable, memory[2], 0, 40);
	c.licence = gen_text(g, printable, memory[3], 0, 40);
	c.device = gen_text(g, printable, memory[4], 0, 40);
	c.rate_class = gen_text(g, printable, memory[5], 0, 40);
	c.client_id = gen_text(g, printable, memory[6], 1, 40);
	c.session = gen_text(g, printable, memory[7], 0, 40);
	gen_list(g, words, ARRAY_LEN(words), TOKEN_MAX_LIST, list_a);
	gen_list(g, words, ARRAY_LEN(words), TOKEN_MAX_LIST, list_b);
	c.permissions = buf_span(list_a);
	c.entitlements = buf_span(list_b);
	c.iat = 1 + (int64_t)gen_below(g, NOW);
	c.nbf = (int64_t)gen_below(g, 2) * NOW;
	c.exp = NOW + 1 + (int64_t)gen_number(g) % 100000000000;
	if (c.exp <= NOW)
		c.exp = NOW + 1;
	c.subject_epoch = gen_number(g) >> 1;
	c.global_epoch = gen_number(g) >> 1;
	return c;
}

#define SAME(field) assert_true(span_eq(got.field, c.field))

static void sign_and_verify(void **state)
{
	struct fixture *f = *state;
	struct gen g = gen_new("sign and verify");

	for (int i = 0; i < 300; i++) {
		enum token_kind kind = (enum token_kind)gen_below(&g, TOKEN_KINDS);
		char memory[8][40], scratch[TOKEN_DECODED_MAX];
		struct token_claims got;
		AUTO(buf) a = {0};
		AUTO(buf) b = {0};
		AUTO(buf) out = {0};

		buf_init(&a, 4096);
		buf_init(&b, 4096);
		buf_init(&out, TOKEN_MAX_BYTES);
		struct token_claims c = gen_claims(&g, kind, &a, &b, memory);
		span text = fixture_sign(f, &c, &out);

		assert_int_equal(
			token_verify(kind, text, &f->verifier, NOW, scratch, &got), TOKEN_OK);
		assert_int_equal(got.kind, kind);
		SAME(kid);
		SAME(iss);
		SAME(sub);
		SAME(aud);
		SAME(jti);
		assert_true(got.iat == c.iat && got.nbf == c.nbf && got.exp == c.exp);
		assert_true(
			got.subject_epoch == c.subject_epoch && got.global_epoch == c.global_epoch);
		if (kind == TOKEN_ACCESS) {
			SAME(client_id);
			SAME(role);
			SAME(permissions);
			SAME(session);
			SAME(device);
		}
		if (kind != TOKEN_DOWNLOAD) {
			SAME(org);
			SAME(licence);
			SAME(entitlements);
		} else {
			SAME(device);
			SAME(rate_class);
			SAME(uri);
			SAME(digest);
			SAME(filename);
		}
	}
}

/* Each byte of a token replaced by each of some others: never accepted. */
static void mutations(void **state)
{
	struct fixture *f = *state;
	struct gen g = gen_new("mutations");

	for (int kind = 0; kind < TOKEN_KINDS; kind++) {
		char text[TOKEN_MAX_BYTES], scratch[TOKEN_DECODED_MAX];
		struct token_claims c = fixture_claims((enum token_kind)kind), got;
		AUTO(buf) out = {0};

		buf_init(&out, TOKEN_MAX_BYTES);
		span token = fixture_sign(f, &c, &out);

		memcpy(text, token.ptr, token.len);
		for (size_t at = 0; at < token.len; at++) {
			const char others[] = {(char)(text[at] ^ 1), (char)(text[at] ^ 0x20), '.',
				'=', 'A', (char)gen_u64(&g)};
			char was = text[at];

			for (size_t k = 0; k < ARRAY_LEN(others); k++) {
				if (others[k] == was)
					continue;
				text[at] = others[k];
				enum token_verdict v = token_verify(c.kind,
					span_of(text, token.len), &f->verifier, NOW, scratch, &got);

				if (v == TOKEN_OK)
					fail_msg("byte %zu became %d", at, others[k]);
			}
			text[at] = was;
		}
		assert_int_equal(token_verify(c.kind, span_of(text, token.len), &f->verifier, NOW,
					 scratch, &got),
			TOKEN_OK);
	}
}

/* Bytes inserted, removed, doubled or swapped, several at once. */
static void edits(void **state)
{
	struct fixture *f = *state;
	struct gen g = gen_new("edits");
	struct token_claims c = fixture_claims(TOKEN_DEVICE), got;
	char text[TOKEN_MAX_BYTES + 64], scratch[TOKEN_DECODED_MAX];
	AUTO(buf) out = {0};

	buf_init(&out, TOKEN_MAX_BYTES);
	span token = fixture_sign(f, &c, &out);

	for (int i = 0; i < CASES; i++) {
		size_t len = token.len, count = 1 + gen_below(&g, 3);

		memcpy(text, token.ptr, token.len);
		for (size_t k = 0; k < count; k++) {
			size_t at = gen_below(&g, len);

			if (gen_chance(&g, 2)) {
				memmove(text + at + 1, text + at, len - at);
				text[at] = gen_chance(&g, 2) ? '.' : (char)gen_u64(&g);
				len++;
			} else {
				memmove(text + at, text + at + 1, len - at - 1);
				len--;
			}
		}
		if (span_eq(span_of(text, len), token))
			continue;
		assert_int_not_equal(token_verify(TOKEN_DEVICE, span_of(text, len), &f->verifier,
					     NOW, scratch, &got),
			TOKEN_OK);
	}
}

static int setup(void **state)
{
	return gen_setup(state) || fixture_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(sign_and_verify),
		cmocka_unit_test(mutations), cmocka_unit_test(edits)};

	return cmocka_run_group_tests_name("token properties", tests, setup, fixture_teardown);
}
