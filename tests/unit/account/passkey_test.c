/* Long by its tables: everything that is refused stands here, each with its reason. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "account/authenticator.h"
#include "account/chromium_passkeys.h"
#include "account/passkey.h"
#include "base/encode.h"

/* Why something is refused, by a part of the sentence. */
#define UNREADABLE_CLIENT "clientDataJSON cannot be read"
#define ANOTHER_KIND      "another kind of question"
#define ANOTHER_CHALLENGE "another challenge"
#define ANOTHER_ORIGIN    "page of another origin"
#define IN_A_FRAME        "frame of another site"
#define UNREADABLE_OBJECT "attestationObject cannot be read"
#define UNREADABLE_DATA   "authenticator's data cannot be read"
#define ANOTHER_SITE      "made for another site"
#define NOBODY_PRESENT    "nobody was present"
#define NOT_VERIFIED      "did not verify its user"
#define NO_PASSKEY        "no new passkey"
#define NO_KEY            "of no algorithm that was offered, or no key"
#define WRONG_SIGNATURE   "signature is wrong"

static const struct passkey_expected expected = {
	SPAN_INIT(CHALLENGE), SPAN_INIT(ORIGIN), .verified = true};

/* The server -------------------------------------------------------------------------------------
 */

struct verdict {
	err e;
	const char *why;
	uint32_t counter;
	struct passkey passkey;
};

/* What holds of any answer: results only on success, a reason otherwise, no trace in libcrypto. */
static void check_verdict(const struct verdict *v)
{
	assert_int_equal(ERR_peek_error(), 0);
	assert_true((v->e == ERR_DENIED) == (v->why != NULL));
	if (v->e)
		assert_true(v->counter == 77 && v->passkey.key.ptr == NULL);
}

static struct verdict registered_as(
	const struct passkey_expected *x, span client_data, span attestation_object)
{
	struct verdict v = {.counter = 77};

	v.e = passkey_register(x, client_data, attestation_object, &v.passkey, &v.why);
	check_verdict(&v);
	return v;
}

static struct verdict registered(const struct passkey_expected *x, const struct answer *a)
{
	return registered_as(x, buf_span(&a->client), buf_span(&a->object));
}

static struct verdict verified_as(
	const struct passkey_expected *x, span key, span client_data, span data, span signature)
{
	struct passkey_assertion assertion = {client_data, data, signature};
	struct verdict v = {.counter = 77};

	v.e = passkey_verify(x, key, &assertion, &v.counter, &v.why);
	check_verdict(&v);
	return v;
}

static struct verdict verified(
	const struct passkey_expected *x, const struct authenticator *by, const struct answer *a)
{
	return verified_as(
		x, by->cose, buf_span(&a->client), buf_span(&a->data), buf_span(&a->signature));
}

static void assert_denied_at(
	struct verdict v, const char *why, const char *name, const char *file, int line)
{
	if (v.e == ERR_DENIED && span_contains(span_from(v.why), span_from(why)))
		return;
	print_error("%s: error %d, \"%s\"; want \"%s\"\n", name, (int)v.e, v.why ? v.why : "", why);
	_fail(file, line);
}
#define assert_denied(verdict, why, name)                                                          \
	assert_denied_at((verdict), (why), (name), __FILE__, __LINE__)

/* What is right ----------------------------------------------------------------------------------
 */

static void each_algorithm(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(authenticators); i++) {
		const struct authenticator *by = &authenticators[i];
		struct answer a;

		answer_create(&a, by, &(struct lies){.counter = 1});
		struct verdict v = registered(&expected, &a);

		assert_ok(v.e);
		assert_true(span_eq(v.passkey.key, by->cose));
		assert_true(span_eq(v.passkey.credential_id,
			SPAN("\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10")));
		assert_int_equal(v.passkey.counter, 1);
		answer_get(&a, by, &(struct lies){.counter = 2});
		v = verified(&expected, by, &a);
		assert_ok(v.e);
		assert_int_equal(v.counter, 2);
	}
}

static span decoded(struct buf *out, const char *text)
{
	uint8_t bytes[1024];
	size_t len;

	assert_ok(base64url_decode(span_from(text), bytes, sizeof(bytes), &len));
	buf_clear(out);
	buf_add(out, span_of(bytes, len));
	assert_ok(buf_error(out));
	return buf_span(out);
}

/* Chromium counts its registration as 1; with extensions it tells the length of its PIN. */
static void answers_of_a_real_browser(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(of_chromium); i++) {
		struct answer a, b;

		answer_init(&a);
		answer_init(&b);
		struct verdict v =
			registered_as(&expected, decoded(&a.client, of_chromium[i].create),
				decoded(&a.object, of_chromium[i].object));

		assert_row(v.e == OK, of_chromium[i].name);
		assert_int_equal(v.passkey.credential_id.len, 32);
		assert_int_equal(v.passkey.counter, 1);
		span client = decoded(&b.client, of_chromium[i].get);
		span data = decoded(&b.data, of_chromium[i].data);
		span signature = decoded(&b.signature, of_chromium[i].signature);
		struct verdict w = verified_as(&expected, v.passkey.key, client, data, signature);

		assert_row(w.e == OK, of_chromium[i].name);
		assert_int_equal(w.counter, 2);
		b.data_[36] ^= 1;
		w = verified_as(&expected, v.passkey.key, client, data, signature);
		assert_denied(w, WRONG_SIGNATURE, of_chromium[i].name);
	}
}

/* Section 6.1: "32-bit unsigned big-endian integer". */
static void counter(void **state UNUSED)
{
	static const uint32_t counters[] = {0, 1, 0x01020304, 0x80000000, UINT32_MAX};
	struct answer a;

	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		struct lies l = {.counter = counters[i]};

		answer_create(&a, ES256, &l);
		assert_int_equal(registered(&expected, &a).passkey.counter, counters[i]);
		answer_get(&a, ES256, &l);
		assert_int_equal(verified(&expected, ES256, &a).counter, counters[i]);
	}
	answer_init(&a);
	say_client_data(&a, &(struct lies){0}, "webauthn.get");
	say_head(&a, &(struct lies){0}, UP | UV);
	memcpy(a.data_ + 33, "\x00\x00\x01\x02", 4);
	answer_sign(&a, ES256->key);
	assert_int_equal(verified(&expected, ES256, &a).counter, 258);
}

/* Section 7.1, step 15; 7.2, step 17. */
static void verification_of_the_user_where_it_is_wanted(void **state UNUSED)
{
	static const struct passkey_expected present = {
		SPAN_INIT(CHALLENGE), SPAN_INIT(ORIGIN), .verified = false};
	struct answer a;

	answer_create(&a, ES256, &(struct lies){.flags = UP | AT});
	assert_ok(registered(&present, &a).e);
	assert_denied(registered(&expected, &a), NOT_VERIFIED, "registration");
	answer_create(&a, ES256, &(struct lies){.flags = UV | AT});
	assert_denied(registered(&present, &a), NOBODY_PRESENT, "registration");
	answer_get(&a, ES256, &(struct lies){.flags = UP});
	assert_ok(verified(&present, ES256, &a).e);
	assert_denied(verified(&expected, ES256, &a), NOT_VERIFIED, "assertion");
	answer_get(&a, ES256, &(struct lies){.flags = UV});
	assert_denied(verified(&present, ES256, &a), NOBODY_PRESENT, "assertion");
}

/* Unknown members and extensions are no harm, nor is an order of one's own. */
static void what_may_differ(void **state UNUSED)
{
	static const struct lies rows[] = {
		{.members = "\"tokenBinding\":{\"status\":\"supported\"},\"new\":[1,{}]"},
		{.members = "\"crossOrigin\":false,\"crossOrigin\":false"},
		{.client_data = " {\"origin\": \"" ORIGIN "\", \"challenge\": \"" CHALLENGE "\", "
				"\"type\": \"webauthn.create\"}\n"},
		{.client_data = "{\"type\":\"webauthn\\u002ecreate\",\"challenge\":\"" CHALLENGE
				"\",\"origin\":\"https:\\/\\/vpn.example.com\"}"},
		{.flags = 0x18 | UP | UV | AT}, /* backed up */
		{.flags = UP | UV | AT | ED, .extensions = SPAN_INIT("\xa1\x61x\xf5")},
		{.id_len = 1},
		{.id_len = PASSKEY_CREDENTIAL_MAX},
	};
	struct answer a;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		answer_create(&a, ES256, &rows[i]);
		if (registered(&expected, &a).e)
			fail_msg("row %zu", i);
	}
	answer_create(&a, ES256, &(struct lies){0});
	span data = buf_span(&a.data);

	buf_clear(&a.object);
	buf_add(&a.object, SPAN("\xa3\x68"
				"authData"));
	add_string(&a.object, CBOR_BYTES, data);
	buf_add(&a.object, SPAN("\x67"
				"attStmt\xa0\x63"
				"fmt\x64none"));
	assert_ok(registered(&expected, &a).e);
	answer_get(&a, ES256,
		&(struct lies){.flags = UP | UV | ED, .extensions = SPAN("\xa1\x61x\xf5")});
	assert_ok(verified(&expected, ES256, &a).e);
}

static void origins(void **state UNUSED)
{
	static const struct {
		const char *origin, *rp_id;
	} rows[] = {
		{"https://vpn.example.com", "vpn.example.com"},
		{"https://vpn.example.com:8443", "vpn.example.com"},
		{"https://localhost:1", "localhost"},
		{"https://192.0.2.1:8443", "192.0.2.1"},
		{"https://[2001:db8::1]", "[2001:db8::1]"},
		{"https://[2001:db8::1]:8443", "[2001:db8::1]"},
		{"https://[::]", "[::]"},
	};
	struct answer a;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		span origin = span_from(rows[i].origin), rp_id = passkey_rp_id(origin);
		struct passkey_expected x = {SPAN(CHALLENGE), origin, .verified = true};
		struct lies l = {.origin = rows[i].origin, .rp_id = rows[i].rp_id};

		assert_span(rp_id, rows[i].rp_id);
		assert_ptr_equal(rp_id.ptr, rows[i].origin + strlen("https://"));
		answer_create(&a, ES256, &l);
		assert_row(registered(&x, &a).e == OK, rows[i].origin);
		answer_get(&a, ES256, &l);
		assert_row(verified(&x, ES256, &a).e == OK, rows[i].origin);
	}
	assert_span(passkey_rp_id(SPAN("vpn.example.com")), "vpn.example.com");
	assert_span(passkey_rp_id(SPAN_EMPTY), "");
	assert_span(passkey_rp_id(SPAN("https://")), "");
}

/* Each limit is reached and not exceeded. */
static void sizes(void **state UNUSED)
{
	static char spaces[PASSKEY_CLIENT_DATA_MAX], extension[PASSKEY_OBJECT_MAX];
	struct answer a;

	memset(spaces, ' ', sizeof(spaces));
	answer_create(&a, ES256, &(struct lies){0});
	buf_add(&a.client, span_of(spaces, PASSKEY_CLIENT_DATA_MAX - buf_len(&a.client)));
	assert_ok(registered(&expected, &a).e);
	buf_add_byte(&a.client, ' ');
	assert_denied(registered(&expected, &a), UNREADABLE_CLIENT, "client data");

	memcpy(extension, "\xa1\x61x\x59", 4); /* {"x": bytes}, their length in two bytes */
	answer_create(&a, ES256,
		&(struct lies){.flags = UP | UV | AT | ED, .extensions = span_of(extension, 6)});
	/* One byte more beside them: the data's own length then takes two. */
	size_t room = PASSKEY_OBJECT_MAX - (buf_len(&a.object) + 1);

	for (size_t over = 0; over < 2; over++) {
		size_t len = room + over;

		extension[4] = (char)(len >> 8);
		extension[5] = (char)len;
		answer_create(&a, ES256,
			&(struct lies){.flags = UP | UV | AT | ED,
				.extensions = span_of(extension, 6 + len)});
		assert_int_equal(buf_len(&a.object), PASSKEY_OBJECT_MAX + over);
		if (over)
			assert_denied(registered(&expected, &a), UNREADABLE_OBJECT, "object");
		else
			assert_ok(registered(&expected, &a).e);
	}
}

/* What is refused --------------------------------------------------------------------------------
 */

/* Of both ceremonies; what is nobody's right type stands below. */
static const struct {
	const char *name;
	struct lies lies;
	const char *why;
} client_lies[] = {
	{"no type", {.type = ""}, ANOTHER_KIND},
	{"a longer type", {.type = "webauthn.create.get"}, ANOTHER_KIND},
	{"a type of the payment API", {.type = "payment.get"}, ANOTHER_KIND},
	{"a type beyond any", {.type = "webauthn.getwebauthn.getwebauthn.get"}, UNREADABLE_CLIENT},
	{"another challenge", {.challenge = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"},
		ANOTHER_CHALLENGE},
	{"a shorter challenge", {.challenge = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
		ANOTHER_CHALLENGE},
	{"a challenge with padding", {.challenge = CHALLENGE "="}, ANOTHER_CHALLENGE},
	{"an empty challenge", {.challenge = ""}, ANOTHER_CHALLENGE},
	{"plain http", {.origin = "http://vpn.example.com"}, ANOTHER_ORIGIN},
	{"another port", {.origin = ORIGIN ":8443"}, ANOTHER_ORIGIN},
	{"the default port, written", {.origin = ORIGIN ":443"}, ANOTHER_ORIGIN},
	{"a path", {.origin = ORIGIN "/"}, ANOTHER_ORIGIN},
	{"the domain above", {.origin = "https://example.com"}, ANOTHER_ORIGIN},
	{"a domain below", {.origin = "https://a.vpn.example.com"}, ANOTHER_ORIGIN},
	{"a domain that starts alike", {.origin = ORIGIN ".evil.example"}, ANOTHER_ORIGIN},
	{"an opaque origin", {.origin = "null"}, ANOTHER_ORIGIN},
	{"an app", {.origin = "android:apk-key-hash:AAAA"}, ANOTHER_ORIGIN},
	{"no origin", {.origin = ""}, ANOTHER_ORIGIN},
	{"a frame", {.members = "\"crossOrigin\":true"}, IN_A_FRAME},
	{"a frame, denied first", {.members = "\"crossOrigin\":false,\"crossOrigin\":true"},
		IN_A_FRAME},
	{"a frame, denied later", {.members = "\"crossOrigin\":true,\"crossOrigin\":false"},
		IN_A_FRAME},
	{"crossOrigin as text", {.members = "\"crossOrigin\":\"false\""}, UNREADABLE_CLIENT},
	{"type twice", {.members = "\"type\":\"webauthn.create\""}, UNREADABLE_CLIENT},
	{"challenge twice", {.members = "\"challenge\":\"" CHALLENGE "\""}, UNREADABLE_CLIENT},
	{"origin twice", {.members = "\"origin\":\"" ORIGIN "\""}, UNREADABLE_CLIENT},
	{"a name with an escape", {.members = "\"\\u006frigin\":\"" ORIGIN "\""},
		UNREADABLE_CLIENT},
	{"not all of it", {.members = "\"crossOrigin\":fals"}, UNREADABLE_CLIENT},
	{"more than an object", {.members = "\"a\":1}{"}, UNREADABLE_CLIENT},
	{"no text", {.client_data = ""}, UNREADABLE_CLIENT},
	{"null", {.client_data = "null"}, UNREADABLE_CLIENT},
	{"an array", {.client_data = "[]"}, UNREADABLE_CLIENT},
	{"an empty object", {.client_data = "{}"}, UNREADABLE_CLIENT},
	{"a challenge that is a number",
		{.client_data = "{\"type\":\"webauthn.create\",\"challenge\":0,"
				"\"origin\":\"" ORIGIN "\"}"},
		UNREADABLE_CLIENT},
	{"without type",
		{.client_data = "{\"challenge\":\"" CHALLENGE "\",\"origin\":\"" ORIGIN "\"}"},
		UNREADABLE_CLIENT},
	{"without challenge",
		{.client_data = "{\"type\":\"webauthn.create\",\"origin\":\"" ORIGIN "\"}"},
		UNREADABLE_CLIENT},
	{"without origin",
		{.client_data = "{\"type\":\"webauthn.create\",\"challenge\":\"" CHALLENGE "\"}"},
		UNREADABLE_CLIENT},
	{"another RP id", {.rp_id = "example.com"}, ANOTHER_SITE},
	{"the origin as RP id", {.rp_id = ORIGIN}, ANOTHER_SITE},
};

static void lies_of_both(void **state UNUSED)
{
	struct answer a;

	for (size_t i = 0; i < ARRAY_LEN(client_lies); i++) {
		answer_create(&a, ES256, &client_lies[i].lies);
		assert_denied(registered(&expected, &a), client_lies[i].why, client_lies[i].name);
		answer_get(&a, ES256, &client_lies[i].lies);
		assert_denied(
			verified(&expected, ES256, &a), client_lies[i].why, client_lies[i].name);
	}
	answer_create(&a, ES256, &(struct lies){.type = "webauthn.get"});
	assert_denied(registered(&expected, &a), ANOTHER_KIND, "registration");
	answer_get(&a, ES256, &(struct lies){.type = "webauthn.create"});
	assert_denied(verified(&expected, ES256, &a), ANOTHER_KIND, "assertion");
}

/* An attestation object by its members, each a head and what follows. */
#define FORMAT                                                                                     \
	"\x63"                                                                                     \
	"fmt\x64none"
#define STATEMENT                                                                                  \
	"\x67"                                                                                     \
	"attStmt\xa0"
#define DATA                                                                                       \
	"\x68"                                                                                     \
	"authData\x41x"

static const struct {
	const char *name;
	struct lies lies;
	const char *why;
} registration_lies[] = {
	{"nobody present", {.flags = UV | AT}, NOBODY_PRESENT},
	{"not verified", {.flags = UP | AT}, NOT_VERIFIED},
	{"no credential, and none announced", {.flags = UP | UV, .without_credential = true},
		NO_PASSKEY},
	{"no credential, but announced", {.without_credential = true}, UNREADABLE_DATA},
	{"a credential that is not announced", {.flags = UP | UV}, UNREADABLE_DATA},
	{"an id of no bytes", {.without_id = true}, UNREADABLE_DATA},
	{"an id of 1024 bytes", {.id_len = PASSKEY_CREDENTIAL_MAX + 1}, UNREADABLE_DATA},
	{"something behind the key", {.extensions = SPAN_INIT("\xa0")}, UNREADABLE_DATA},
	{"no extensions, but announced", {.flags = UP | UV | AT | ED}, UNREADABLE_DATA},
	{"something behind the extensions",
		{.flags = UP | UV | AT | ED, .extensions = SPAN_INIT("\xa0\x00")}, UNREADABLE_DATA},
	{"extensions that are no map",
		{.flags = UP | UV | AT | ED, .extensions = SPAN_INIT("\x00")}, UNREADABLE_DATA},
	{"extensions cut off", {.flags = UP | UV | AT | ED, .extensions = SPAN_INIT("\xa1\x00")},
		UNREADABLE_DATA},
	{"format packed", {.format = "packed"}, UNREADABLE_OBJECT},
	{"format fido-u2f", {.format = "fido-u2f"}, UNREADABLE_OBJECT},
	{"format None", {.format = "None"}, UNREADABLE_OBJECT},
	{"no format", {.format = ""}, UNREADABLE_OBJECT},
	{"a statement", {.statement = SPAN_INIT("\xa1\x61x\x01")}, UNREADABLE_OBJECT},
	{"a statement that is an array", {.statement = SPAN_INIT("\x80")}, UNREADABLE_OBJECT},
	{"a statement that is null", {.statement = SPAN_INIT("\xf6")}, UNREADABLE_OBJECT},
	{"an empty statement in two bytes", {.statement = SPAN_INIT("\xb8\x00")},
		UNREADABLE_OBJECT},
	{"something behind the object", {.tail = SPAN_INIT("\x00")}, UNREADABLE_OBJECT},
	{"data of one byte", {.object = SPAN_INIT("\xa3" FORMAT STATEMENT DATA)}, UNREADABLE_DATA},
	{"no data", {.object = SPAN_INIT("\xa2" FORMAT STATEMENT)}, UNREADABLE_OBJECT},
	{"no statement", {.object = SPAN_INIT("\xa2" FORMAT DATA)}, UNREADABLE_OBJECT},
	{"format twice", {.object = SPAN_INIT("\xa3" FORMAT FORMAT DATA)}, UNREADABLE_OBJECT},
	{"data twice", {.object = SPAN_INIT("\xa3" FORMAT DATA DATA)}, UNREADABLE_OBJECT},
	{"statement twice", {.object = SPAN_INIT("\xa4" FORMAT STATEMENT STATEMENT DATA)},
		UNREADABLE_OBJECT},
	{"a member more", {.object = SPAN_INIT("\xa4" FORMAT STATEMENT DATA "\x61x\x00")},
		UNREADABLE_OBJECT},
	{"another member", {.object = SPAN_INIT("\xa3" FORMAT STATEMENT "\x61x\x41x")},
		UNREADABLE_OBJECT},
	{"a name that is bytes",
		{.object = SPAN_INIT("\xa3\x43"
				     "fmt\x64none" STATEMENT DATA)},
		UNREADABLE_OBJECT},
	{"a format that is bytes",
		{.object = SPAN_INIT("\xa3\x63"
				     "fmt\x44none" STATEMENT DATA)},
		UNREADABLE_OBJECT},
	{"data that are text",
		{.object = SPAN_INIT("\xa3" FORMAT STATEMENT "\x68"
				     "authData\x61x")},
		UNREADABLE_OBJECT},
	{"data of no bytes",
		{.object = SPAN_INIT("\xa3" FORMAT STATEMENT "\x68"
				     "authData\x40")},
		UNREADABLE_OBJECT},
	{"data of 2^64 - 1 bytes",
		{.object = SPAN_INIT("\xa3" FORMAT STATEMENT "\x68"
				     "authData\x5b\xff\xff\xff\xff\xff\xff\xff\xff")},
		UNREADABLE_OBJECT},
	{"a map of indefinite length", {.object = SPAN_INIT("\xbf" FORMAT STATEMENT DATA "\xff")},
		UNREADABLE_OBJECT},
	{"an array", {.object = SPAN_INIT("\x83" FORMAT STATEMENT DATA)}, UNREADABLE_OBJECT},
};

static void lies_about_a_new_one(void **state UNUSED)
{
	struct answer a;

	for (size_t i = 0; i < ARRAY_LEN(registration_lies); i++) {
		answer_create(&a, ES256, &registration_lies[i].lies);
		assert_denied(registered(&expected, &a), registration_lies[i].why,
			registration_lies[i].name);
	}
	answer_create(&a, ES256, &(struct lies){0});
	for (size_t len = 0; len < buf_len(&a.object); len++)
		assert_denied(registered_as(&expected, buf_span(&a.client),
				      span_sub(buf_span(&a.object), 0, len)),
			UNREADABLE_OBJECT, "a part of the object");
}

/* Keys: each of these is refused when it is new, and no key when it is stored. */
#define ZEROS_31 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static void assert_no_key(struct buf *cose, const char *name)
{
	struct answer a;

	assert_ok(buf_error(cose));
	answer_create(&a, ES256, &(struct lies){.cose = buf_span(cose)});
	assert_denied(registered(&expected, &a), NO_KEY, name);
	answer_get(&a, ES256, &(struct lies){0});
	struct verdict v = verified_as(&expected, buf_span(cose), buf_span(&a.client),
		buf_span(&a.data), buf_span(&a.signature));

	assert_row(v.e == ERR_CORRUPT, name);
	buf_clear(cose);
}

static void keys_of_other_algorithms(void **state UNUSED)
{
	static const struct {
		const char *name, *group;
		int algorithm, curve;
	} curves[] = {
		{"ES384", "P-384", -35, 2},
		{"ES512", "P-521", -36, 3},
		{"ES256K", "secp256k1", -47, 8},
		{"ES256 over P-384", "P-384", -7, 2},
		{"secp256k1 as P-256", "secp256k1", -7, 1},
		{"P-256 as P-384", "P-256", -7, 2},
		{"P-256 that announces EdDSA", "P-256", -8, 1},
		{"P-256 that announces RS256", "P-256", -257, 1},
		{"P-256 that announces RS1", "P-256", -65535, 1},
		{"P-256 for key agreement", "P-256", -25, 1},
	};
	static const struct {
		const char *name;
		unsigned bits;
		int algorithm;
	} moduli[] = {
		{"RSA of 1024 bits", 1024, -257},
		{"PS256", 2048, -37},
		{"RS384", 2048, -258},
		{"RS1", 2048, -65535},
		{"RSA that announces ES256", 2048, -7},
	};
	char memory[1024];
	struct buf cose;

	buf_init_fixed(&cose, memory, sizeof(memory));
	for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
		EVP_PKEY *key = EVP_EC_gen(curves[i].group);

		add_ec_key_of(&cose, curves[i].algorithm, curves[i].curve, key);
		EVP_PKEY_free(key);
		assert_no_key(&cose, curves[i].name);
	}
	for (size_t i = 0; i < ARRAY_LEN(moduli); i++) {
		EVP_PKEY *key = moduli[i].bits == 2048 ? NULL : EVP_RSA_gen(moduli[i].bits);

		add_rsa_key_of(&cose, moduli[i].algorithm, key ? key : RS256->key);
		EVP_PKEY_free(key);
		assert_no_key(&cose, moduli[i].name);
	}
	add_ed25519_key_of(&cose, -7, EDDSA->key);
	assert_no_key(&cose, "Ed25519 that announces ES256");
	add_okp_key(&cose, -8, 4, SPAN("\1" ZEROS_31));
	assert_no_key(&cose, "X25519");
	add_okp_key(&cose, -8, 6, SPAN(ZEROS_31));
	assert_no_key(&cose, "Ed25519 of 31 bytes");
	add_okp_key(&cose, -8, 6, SPAN("\1\1" ZEROS_31));
	assert_no_key(&cose, "Ed25519 of 33 bytes");
}

static void points_beside_the_curve(void **state UNUSED)
{
	char memory[1024];
	struct buf cose;
	uint8_t xy[2 * 66];

	buf_init_fixed(&cose, memory, sizeof(memory));
	coordinates(ES256->key, xy);
	span x = span_of(xy, 32), y = span_of(xy + 32, 32);

	xy[63] ^= 1;
	add_ec_key(&cose, -7, 1, x, y);
	assert_no_key(&cose, "y one bit off");
	xy[63] ^= 1;
	add_ec_key(&cose, -7, 1, y, x);
	assert_no_key(&cose, "x and y exchanged");
	add_ec_key(&cose, -7, 1, SPAN("\0" ZEROS_31), SPAN("\0" ZEROS_31));
	assert_no_key(&cose, "zero");
	add_ec_key(&cose, -7, 1, span_sub(x, 0, 31), y);
	assert_no_key(&cose, "a short coordinate");
	add_ec_key(&cose, -7, 1, span_of(xy, 33), y);
	assert_no_key(&cose, "a long coordinate");
	add_ec_key(&cose, -7, 1, x, SPAN_EMPTY);
	assert_no_key(&cose, "no y");
	/* Section 5.8.5: "the compressed point form MUST NOT be used". */
	add_ec_key(&cose, -7, 1, x, SPAN_EMPTY);
	buf_truncate(&cose, buf_len(&cose) - 1);
	buf_add(&cose, SPAN("\xf5"));
	assert_no_key(&cose, "the sign of y alone");
	add_ec_key(&cose, -7, 1, x, y);
	memory[0]++;
	add_parameter(&cose, -3, y);
	assert_no_key(&cose, "y twice");
}

static void items_that_are_no_key(void **state UNUSED)
{
	static const struct {
		const char *name;
		span cose;
	} rows[] = {
		{"a number", SPAN_INIT("\x00")},
		{"text", SPAN_INIT("\x63key")},
		{"null", SPAN_INIT("\xf6")},
		{"an array", SPAN_INIT("\x80")},
		{"an empty map", SPAN_INIT("\xa0")},
		{"a type alone", SPAN_INIT("\xa1\x01\x02")},
		{"an algorithm alone", SPAN_INIT("\xa1\x03\x26")},
		{"no coordinates", SPAN_INIT("\xa3\x01\x02\x03\x26\x20\x01")},
		{"names that are text", SPAN_INIT("\xa2\x61\x31\x02\x61\x33\x26")},
	};
	char memory[3072];
	struct buf cose;

	buf_init_fixed(&cose, memory, sizeof(memory));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_add(&cose, rows[i].cose);
		assert_no_key(&cose, rows[i].name);
	}
	add_string(&cose, CBOR_BYTES, span_of((char[2900]){0}, 2900));
	assert_no_key(&cose, "more than any key");
}

/* A stored key that lost something, or got something, is the server's trouble, not the user's. */
static void stored_keys_that_are_corrupt(void **state UNUSED)
{
	static const span tails[] = {SPAN_INIT("\x00"), SPAN_INIT("\xa0"), SPAN_INIT("\xff")};

	for (size_t i = 0; i < ARRAY_LEN(authenticators); i++) {
		const struct authenticator *by = &authenticators[i];
		struct answer a;

		answer_get(&a, by, &(struct lies){0});
		span client = buf_span(&a.client), data = buf_span(&a.data),
		     signature = buf_span(&a.signature);

		for (size_t len = 0; len < by->cose.len; len++) {
			struct verdict v = verified_as(
				&expected, span_sub(by->cose, 0, len), client, data, signature);

			assert_int_equal(v.e, ERR_CORRUPT);
		}
		for (size_t j = 0; j < ARRAY_LEN(tails); j++) {
			struct buf longer;
			char memory[600];

			buf_init_fixed(&longer, memory, sizeof(memory));
			buf_add(&longer, by->cose);
			buf_add(&longer, tails[j]);
			struct verdict v =
				verified_as(&expected, buf_span(&longer), client, data, signature);

			assert_int_equal(v.e, ERR_CORRUPT);
		}
	}
}

static void lies_when_signing_in(void **state UNUSED)
{
	static const struct {
		const char *name;
		struct lies lies;
		const char *why;
	} rows[] = {
		{"nobody present", {.flags = UV}, NOBODY_PRESENT},
		{"not verified", {.flags = UP}, NOT_VERIFIED},
		{"a byte more", {.extensions = SPAN_INIT("\x00")}, UNREADABLE_DATA},
		{"extensions that are not announced", {.extensions = SPAN_INIT("\xa0")},
			UNREADABLE_DATA},
		{"no extensions, but announced", {.flags = UP | UV | ED}, UNREADABLE_DATA},
		{"extensions that are no map",
			{.flags = UP | UV | ED, .extensions = SPAN_INIT("\x00")}, UNREADABLE_DATA},
		{"extensions of 2^32 elements",
			{.flags = UP | UV | ED, .extensions = SPAN_INIT("\x9a\xff\xff\xff\xff")},
			UNREADABLE_DATA},
		{"no credential, but announced", {.flags = UP | UV | AT}, UNREADABLE_DATA},
	};
	struct answer a;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		answer_get(&a, ES256, &rows[i].lies);
		assert_denied(verified(&expected, ES256, &a), rows[i].why, rows[i].name);
	}
	answer_get(&a, ES256, &(struct lies){0});
	for (size_t len = 0; len < buf_len(&a.data); len++)
		assert_denied(verified_as(&expected, ES256->cose, buf_span(&a.client),
				      span_sub(buf_span(&a.data), 0, len), buf_span(&a.signature)),
			UNREADABLE_DATA, "a part of the data");
}

static void what_was_not_signed(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(authenticators); i++) {
		const struct authenticator *by = &authenticators[i];
		const struct authenticator *another = &authenticators[(i + 1) % 3];
		struct lies l = {.members = "\"x\":\"a\"", .counter = 5};
		struct answer a;

		answer_get(&a, by, &l);
		assert_ok(verified(&expected, by, &a).e);
		assert_denied(verified(&expected, another, &a), WRONG_SIGNATURE, "the key");

		/* Each still says what is wanted, only not in the signed words. */
		answer_get(&a, by, &l);
		a.client_[buf_len(&a.client) - 3] = 'b';
		assert_denied(verified(&expected, by, &a), WRONG_SIGNATURE, "a member");
		answer_get(&a, by, &l);
		buf_add_byte(&a.client, '\n');
		assert_denied(verified(&expected, by, &a), WRONG_SIGNATURE, "a space");
		answer_get(&a, by, &l);
		a.data_[36] ^= 3; /* 6, as a copy would have to say that lags behind */
		assert_denied(verified(&expected, by, &a), WRONG_SIGNATURE, "the counter");
		answer_get(&a, by, &(struct lies){.flags = UP});
		a.data_[32] |= UV;
		assert_denied(verified(&expected, by, &a), WRONG_SIGNATURE, "verification");
		answer_get(&a, by, &l);
		answer_sign(&a, by->other_key);
		assert_denied(verified(&expected, by, &a), WRONG_SIGNATURE, "another's signature");
	}
}

static void signatures_of_other_forms(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(authenticators); i++) {
		const struct authenticator *by = &authenticators[i];
		struct answer a;

		answer_get(&a, by, &(struct lies){0});
		span client = buf_span(&a.client), data = buf_span(&a.data);
		char longer[PASSKEY_SIGNATURE_MAX + 1] = {0};
		size_t len = buf_len(&a.signature);

		memcpy(longer, buf_str(&a.signature), len);
		const size_t lengths[] = {
			0, 1, len - 1, len + 1, PASSKEY_SIGNATURE_MAX, PASSKEY_SIGNATURE_MAX + 1};

		for (size_t j = 0; j < ARRAY_LEN(lengths); j++)
			assert_denied(verified_as(&expected, by->cose, client, data,
					      span_of(longer, lengths[j])),
				WRONG_SIGNATURE, by->name);
		memset(longer, 0, len);
		assert_denied(verified_as(&expected, by->cose, client, data, span_of(longer, len)),
			WRONG_SIGNATURE, by->name);
		/* r = s = 0 (CVE-2022-21449), and r = s = 1. */
		assert_denied(verified_as(&expected, by->cose, client, data,
				      SPAN("\x30\x06\x02\x01\x00\x02\x01\x00")),
			WRONG_SIGNATURE, by->name);
		assert_denied(verified_as(&expected, by->cose, client, data,
				      SPAN("\x30\x06\x02\x01\x01\x02\x01\x01")),
			WRONG_SIGNATURE, by->name);
	}
}

/* Any bit ----------------------------------------------------------------------------------------
 */

/* The bytes on a heap block of their own, so that a look beyond them is seen by ASan. */
static char *own(span bytes)
{
	char *copy = malloc(bytes.len);

	assert_non_null(copy);
	memcpy(copy, bytes.ptr, bytes.len);
	return copy;
}

/* Nothing of a registration is signed: another key or id may come of it, but one that is usable. */
static void a_registration_with_any_bit_changed(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(authenticators); i++) {
		struct answer a, assertion;

		answer_create(&a, &authenticators[i], &(struct lies){0});
		answer_get(&assertion, &authenticators[i], &(struct lies){0});
		const size_t lens[] = {buf_len(&a.client), buf_len(&a.object)};
		char *parts[] = {own(buf_span(&a.client)), own(buf_span(&a.object))};

		for (size_t bit = 0; bit < 8 * (lens[0] + lens[1]); bit++) {
			size_t part = bit / 8 < lens[0] ? 0 : 1;
			char *at = parts[part] + bit / 8 - (part ? lens[0] : 0);

			*at = (char)(*at ^ 1 << bit % 8);
			struct verdict v = registered_as(
				&expected, span_of(parts[0], lens[0]), span_of(parts[1], lens[1]));

			assert_true(v.e == OK || v.e == ERR_DENIED);
			if (v.e == OK)
				assert_int_not_equal(
					verified_as(&expected, v.passkey.key,
						buf_span(&assertion.client), buf_span(&a.data),
						buf_span(&assertion.signature))
						.e,
					ERR_CORRUPT);
			*at = (char)(*at ^ 1 << bit % 8);
		}
		free(parts[0]);
		free(parts[1]);
	}
}

static void an_assertion_with_any_bit_changed(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(authenticators); i++) {
		struct answer a;

		answer_get(&a, &authenticators[i], &(struct lies){.members = "\"x\":\"abcdefgh\""});
		const span spans[] = {buf_span(&a.client), buf_span(&a.data),
			buf_span(&a.signature), authenticators[i].cose};
		char *parts[ARRAY_LEN(spans)];

		for (size_t part = 0; part < ARRAY_LEN(spans); part++)
			parts[part] = own(spans[part]);
		for (size_t part = 0; part < ARRAY_LEN(spans); part++)
			for (size_t bit = 0; bit < 8 * spans[part].len; bit++) {
				char *at = parts[part] + bit / 8;

				*at = (char)(*at ^ 1 << bit % 8);
				err e = verified_as(&expected, span_of(parts[3], spans[3].len),
					span_of(parts[0], spans[0].len),
					span_of(parts[1], spans[1].len),
					span_of(parts[2], spans[2].len))
						.e;

				if (e != ERR_DENIED && !(e == ERR_CORRUPT && part == 3))
					fail_msg("%s, part %zu, bit %zu: %d",
						authenticators[i].name, part, bit, (int)e);
				*at = (char)(*at ^ 1 << bit % 8);
			}
		for (size_t part = 0; part < ARRAY_LEN(spans); part++)
			free(parts[part]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_algorithm),
		cmocka_unit_test(answers_of_a_real_browser), cmocka_unit_test(counter),
		cmocka_unit_test(verification_of_the_user_where_it_is_wanted),
		cmocka_unit_test(what_may_differ), cmocka_unit_test(origins),
		cmocka_unit_test(sizes), cmocka_unit_test(lies_of_both),
		cmocka_unit_test(lies_about_a_new_one), cmocka_unit_test(keys_of_other_algorithms),
		cmocka_unit_test(points_beside_the_curve), cmocka_unit_test(items_that_are_no_key),
		cmocka_unit_test(stored_keys_that_are_corrupt),
		cmocka_unit_test(lies_when_signing_in), cmocka_unit_test(what_was_not_signed),
		cmocka_unit_test(signatures_of_other_forms),
		cmocka_unit_test(a_registration_with_any_bit_changed),
		cmocka_unit_test(an_assertion_with_any_bit_changed)};

	return cmocka_run_group_tests_name(
		"passkey", tests, make_authenticators, free_authenticators);
}
