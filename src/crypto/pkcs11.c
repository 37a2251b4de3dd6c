/*
 * PKCS#11 by p11-kit, which loads modules, counts their users and reads URIs.
 *
 * Hard rule: a PIN is presented only to a token that has not counted a wrong one since the last
 * good login, so that a wrong PIN file never locks a token, however often the program starts.
 */
#include "crypto/pkcs11.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "crypto/digest.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define PIN_MAX   256
#define ID_MAX    256
#define SLOTS_MAX 256

struct token_key {
	CK_FUNCTION_LIST *module;
	P11KitUri *uri;
	pthread_mutex_t lock;
	/* under lock */
	CK_SESSION_HANDLE session; /* CK_INVALID_HANDLE: none */
	CK_OBJECT_HANDLE key;
	bool locked_out; /* the PIN was refused: never again */
	size_t pin_len;
	CK_UTF8CHAR pin[PIN_MAX];
};

struct opening {
	struct arena *arena;
	struct token_key *t;
	const char *problem;
};

static err problem(struct opening *o, err e, const char *text, CK_RV rv)
{
	if (o->arena)
		o->problem = rv == CKR_OK
				     ? text
				     : arena_printf(o->arena, "%s: %s", text, p11_kit_strerror(rv));
	return e;
}

/* The URI -------------------------------------------------------------------------------------- */

static err read_uri(struct opening *o, span uri)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE private = {CKA_CLASS, &class, sizeof(class)};
	P11KitUri *u = o->t->uri;

	if (uri.len > PKCS11_URI_MAX ||
		p11_kit_uri_parse(arena_str(o->arena, uri),
			P11_KIT_URI_FOR_OBJECT_ON_TOKEN_AND_MODULE, u) != P11_KIT_URI_OK ||
		p11_kit_uri_any_unrecognized(u))
		return problem(o, ERR_INVALID, "This is no PKCS#11 URI (RFC 7512)", CKR_OK);
	if (p11_kit_uri_get_pin_value(u) || p11_kit_uri_get_pin_source(u) ||
		p11_kit_uri_get_module_path(u) || p11_kit_uri_get_module_name(u))
		return problem(o, ERR_INVALID,
			"Module and PIN are settings (pkcs11.module, pkcs11.pin_file), not parts "
			"of the URI",
			CKR_OK);
	if (!p11_kit_uri_get_attribute(u, CKA_LABEL) && !p11_kit_uri_get_attribute(u, CKA_ID))
		return problem(o, ERR_INVALID, "The URI names no object: object=… or id=…", CKR_OK);
	return p11_kit_uri_set_attribute(u, &private) == P11_KIT_URI_OK ? OK : ERR_NOMEM;
}

/* The token ------------------------------------------------------------------------------------ */

static bool is_named(struct token_key *t, CK_SLOT_ID slot, CK_TOKEN_INFO *ret)
{
	CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(t->uri);

	return (wanted == (CK_SLOT_ID)-1 || wanted == slot) &&
	       t->module->C_GetTokenInfo(slot, ret) == CKR_OK &&
	       (ret->flags & CKF_TOKEN_INITIALIZED) && p11_kit_uri_match_token_info(t->uri, ret);
}

static err find_token(struct opening *o, CK_SLOT_ID *ret, CK_TOKEN_INFO *ret_info)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX, found = 0;
	CK_TOKEN_INFO info;
	CK_RV rv = o->t->module->C_GetSlotList(CK_TRUE, slots, &count);

	if (rv != CKR_OK)
		return problem(o, ERR_UNAVAILABLE, "The module lists no tokens", rv);
	for (CK_ULONG i = 0; i < count; i++)
		if (is_named(o->t, slots[i], &info)) {
			*ret = slots[i];
			*ret_info = info;
			found++;
		}
	if (found == 0)
		return problem(o, ERR_NOT_FOUND, "The module has no token of this name", CKR_OK);
	return found == 1 ? OK : problem(o, ERR_INVALID, "Several tokens are of this name", CKR_OK);
}

static err log_in(struct opening *o, const CK_TOKEN_INFO *info)
{
	struct token_key *t = o->t;
	CK_FLAGS counted = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;

	if (t->pin_len == 0)
		return OK;
	if (t->locked_out || info->flags & counted)
		return problem(o, ERR_DENIED,
			"The token has counted a wrong PIN; it is not tried again. Correct the "
			"PIN file, and log in to the token once with another program",
			CKR_OK);
	CK_RV rv = t->module->C_Login(t->session, CKU_USER, t->pin, t->pin_len);

	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return OK;
	t->locked_out = rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_EXPIRED;
	return problem(
		o, t->locked_out ? ERR_DENIED : ERR_UNAVAILABLE, "The token refuses the login", rv);
}

/* The one object of a class that these attributes describe. */
static err find_object(
	struct opening *o, CK_ATTRIBUTE *attributes, CK_ULONG count, CK_OBJECT_HANDLE *ret)
{
	CK_FUNCTION_LIST *m = o->t->module;
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n = 0;
	CK_RV rv = m->C_FindObjectsInit(o->t->session, attributes, count);

	if (rv == CKR_OK) {
		rv = m->C_FindObjects(o->t->session, found, ARRAY_LEN(found), &n);
		(void)m->C_FindObjectsFinal(o->t->session); /* nothing is left either way */
	}
	if (rv != CKR_OK)
		return problem(o, ERR_UNAVAILABLE, "The token cannot be searched", rv);
	if (n == 0)
		return problem(o, ERR_NOT_FOUND, "The token has no such key", CKR_OK);
	if (n > 1)
		return problem(o, ERR_INVALID, "The token has several such keys", CKR_OK);
	*ret = found[0];
	return OK;
}

static void close_session(struct token_key *t)
{
	if (t->session != CK_INVALID_HANDLE)
		(void)t->module->C_CloseSession(t->session); /* it may be lost already */
	t->session = CK_INVALID_HANDLE;
}

/* Leaves a session in which t->key can sign. */
static err open_session(struct opening *o)
{
	struct token_key *t = o->t;
	CK_ATTRIBUTE *attributes;
	CK_TOKEN_INFO info;
	CK_ULONG count;
	CK_SLOT_ID slot;
	err e = find_token(o, &slot, &info);

	if (e)
		return e;
	CK_RV rv = t->module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session);

	if (rv != CKR_OK) {
		t->session = CK_INVALID_HANDLE;
		return problem(o, ERR_UNAVAILABLE, "The token opens no session", rv);
	}
	attributes = p11_kit_uri_get_attributes(t->uri, &count);
	e = log_in(o, &info);
	if (!e)
		e = find_object(o, attributes, count, &t->key);
	if (e)
		close_session(t);
	return e;
}

/* The key -------------------------------------------------------------------------------------- */

static CK_RV sign_once(struct token_key *t, const uint8_t digest[SHA256_SIZE], uint8_t *ret)
{
	CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	CK_BYTE input[SHA256_SIZE], signature[ECKEY_SIGNATURE_SIZE];
	CK_ULONG len = sizeof(signature);
	CK_RV rv = t->module->C_SignInit(t->session, &ecdsa, t->key);

	memcpy(input, digest, sizeof(input));
	if (rv == CKR_OK)
		rv = t->module->C_Sign(t->session, input, sizeof(input), signature, &len);
	if (rv == CKR_OK && len != sizeof(signature))
		rv = CKR_SIGNATURE_LEN_RANGE;
	if (rv == CKR_OK)
		memcpy(ret, signature, sizeof(signature));
	return rv;
}

/* A session may be lost at any time (the token was restarted): once, it is opened again. */
static err sign(void *ctx, const uint8_t digest[SHA256_SIZE], uint8_t ret[ECKEY_SIGNATURE_SIZE])
{
	struct token_key *t = ctx;
	struct opening again = {.t = t};
	CK_RV rv = CKR_SESSION_HANDLE_INVALID;

	(void)pthread_mutex_lock(&t->lock);
	if (t->session != CK_INVALID_HANDLE)
		rv = sign_once(t, digest, ret);
	if (rv != CKR_OK) {
		close_session(t);
		if (!open_session(&again))
			rv = sign_once(t, digest, ret);
	}
	(void)pthread_mutex_unlock(&t->lock);
	return rv == CKR_OK ? OK : ERR_UNAVAILABLE;
}

static void free_key(void *ctx)
{
	struct token_key *t = ctx;

	if (t->module) {
		close_session(t);
		(void)p11_kit_module_finalize(t->module); /* the other users go on */
		p11_kit_module_release(t->module);
	}
	p11_kit_uri_free(t->uri);
	(void)pthread_mutex_destroy(&t->lock);
	wipe(t->pin, sizeof(t->pin));
	free(t);
}

/* The public object of the same id. Its point is a DER OCTET STRING, in older tokens raw. */
static err read_point(struct opening *o, uint8_t ret[ECKEY_PUBLIC_SIZE])
{
	static const uint8_t head[] = {4, ECKEY_PUBLIC_SIZE};
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_BYTE id[ID_MAX], point[ECKEY_PUBLIC_SIZE + sizeof(head)];
	CK_ATTRIBUTE of_private = {CKA_ID, id, sizeof(id)};
	CK_ATTRIBUTE of_public = {CKA_EC_POINT, point, sizeof(point)};
	CK_FUNCTION_LIST *m = o->t->module;
	CK_OBJECT_HANDLE public;
	CK_RV rv = m->C_GetAttributeValue(o->t->session, o->t->key, &of_private, 1);

	if (rv != CKR_OK)
		return problem(o, ERR_INVALID, "The key has no id", rv);
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)}, of_private};
	err e = find_object(o, template, ARRAY_LEN(template), &public);

	if (e)
		return problem(
			o, e, "The token has no public key with the id of the private one", CKR_OK);
	rv = m->C_GetAttributeValue(o->t->session, public, &of_public, 1);
	span value = span_of(point, rv == CKR_OK ? of_public.ulValueLen : 0);

	if (value.len == sizeof(point) && memcmp(point, head, sizeof(head)) == 0)
		value = span_from_offset(value, sizeof(head));
	if (value.len != ECKEY_PUBLIC_SIZE)
		return problem(o, ERR_INVALID, "The key is not of the curve P-256", CKR_OK);
	memcpy(ret, value.ptr, ECKEY_PUBLIC_SIZE);
	return OK;
}

static err load_module(struct opening *o, const char *path)
{
	CK_FUNCTION_LIST *m = p11_kit_module_load(path, P11_KIT_MODULE_CRITICAL);

	if (!m)
		return problem(o, ERR_UNAVAILABLE,
			arena_printf(o->arena, "The module %s cannot be loaded", path), CKR_OK);
	CK_RV rv = p11_kit_module_initialize(m);

	if (rv != CKR_OK) {
		p11_kit_module_release(m);
		return problem(o, ERR_UNAVAILABLE, "The module does not start", rv);
	}
	o->t->module = m;
	return OK;
}

/* Gives *ret, whose signer has taken o->t. */
static err make_key(struct opening *o, struct eckey **ret)
{
	uint8_t point[ECKEY_PUBLIC_SIZE], signature[ECKEY_SIGNATURE_SIZE];
	struct eckey_signer signer = {sign, free_key, o->t};
	span proof = SPAN("Do these two belong together?");
	AUTO_PTR(eckey) key = NULL;
	err e = read_point(o, point);

	if (e)
		return e;
	o->t = NULL; /* taken, whatever comes */
	if (eckey_from_signer(point, &signer, &key))
		return problem(o, ERR_INVALID, "The key is not of the curve P-256", CKR_OK);
	if (eckey_sign(key, proof, signature))
		return problem(o, ERR_INVALID, "The key does not sign with ECDSA", CKR_OK);
	if (eckey_verify(key, proof, signature))
		return problem(
			o, ERR_INVALID, "Private and public key do not belong together", CKR_OK);
	*ret = key;
	key = NULL;
	return OK;
}

err pkcs11_open(struct arena *a, const char *module, span uri, span pin, struct eckey **ret,
	const char **ret_problem)
{
	struct opening o = {.arena = a, .t = calloc(1, sizeof(struct token_key))};
	struct token_key *t = o.t;
	err e = OK;

	if (!t)
		return ERR_NOMEM;
	(void)pthread_mutex_init(&t->lock, NULL); /* cannot fail without attributes */
	t->session = CK_INVALID_HANDLE;
	t->uri = p11_kit_uri_new();
	if (pin.len > PIN_MAX)
		e = problem(&o, ERR_INVALID, "The PIN is too long", CKR_OK);
	for (t->pin_len = 0; !e && t->pin_len < pin.len; t->pin_len++)
		t->pin[t->pin_len] = (CK_UTF8CHAR)pin.ptr[t->pin_len];
	if (!e)
		e = read_uri(&o, uri);
	if (!e)
		e = load_module(&o, module);
	if (!e)
		e = open_session(&o);
	if (!e)
		e = make_key(&o, ret);
	if (e && o.t)
		free_key(o.t);
	if (e)
		*ret_problem = o.problem ? o.problem : err_title(e);
	return e;
}
