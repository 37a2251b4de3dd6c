#include "test.h"
#include "vectors.h"

#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/ed25519.h"
#include "crypto/minisign.h"

/* Made by minisign 0.11: a key pair without a password, and a signature over "hi\n". */
#define PUBLIC_LINE "RWSjoCNSPbcTCQpKnOVc3CliFEDkcWnwQMj6VRJp/Yy1T/qz0MJf/4As"
#define SIGNATURE_TEXT                                                                             \
	"untrusted comment: signature from minisign secret key\n"                                  \
	"RUSjoCNSPbcTCUdVPIfLt8HA8TeE5gkhWz01BrtIMAZEF6yFKRL7HK7QswHIK8uC6eW/Z12gQiJQze6NA+Ibg+XK" \
	"5dNoAXTKhQs=\n"                                                                           \
	"trusted comment: timestamp:1795372730\tfile:f\thashed\n"                                  \
	"7hapzlO/"                                                                                 \
	"FnYNlE2ikIqB2Q4vL5lRrFJ7yCrfWVm0bmR6ZvR37EPRbSdx5Y2kNmuf5UUaiCbz2yaQr3T51JV0Dg==\n"

static void blake2b(span data, uint8_t ret[BLAKE2B_SIZE])
{
	AUTO_PTR(blake2b_stream) s = blake2b_stream_new();

	assert_non_null(s);
	blake2b_stream_add(s, data);
	blake2b_stream_get(s, ret);
}

static void texts_refused(void **state UNUSED)
{
	static const char *const bad[] = {"", "\n", "untrusted comment: x",
		"untrusted comment: x\n", "untrusted comment: x\n!!!!\n", PUBLIC_LINE "A",
		PUBLIC_LINE "\nmore\n", "comment: x\n" PUBLIC_LINE,
		"untrusted comment: x\n\n" PUBLIC_LINE};
	struct minisign_public public;
	struct minisign_secret secret;
	struct minisign_signature signature;
	char huge[MINISIGN_TEXT_MAX + 1];

	memset(huge, 'A', sizeof(huge));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		span text = span_from(bad[i]);

		assert_row(minisign_parse_public(text, &public) == ERR_INVALID, bad[i]);
		assert_row(minisign_parse_secret(text, &secret) == ERR_INVALID, bad[i]);
		assert_row(minisign_parse_signature(text, &signature) == ERR_INVALID, bad[i]);
	}
	assert_int_equal(minisign_parse_public(span_of(huge, sizeof(huge)), &public), ERR_INVALID);
	assert_int_equal(
		minisign_parse_signature(span_of(huge, sizeof(huge)), &signature), ERR_INVALID);
}

static void known_signature(void **state UNUSED)
{
	struct minisign_public k;
	struct minisign_signature s, changed;
	uint8_t digest[BLAKE2B_SIZE];

	blake2b(SPAN("hi\n"), digest);
	assert_ok(minisign_parse_public(SPAN(PUBLIC_LINE), &k));
	assert_ok(minisign_parse_signature(SPAN(SIGNATURE_TEXT), &s));
	assert_true(s.prehashed);
	assert_string_equal(s.trusted_comment, "timestamp:1795372730\tfile:f\thashed");
	assert_ok(minisign_verify(&k, digest, &s));

	changed = s;
	changed.trusted_comment[0] ^= 1;
	assert_int_equal(minisign_verify(&k, digest, &changed), ERR_DENIED);
	changed = s;
	changed.trusted_comment[strlen(changed.trusted_comment) - 1] = '\0';
	assert_int_equal(minisign_verify(&k, digest, &changed), ERR_DENIED);
	changed = s;
	changed.signature[0] ^= 1;
	assert_int_equal(minisign_verify(&k, digest, &changed), ERR_DENIED);
	changed = s;
	changed.global_signature[63] ^= 1;
	assert_int_equal(minisign_verify(&k, digest, &changed), ERR_DENIED);
	changed = s;
	changed.key_id[0] ^= 1;
	assert_int_equal(minisign_verify(&k, digest, &changed), ERR_DENIED);
	changed = s;
	changed.prehashed = false;
	assert_int_equal(minisign_verify(&k, digest, &changed), ERR_INVALID);
	digest[0] ^= 1;
	assert_int_equal(minisign_verify(&k, digest, &s), ERR_DENIED);
}

static void round_trip(void **state UNUSED)
{
	struct minisign_secret k, again;
	struct minisign_public public;
	struct minisign_signature s;
	uint8_t digest[BLAKE2B_SIZE];
	char long_comment[MINISIGN_COMMENT_SIZE];
	AUTO(buf) text = {0};

	buf_init(&text, MINISIGN_TEXT_MAX);
	minisign_generate(&k);
	minisign_format_secret(&text, &k);
	assert_ok(minisign_parse_secret(buf_span(&text), &again));
	assert_memory_equal(&k, &again, sizeof(k));
	buf_clear(&text);
	minisign_format_public(&text, &k.public);
	assert_ok(minisign_parse_public(buf_span(&text), &public));
	assert_memory_equal(&k.public, &public, sizeof(public));

	blake2b(SPAN("content"), digest);
	memset(long_comment, 'c', sizeof(long_comment));
	buf_clear(&text);
	assert_int_equal(minisign_sign(&k, digest, SPAN("two\nlines"), &text), ERR_INVALID);
	assert_int_equal(minisign_sign(&k, digest, SPAN("\xff"), &text), ERR_INVALID);
	assert_int_equal(
		minisign_sign(&k, digest, span_of(long_comment, sizeof(long_comment)), &text),
		ERR_INVALID);
	assert_ok(
		minisign_sign(&k, digest, span_of(long_comment, sizeof(long_comment) - 1), &text));
	assert_ok(minisign_parse_signature(buf_span(&text), &s));
	assert_ok(minisign_verify(&public, digest, &s));
	buf_clear(&text);
	assert_ok(minisign_sign(&k, digest, SPAN_EMPTY, &text));
	assert_ok(minisign_parse_signature(buf_span(&text), &s));
	assert_ok(minisign_verify(&public, digest, &s));
}

static void encrypted_secret(void **state UNUSED)
{
	struct minisign_secret k;
	uint8_t record[158];
	size_t len;
	AUTO(buf) text = {0};
	AUTO(buf) changed = {0};

	buf_init(&text, MINISIGN_TEXT_MAX);
	buf_init(&changed, MINISIGN_TEXT_MAX);
	minisign_generate(&k);
	minisign_format_secret(&text, &k);
	span line = span_from_offset(buf_span(&text), span_find(buf_span(&text), '\n') + 1);

	line.len--;
	assert_ok(base64_decode(line, record, sizeof(record), &len));
	memcpy(record + 2, "Sc", 2);
	buf_add(&changed, SPAN("untrusted comment: minisign encrypted secret key\n"));
	base64_encode(&changed, span_of(record, sizeof(record)));
	assert_int_equal(minisign_parse_secret(buf_span(&changed), &k), ERR_DENIED);
}

/* Runs a command in the folder; true when it succeeds. */
static bool run(const char *folder, const char *command)
{
	char line[1024];

	(void)snprintf(
		line, sizeof(line), "cd %s && %s >/dev/null 2>&1 </dev/null", folder, command);
	return system(line) == 0;
}

static void write_file(const char *folder, const char *name, span text)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
	assert_int_equal(fclose(f), 0);
}

static void read_file(const char *folder, const char *name, struct buf *out)
{
	char path[256], bytes[MINISIGN_TEXT_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	buf_clear(out);
	buf_add(out, span_of(bytes, fread(bytes, 1, sizeof(bytes), f)));
	assert_int_equal(fclose(f), 0);
}

/* The original program verifies what we sign and signs what we verify, with each other's keys. */
static void original_program(void **state UNUSED)
{
	char folder[] = "/tmp/slipway-minisign-XXXXXX";
	struct minisign_secret k, made;
	struct minisign_public public;
	struct minisign_signature s;
	uint8_t digest[BLAKE2B_SIZE];
	AUTO(buf) text = {0};

	if (!run("/", "minisign -v")) {
		print_message("skipped: no program minisign\n");
		skip();
	}
	buf_init(&text, MINISIGN_TEXT_MAX);
	assert_non_null(mkdtemp(folder));
	minisign_generate(&k);
	blake2b(SPAN("content"), digest);
	write_file(folder, "file", SPAN("content"));
	minisign_format_public(&text, &k.public);
	write_file(folder, "our.pub", buf_span(&text));
	buf_clear(&text);
	minisign_format_secret(&text, &k);
	write_file(folder, "our.key", buf_span(&text));
	buf_clear(&text);
	assert_ok(minisign_sign(&k, digest, SPAN("a trusted comment"), &text));
	write_file(folder, "our.sig", buf_span(&text));
	assert_true(run(folder, "minisign -V -p our.pub -x our.sig -m file"));
	write_file(folder, "other", SPAN("other content"));
	assert_false(run(folder, "minisign -V -p our.pub -x our.sig -m other"));

	assert_true(run(folder, "minisign -S -s our.key -x their.sig -m file"));
	read_file(folder, "their.sig", &text);
	assert_ok(minisign_parse_signature(buf_span(&text), &s));
	assert_ok(minisign_verify(&k.public, digest, &s));

	assert_true(run(folder, "minisign -G -W -p their.pub -s their.key"));
	read_file(folder, "their.key", &text);
	assert_ok(minisign_parse_secret(buf_span(&text), &made));
	read_file(folder, "their.pub", &text);
	assert_ok(minisign_parse_public(buf_span(&text), &public));
	assert_memory_equal(&made.public, &public, sizeof(public));
	assert_true(run(folder, "minisign -S -l -s their.key -x legacy.sig -m file"));
	read_file(folder, "legacy.sig", &text);
	assert_ok(minisign_parse_signature(buf_span(&text), &s));
	assert_int_equal(minisign_verify(&public, digest, &s), ERR_INVALID);
	assert_true(run(folder, "rm -r -- \"$PWD\""));
}

static void wycheproof_ed25519(void **state UNUSED)
{
	json_t *document = vectors_load("ed25519_test.json"), *group, *test;
	size_t i, j, checked = 0;

	if (!document)
		skip();
	json_array_foreach(json_object_get(document, "testGroups"), i, group)
	{
		uint8_t public[ED25519_PUBLIC_SIZE];

		assert_ok(hex_decode(vectors_text(json_object_get(group, "publicKey"), "pk"),
			public, sizeof(public)));
		json_array_foreach(json_object_get(group, "tests"), j, test)
		{
			uint8_t message[2048], signature[ED25519_SIGNATURE_SIZE];
			span hex = vectors_text(test, "msg"), sig = vectors_text(test, "sig");
			bool valid = span_is(vectors_text(test, "result"), "valid");

			checked++;
			if (sig.len != 2 * sizeof(signature)) {
				assert_false(valid);
				continue;
			}
			assert_true(hex.len <= 2 * sizeof(message));
			assert_ok(hex_decode(hex, message, hex.len / 2));
			assert_ok(hex_decode(sig, signature, sizeof(signature)));
			assert_int_equal(
				ed25519_verify(public, span_of(message, hex.len / 2), signature),
				valid ? OK : ERR_DENIED);
		}
	}
	assert_int_equal(checked, json_integer_value(json_object_get(document, "numberOfTests")));
	json_decref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(texts_refused),
		cmocka_unit_test(known_signature), cmocka_unit_test(round_trip),
		cmocka_unit_test(encrypted_secret), cmocka_unit_test(original_program),
		cmocka_unit_test(wycheproof_ed25519)};

	return cmocka_run_group_tests_name("minisign", tests, NULL, NULL);
}
