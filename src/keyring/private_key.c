/* Hard rule: a private key is durable before anybody learns of its public part. */
#include "keyring/private_key.h"

#include <errno.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/encode.h"
#include "crypto/digest.h"
#include "sys/files.h"

#include "base/banned.h"

#define PEM_MAX   2048
#define KID_BYTES 9 /* 12 characters of base64url */

static char *path_of(struct arena *a, const char *dir, const struct signing_key *k)
{
	return arena_printf(a, "%s/%s-%s.pem", dir, signing_key_kind_name(k->kind), k->kid);
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

err private_key_make(const char *dir, enum token_kind kind, struct signing_key *ret)
{
	AUTO_PTR(arena) a = arena_new();
	AUTO_PTR(eckey) key = NULL;
	struct signing_key k = {.kind = kind};
	struct buf pem;
	err e = eckey_generate(&key);

	if (e)
		return e;
	eckey_public(key, k.point);
	make_kid(k.point, k.kid);
	buf_init(&pem, PEM_MAX);
	e = eckey_to_pem(key, &pem);
	if (!e)
		e = file_create_atomic(path_of(a, dir, &k), buf_span(&pem), 0600);
	buf_wipe(&pem);
	if (!e)
		*ret = k;
	return e;
}

static err read_pem(const char *path, struct eckey **ret)
{
	struct buf pem;

	buf_init(&pem, PEM_MAX);
	err e = file_read(path, &pem);

	if (!e && eckey_from_pem(buf_span(&pem), ret))
		e = ERR_CORRUPT;
	buf_wipe(&pem);
	return e;
}

err private_key_load(const char *dir, const struct signing_key *k, struct eckey **ret)
{
	AUTO_PTR(arena) a = arena_new();
	AUTO_PTR(eckey) key = NULL;
	uint8_t point[ECKEY_PUBLIC_SIZE];
	err e = read_pem(path_of(a, dir, k), &key);

	if (e)
		return e;
	eckey_public(key, point);
	if (!span_eq(span_of(point, sizeof(point)), span_of(k->point, sizeof(k->point))))
		return ERR_CORRUPT;
	*ret = key;
	key = NULL;
	return OK;
}

err private_key_delete(const char *dir, const struct signing_key *k)
{
	AUTO_PTR(arena) a = arena_new();

	if (unlink(path_of(a, dir, k)) != 0 && errno != ENOENT)
		return err_from_errno(errno);
	return dir_sync(dir);
}
