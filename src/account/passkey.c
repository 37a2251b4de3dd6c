/*
 * Answers of authenticators (WebAuthn Level 2). Hard rule: what is not signed decides nothing, and
 * what is signed is compared with what this server asked for, byte by byte.
 *
 * libfido2 leaves what it found in libcrypto's error queue, where the thread's next TLS operation
 * would take it for its own: it is called between a mark and its removal.
 */
#include "account/passkey.h"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "account/cbor.h"
#include "base/json.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

#include "base/banned.h"

/* Authenticator data (section 6.1): SHA-256 of the RP id, flags, counter, then what flags say. */
#define HEAD_SIZE       (SHA256_SIZE + 1 + 4)
#define AAGUID_SIZE     16
#define FLAG_UP         0x01
#define FLAG_UV         0x04
#define FLAG_CREDENTIAL 0x40
#define FLAG_EXTENSIONS 0x80
#define ORIGIN_MAX      512

static err denied(const char **ret_why, const char *why)
{
	*ret_why = why;
	return ERR_DENIED;
}

span passkey_rp_id(span origin)
{
	span host =
		span_starts_with(origin, SPAN("https://")) ? span_from_offset(origin, 8) : origin;
	size_t colon = span_rfind(host, ':');
	size_t bracket = span_rfind(host, ']');

	if (colon < host.len && (bracket == host.len || colon > bracket))
		host = span_sub(host, 0, colon);
	return host;
}

/* Client data (section 5.8.1) --------------------------------------------------------------------
 */

struct client_data {
	char type_[32], challenge_[128], origin_[ORIGIN_MAX];
	struct buf type, challenge, origin;
	bool has_type, has_challenge, has_origin, cross_origin;
};

static void read_text(struct json_reader *r, struct buf *out, bool *seen, bool *bad)
{
	*bad |= *seen;
	*seen = true;
	json_get_string(r, out);
	*bad |= buf_error(out) != OK;
}

static bool read_client_data(span text, struct client_data *ret)
{
	struct json_reader r;
	span name;
	bool bad = false;

	buf_init_fixed(&ret->type, ret->type_, sizeof(ret->type_));
	buf_init_fixed(&ret->challenge, ret->challenge_, sizeof(ret->challenge_));
	buf_init_fixed(&ret->origin, ret->origin_, sizeof(ret->origin_));
	json_reader_init(&r, text);
	json_enter_object(&r);
	while (json_next_member(&r, &name)) {
		if (span_is(name, "type"))
			read_text(&r, &ret->type, &ret->has_type, &bad);
		else if (span_is(name, "challenge"))
			read_text(&r, &ret->challenge, &ret->has_challenge, &bad);
		else if (span_is(name, "origin"))
			read_text(&r, &ret->origin, &ret->has_origin, &bad);
		else if (span_is(name, "crossOrigin"))
			ret->cross_origin |= json_get_bool(&r);
		else
			json_skip(&r); /* "may be extended in the future" */
	}
	return json_read_end(&r) == OK && !bad && ret->has_type && ret->has_challenge &&
	       ret->has_origin;
}

static err check_client_data(
	const struct passkey_expected *x, span text, const char *type, const char **ret_why)
{
	struct client_data c = {.cross_origin = false};

	if (text.len > PASSKEY_CLIENT_DATA_MAX || !read_client_data(text, &c))
		return denied(ret_why, "clientDataJSON cannot be read");
	if (!span_is(buf_span(&c.type), type))
		return denied(ret_why, "it is the answer to another kind of question");
	if (!ct_equal(buf_span(&c.challenge), x->challenge))
		return denied(ret_why, "it answers another challenge");
	if (!span_eq(buf_span(&c.origin), x->origin))
		return denied(ret_why, "it was made for a page of another origin");
	if (c.cross_origin)
		return denied(ret_why, "it was made in a frame of another site");
	return OK;
}

/* Authenticator data ---------------------------------------------------------------------------
 */

struct auth_data {
	unsigned flags;
	uint32_t counter;
	span credential_id, key;
};

static bool walk_credential(struct cbor_cursor *c, struct auth_data *ret)
{
	size_t len;
	span s = c->rest_;

	if (s.len < AAGUID_SIZE + 2)
		return false;
	len = (size_t)((uint8_t)s.ptr[AAGUID_SIZE] << 8 | (uint8_t)s.ptr[AAGUID_SIZE + 1]);
	s = span_from_offset(s, AAGUID_SIZE + 2);
	if (len == 0 || len > PASSKEY_CREDENTIAL_MAX || len > s.len)
		return false;
	ret->credential_id = span_sub(s, 0, len);
	cbor_cursor_init(c, span_from_offset(s, len));
	ret->key = cbor_skip(c);
	return ret->key.len > 0;
}

/* A map (section 6.1); nothing in it was asked for, so that nothing of it is used. */
static bool walk_extensions(struct cbor_cursor *c)
{
	span extensions = cbor_skip(c);

	return extensions.len > 0 && (uint8_t)extensions.ptr[0] >> 5 == CBOR_MAP;
}

/* Every byte of it has its place. */
static bool walk_auth_data(span s, struct auth_data *ret)
{
	struct cbor_cursor c;

	if (s.len < HEAD_SIZE || s.len > PASSKEY_OBJECT_MAX)
		return false;
	*ret = (struct auth_data){.flags = (uint8_t)s.ptr[SHA256_SIZE]};
	for (size_t i = HEAD_SIZE - 4; i < HEAD_SIZE; i++)
		ret->counter = ret->counter << 8 | (uint8_t)s.ptr[i];
	cbor_cursor_init(&c, span_from_offset(s, HEAD_SIZE));
	if ((ret->flags & FLAG_CREDENTIAL) && !walk_credential(&c, ret))
		return false;
	if ((ret->flags & FLAG_EXTENSIONS) && !walk_extensions(&c))
		return false;
	return cbor_at_end(&c);
}

static err check_auth_data(
	const struct passkey_expected *x, span s, struct auth_data *ret, const char **ret_why)
{
	uint8_t rp[SHA256_SIZE];

	if (!walk_auth_data(s, ret))
		return denied(ret_why, "the authenticator's data cannot be read");
	sha256(passkey_rp_id(x->origin), rp);
	if (!span_eq(span_of(rp, sizeof(rp)), span_sub(s, 0, sizeof(rp))))
		return denied(ret_why, "it was made for another site");
	if (!(ret->flags & FLAG_UP))
		return denied(ret_why, "nobody was present at the authenticator");
	if (x->verified && !(ret->flags & FLAG_UV))
		return denied(ret_why, "the authenticator did not verify its user");
	return OK;
}

/* Keys -----------------------------------------------------------------------------------------
 */

/* One of the three, as algorithm says. */
struct public_key {
	int algorithm;
	es256_pk_t *es256;
	rs256_pk_t *rs256;
	eddsa_pk_t *eddsa;
};

static void public_key_done(struct public_key *k)
{
	es256_pk_free(&k->es256);
	rs256_pk_free(&k->rs256);
	eddsa_pk_free(&k->eddsa);
}

static const void *key_object(const struct public_key *k)
{
	if (k->algorithm == COSE_ES256)
		return k->es256;
	return k->algorithm == COSE_RS256 ? (const void *)k->rs256 : (const void *)k->eddsa;
}

static bool read_key(struct public_key *k, const uint8_t *bytes, size_t len)
{
	switch (k->algorithm) {
	case COSE_ES256:
		k->es256 = es256_pk_new();
		return k->es256 && !es256_pk_from_ptr(k->es256, bytes, len);
	case COSE_RS256:
		k->rs256 = rs256_pk_new();
		return k->rs256 && !rs256_pk_from_ptr(k->rs256, bytes, len);
	case COSE_EDDSA:
		k->eddsa = eddsa_pk_new();
		return k->eddsa && !eddsa_pk_from_ptr(k->eddsa, bytes, len);
	default:
		return false;
	}
}

static const uint8_t *bytes(span s)
{
	return (const uint8_t *)s.ptr;
}

/*
 * libfido2 reads a COSE key only as part of a new credential's data: give it one. It refuses a key
 * of another algorithm than was announced, so at most one of ours fits.
 */
static bool decode_as(int algorithm, span data, struct public_key *ret)
{
	fido_cred_t *cred = fido_cred_new();
	bool ok = cred && !fido_cred_set_type(cred, algorithm) &&
		  !fido_cred_set_authdata_raw(cred, bytes(data), data.len);
	const unsigned char *key = ok ? fido_cred_pubkey_ptr(cred) : NULL;
	size_t len = ok ? fido_cred_pubkey_len(cred) : 0;

	ret->algorithm = algorithm;
	ok = key && read_key(ret, key, len);
	fido_cred_free(&cred);
	return ok;
}

/* A point beside the curve, or the like, is no key although it has a key's form. */
static bool key_is_sound(const struct public_key *k)
{
	EVP_PKEY *key = k->algorithm == COSE_ES256   ? es256_pk_to_EVP_PKEY(k->es256)
			: k->algorithm == COSE_RS256 ? rs256_pk_to_EVP_PKEY(k->rs256)
						     : eddsa_pk_to_EVP_PKEY(k->eddsa);

	EVP_PKEY_free(key);
	return key != NULL;
}

static bool decode_key(span cose, struct public_key *ret)
{
	static const int algorithms[] = PASSKEY_ALGORITHMS;
	char memory[HEAD_SIZE + AAGUID_SIZE + 2 + 1 + 2048];
	struct cbor_cursor c;
	struct buf data;
	bool sound = false;

	cbor_cursor_init(&c, cose);
	if (cbor_skip(&c).len == 0 || !cbor_at_end(&c))
		return false;
	buf_init_fixed(&data, memory, sizeof(memory));
	for (size_t i = 0; i < HEAD_SIZE + AAGUID_SIZE; i++)
		buf_add_byte(&data, i == SHA256_SIZE ? FLAG_UP | FLAG_CREDENTIAL : 0);
	buf_add(&data, SPAN("\0\1x")); /* a credential's id of one byte */
	buf_add(&data, cose);
	if (buf_error(&data))
		return false;
	ERR_set_mark();
	for (size_t i = 0; i < ARRAY_LEN(algorithms) && !sound; i++)
		sound = decode_as(algorithms[i], buf_span(&data), ret) && key_is_sound(ret);
	ERR_pop_to_mark();
	return sound;
}

/* Registration (section 7.1) -------------------------------------------------------------------
 */

/* {fmt: "none", attStmt: {}, authData: bytes}: each once, nothing else (section 8.7). */
static bool read_attestation(span object, span *ret_auth_data)
{
	struct cbor_cursor c;
	bool format = false, statement = false;

	*ret_auth_data = SPAN_EMPTY;
	cbor_cursor_init(&c, object);
	if (object.len > PASSKEY_OBJECT_MAX || cbor_enter_map(&c) != 3)
		return false;
	for (int i = 0; i < 3; i++) {
		span name = cbor_take_string(&c, CBOR_TEXT);

		if (span_is(name, "fmt"))
			format = span_is(cbor_take_string(&c, CBOR_TEXT), "none");
		else if (span_is(name, "attStmt"))
			statement = span_eq(cbor_skip(&c), SPAN("\xa0"));
		else if (span_is(name, "authData"))
			*ret_auth_data = cbor_take_string(&c, CBOR_BYTES);
		else
			return false;
	}
	return cbor_at_end(&c) && format && statement && ret_auth_data->len > 0;
}

err passkey_register(const struct passkey_expected *x, span client_data, span attestation_object,
	struct passkey *ret, const char **ret_why)
{
	AUTO(public_key) key = {0};
	struct auth_data d;
	span data;
	err e = check_client_data(x, client_data, "webauthn.create", ret_why);

	if (e)
		return e;
	if (!read_attestation(attestation_object, &data))
		return denied(ret_why, "attestationObject cannot be read, or is not of \"none\"");
	e = check_auth_data(x, data, &d, ret_why);
	if (e)
		return e;
	if (!(d.flags & FLAG_CREDENTIAL))
		return denied(ret_why, "there is no new passkey in it");
	if (!decode_key(d.key, &key))
		return denied(ret_why, "its key is of no algorithm that was offered, or no key");
	*ret = (struct passkey){d.credential_id, d.key, d.counter};
	return OK;
}

/* Assertion (section 7.2) ----------------------------------------------------------------------
 */

/* libfido2 checks the RP id and the flags once more. */
static bool signature_holds(const struct passkey_expected *x, const struct public_key *key,
	const struct passkey_assertion *a, const char *rp_id)
{
	ERR_set_mark();
	fido_assert_t *assertion = fido_assert_new();
	bool ok =
		assertion &&
		!fido_assert_set_clientdata(assertion, bytes(a->client_data), a->client_data.len) &&
		!fido_assert_set_rp(assertion, rp_id) && !fido_assert_set_count(assertion, 1) &&
		!fido_assert_set_authdata_raw(
			assertion, 0, bytes(a->authenticator_data), a->authenticator_data.len) &&
		!fido_assert_set_sig(assertion, 0, bytes(a->signature), a->signature.len) &&
		!fido_assert_set_up(assertion, FIDO_OPT_TRUE) &&
		!fido_assert_set_uv(assertion, x->verified ? FIDO_OPT_TRUE : FIDO_OPT_OMIT) &&
		fido_assert_verify(assertion, 0, key->algorithm, key_object(key)) == FIDO_OK;

	fido_assert_free(&assertion);
	ERR_pop_to_mark();
	return ok;
}

err passkey_verify(const struct passkey_expected *x, span cose, const struct passkey_assertion *a,
	uint32_t *ret_counter, const char **ret_why)
{
	char memory[ORIGIN_MAX];
	AUTO(public_key) key = {0};
	struct auth_data d;
	struct buf rp_id;
	err e = check_client_data(x, a->client_data, "webauthn.get", ret_why);

	if (!e)
		e = check_auth_data(x, a->authenticator_data, &d, ret_why);
	if (e)
		return e;
	buf_init_fixed(&rp_id, memory, sizeof(memory));
	buf_add(&rp_id, passkey_rp_id(x->origin));
	if (buf_error(&rp_id) || !decode_key(cose, &key))
		return ERR_CORRUPT;
	if (a->signature.len > PASSKEY_SIGNATURE_MAX ||
		!signature_holds(x, &key, a, buf_str(&rp_id)))
		return denied(ret_why, "its signature is wrong");
	*ret_counter = d.counter;
	return OK;
}
