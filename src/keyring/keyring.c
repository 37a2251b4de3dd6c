/*
 * Signing keys: private parts in files, public parts in the database and the published state.
 *
 * Hard rule: the private key is on disk before its public part is published, and a public part is
 * published before anything is signed with it.
 */
#include "keyring/keyring.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "crypto/digest.h"
#include "crypto/eckey.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "feed/feed.h"
#include "keyring/keyring_queries.h"
#include "keyring/signature_cache.h"
#include "state/records.h"
#include "sys/files.h"

#include "base/banned.h"

#define KEYS_MAX    64
#define PEM_MAX     2048
#define SECRET_SIZE 32
#define KID_BYTES   9 /* 12 characters of base64url */

struct signing_key {
	enum token_kind kind;
	char kid[TOKEN_KID_MAX + 1];
	struct eckey *key;
};

struct keyring {
	struct signing_key keys[KEYS_MAX];
	size_t count;
	const struct signing_key *active[TOKEN_KINDS];
	uint8_t secret[SECRET_SIZE];
	struct signature_cache *verified;
};

static const char *const kind_names[TOKEN_KINDS] = {
	[TOKEN_ACCESS] = "access",
	[TOKEN_DEVICE] = "device",
	[TOKEN_DOWNLOAD] = "download",
};

/* False for the kinds that are no tokens (the feed's key). */
static bool kind_from_name(span name, enum token_kind *ret)
{
	for (int k = 0; k < TOKEN_KINDS; k++)
		if (span_is(name, kind_names[k])) {
			*ret = (enum token_kind)k;
			return true;
		}
	return false;
}

static char *key_path(struct arena *a, const char *dir, enum token_kind kind, const char *kid)
{
	return arena_printf(a, "%s/%s-%s.pem", dir, kind_names[kind], kid);
}

/* A key is named after its public part: the start of the point's SHA-256. */
static void make_kid(const uint8_t point[ECKEY_PUBLIC_SIZE], char ret[TOKEN_KID_MAX + 1])
{
	uint8_t digest[SHA256_SIZE];
	struct buf text;

	sha256(span_of(point, ECKEY_PUBLIC_SIZE), digest);
	buf_init_fixed(&text, ret, TOKEN_KID_MAX + 1);
	base64url_encode(&text, span_of(digest, KID_BYTES));
}

static err load_private(const char *path, struct eckey **ret)
{
	struct buf pem;

	buf_init(&pem, PEM_MAX);
	err e = file_read(path, &pem);

	if (!e)
		e = eckey_from_pem(buf_span(&pem), ret);
	buf_wipe(&pem);
	return e;
}

static err store_private(const char *path, const struct eckey *key)
{
	struct buf pem;

	buf_init(&pem, PEM_MAX);
	err e = eckey_to_pem(key, &pem);

	if (!e)
		e = file_create_atomic(path, buf_span(&pem), 0600);
	buf_wipe(&pem);
	return e;
}

struct loading {
	struct keyring *ring;
	struct arena *arena;
	const char *dir;
	struct signing_key *fresh; /* to be recorded */
	int64_t now_us;
	uint64_t seq;
};

static err load_row(struct loading *l, struct db_rows *rows)
{
	struct keyring *ring = l->ring;
	enum token_kind kind;
	uint8_t point[ECKEY_PUBLIC_SIZE];
	span kid = db_text(rows, 0);

	if (!kind_from_name(db_text(rows, 1), &kind))
		return OK;
	if (ring->count == KEYS_MAX || kid.len > TOKEN_KID_MAX)
		return ERR_CORRUPT;
	struct signing_key *k = &ring->keys[ring->count];

	k->kind = kind;
	memcpy(k->kid, kid.ptr, kid.len);
	k->kid[kid.len] = '\0';
	err e = load_private(key_path(l->arena, l->dir, kind, k->kid), &k->key);

	if (e)
		return e;
	ring->count++;
	eckey_public(k->key, point);
	if (!span_eq(db_blob(rows, 2), span_of(point, sizeof(point))))
		return ERR_CORRUPT;
	if (db_int(rows, 3) <= l->now_us || !ring->active[kind])
		ring->active[kind] = k;
	return OK;
}

static void forget_keys(struct keyring *ring)
{
	for (size_t i = 0; i < ring->count; i++)
		eckey_free(ring->keys[i].key);
	ring->count = 0;
	memset(ring->active, 0, sizeof(ring->active));
}

static err load_keys(struct db_tx *tx, void *arg)
{
	struct loading *l = arg;
	AUTO_PTR(db_rows) rows = NULL;
	bool found;

	forget_keys(l->ring);
	err e = db_query(tx, &rows, keyring_live);

	while (!e) {
		e = db_next(rows, &found);
		if (e || !found)
			break;
		e = load_row(l, rows);
	}
	return e;
}

static err record_key(struct db_tx *tx, void *arg)
{
	struct loading *l = arg;
	const struct signing_key *k = l->fresh;
	uint8_t point[ECKEY_PUBLIC_SIZE];
	char memory[STATE_KEY_MAX + 1];
	struct feed_batch batch;
	struct buf key;

	eckey_public(k->key, point);
	feed_begin(&batch, tx);
	err e = db_exec(tx, keyring_add, DB_CSTR(k->kid), DB_CSTR(kind_names[k->kind]),
		DB_BLOB(span_of(point, sizeof(point))), DB_INT(l->now_us));

	if (e)
		return e;
	buf_init_fixed(&key, memory, sizeof(memory));
	state_key_signing(&key, k->kind, span_from(k->kid));
	e = feed_put(&batch, buf_span(&key), span_of(point, sizeof(point)), 0);
	return e ? e : feed_seal(&batch, &l->seq);
}

static err make_key(struct loading *l, struct db *db, enum token_kind kind)
{
	struct keyring *ring = l->ring;
	uint8_t point[ECKEY_PUBLIC_SIZE];

	if (ring->count == KEYS_MAX)
		return ERR_LIMIT;
	struct signing_key *k = &ring->keys[ring->count];

	k->kind = kind;
	err e = eckey_generate(&k->key);

	if (e)
		return e;
	ring->count++;
	eckey_public(k->key, point);
	make_kid(point, k->kid);
	e = store_private(key_path(l->arena, l->dir, kind, k->kid), k->key);
	if (e)
		return e;
	l->fresh = k;
	e = db_transact(db, DB_WRITE, record_key, l);
	if (!e)
		ring->active[kind] = k;
	return e;
}

/* The secret under all keyed hashes: made once, never changed. */
static err open_secret(struct loading *l)
{
	const char *path = arena_printf(l->arena, "%s/secret.key", l->dir);
	uint8_t fresh[SECRET_SIZE];
	struct buf content;

	random_bytes(fresh, sizeof(fresh));
	err e = file_create_atomic(path, span_of(fresh, sizeof(fresh)), 0600);

	wipe(fresh, sizeof(fresh));
	if (e && e != ERR_CONFLICT)
		return e;
	buf_init(&content, SECRET_SIZE);
	e = file_read(path, &content);
	if (!e && buf_len(&content) != SECRET_SIZE)
		e = ERR_CORRUPT;
	if (!e)
		memcpy(l->ring->secret, buf_str(&content), SECRET_SIZE);
	buf_wipe(&content);
	return e;
}

err keyring_open(
	const char *dir, struct db *db, int64_t now_us, struct keyring **ret, uint64_t *ret_seq)
{
	AUTO_PTR(arena) a = arena_new();
	struct keyring *ring = calloc(1, sizeof(*ring));
	struct loading l = {.ring = ring, .arena = a, .dir = dir, .now_us = now_us};

	if (!ring)
		return ERR_NOMEM;
	err e = signature_cache_new(&ring->verified);

	if (!e)
		e = open_secret(&l);
	if (!e)
		e = db_transact(db, DB_READ, load_keys, &l);
	for (int kind = 0; kind < TOKEN_KINDS && !e; kind++)
		if (!ring->active[kind])
			e = make_key(&l, db, (enum token_kind)kind);
	if (e) {
		keyring_close(ring);
		return e;
	}
	*ret = ring;
	*ret_seq = l.seq;
	return OK;
}

void keyring_close(struct keyring *k)
{
	if (!k)
		return;
	signature_cache_free(k->verified);
	forget_keys(k);
	wipe(k->secret, sizeof(k->secret));
	free(k);
}

err keyring_sign(const struct keyring *k, struct token_claims *c, struct buf *out)
{
	const struct signing_key *key = k->active[c->kind];

	c->kid = span_from(key->kid);
	return token_sign(c, key->key, out);
}

const struct eckey *keyring_lookup(void *ctx, enum token_kind kind, span kid)
{
	const struct keyring *k = ctx;

	for (size_t i = 0; i < k->count; i++)
		if (k->keys[i].kind == kind && span_is(kid, k->keys[i].kid))
			return k->keys[i].key;
	return NULL;
}

bool keyring_check(void *ctx, const struct eckey *key, span text, const uint8_t signature[64])
{
	const struct keyring *k = ctx;

	return signature_cache_verify(k->verified, key, text, signature);
}

static void write_coordinate(struct json_writer *w, const char *name, const uint8_t *bytes)
{
	char memory[64];
	struct buf text;

	buf_init_fixed(&text, memory, sizeof(memory));
	base64url_encode(&text, span_of(bytes, 32));
	json_str(w, name, buf_span(&text));
}

void keyring_jwks(const struct keyring *k, struct buf *out)
{
	struct json_writer w;
	uint8_t point[ECKEY_PUBLIC_SIZE];

	json_writer_init(&w, out);
	json_begin_object(&w, NULL);
	json_begin_array(&w, "keys");
	for (size_t i = 0; i < k->count; i++) {
		eckey_public(k->keys[i].key, point);
		json_begin_object(&w, NULL);
		json_cstr(&w, "kty", "EC");
		json_cstr(&w, "crv", "P-256");
		write_coordinate(&w, "x", point + 1);
		write_coordinate(&w, "y", point + 33);
		json_cstr(&w, "use", "sig");
		json_cstr(&w, "alg", "ES256");
		json_cstr(&w, "kid", k->keys[i].kid);
		json_cstr(&w, "slipway_kind", kind_names[k->keys[i].kind]);
		json_end(&w);
	}
	json_end(&w);
	json_end(&w);
}

void keyring_derive(const struct keyring *k, const char *purpose, uint8_t ret[32])
{
	hmac_sha256(span_of(k->secret, sizeof(k->secret)), span_from(purpose), ret);
}
