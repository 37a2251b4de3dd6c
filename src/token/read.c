/*
 * Verifying a token. Hard rule, in the order of the checks: form, header, key, signature; only then
 * is the payload looked at. Up to there every byte is an attacker's, and all of it is refused that
 * the signer would not have written.
 */
#include "token/claims.h"

#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "crypto/eckey.h"

#include "base/banned.h"

#define HEADER_MAX  192 /* decoded; ours have at most 80 bytes */
#define UNKNOWN_MAX 16  /* claims of a later version, ignored (RFC 7519 section 4) */

/* The three parts of a compact JWS as they stand in the text (RFC 7515 section 7.1). */
struct parts {
	span header, payload, signature;
	span signed_text; /* header '.' payload */
};

struct header {
	span alg, typ, kid;
};

static bool split(span text, struct parts *ret)
{
	struct parts p;
	span rest = text;

	if (text.len > TOKEN_MAX_BYTES)
		return false;
	if (!span_cut(&rest, '.', &p.header) || !span_cut(&rest, '.', &p.payload) ||
		!span_cut(&rest, '.', &p.signature) || rest.ptr)
		return false;
	p.signed_text = span_sub(text, 0, p.header.len + 1 + p.payload.len);
	*ret = p;
	return true;
}

/* Decodes one part to *at and moves that on. Parts of one token fit into TOKEN_DECODED_MAX. */
static bool decode(span part, size_t max, char **at, span *ret)
{
	size_t len;

	if (part.len == 0 || base64url_decode(part, *at, max, &len))
		return false;
	*ret = span_of(*at, len);
	*at += len;
	return true;
}

/* Exactly alg, typ and kid, once each, as strings (RFC 8725 sections 3.1, 3.10, 3.11). */
static bool read_header(span text, struct header *ret)
{
	struct header h = {.alg = {NULL, 0}};
	struct json_reader r;
	span key;

	json_reader_init(&r, text);
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		span *field = span_is(key, "alg")   ? &h.alg
			      : span_is(key, "typ") ? &h.typ
			      : span_is(key, "kid") ? &h.kid
						    : NULL;

		if (!field || field->ptr)
			return false;
		*field = json_get_plain_string(&r);
	}
	if (json_read_end(&r) || !h.alg.ptr || !h.typ.ptr || !h.kid.ptr)
		return false;
	*ret = h;
	return true;
}

/*
 * The row of this kind's claim with this name. Tokens have their claims in the order of the table,
 * so the search begins behind the last one found.
 */
static const struct claim *find_claim(enum token_kind kind, span name, size_t *hint)
{
	for (size_t i = 0; i < TOKEN_CLAIM_COUNT; i++) {
		size_t at = (*hint + i) % TOKEN_CLAIM_COUNT;
		const struct claim *row = &token_claim_table[at];

		if (row->kinds >> kind & 1 && span_eq(row->name, name)) {
			*hint = at + 1;
			return row;
		}
	}
	return NULL;
}

/* Takes the value of a claim. An empty text or a zero time is no way to write "absent". */
static bool read_claim(struct json_reader *r, const struct claim *row, struct token_claims *c)
{
	int64_t number;
	span text;

	switch (row->type) {
	case CLAIM_TEXT:
	case CLAIM_LIST:
		text = json_get_plain_string(r);
		*claim_text(c, row) = text;
		return text.len && claim_is_plain(text) &&
		       (row->type == CLAIM_TEXT || claim_is_list(text));
	case CLAIM_TIME:
		number = json_get_i64(r);
		*claim_time(c, row) = number;
		return number > 0 && number <= TOKEN_TIME_MAX_S;
	case CLAIM_NUMBER:
		number = json_get_i64(r);
		*claim_number(c, row) = (uint64_t)number;
		return number >= 0;
	}
	return false;
}

/* Remembers an unknown name, to refuse it the second time. */
static bool is_new_name(span name, span seen[UNKNOWN_MAX], size_t *count)
{
	if (*count == UNKNOWN_MAX)
		return false;
	for (size_t i = 0; i < *count; i++)
		if (span_eq(seen[i], name))
			return false;
	seen[(*count)++] = name;
	return true;
}

static bool has_required(enum token_kind kind, uint64_t present)
{
	for (size_t i = 0; i < TOKEN_CLAIM_COUNT; i++)
		if (token_claim_table[i].required >> kind & 1 && !(present >> i & 1))
			return false;
	return true;
}

static void set_derived(struct token_claims *c)
{
	if (c->kind == TOKEN_ACCESS)
		c->account = c->sub;
	if (c->kind == TOKEN_DEVICE)
		c->device = c->sub;
	if (c->kind != TOKEN_DOWNLOAD)
		c->epoch_subject = c->sub;
}

static bool read_claims(enum token_kind kind, span text, struct token_claims *ret)
{
	struct token_claims c = {.kind = kind};
	struct json_reader r;
	span name, unknown[UNKNOWN_MAX];
	size_t hint = 0, unknown_count = 0;
	uint64_t present = 0;

	json_reader_init(&r, text);
	json_enter_object(&r);
	while (json_next_member(&r, &name)) {
		const struct claim *row = find_claim(kind, name, &hint);

		if (!row) {
			if (!is_new_name(name, unknown, &unknown_count))
				return false;
			json_skip(&r);
			continue;
		}
		uint64_t bit = UINT64_C(1) << (row - token_claim_table);

		if (present & bit || !read_claim(&r, row, &c))
			return false;
		present |= bit;
	}
	if (json_read_end(&r) || !has_required(kind, present) || !claims_are_consistent(&c))
		return false;
	set_derived(&c);
	*ret = c;
	return true;
}

static bool is_signed(const struct token_verifier *v, const struct eckey *key, span text,
	const uint8_t signature[ECKEY_SIGNATURE_SIZE])
{
	return v->check ? v->check(v->ctx, key, text, signature)
			: eckey_verify(key, text, signature) == OK;
}

enum token_verdict token_verify(enum token_kind kind, span text, const struct token_verifier *v,
	int64_t now_s, char scratch[TOKEN_DECODED_MAX], struct token_claims *ret)
{
	uint8_t signature[ECKEY_SIGNATURE_SIZE];
	struct token_claims c;
	struct parts p;
	struct header h;
	span header, payload;
	size_t len;

	if (!split(text, &p) || !decode(p.header, HEADER_MAX, &scratch, &header) ||
		!decode(p.payload, TOKEN_DECODED_MAX - header.len, &scratch, &payload) ||
		base64url_decode(p.signature, signature, sizeof(signature), &len) ||
		len != sizeof(signature))
		return TOKEN_MALFORMED;
	if (!read_header(header, &h) || !span_is(h.alg, "ES256") || !claim_is_kid(h.kid))
		return TOKEN_MALFORMED;
	if (!span_is(h.typ, token_kind_typ(kind)))
		return TOKEN_WRONG_KIND;
	const struct eckey *key = v->lookup(v->ctx, kind, h.kid);

	if (!key)
		return TOKEN_UNKNOWN_KEY;
	if (!is_signed(v, key, p.signed_text, signature))
		return TOKEN_BAD_SIGNATURE;
	if (!read_claims(kind, payload, &c))
		return TOKEN_MALFORMED;
	if (!span_eq(c.iss, v->issuer) || !span_eq(c.aud, v->audience))
		return TOKEN_WRONG_AUDIENCE;
	c.kid = h.kid;
	enum token_verdict verdict = token_check_time(&c, now_s);

	if (verdict == TOKEN_OK)
		*ret = c;
	return verdict;
}
