/*
 * Hard rule: a token never chooses how it is verified: its header's algorithm must be the one the
 * key was published for before libcjose sees either.
 */
#include "federation/key_set.h"

#include <cjose/cjose.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/encode.h"
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
	cjose_jwk_t *jwk;
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

static void add(struct key_set *s, const json_t *key)
{
	const char *algorithm = algorithm_of(key);
	span kid = member_text(key, "kid");
	cjose_jwk_t *jwk;

	if (!algorithm || kid.len > KID_MAX)
		return;
	jwk = import(key);
	if (jwk)
		s->keys[s->count++] = (struct key){arena_span(s->arena, kid), algorithm, jwk};
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

err key_set_check(const struct key_set *s, span kid, span algorithm, span token)
{
	const struct key *key = find(s, kid);
	cjose_err error;
	cjose_jws_t *jws;
	bool good;

	if (!key)
		return ERR_NOT_FOUND;
	if (!span_is(algorithm, key->algorithm))
		return ERR_INVALID;
	jws = cjose_jws_import(token.ptr, token.len, &error);
	if (!jws)
		return ERR_DENIED;
	good = cjose_jws_verify(jws, key->jwk, &error);
	cjose_jws_release(jws);
	return good ? OK : ERR_DENIED;
}
