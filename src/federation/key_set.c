/*
 * Hard rule: a token never chooses how it is verified: its header's algorithm must be the one the
 * key was published for before libcjose sees either.
 */
#include "federation/key_set.h"

#include <cjose/cjose.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "crypto/ed25519.h"
#include "federation/strict_json.h"

#include "base/banned.h"

#define KID_MAX        256
#define RSA_MIN_BYTES  256  /* 2048 bits */
#define RSA_MAX_BYTES  1024 /* 8192 bits: larger ones only cost time */
#define EXPONENT_BYTES 8
#define P256_BYTES     32

struct key {
	span kid;
	const char *algorithm;
	bool named;       /* by its set */
	cjose_jwk_t *jwk; /* NULL: of Ed25519, which libcjose does not know */
	uint8_t ed25519[ED25519_PUBLIC_SIZE];
};

struct key_set {
	atomic_uint refs;
	struct arena *arena;
	size_t count;
	struct key keys[KEY_SET_MAX_KEYS];
};

/* Length of a Base64url number without leading zeros; 0 when it is none. */
static size_t number_bytes(const json_t *key, const char *name)
{
	uint8_t bytes[RSA_MAX_BYTES + 1];
	size_t len = 0, zeros = 0;

	if (base64url_decode(member_text(key, name), bytes, sizeof(bytes), &len))
		return 0;
	while (zeros < len && bytes[zeros] == 0)
		zeros++;
	return len - zeros;
}

static bool is_rsa(const json_t *key)
{
	size_t n = number_bytes(key, "n"), e = number_bytes(key, "e");

	return span_is(member_text(key, "kty"), "RSA") && n >= RSA_MIN_BYTES &&
	       n <= RSA_MAX_BYTES && e >= 1 && e <= EXPONENT_BYTES;
}

static bool is_p256(const json_t *key)
{
	size_t len = 0;
	uint8_t bytes[P256_BYTES];

	if (!span_is(member_text(key, "kty"), "EC") || !span_is(member_text(key, "crv"), "P-256"))
		return false;
	return !base64url_decode(member_text(key, "x"), bytes, sizeof(bytes), &len) &&
	       len == P256_BYTES &&
	       !base64url_decode(member_text(key, "y"), bytes, sizeof(bytes), &len) &&
	       len == P256_BYTES;
}

/*
 * Points of small order, in hex and without the sign: whoever publishes one as a key makes a
 * signature of zeros fit everything (RFC 8725, 3.4).
 */
static const char *const small_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};

static bool is_of_small_order(const uint8_t point[ED25519_PUBLIC_SIZE])
{
	uint8_t plain[ED25519_PUBLIC_SIZE], row[ED25519_PUBLIC_SIZE];

	memcpy(plain, point, sizeof(plain));
	plain[ED25519_PUBLIC_SIZE - 1] &= 0x7f;
	for (size_t i = 0; i < ARRAY_LEN(small_order); i++)
		if (!hex_decode(span_from(small_order[i]), row, sizeof(row)) &&
			memcmp(plain, row, sizeof(row)) == 0)
			return true;
	return false;
}

/* RFC 8037, 2. */
static bool read_ed25519(const json_t *key, uint8_t ret[ED25519_PUBLIC_SIZE])
{
	uint8_t bytes[ED25519_PUBLIC_SIZE];
	size_t len = 0;

	if (!span_is(member_text(key, "kty"), "OKP") ||
		!span_is(member_text(key, "crv"), "Ed25519") ||
		base64url_decode(member_text(key, "x"), bytes, sizeof(bytes), &len) ||
		len != sizeof(bytes) || is_of_small_order(bytes))
		return false;
	memcpy(ret, bytes, sizeof(bytes));
	return true;
}

/* The one algorithm of a key, or NULL: it is not for us. */
static const char *algorithm_of(const json_t *key)
{
	span use = member_text(key, "use"), named = member_text(key, "alg");
	const json_t *operations = json_object_get(key, "key_ops");

	if (use.len && !span_is(use, "sig"))
		return NULL;
	if (operations && !member_has(key, "key_ops", SPAN("verify")))
		return NULL;
	if (is_rsa(key)) {
		if (span_is(named, "PS256"))
			return "PS256";
		return named.len == 0 || span_is(named, "RS256") ? "RS256" : NULL;
	}
	if (is_p256(key))
		return named.len == 0 || span_is(named, "ES256") ? "ES256" : NULL;
	if (read_ed25519(key, (uint8_t[ED25519_PUBLIC_SIZE]){0})) {
		if (span_is(named, "Ed25519")) /* RFC 9864 */
			return "Ed25519";
		return named.len == 0 || span_is(named, "EdDSA") ? "EdDSA" : NULL;
	}
	return NULL;
}

/* Only the public numbers: whatever else a provider publishes is not looked at. */
static cjose_jwk_t *import(const json_t *key)
{
	static const char *const members[] = {"kty", "n", "e", "crv", "x", "y"};
	json_t *bare = json_object();
	cjose_jwk_t *jwk;
	cjose_err error;

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (json_object_get(key, members[i]))
			(void)json_object_set(bare, members[i], json_object_get(key, members[i]));
	jwk = cjose_jwk_import_json((cjose_header_t *)bare, &error);
	json_decref(bare);
	return jwk;
}

/* Ed25519 has two names: RFC 8037 calls it EdDSA, RFC 9864 by its curve. */
static bool is_named(const struct key *k, span algorithm)
{
	return span_is(algorithm, k->algorithm) ||
	       (!k->jwk && !k->named && span_is(algorithm, "Ed25519"));
}

static void add(struct key_set *s, const json_t *key)
{
	struct key k = {.algorithm = algorithm_of(key), .named = member_text(key, "alg").len > 0};
	span kid = member_text(key, "kid");

	if (!k.algorithm || kid.len > KID_MAX)
		return;
	if (!read_ed25519(key, k.ed25519)) {
		k.jwk = import(key);
		if (!k.jwk)
			return;
	}
	k.kid = arena_span(s->arena, kid);
	s->keys[s->count++] = k;
}

err key_set_parse(span json, struct key_set **ret)
{
	AUTO_PTR(arena) scratch = arena_new();
	const json_t *keys, *key;
	struct key_set *s;
	size_t i;

	if (json.len > KEY_SET_MAX_BYTES)
		return ERR_TOO_LARGE;
	keys = json_object_get(strict_object(scratch, json), "keys");
	if (!json_is_array(keys))
		return ERR_INVALID;
	if (json_array_size(keys) > KEY_SET_MAX_KEYS)
		return ERR_TOO_LARGE;
	s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	atomic_init(&s->refs, 1);
	s->arena = arena_new();
	json_array_foreach(keys, i, key) add(s, key);
	*ret = s;
	return OK;
}

struct key_set *key_set_ref(struct key_set *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void key_set_unref(struct key_set *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < s->count; i++)
		if (s->keys[i].jwk)
			cjose_jwk_release(s->keys[i].jwk);
	arena_free(s->arena);
	free(s);
}

size_t key_set_count(const struct key_set *s)
{
	return s->count;
}

/* Of two keys with one kid none is meant. */
static const struct key *find(const struct key_set *s, span kid)
{
	const struct key *found = NULL;

	if (kid.len == 0)
		return s->count == 1 ? &s->keys[0] : NULL;
	for (size_t i = 0; i < s->count; i++) {
		if (!span_eq(s->keys[i].kid, kid))
			continue;
		if (found)
			return NULL;
		found = &s->keys[i];
	}
	return found;
}

bool key_set_has(const struct key_set *s, span kid)
{
	return find(s, kid) != NULL;
}

/* RFC 8037, 3.1: over the text before the last dot, 64 bytes. */
static err check_ed25519(const struct key *key, span token)
{
	size_t dot = span_rfind(token, '.'), len = 0;
	uint8_t signature[ED25519_SIGNATURE_SIZE];

	if (dot == token.len || base64url_decode(span_from_offset(token, dot + 1), signature,
					sizeof(signature), &len))
		return ERR_DENIED;
	if (len != sizeof(signature))
		return ERR_DENIED;
	return ed25519_verify(key->ed25519, span_sub(token, 0, dot), signature);
}

err key_set_check(const struct key_set *s, span kid, span algorithm, span token)
{
	const struct key *key = find(s, kid);
	cjose_err error;
	cjose_jws_t *jws;
	bool good;

	if (!key)
		return ERR_NOT_FOUND;
	if (!is_named(key, algorithm))
		return ERR_INVALID;
	if (!key->jwk)
		return check_ed25519(key, token);
	jws = cjose_jws_import(token.ptr, token.len, &error);
	if (!jws)
		return ERR_DENIED;
	good = cjose_jws_verify(jws, key->jwk, &error);
	cjose_jws_release(jws);
	return good ? OK : ERR_DENIED;
}
