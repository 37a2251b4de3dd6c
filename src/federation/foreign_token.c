/* Hard rule: no claim is looked at before the signature is right. */
#include "federation/foreign_token.h"

#include "base/encode.h"
#include "federation/strict_json.h"

#include "base/banned.h"

#define FOREIGN_NAME(verdict, code, text) [verdict] = code,
#define FOREIGN_TEXT(verdict, code, text) [verdict] = text,
static const char *const names[] = {FOREIGN_VERDICTS(FOREIGN_NAME)};
static const char *const texts[] = {FOREIGN_VERDICTS(FOREIGN_TEXT)};

/* The parts of a compact JWS (RFC 7515, 3.1), header and claims read. */
struct parts {
	json_t *header, *claims;
};

const char *foreign_verdict_name(enum foreign_verdict v)
{
	return names[v];
}

const char *foreign_verdict_text(enum foreign_verdict v)
{
	return texts[v];
}

/* A part's object; NULL also for text that is not canonical Base64url. */
static json_t *read_part(struct arena *a, span text)
{
	size_t size = base64url_decoded_len(text.len), len = 0;
	char *bytes = arena_try_alloc(a, size + 1);

	if (!bytes || base64url_decode(text, bytes, size, &len))
		return NULL;
	return strict_object(a, span_of(bytes, len));
}

static bool is_canonical(struct arena *a, span text)
{
	size_t size = base64url_decoded_len(text.len), len = 0;
	char *bytes = arena_try_alloc(a, size + 1);

	return bytes && text.len && !base64url_decode(text, bytes, size, &len);
}

static bool split(struct arena *a, span text, struct parts *ret)
{
	span header, claims, signature;

	if (text.len > FOREIGN_TOKEN_MAX)
		return false;
	if (!span_cut(&text, '.', &header) || !span_cut(&text, '.', &claims) ||
		!span_cut(&text, '.', &signature) || text.ptr || !is_canonical(a, signature))
		return false;
	ret->header = read_part(a, header);
	ret->claims = ret->header ? read_part(a, claims) : NULL;
	return ret->claims != NULL;
}

span foreign_token_kid(struct arena *a, span text)
{
	struct parts p;

	return split(a, text, &p) ? member_text(p.header, "kid") : SPAN_EMPTY;
}

span foreign_token_algorithm(struct arena *a, span text)
{
	struct parts p;

	return split(a, text, &p) ? member_text(p.header, "alg") : SPAN_EMPTY;
}

span foreign_token_issuer(struct arena *a, span text)
{
	struct parts p;

	return split(a, text, &p) ? member_text(p.claims, "iss") : SPAN_EMPTY;
}

bool foreign_token_is_for(struct arena *a, span text, span audience)
{
	struct parts p;

	return split(a, text, &p) && member_has(p.claims, "aud", audience);
}

static bool type_is_one_of(const json_t *header, const char *types)
{
	span typ = member_text(header, "typ"), list = span_from(types), word;

	if (!json_object_get(header, "typ"))
		return true;
	if (span_eq_nocase(span_sub(typ, 0, 12), SPAN("application/")))
		typ = span_from_offset(typ, 12);
	while (span_cut(&list, ' ', &word))
		if (typ.len && span_eq_nocase(typ, word))
			return true;
	return false;
}

static enum foreign_verdict check_header(const json_t *header, const char *types)
{
	const json_t *kid = json_object_get(header, "kid");

	/* Extensions we would have to understand, compression, and unencoded payloads. */
	if (json_object_get(header, "crit") || json_object_get(header, "zip") ||
		json_object_get(header, "b64"))
		return FOREIGN_MALFORMED;
	if ((kid && !json_is_string(kid)) || !json_is_string(json_object_get(header, "alg")))
		return FOREIGN_MALFORMED;
	return type_is_one_of(header, types) ? FOREIGN_OK : FOREIGN_WRONG_TYPE;
}

static enum foreign_verdict check_signature(
	const struct key_set *keys, const json_t *header, span text)
{
	err e = key_set_check(keys, member_text(header, "kid"), member_text(header, "alg"), text);

	if (e == ERR_NOT_FOUND)
		return FOREIGN_UNKNOWN_KEY;
	if (e == ERR_INVALID)
		return FOREIGN_WRONG_ALGORITHM;
	return e ? FOREIGN_BAD_SIGNATURE : FOREIGN_OK;
}

static enum foreign_verdict check_times(const json_t *claims, int64_t now_s)
{
	int64_t exp, iat, nbf;

	if (!member_time(claims, "exp", &exp) || !member_time(claims, "iat", &iat))
		return FOREIGN_MISSING_CLAIM;
	if (iat > now_s + FOREIGN_TOKEN_LEEWAY_S)
		return FOREIGN_NOT_YET_VALID;
	if (json_object_get(claims, "nbf") &&
		(!member_time(claims, "nbf", &nbf) || nbf > now_s + FOREIGN_TOKEN_LEEWAY_S))
		return FOREIGN_NOT_YET_VALID;
	return exp + FOREIGN_TOKEN_LEEWAY_S <= now_s ? FOREIGN_EXPIRED : FOREIGN_OK;
}

static enum foreign_verdict check_claims(
	const json_t *claims, const struct foreign_expected *expected, int64_t now_s)
{
	bool sub = member_text(claims, "sub").len > 0;

	if (expected->issuer.len == 0 || !span_eq(member_text(claims, "iss"), expected->issuer))
		return FOREIGN_WRONG_ISSUER;
	if (expected->audience.len == 0 || !member_has(claims, "aud", expected->audience))
		return FOREIGN_WRONG_AUDIENCE;
	if (!sub && !(expected->sub_optional && !json_object_get(claims, "sub")))
		return FOREIGN_MISSING_CLAIM;
	return check_times(claims, now_s);
}

enum foreign_verdict foreign_token_verify(const struct key_set *keys, span text,
	const struct foreign_expected *expected, int64_t now_s, struct arena *a,
	json_t **ret_claims)
{
	enum foreign_verdict v;
	struct parts p;

	if (!split(a, text, &p))
		return FOREIGN_MALFORMED;
	v = check_header(p.header, expected->types);
	if (!v)
		v = check_signature(keys, p.header, text);
	if (!v)
		v = check_claims(p.claims, expected, now_s);
	if (!v)
		*ret_claims = p.claims;
	return v;
}
