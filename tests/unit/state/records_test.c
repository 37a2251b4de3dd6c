/* Keys and values of the published state: round trips, order, and every way to be damaged. */
#include "state/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct update_release full_release(void)
{
	struct update_release r = {
		.id = SPAN("rel_1"),
		.version_text = SPAN("2.5.0-rc.1+build7"),
		.notes_url = SPAN("https://example.org/notes"),
		.state = RELEASE_PUBLISHED,
		.critical = true,
		.rollout_paused = true,
		.critical_skips_wait = true,
		.eol_us = 1234567890123456,
		.min_from = SPAN("2.0.0"),
		.rollout_seed = SPAN("seed"),
		.rollout_reach = 6554,
		.countries_denied = SPAN("KP SY"),
		.countries_allowed = SPAN(""),
		.packages_count = 2,
		.requires_count = 1,
	};
	r.packages[0] = (struct update_package){.id = SPAN("pkg_1"),
		.filename = SPAN("vpn 2.5.0.deb"),
		.format = SPAN("deb"),
		.sha256 = SPAN(SHA),
		.size = UINT64_MAX,
		.class_ = CLASS_ENTERPRISE,
		.entitlement = SPAN("pro"),
		.org = SPAN("org_1"),
		.min_os_version = SPAN("10.15")};
	r.packages[1] = (struct update_package){.id = SPAN("pkg_2"), .sha256 = SPAN(SHA)};
	r.requires[0].product = SPAN("tap-driver");
	r.requires[0].range = SPAN(">=9.21 <10");
	return r;
}

static void assert_span(span actual, span expected)
{
	assert_int_equal(actual.len, expected.len);
	assert_memory_equal(actual.ptr, expected.ptr, expected.len);
}

static void pack_full(struct buf *out)
{
	struct update_release r = full_release();

	buf_init(out, STATE_VALUE_MAX);
	state_pack_release(out, &r);
	assert_int_equal(buf_error(out), OK);
}

/* Unpacks a copy of exactly this size, so that a sanitizer sees every byte read too far. */
static err unpack_copy(span value)
{
	struct update_release r;
	char *copy = malloc(value.len ? value.len : 1);

	assert_non_null(copy);
	if (value.len)
		memcpy(copy, value.ptr, value.len);
	err e = state_unpack_release(span_of(copy, value.len), &r);

	free(copy);
	return e;
}

static void release_truncated(void **unused)
{
	(void)unused;
	AUTO(buf) b = {0};
	pack_full(&b);
	for (size_t n = 0; n < buf_len(&b); n++)
		assert_int_equal(unpack_copy(span_sub(buf_span(&b), 0, n)), ERR_CORRUPT);
	assert_int_equal(unpack_copy(buf_span(&b)), OK);
	buf_add_byte(&b, 0);
	assert_int_equal(unpack_copy(buf_span(&b)), ERR_CORRUPT);
}

/* A record whose text fields are empty up to `state`, then the bytes given. */
static err unpack_with(char format, const char *version, unsigned state, unsigned flags,
	uint32_t reach, unsigned packages, unsigned requires)
{
	AUTO(buf) b = {0};
	buf_init(&b, 1024);
	buf_add_byte(&b, format);
	buf_add(&b, span_of("\0\0", 2));
	buf_add_byte(&b, (char)strlen(version));
	buf_add_byte(&b, 0);
	buf_add_str(&b, version);
	buf_add(&b, span_of("\0\0", 2));
	buf_add_byte(&b, (char)state);
	buf_add_byte(&b, (char)flags);
	buf_add(&b, span_of("\0\0\0\0\0\0\0\0\0\0\0\0", 12));
	for (int i = 0; i < 4; i++)
		buf_add_byte(&b, (char)(reach >> (8 * i)));
	buf_add(&b, span_of("\0\0\0\0", 4));
	buf_add_byte(&b, (char)packages);
	buf_add_byte(&b, (char) requires);
	for (unsigned i = 0; i < requires * 4; i++)
		buf_add_byte(&b, 0);
	assert_int_equal(buf_error(&b), OK);
	return unpack_copy(buf_span(&b));
}

static void release_out_of_range(void **unused)
{
	(void)unused;
	assert_int_equal(unpack_with(1, "1.0.0", 1, 15, 65536, 0, 0), OK);
	assert_int_equal(unpack_with(1, "1.0.0", 1, 15, 65536, 0, 16), OK);
	static const struct {
		char format;
		const char *version;
		unsigned state, flags;
		uint32_t reach;
		unsigned packages, requires;
	} cases[] = {
		{0, "1.0.0", 1, 0, 0, 0, 0},
		{2, "1.0.0", 1, 0, 0, 0, 0},
		{1, "", 1, 0, 0, 0, 0},
		{1, "1.0", 1, 0, 0, 0, 0},
		{1, "v1.0.0", 1, 0, 0, 0, 0},
		{1, "1.0.0", RELEASE_STATES, 0, 0, 0, 0},
		{1, "1.0.0", 255, 0, 0, 0, 0},
		{1, "1.0.0", 1, 16, 0, 0, 0},
		{1, "1.0.0", 1, 0, 65537, 0, 0},
		{1, "1.0.0", 1, 0, UINT32_MAX, 0, 0},
		{1, "1.0.0", 1, 0, 0, 17, 0},
		{1, "1.0.0", 1, 0, 0, 1, 0},
		{1, "1.0.0", 1, 0, 0, 0, 17},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(unpack_with(cases[i].format, cases[i].version, cases[i].state,
					 cases[i].flags, cases[i].reach, cases[i].packages,
					 cases[i].requires),
			ERR_CORRUPT);
}

/* A digest decides a path on disk: anything but 64 lower-case hex digits is damage. */
static void release_bad_digest(void **unused)
{
	(void)unused;
	static const char others[] = {'.', '/', 'g', 'A', '\0', '\xff'};
	struct update_release r;
	AUTO(buf) b = {0};

	pack_full(&b);
	size_t len = buf_len(&b);
	char *text = buf_take(&b);
	char *digest = memmem(text, len, SHA, 64);

	assert_non_null(digest);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		digest[5] = others[i];
		assert_int_equal(state_unpack_release(span_of(text, len), &r), ERR_CORRUPT);
	}
	free(text);
}

static void pack_refuses(void **unused)
{
	(void)unused;
	static char long_text[65536];
	struct update_release cases[6];

	memset(long_text, 'x', sizeof(long_text));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cases[i] = full_release();
	cases[0].packages_count = UPDATE_MAX_PACKAGES + 1;
	cases[1].requires_count = UPDATE_MAX_REQUIRES + 1;
	cases[2].rollout_reach = UPDATE_COHORTS + 1;
	cases[3].version_text = SPAN("1.0");
	cases[4].packages[1].sha256 = SPAN("abc");
	cases[5].notes_url = span_of(long_text, sizeof(long_text));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(buf) b = {0};
		buf_init(&b, 4 * STATE_VALUE_MAX);
		state_pack_release(&b, &cases[i]);
		assert_int_not_equal(buf_error(&b), OK);
	}
}

static void release_round_trip(void **unused)
{
	(void)unused;
	struct update_release r, expected = full_release();
	AUTO(buf) b = {0};

	pack_full(&b);
	memset(&r, 0xa5, sizeof(r));
	assert_int_equal(state_unpack_release(buf_span(&b), &r), OK);
	assert_span(r.id, expected.id);
	assert_span(r.version_text, expected.version_text);
	assert_span(r.notes_url, expected.notes_url);
	assert_int_equal(r.version.minor, 5);
	assert_span(r.version.pre, SPAN("rc.1"));
	assert_int_equal(r.state, RELEASE_PUBLISHED);
	assert_true(r.critical && !r.mandatory && r.rollout_paused && r.critical_skips_wait);
	assert_int_equal(r.eol_us, expected.eol_us);
	assert_span(r.min_from, expected.min_from);
	assert_span(r.rollout_seed, expected.rollout_seed);
	assert_int_equal(r.rollout_reach, 6554);
	assert_span(r.countries_denied, expected.countries_denied);
	assert_int_equal(r.countries_allowed.len, 0);
	assert_int_equal(r.packages_count, 2);
	const struct update_package *p = &r.packages[0], *q = &expected.packages[0];

	assert_span(p->id, q->id);
	assert_span(p->filename, q->filename);
	assert_span(p->format, q->format);
	assert_span(p->sha256, q->sha256);
	assert_true(p->size == UINT64_MAX);
	assert_int_equal(p->class_, CLASS_ENTERPRISE);
	assert_span(p->entitlement, q->entitlement);
	assert_span(p->org, q->org);
	assert_span(p->min_os_version, q->min_os_version);
	assert_span(r.packages[1].id, SPAN("pkg_2"));
	assert_int_equal(r.requires_count, 1);
	assert_span(r.requires[0].product, SPAN("tap-driver"));
	assert_span(r.requires[0].range, SPAN(">=9.21 <10"));
}

static void small_records(void **unused)
{
	(void)unused;
	struct state_product p = {.id = SPAN("prd_1"),
		.title = SPAN("VPN"),
		.countries_denied = SPAN("KP"),
		.next_check_s = 21600};
	struct state_file f = {.sha256 = SPAN(SHA), .package_id = SPAN("pkg_1"), .size = 42};
	uint64_t n = 0;
	AUTO(buf) pb = {0};
	AUTO(buf) fb = {0};
	AUTO(buf) nb = {0};

	buf_init(&pb, 1024);
	buf_init(&fb, 1024);
	buf_init(&nb, 1024);
	state_pack_product(&pb, &p);
	state_pack_file(&fb, &f);
	state_pack_u64(&nb, UINT64_C(0x8877665544332211));
	for (size_t i = 0; i < buf_len(&pb); i++)
		assert_int_equal(
			state_unpack_product(span_sub(buf_span(&pb), 0, i), &p), ERR_CORRUPT);
	for (size_t i = 0; i < buf_len(&fb); i++)
		assert_int_equal(state_unpack_file(span_sub(buf_span(&fb), 0, i), &f), ERR_CORRUPT);
	for (size_t i = 0; i < buf_len(&nb); i++)
		assert_int_equal(state_unpack_u64(span_sub(buf_span(&nb), 0, i), &n), ERR_CORRUPT);
	assert_int_equal(n, 0);
	assert_int_equal(state_unpack_product(buf_span(&pb), &p), OK);
	assert_span(p.id, SPAN("prd_1"));
	assert_span(p.title, SPAN("VPN"));
	assert_span(p.countries_denied, SPAN("KP"));
	assert_int_equal(p.countries_allowed.len, 0);
	assert_int_equal(p.next_check_s, 21600);
	assert_int_equal(state_unpack_file(buf_span(&fb), &f), OK);
	assert_span(f.sha256, SPAN(SHA));
	assert_span(f.package_id, SPAN("pkg_1"));
	assert_int_equal(f.size, 42);
	assert_int_equal(state_unpack_u64(buf_span(&nb), &n), OK);
	assert_true(n == UINT64_C(0x8877665544332211));
	buf_add_byte(&nb, 0);
	assert_int_equal(state_unpack_u64(buf_span(&nb), &n), ERR_CORRUPT);
}

static void keys(void **unused)
{
	(void)unused;
	AUTO(buf) b = {0};

	buf_init(&b, 1024);
	state_key_product(&b, SPAN("vpn"));
	assert_span(buf_span(&b), SPAN("pvpn"));
	buf_clear(&b);
	state_key_releases(&b, SPAN("vpn"), SPAN("linux-x86_64"), CHANNEL_DEV);
	assert_span(buf_span(&b), SPAN("rvpn\0linux-x86_64\0002"));
	buf_clear(&b);
	state_key_signing(&b, TOKEN_DOWNLOAD, SPAN("k1"));
	assert_span(buf_span(&b), SPAN("k2k1"));
	buf_clear(&b);
	state_key_epoch(&b, SPAN("dev_1"));
	state_key_revoked(&b, SPAN("j"));
	state_key_blocked(&b, SPAN("aa"));
	assert_span(buf_span(&b), SPAN("edev_1xjbaa"));
	buf_clear(&b);
	state_key_file(&b, SPAN("rel_1"), SPAN("a b.deb"));
	assert_span(buf_span(&b), SPAN("frel_1\0a b.deb"));
	buf_clear(&b);
	state_key_global_epoch(&b);
	assert_span(buf_span(&b), SPAN("gepoch"));
}

/* A NUL in a name would make one key look like another. */
static void key_with_nul(void **unused)
{
	(void)unused;
	span bad = SPAN("a\0b");
	AUTO(buf) b = {0};

	buf_init(&b, 1024);
	state_key_product(&b, bad);
	assert_int_equal(buf_error(&b), ERR_INVALID);
	buf_clear(&b);
	state_key_releases(&b, SPAN("a"), bad, CHANNEL_STABLE);
	assert_int_equal(buf_error(&b), ERR_INVALID);
	buf_clear(&b);
	state_key_signing(&b, TOKEN_ACCESS, bad);
	assert_int_equal(buf_error(&b), ERR_INVALID);
	buf_clear(&b);
	state_key_file(&b, SPAN("r"), bad);
	assert_int_equal(buf_error(&b), ERR_INVALID);
	buf_clear(&b);
	state_key_file(&b, bad, SPAN("f"));
	assert_int_equal(buf_error(&b), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(release_truncated),
		cmocka_unit_test(release_out_of_range),
		cmocka_unit_test(release_bad_digest),
		cmocka_unit_test(pack_refuses),
		cmocka_unit_test(release_round_trip),
		cmocka_unit_test(small_records),
		cmocka_unit_test(keys),
		cmocka_unit_test(key_with_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
