/*
 * Writing a token. Hard rule: what is signed here verifies; claims that could not be read back are
 * refused before the key is touched.
 */
#include "token/claims.h"

#include "base/encode.h"
#include "base/json.h"
#include "crypto/eckey.h"

#include "base/banned.h"

#define HEADER_MAX 192

static bool is_writable(struct token_claims *c, const struct claim *row)
{
	bool required = row->required >> c->kind & 1;
	span text;

	switch (row->type) {
	case CLAIM_TEXT:
	case CLAIM_LIST:
		text = *claim_text(c, row);
		if (text.len == 0)
			return !required;
		return claim_is_plain(text) && (row->type == CLAIM_TEXT || claim_is_list(text));
	case CLAIM_TIME:
		if (*claim_time(c, row) == 0)
			return !required;
		return *claim_time(c, row) > 0 && *claim_time(c, row) <= TOKEN_TIME_MAX_S;
	case CLAIM_NUMBER:
		return *claim_number(c, row) <= INT64_MAX;
	}
	return false;
}

static bool are_writable(struct token_claims *c)
{
	if ((unsigned)c->kind >= TOKEN_KINDS || !claim_is_kid(c->kid))
		return false;
	for (size_t i = 0; i < TOKEN_CLAIM_COUNT; i++) {
		const struct claim *row = &token_claim_table[i];

		if (row->kinds >> c->kind & 1 && !is_writable(c, row))
			return false;
	}
	return claims_are_consistent(c);
}

static void write_claim(struct json_writer *w, struct token_claims *c, const struct claim *row)
{

	switch (row->type) {
	case CLAIM_TEXT:
	case CLAIM_LIST:
		if (claim_text(c, row)->len)
			json_str(w, row->name.ptr, *claim_text(c, row));
		break;
	case CLAIM_TIME:
		if (*claim_time(c, row))
			json_i64(w, row->name.ptr, *claim_time(c, row));
		break;
	case CLAIM_NUMBER:
		json_u64(w, row->name.ptr, *claim_number(c, row));
		break;
	}
}

static void write_header(struct buf *out, const struct token_claims *c)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w, NULL);
	json_str(&w, "alg", SPAN("ES256"));
	json_cstr(&w, "typ", token_kind_typ(c->kind));
	json_str(&w, "kid", c->kid);
	json_end(&w);
}

static void write_payload(struct buf *out, struct token_claims *c)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w, NULL);
	for (size_t i = 0; i < TOKEN_CLAIM_COUNT; i++)
		if (token_claim_table[i].kinds >> c->kind & 1)
			write_claim(&w, c, &token_claim_table[i]);
	json_end(&w);
}

static err write_signed(struct token_claims *c, const struct eckey *key, struct buf *out)
{
	char header_memory[HEADER_MAX], payload_memory[TOKEN_DECODED_MAX];
	uint8_t signature[ECKEY_SIGNATURE_SIZE];
	size_t start = buf_len(out);
	struct buf header, payload;

	buf_init_fixed(&header, header_memory, sizeof(header_memory));
	buf_init_fixed(&payload, payload_memory, sizeof(payload_memory));
	write_header(&header, c);
	write_payload(&payload, c);
	if (buf_error(&header) || buf_error(&payload))
		return ERR_TOO_LARGE;
	base64url_encode(out, buf_span(&header));
	buf_add_byte(out, '.');
	base64url_encode(out, buf_span(&payload));
	if (buf_error(out))
		return buf_error(out);
	err e = eckey_sign(key, span_from_offset(buf_span(out), start), signature);

	if (e)
		return e;
	buf_add_byte(out, '.');
	base64url_encode(out, span_of(signature, sizeof(signature)));
	if (buf_error(out))
		return buf_error(out);
	return buf_len(out) - start > TOKEN_MAX_BYTES ? ERR_TOO_LARGE : OK;
}

err token_sign(const struct token_claims *c, const struct eckey *key, struct buf *out)
{
	struct token_claims fields =
		*c; /* a row gives a pointer to its field, for reading as well */
	size_t start = buf_len(out);

	if (!are_writable(&fields))
		return ERR_INVALID;
	err e = write_signed(&fields, key, out);

	if (e)
		buf_truncate(out, start);
	return e;
}
