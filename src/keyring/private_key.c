/* Hard rule: a private key is durable before anybody learns of its public part. */
#include "keyring/private_key.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/encode.h"
#include "crypto/digest.h"
#include "sys/files.h"

#include "base/banned.h"

#define PEM_MAX   2048
#define PIN_MAX   1024
#define KID_BYTES 9 /* 12 characters of base64url */

static char *path_of(struct arena *a, const struct key_place *place, const struct signing_key *k)
{
	return arena_printf(a, "%s/%s-%s.pem", place->dir, signing_key_kind_name(k->kind), k->kid);
}

/* A key is named after its public part: the start of the point's SHA-256. */
static void make_kid(const uint8_t point[ECKEY_PUBLIC_SIZE], char ret[TOKEN_KID_MAX + 1])
{
	uint8_t digest[SHA256_SIZE];
	struct buf text;

	sha256(span_of(point, ECKEY_PUBLIC_SIZE), digest);
	buf_init_fixed(&text, ret, TOKEN_KID_MAX + 1);
	base64url_encode(&text, span_of(digest, KID_BYTES));
	/* A command line would take it for an option. */
	if (ret[0] == '-')
		ret[0] = '0';
}

/* Files ----------------------------------------------------------------------------------------
 */

static err store_pem(struct arena *a, const struct key_place *place, const struct signing_key *k,
	const struct eckey *key)
{
	struct buf pem;

	buf_init(&pem, PEM_MAX);
	err e = eckey_to_pem(key, &pem);

	if (!e)
		e = file_create_atomic(path_of(a, place, k), buf_span(&pem), 0600);
	buf_wipe(&pem);
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

/* Tokens ---------------------------------------------------------------------------------------
 */

static err open_token(struct arena *a, const struct key_place *place, span uri, struct eckey **ret,
	const char **ret_problem)
{
	struct buf pin;
	bool wide;
	err e = OK;

	if (place->pkcs11_module[0] == '\0') {
		*ret_problem = "The setting pkcs11.module names no module";
		return ERR_INVALID;
	}
	buf_init(&pin, PIN_MAX);
	if (place->pkcs11_pin_file[0])
		e = secret_file_read(place->pkcs11_pin_file, &pin, &wide);
	if (e)
		*ret_problem = arena_printf(a, "The PIN file %s cannot be read: %s",
			place->pkcs11_pin_file, err_title(e));
	else
		e = pkcs11_open(a, place->pkcs11_module, uri, buf_span(&pin), ret, ret_problem);
	buf_wipe(&pin);
	return e;
}

/* ---------------------------------------------------------------------------------------------- */

err private_key_make(struct arena *a, const struct key_place *place, enum token_kind kind, span uri,
	struct signing_key *ret, const char **ret_problem)
{
	AUTO_PTR(eckey) key = NULL;
	struct signing_key k = {.kind = kind};
	err e = uri.len > PKCS11_URI_MAX ? ERR_INVALID
		: uri.len                ? open_token(a, place, uri, &key, ret_problem)
					 : eckey_generate(&key);

	if (e)
		return e;
	eckey_public(key, k.point);
	make_kid(k.point, k.kid);
	if (uri.len)
		memcpy(k.pkcs11_uri, uri.ptr, uri.len);
	else
		e = store_pem(a, place, &k, key);
	if (!e)
		*ret = k;
	return e;
}

err private_key_load(struct arena *a, const struct key_place *place, const struct signing_key *k,
	struct eckey **ret, const char **ret_problem)
{
	AUTO_PTR(eckey) key = NULL;
	uint8_t point[ECKEY_PUBLIC_SIZE];
	err e = k->pkcs11_uri[0] ? open_token(a, place, span_from(k->pkcs11_uri), &key, ret_problem)
				 : read_pem(path_of(a, place, k), &key);

	if (e)
		return e;
	eckey_public(key, point);
	if (!span_eq(span_of(point, sizeof(point)), span_of(k->point, sizeof(k->point))))
		return ERR_CORRUPT;
	*ret = key;
	key = NULL;
	return OK;
}

err private_key_delete(const struct key_place *place, const struct signing_key *k)
{
	AUTO_PTR(arena) a = arena_new();

	if (k->pkcs11_uri[0])
		return OK;
	if (unlink(path_of(a, place, k)) != 0 && errno != ENOENT)
		return err_from_errno(errno);
	return dir_sync(place->dir);
}
