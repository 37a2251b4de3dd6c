/* Signing keys: made once, found again, refused when the file does not fit the database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "keyring/keyring.h"
#include "sys/clock.h"

#define NOW_S 1800000000

struct world {
	char dir[64];
	struct db *db;
};

static int setup(void **state)
{
	static struct world w;
	char url[96];
	unsigned applied;

	w = (struct world){.dir = "/tmp/slipway-keys-XXXXXX"};
	assert_non_null(mkdtemp(w.dir));
	(void)snprintf(url, sizeof(url), "sqlite:%s/db", w.dir);
	struct db_options options = {.url = url, .max_sessions = 2, .wait_us = 1000000};

	assert_int_equal(db_open(&options, &w.db), OK);
	assert_int_equal(db_migrate(w.db, &applied), OK);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char command[96];

	db_close(w->db);
	(void)snprintf(command, sizeof(command), "rm -rf %s", w->dir);
	return system(command);
}

static struct keyring *open_ring(struct world *w, uint64_t *ret_seq)
{
	struct keyring *ring;

	struct key_place place = {w->dir, "", ""};

	assert_int_equal(keyring_open(&place, w->db, NOW_S * INT64_C(1000000), &ring, ret_seq), OK);
	return ring;
}

static struct token_claims claims(enum token_kind kind)
{
	return (struct token_claims){.kind = kind,
		.iss = SPAN("https://s"),
		.sub = SPAN("dev_1"),
		.aud = SPAN("pool"),
		.jti = SPAN("j1"),
		.iat = NOW_S,
		.exp = NOW_S + 60,
		.client_id = SPAN("c"),
		.role = SPAN("user"),
		.account = SPAN("acc_1"),
		.device = SPAN("dev_1"),
		.download = SPAN("dl_1"),
		.filename = SPAN("f.deb"),
		.digest = SPAN("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
		.uri = SPAN("regex:x")};
}

static void a_key_signs_for_its_own_kind_only(void **state)
{
	uint64_t seq;
	struct keyring *ring = open_ring(*state, &seq);
	struct token_verifier v = {keyring_lookup, ring, SPAN("https://s"), SPAN("pool")};
	char scratch[TOKEN_DECODED_MAX];
	struct token_claims read;

	assert_true(seq > 0);
	for (int kind = 0; kind < TOKEN_KINDS; kind++) {
		struct token_claims c = claims((enum token_kind)kind);
		AUTO(buf) text = {0};

		buf_init(&text, TOKEN_MAX_BYTES);
		assert_int_equal(keyring_sign(ring, &c, &text), OK);
		for (int other = 0; other < TOKEN_KINDS; other++) {
			enum token_verdict verdict = token_verify(
				(enum token_kind)other, buf_span(&text), &v, NOW_S, scratch, &read);

			assert_int_equal(verdict, other == kind ? TOKEN_OK : TOKEN_WRONG_KIND);
			/* Nor may the kid of one kind be found among the keys of another. */
			assert_true((keyring_lookup(ring, (enum token_kind)other, c.kid) != NULL) ==
				    (other == kind));
		}
	}
	keyring_close(ring);
}

static void keys_are_kept_and_private(void **state)
{
	uint64_t seq;
	struct keyring *first = open_ring(*state, &seq);
	struct keyring *again = open_ring(*state, &seq);
	struct token_claims a = claims(TOKEN_DOWNLOAD), b = a;
	uint8_t one[32], two[32], other[32];
	AUTO(buf) text = {0};

	assert_int_equal(seq, 0);
	buf_init(&text, 2 * TOKEN_MAX_BYTES);
	assert_int_equal(keyring_sign(first, &a, &text), OK);
	assert_int_equal(keyring_sign(again, &b, &text), OK);
	assert_true(span_eq(a.kid, b.kid));
	keyring_derive(first, "refresh", one);
	keyring_derive(again, "refresh", two);
	keyring_derive(again, "pseudonym", other);
	assert_memory_equal(one, two, 32);
	assert_memory_not_equal(one, other, 32);

	struct world *w = *state;
	char path[160];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/download-%.*s.pem", w->dir, SPAN_ARG(a.kid));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	keyring_close(first);
	keyring_close(again);
}

static void a_lost_or_foreign_private_key_is_an_error(void **state)
{
	struct world *w = *state;
	struct key_place place = {w->dir, "", ""};
	uint64_t seq;
	struct keyring *ring = open_ring(w, &seq), *never;
	struct token_claims a = claims(TOKEN_ACCESS), d = claims(TOKEN_DEVICE);
	char access[160], device[160], aside[160];
	AUTO(buf) text = {0};

	buf_init(&text, 2 * TOKEN_MAX_BYTES);
	assert_int_equal(keyring_sign(ring, &a, &text), OK);
	assert_int_equal(keyring_sign(ring, &d, &text), OK);
	(void)snprintf(access, sizeof(access), "%s/access-%.*s.pem", w->dir, SPAN_ARG(a.kid));
	(void)snprintf(device, sizeof(device), "%s/device-%.*s.pem", w->dir, SPAN_ARG(d.kid));
	(void)snprintf(aside, sizeof(aside), "%s/aside", w->dir);
	keyring_close(ring);

	assert_int_equal(rename(access, aside), 0);
	assert_int_equal(keyring_open(&place, w->db, clock_wall_us(), &never, &seq), ERR_NOT_FOUND);
	assert_int_equal(rename(device, access), 0);
	assert_int_equal(rename(aside, device), 0);
	assert_int_equal(keyring_open(&place, w->db, clock_wall_us(), &never, &seq), ERR_CORRUPT);
}

/* A second node that was given the keys but not the secret, or another one. */
static void a_foreign_secret_is_an_error(void **state)
{
	struct world *w = *state;
	struct key_place place = {w->dir, "", ""};
	uint64_t seq;
	struct keyring *ring = open_ring(w, &seq), *never;
	char secret[160], aside[160];
	FILE *file;

	keyring_close(ring);
	(void)snprintf(secret, sizeof(secret), "%s/secret.key", w->dir);
	(void)snprintf(aside, sizeof(aside), "%s/aside", w->dir);
	assert_int_equal(rename(secret, aside), 0);
	assert_int_equal(keyring_open(&place, w->db, clock_wall_us(), &never, &seq), ERR_NOT_FOUND);
	assert_int_not_equal(access(secret, F_OK), 0); /* nor was one made */
	file = fopen(secret, "w");
	assert_non_null(file);
	assert_true(fputs("0123456789abcdef0123456789abcdef", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(keyring_open(&place, w->db, clock_wall_us(), &never, &seq), ERR_CONFLICT);
	assert_int_equal(rename(aside, secret), 0);
	keyring_close(open_ring(w, &seq));
}

static void the_key_set_holds_public_parts_only(void **state)
{
	uint64_t seq;
	struct keyring *ring = open_ring(*state, &seq);
	AUTO(buf) text = {0};

	buf_init(&text, 8192);
	keyring_jwks(ring, &text);
	assert_int_equal(buf_error(&text), OK);
	assert_true(span_contains(buf_span(&text), SPAN("\"kty\":\"EC\"")));
	assert_false(span_contains(buf_span(&text), SPAN("\"d\":")));
	keyring_close(ring);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_key_signs_for_its_own_kind_only),
		CASE(keys_are_kept_and_private),
		CASE(a_lost_or_foreign_private_key_is_an_error),
		CASE(a_foreign_secret_is_an_error),
		CASE(the_key_set_holds_public_parts_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
