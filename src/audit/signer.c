/*
 * Hard rule: a private key is on disk before its public part is recorded, and recorded before
 * anything is signed with it.
 */
#include "audit/signer.h"

#include <stdlib.h>
#include <string.h>

#include "audit/audit_queries.h"
#include "base/encode.h"
#include "sys/files.h"

#include "base/banned.h"

#define PEM_MAX   2048
#define KID_BYTES 9 /* 12 characters of base64url */
#define KEYS_MAX  256

struct audit_signer {
	char kid[AUDIT_KID_MAX + 1];
	struct eckey *key;
};

static const char *key_path(struct arena *a, const char *dir, const char *kid, const char *suffix)
{
	return arena_printf(a, "%s/audit-%s.%s", dir, kid, suffix);
}

static err load_private(struct arena *a, const char *dir, const char *kid, struct eckey **ret)
{
	struct buf pem;

	buf_init(&pem, PEM_MAX);
	err e = file_read(key_path(a, dir, kid, "pem"), &pem);

	if (!e)
		e = eckey_from_pem(buf_span(&pem), ret);
	buf_wipe(&pem);
	return e;
}

static err store_key(struct arena *a, const char *dir, const struct audit_signer *s,
	const uint8_t point[ECKEY_PUBLIC_SIZE])
{
	AUTO(buf) text = {0};
	struct buf pem;

	buf_init(&text, PEM_MAX);
	base64url_encode(&text, span_of(point, ECKEY_PUBLIC_SIZE));
	buf_add_byte(&text, '\n');
	buf_init(&pem, PEM_MAX);
	err e = eckey_to_pem(s->key, &pem);

	if (!e)
		e = buf_error(&text);
	if (!e)
		e = file_write_atomic(key_path(a, dir, s->kid, "pub"), buf_span(&text), 0600);
	if (!e)
		e = file_create_atomic(key_path(a, dir, s->kid, "pem"), buf_span(&pem), 0600);
	buf_wipe(&pem);
	return e;
}

struct recording {
	const struct audit_signer *signer;
	uint8_t point[ECKEY_PUBLIC_SIZE];
	int64_t now_us;
	/* audit_list_keys */
	char kids[KEYS_MAX][AUDIT_KID_MAX + 1];
	size_t count;
};

static err record_body(struct db_tx *tx, void *arg)
{
	struct recording *r = arg;

	return db_exec(tx, audit_add_key, DB_CSTR(r->signer->kid),
		DB_BLOB(span_of(r->point, sizeof(r->point))), DB_INT(r->now_us));
}

static err list_body(struct db_tx *tx, void *arg)
{
	struct recording *r = arg;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, audit_list_keys);
	bool row;

	for (r->count = 0; !e && r->count < KEYS_MAX; r->count++) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		span kid = db_text(rows, 0);

		if (!audit_kid_is_valid(kid))
			return ERR_CORRUPT;
		memcpy(r->kids[r->count], kid.ptr, kid.len);
		r->kids[r->count][kid.len] = '\0';
	}
	return e;
}

static err make_key(struct arena *a, const char *dir, struct db *db, struct audit_signer *s,
	struct recording *r)
{
	uint8_t digest[SHA256_SIZE];
	struct buf kid;
	err e = eckey_generate(&s->key);

	if (e)
		return e;
	eckey_public(s->key, r->point);
	sha256(span_of(r->point, sizeof(r->point)), digest);
	buf_init_fixed(&kid, s->kid, sizeof(s->kid));
	base64url_encode(&kid, span_of(digest, KID_BYTES));
	e = store_key(a, dir, s, r->point);
	return e ? e : db_transact(db, DB_WRITE, record_body, r);
}

/* Newest first: the first whose private part is here. */
static err find_key(
	struct arena *a, const char *dir, const struct recording *r, struct audit_signer *s)
{
	for (size_t i = 0; i < r->count; i++) {
		err e = load_private(a, dir, r->kids[i], &s->key);

		if (e == ERR_NOT_FOUND)
			continue;
		memcpy(s->kid, r->kids[i], sizeof(s->kid));
		return e;
	}
	return ERR_NOT_FOUND;
}

err audit_signer_open(const char *dir, struct db *db, int64_t now_us, struct audit_signer **ret)
{
	AUTO_PTR(arena) a = arena_new();
	struct audit_signer *s = calloc(1, sizeof(*s));
	struct recording *r = arena_alloc(a, sizeof(*r));

	if (!s)
		return ERR_NOMEM;
	*r = (struct recording){.signer = s, .now_us = now_us};
	err e = db_transact(db, DB_READ, list_body, r);

	if (!e)
		e = find_key(a, dir, r, s);
	if (e == ERR_NOT_FOUND)
		e = make_key(a, dir, db, s, r);
	if (e) {
		audit_signer_close(s);
		return e;
	}
	*ret = s;
	return OK;
}

void audit_signer_close(struct audit_signer *s)
{
	if (!s)
		return;
	eckey_free(s->key);
	free(s);
}

err audit_signer_sign(const struct audit_signer *s, struct checkpoint *c)
{
	return checkpoint_sign(c, s->key, s->kid);
}

err audit_trusted_key(const char *dir, const char *kid, struct eckey **ret)
{
	AUTO_PTR(arena) a = arena_new();
	AUTO(buf) text = {0};
	uint8_t point[ECKEY_PUBLIC_SIZE];
	size_t length = 0;

	if (!audit_kid_is_valid(span_from(kid)))
		return ERR_INVALID;
	buf_init(&text, PEM_MAX);
	err e = file_read(key_path(a, dir, kid, "pub"), &text);

	if (e)
		return e;
	e = base64url_decode(span_trim(buf_span(&text)), point, sizeof(point), &length);
	if (e || length != sizeof(point))
		return ERR_CORRUPT;
	return eckey_from_public(point, ret);
}

static err key_of_database(struct db_tx *tx, const char *kid, struct eckey **ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool row = false;
	err e = db_query(tx, &rows, audit_get_key, DB_CSTR(kid));

	if (!e)
		e = db_next(rows, &row);
	if (e)
		return e;
	if (!row || db_blob(rows, 0).len != ECKEY_PUBLIC_SIZE)
		return ERR_NOT_FOUND;
	return eckey_from_public((const uint8_t *)db_blob(rows, 0).ptr, ret);
}

err audit_key_find(struct db_tx *tx, const char *dir, const char *kid, struct eckey **ret)
{
	err e = audit_trusted_key(dir, kid, ret);

	return e == ERR_NOT_FOUND ? key_of_database(tx, kid, ret) : e;
}
