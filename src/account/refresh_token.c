/* The text of refresh tokens. Hard rule: the tag is checked before anything else is believed. */
#include "account/session.h"

#include "base/encode.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define PREFIX        "slr_"
#define SESSION_CHARS 26
#define TAG_CHARS     43

/* HMAC over "ses_… generation": the session's id has a fixed length, so the text is unambiguous. */
static void make_tag(span session, int64_t generation, const uint8_t key[REFRESH_KEY_SIZE],
	uint8_t ret[SHA256_SIZE])
{
	char memory[REFRESH_TOKEN_MAX];
	struct buf text;

	buf_init_fixed(&text, memory, sizeof(memory));
	buf_add(&text, session);
	buf_add_byte(&text, ' ');
	buf_add_i64(&text, generation);
	hmac_sha256(span_of(key, REFRESH_KEY_SIZE), buf_span(&text), ret);
}

void refresh_token_format(
	struct buf *out, span session, int64_t generation, const uint8_t key[REFRESH_KEY_SIZE])
{
	uint8_t tag[SHA256_SIZE];

	make_tag(session, generation, key, tag);
	buf_add_str(out, PREFIX);
	buf_add(out, span_from_offset(session, session.len - SESSION_CHARS));
	buf_add_byte(out, '_');
	buf_add_i64(out, generation);
	buf_add_byte(out, '_');
	base64url_encode(out, span_of(tag, sizeof(tag)));
	wipe(tag, sizeof(tag));
}

err refresh_token_parse(span text, const uint8_t key[REFRESH_KEY_SIZE], struct refresh_token *ret)
{
	uint8_t want[SHA256_SIZE], got[SHA256_SIZE];
	struct refresh_token token;
	struct buf session;
	span rest = text, suffix, number;
	uint64_t generation;
	size_t len;

	if (text.len > REFRESH_TOKEN_MAX || !span_starts_with(text, SPAN(PREFIX)))
		return ERR_INVALID;
	rest = span_from_offset(text, sizeof(PREFIX) - 1);
	if (!span_cut(&rest, '_', &suffix) || !span_cut(&rest, '_', &number) || !rest.ptr)
		return ERR_INVALID;
	buf_init_fixed(&session, token.session, sizeof(token.session));
	buf_add_str(&session, "ses_");
	buf_add(&session, suffix);
	if (buf_error(&session) || !typeid_is(buf_span(&session), "ses") ||
		span_to_u64(number, INT64_MAX - 1, &generation) || generation == 0 ||
		span_starts_with(number, SPAN("0")) || rest.len != TAG_CHARS ||
		base64url_decode(rest, got, sizeof(got), &len) || len != sizeof(got))
		return ERR_INVALID;
	token.generation = (int64_t)generation;
	make_tag(buf_span(&session), token.generation, key, want);
	if (!ct_equal(span_of(want, sizeof(want)), span_of(got, sizeof(got))))
		return ERR_INVALID;
	*ret = token;
	return OK;
}
