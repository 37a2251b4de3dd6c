/*
 * The keys in memory. They stand in a list that only grows: a key that was found is never freed
 * before the keyring, so that a verification may hold it while it is being retired. A program does
 * not live to see many.
 *
 * Hard rule: the private key is on disk before its public part is published, and a public part is
 * published before anything is signed with it.
 */
#include "keyring/keyring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "keyring/keyring_queries.h"
#include "keyring/private_key.h"
#include "keyring/signature_cache.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/log.h"

#include "base/banned.h"

#define SECRET_SIZE    32
#define TOKEN_RETRY_US (30 * TIME_SECOND)

struct held {
	struct held *next;
	struct signing_key row;
	struct eckey *public;
	_Atomic(struct eckey *) private; /* NULL: not here, or not yet */
	int64_t retry_at_us;             /* a token that failed is left alone until then */
	atomic_bool retired;
};

struct keyring {
	struct db *db;
	struct arena *arena; /* of place */
	struct key_place place;
	_Atomic(struct held *) first;
	uint8_t secret[SECRET_SIZE];
	struct signature_cache *verified;
	pthread_mutex_t lock; /* of the writer of the list */
	atomic_llong refresh_at_us;
	err last; /* of the refreshes; under lock */
};

/* Following the table --------------------------------------------------------------------------
 */

struct table {
	struct signing_key rows[SIGNING_KEYS_MAX];
	size_t count;
};

static err read_table(struct db_tx *tx, void *arg)
{
	struct table *t = arg;

	return signing_key_list(tx, t->rows, &t->count);
}

static struct held *find_held(struct keyring *k, const char *kid)
{
	struct held *h = atomic_load(&k->first);

	while (h && strcmp(h->row.kid, kid) != 0)
		h = h->next;
	return h;
}

static err add_held(struct keyring *k, const struct signing_key *row, struct held **ret)
{
	struct held *h = calloc(1, sizeof(*h));

	if (!h)
		return ERR_NOMEM;
	h->row = *row;
	if (eckey_from_public(row->point, &h->public)) {
		free(h);
		return ERR_CORRUPT;
	}
	h->next = atomic_load(&k->first);
	atomic_store(&k->first, h);
	*ret = h;
	return OK;
}

/* Without its private part a key still verifies, and it may come yet. */
static err load_private(struct keyring *k, struct held *h)
{
	AUTO_PTR(arena) a = arena_new();
	struct eckey *private = NULL;
	const char *problem = NULL;
	err e = private_key_load(a, &k->place, &h->row, &private, &problem);

	if (!e)
		atomic_store(&h->private, private);
	if (problem) {
		h->retry_at_us = clock_monotonic_us() + TOKEN_RETRY_US;
		log_error("a signing key in a PKCS#11 token cannot be used",
			LOG_STR("kid", h->row.kid), LOG_STR("detail", problem), LOG_ERR(e));
	}
	return problem || e == ERR_NOT_FOUND ? OK : e;
}

static err hold(struct keyring *k, const struct signing_key *row)
{
	struct held *h = find_held(k, row->kid);
	err e = h ? OK : add_held(k, row, &h);

	if (e || atomic_load(&h->private) || clock_monotonic_us() < h->retry_at_us)
		return e;
	return load_private(k, h);
}

static bool is_listed(const struct table *t, const struct held *h)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->rows[i].kid, h->row.kid) == 0)
			return true;
	return false;
}

static err follow(struct keyring *k, const struct table *t)
{
	err e = OK, first = OK;

	for (size_t i = 0; i < t->count; i++) {
		e = hold(k, &t->rows[i]);
		first = first ? first : e; /* one bad key does not keep the others away */
	}
	for (struct held *h = atomic_load(&k->first); h; h = h->next)
		atomic_store(&h->retired, !is_listed(t, h));
	return first;
}

static err refresh_locked(struct keyring *k)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return ERR_NOMEM;
	err e = db_transact(k->db, DB_READ, read_table, t);

	if (!e)
		e = follow(k, t);
	free(t);
	if (e && e != k->last)
		log_error("the signing keys cannot be read", LOG_ERR(e));
	k->last = e;
	atomic_store(&k->refresh_at_us, clock_monotonic_us() + KEYRING_REFRESH_US);
	return e;
}

err keyring_refresh(struct keyring *k)
{
	(void)pthread_mutex_lock(&k->lock);
	err e = refresh_locked(k);

	(void)pthread_mutex_unlock(&k->lock);
	return e;
}

/* Whoever comes when it is due looks at the table; the others go on with what is known. */
static void keep_fresh(struct keyring *k)
{
	if (clock_monotonic_us() < atomic_load(&k->refresh_at_us) ||
		pthread_mutex_trylock(&k->lock) != 0)
		return;
	if (clock_monotonic_us() >= atomic_load(&k->refresh_at_us))
		(void)refresh_locked(k); /* logged there; the keys known go on */
	(void)pthread_mutex_unlock(&k->lock);
}

/* Of two keys of a kind, the one that signs: the latest whose time has come, else the earliest. */
static bool goes_before(const struct held *a, const struct held *b, int64_t at_s)
{
	bool a_active = a->row.active_at_us / TIME_SECOND <= at_s;
	bool b_active = b->row.active_at_us / TIME_SECOND <= at_s;

	if (a_active != b_active)
		return a_active;
	return a_active == (a->row.active_at_us > b->row.active_at_us);
}

/* The key that signs at this second, or NULL. */
static struct held *signing_at(struct keyring *k, enum token_kind kind, int64_t at_s, bool private)
{
	struct held *best = NULL;

	for (struct held *h = atomic_load(&k->first); h; h = h->next)
		if (h->row.kind == kind && !atomic_load(&h->retired) &&
			(!private || atomic_load(&h->private)) &&
			(!best || goes_before(h, best, at_s)))
			best = h;
	return best;
}

/* Opening --------------------------------------------------------------------------------------
 */

struct recording {
	struct signing_key key;
	uint64_t seq;
};

static err record_key(struct db_tx *tx, void *arg)
{
	struct recording *r = arg;
	struct feed_batch batch;

	feed_begin(&batch, tx);
	err e = signing_key_insert(tx, &batch, &r->key);

	return e ? e : feed_seal(&batch, &r->seq);
}

/* The first of a kind signs at once: there is no token yet that another verifier could miss. */
static err make_first(struct keyring *k, enum token_kind kind, int64_t now_us, uint64_t *ret_seq)
{
	AUTO_PTR(arena) a = arena_new();
	const char *problem = NULL; /* files have none */
	struct recording r = {0};
	err e = private_key_make(a, &k->place, kind, SPAN_EMPTY, &r.key, &problem);

	if (e)
		return e;
	r.key.created_at_us = r.key.active_at_us = now_us;
	e = db_transact(k->db, DB_WRITE, record_key, &r);
	if (!e)
		*ret_seq = r.seq;
	return e ? e : keyring_refresh(k);
}

struct secret_check {
	bool known;
	char hex[SHA256_HEX + 1];
};

static err find_check(struct db_tx *tx, void *arg)
{
	struct secret_check *c = arg;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, secret_check_find);

	if (!e)
		e = db_next(rows, &c->known);
	if (e || !c->known)
		return e;
	if (db_text(rows, 0).len != SHA256_HEX)
		return ERR_CORRUPT;
	memcpy(c->hex, db_text(rows, 0).ptr, SHA256_HEX);
	return OK;
}

/* Of two nodes that are the first at once, one is. */
static err record_check(struct db_tx *tx, void *arg)
{
	const struct secret_check *c = arg;

	return db_exec(tx, secret_check_add, DB_CSTR(c->hex));
}

/* Is the secret the database's? The first to come says which that is, by a value derived from it.
 */
static err check_secret(struct keyring *k, struct secret_check *stored)
{
	struct secret_check own = {0};
	uint8_t derived[SHA256_SIZE];
	struct buf hex;
	err e = OK;

	keyring_derive(k, "secret-check", derived);
	buf_init_fixed(&hex, own.hex, sizeof(own.hex));
	hex_encode(&hex, span_of(derived, sizeof(derived)));
	if (!stored->known) {
		e = db_transact(k->db, DB_WRITE, record_check, &own);
		if (!e)
			e = db_transact(k->db, DB_READ, find_check, stored);
	}
	if (!e && memcmp(own.hex, stored->hex, SHA256_HEX) != 0)
		e = ERR_CONFLICT;
	return e;
}

static err make_secret(const char *path)
{
	uint8_t fresh[SECRET_SIZE];

	random_bytes(fresh, sizeof(fresh));
	err e = file_create_atomic(path, span_of(fresh, sizeof(fresh)), 0600);

	wipe(fresh, sizeof(fresh));
	return e == ERR_CONFLICT ? OK : e;
}

/*
 * The secret under all keyed hashes: made once, never changed, the same on all nodes of a database.
 * Another one would read no second factor and know no refresh token.
 */
static err open_secret(struct keyring *k)
{
	AUTO_PTR(arena) a = arena_new();
	const char *path = arena_printf(a, "%s/secret.key", k->place.dir);
	struct secret_check stored = {0};
	struct buf content;
	err e = db_transact(k->db, DB_READ, find_check, &stored);

	if (!e && !stored.known)
		e = make_secret(path);
	if (e)
		return e;
	buf_init(&content, SECRET_SIZE);
	e = file_read(path, &content);
	if (!e && buf_len(&content) != SECRET_SIZE)
		e = ERR_CORRUPT;
	if (!e)
		memcpy(k->secret, buf_str(&content), SECRET_SIZE);
	buf_wipe(&content);
	return e ? e : check_secret(k, &stored);
}

/* Each kind has a key that signs now, and its private part is here. */
static err complete(struct keyring *k, int64_t now_us, uint64_t *ret_seq)
{
	err e = keyring_refresh(k);

	for (int kind = 0; kind < TOKEN_KINDS && !e; kind++) {
		struct held *h = signing_at(k, (enum token_kind)kind, now_us / TIME_SECOND, false);

		if (!h)
			e = make_first(k, (enum token_kind)kind, now_us, ret_seq);
		else if (!atomic_load(&h->private))
			e = ERR_NOT_FOUND;
	}
	return e;
}

err keyring_open(const struct key_place *place, struct db *db, int64_t now_us, struct keyring **ret,
	uint64_t *ret_seq)
{
	struct keyring *k = calloc(1, sizeof(*k));
	uint64_t seq = 0;

	if (!k)
		return ERR_NOMEM;
	k->db = db;
	(void)pthread_mutex_init(&k->lock, NULL); /* cannot fail without attributes */
	k->arena = arena_new();
	k->place = (struct key_place){arena_strdup(k->arena, place->dir),
		arena_strdup(k->arena, place->pkcs11_module),
		arena_strdup(k->arena, place->pkcs11_pin_file)};
	err e = signature_cache_new(&k->verified);

	if (!e)
		e = open_secret(k);
	if (!e)
		e = complete(k, now_us, &seq);
	if (e) {
		keyring_close(k);
		return e;
	}
	*ret = k;
	*ret_seq = seq;
	return OK;
}

void keyring_close(struct keyring *k)
{
	if (!k)
		return;
	for (struct held *h = atomic_load(&k->first), *next; h; h = next) {
		next = h->next;
		eckey_free(h->public);
		eckey_free(atomic_load(&h->private));
		free(h);
	}
	wipe(k->secret, sizeof(k->secret));
	signature_cache_free(k->verified);
	(void)pthread_mutex_destroy(&k->lock);
	arena_free(k->arena);
	free(k);
}

/* Use ------------------------------------------------------------------------------------------
 */

err keyring_sign(struct keyring *k, struct token_claims *c, struct buf *out)
{
	keep_fresh(k);
	struct held *h = signing_at(k, c->kind, c->iat, true);

	if (!h)
		return ERR_UNAVAILABLE;
	c->kid = span_from(h->row.kid);
	return token_sign(c, atomic_load(&h->private), out);
}

const struct eckey *keyring_lookup(void *ctx, enum token_kind kind, span kid)
{
	struct keyring *k = ctx;

	keep_fresh(k);
	for (struct held *h = atomic_load(&k->first); h; h = h->next)
		if (h->row.kind == kind && span_is(kid, h->row.kid))
			return atomic_load(&h->retired) ? NULL : h->public;
	return NULL;
}

bool keyring_check(void *ctx, const struct eckey *key, span text, const uint8_t signature[64])
{
	const struct keyring *k = ctx;

	return signature_cache_verify(k->verified, key, text, signature);
}

err keyring_make(struct keyring *k, struct arena *a, enum token_kind kind, span pkcs11_uri,
	struct signing_key *ret, const char **ret_problem)
{
	*ret_problem = NULL;
	return private_key_make(a, &k->place, kind, pkcs11_uri, ret, ret_problem);
}

void keyring_discard(struct keyring *k, const struct signing_key *key)
{
	err e = private_key_delete(&k->place, key);

	if (e)
		log_warn("a private key that is not used any more cannot be deleted",
			LOG_STR("kid", key->kid), LOG_ERR(e));
}

static void write_coordinate(struct json_writer *w, const char *name, const uint8_t *bytes)
{
	char memory[64];
	struct buf text;

	buf_init_fixed(&text, memory, sizeof(memory));
	base64url_encode(&text, span_of(bytes, 32));
	json_str(w, name, buf_span(&text));
}

static void write_jwk(struct json_writer *w, const struct signing_key *key)
{
	json_begin_object(w, NULL);
	json_cstr(w, "kty", "EC");
	json_cstr(w, "crv", "P-256");
	write_coordinate(w, "x", key->point + 1);
	write_coordinate(w, "y", key->point + 33);
	json_cstr(w, "use", "sig");
	json_cstr(w, "alg", "ES256");
	json_cstr(w, "kid", key->kid);
	json_cstr(w, "slipway_kind", signing_key_kind_name(key->kind));
	json_end(w);
}

void keyring_jwks(struct keyring *k, struct buf *out)
{
	struct json_writer w;

	keep_fresh(k);
	json_writer_init(&w, out);
	json_begin_object(&w, NULL);
	json_begin_array(&w, "keys");
	for (struct held *h = atomic_load(&k->first); h; h = h->next)
		if (!atomic_load(&h->retired))
			write_jwk(&w, &h->row);
	json_end(&w);
	json_end(&w);
}

void keyring_derive(const struct keyring *k, const char *purpose, uint8_t ret[32])
{
	hmac_sha256(span_of(k->secret, sizeof(k->secret)), span_from(purpose), ret);
}
