/*
 * Values of the published state as bytes. Hard rule: a value that does not fit its own lengths, has
 * bytes left over or a number outside its range is ERR_CORRUPT; nothing is guessed.
 */
#include "state/records.h"

#include "base/banned.h"

#define FORMAT 1

/* flags of a release */
#define CRITICAL       0x01
#define MANDATORY      0x02
#define ROLLOUT_PAUSED 0x04
#define CRITICAL_SKIPS 0x08
#define ALL_FLAGS      (CRITICAL | MANDATORY | ROLLOUT_PAUSED | CRITICAL_SKIPS)

/* ---- keys ---- */

/* NUL separates the parts of a key, so no part may hold one. */
static void add_name(struct buf *out, span name)
{
	if (span_find(name, '\0') < name.len)
		buf_fail(out, ERR_INVALID);
	buf_add(out, name);
}

static void key_of_one(struct buf *out, char kind, span name)
{
	buf_add_byte(out, kind);
	add_name(out, name);
}

void state_key_product(struct buf *out, span product)
{
	key_of_one(out, 'p', product);
}

void state_key_releases(struct buf *out, span product, span platform, enum channel subscribed)
{
	key_of_one(out, 'r', product);
	buf_add_byte(out, '\0');
	add_name(out, platform);
	buf_add_byte(out, '\0');
	buf_add_byte(out, (char)('0' + subscribed));
}

void state_key_signing(struct buf *out, enum token_kind kind, span kid)
{
	buf_add_byte(out, 'k');
	buf_add_byte(out, (char)('0' + kind));
	add_name(out, kid);
}

void state_key_epoch(struct buf *out, span subject)
{
	key_of_one(out, 'e', subject);
}

void state_key_revoked(struct buf *out, span jti)
{
	key_of_one(out, 'x', jti);
}

void state_key_blocked(struct buf *out, span sha256_hex)
{
	key_of_one(out, 'b', sha256_hex);
}

void state_key_file(struct buf *out, span release_id, span filename)
{
	key_of_one(out, 'f', release_id);
	buf_add_byte(out, '\0');
	add_name(out, filename);
}

void state_key_global_epoch(struct buf *out)
{
	buf_add_str(out, "gepoch");
}

/* ---- writing ---- */

static void put(struct buf *out, uint64_t n, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_add_byte(out, (char)(n >> (8 * i)));
}

static void put_text(struct buf *out, span text)
{
	if (text.len > UINT16_MAX)
		buf_fail(out, ERR_TOO_LARGE);
	put(out, text.len, 2);
	buf_add(out, text);
}

/* ---- reading ---- */

/* A cursor over a value. The first failure sticks; what is read after it is zero or empty. */
struct reader {
	span rest;
	bool bad;
};

static span take(struct reader *r, size_t n)
{
	if (r->bad || n > r->rest.len) {
		r->bad = true;
		return SPAN_EMPTY;
	}
	span taken = {r->rest.ptr, n};

	r->rest = (span){r->rest.ptr + n, r->rest.len - n};
	return taken;
}

static uint64_t number_of(span s)
{
	uint64_t n = 0;

	for (size_t i = s.len; i > 0; i--)
		n = n << 8 | (unsigned char)s.ptr[i - 1];
	return n;
}

static uint64_t take_number(struct reader *r, size_t bytes)
{
	return number_of(take(r, bytes));
}

static uint64_t take_at_most(struct reader *r, size_t bytes, uint64_t max)
{
	uint64_t n = take_number(r, bytes);

	if (n <= max)
		return n;
	r->bad = true;
	return 0;
}

static span take_text(struct reader *r)
{
	span len = take(r, 2);

	if (r->bad)
		return SPAN_EMPTY;
	return take(r, (size_t)(unsigned char)len.ptr[0] | (size_t)(unsigned char)len.ptr[1] << 8);
}

static struct reader read_value(span value)
{
	struct reader r = {.rest = value};

	if (take_number(&r, 1) != FORMAT)
		r.bad = true;
	return r;
}

static err finish(const struct reader *r)
{
	return r->bad || r->rest.len ? ERR_CORRUPT : OK;
}

static span take_sha256(struct reader *r)
{
	static const bool is_digit[256] = {['0' ... '9'] = true, ['a' ... 'f'] = true};
	span s = take(r, 64);
	bool good = true;

	for (size_t i = 0; i < s.len; i++)
		good &= is_digit[(unsigned char)s.ptr[i]];
	r->bad = r->bad || !good;
	return s;
}

static void put_sha256(struct buf *out, span s)
{
	if (s.len != 64)
		buf_fail(out, ERR_INVALID);
	buf_add(out, s);
}

/* ---- release ---- */

static void put_package(struct buf *out, const struct update_package *p)
{
	put_text(out, p->id);
	put_text(out, p->filename);
	put_text(out, p->format);
	put_sha256(out, p->sha256);
	put(out, p->size, 8);
	put(out, p->class_, 1);
	put_text(out, p->entitlement);
	put_text(out, p->org);
	put_text(out, p->min_os_version);
}

static void take_package(struct reader *r, struct update_package *p)
{
	p->id = take_text(r);
	p->filename = take_text(r);
	p->format = take_text(r);
	p->sha256 = take_sha256(r);
	p->size = take_number(r, 8);
	p->class_ = (enum package_class)take_at_most(r, 1, CLASS_COUNT - 1);
	p->entitlement = take_text(r);
	p->org = take_text(r);
	p->min_os_version = take_text(r);
}

static uint8_t release_flags(const struct update_release *r)
{
	return (uint8_t)((r->critical ? CRITICAL : 0) | (r->mandatory ? MANDATORY : 0) |
			 (r->rollout_paused ? ROLLOUT_PAUSED : 0) |
			 (r->critical_skips_wait ? CRITICAL_SKIPS : 0));
}

void state_pack_release(struct buf *out, const struct update_release *r)
{
	struct semver version;

	if (r->packages_count > UPDATE_MAX_PACKAGES || r->requires_count > UPDATE_MAX_REQUIRES ||
		r->rollout_reach > UPDATE_COHORTS || semver_parse(r->version_text, &version)) {
		buf_fail(out, ERR_INVALID);
		return;
	}
	put(out, FORMAT, 1);
	put_text(out, r->id);
	put_text(out, r->version_text);
	put_text(out, r->notes_url);
	put(out, r->state, 1);
	put(out, release_flags(r), 1);
	put(out, (uint64_t)r->eol_us, 8);
	put_text(out, r->min_from);
	put_text(out, r->rollout_seed);
	put(out, r->rollout_reach, 4);
	put_text(out, r->countries_denied);
	put_text(out, r->countries_allowed);
	put(out, r->packages_count, 1);
	for (size_t i = 0; i < r->packages_count; i++)
		put_package(out, &r->packages[i]);
	put(out, r->requires_count, 1);
	for (size_t i = 0; i < r->requires_count; i++) {
		put_text(out, r->requires[i].product);
		put_text(out, r->requires[i].range);
	}
}

static void take_flags(struct reader *in, struct update_release *r)
{
	uint64_t flags = take_at_most(in, 1, ALL_FLAGS);

	r->critical = flags & CRITICAL;
	r->mandatory = flags & MANDATORY;
	r->rollout_paused = flags & ROLLOUT_PAUSED;
	r->critical_skips_wait = flags & CRITICAL_SKIPS;
}

static void take_lists(struct reader *in, struct update_release *r)
{
	r->packages_count = take_at_most(in, 1, UPDATE_MAX_PACKAGES);
	for (size_t i = 0; i < r->packages_count; i++)
		take_package(in, &r->packages[i]);
	r->requires_count = take_at_most(in, 1, UPDATE_MAX_REQUIRES);
	for (size_t i = 0; i < r->requires_count; i++) {
		r->requires[i].product = take_text(in);
		r->requires[i].range = take_text(in);
	}
}

err state_unpack_release(span value, struct update_release *ret)
{
	struct reader in = read_value(value);

	ret->id = take_text(&in);
	ret->version_text = take_text(&in);
	ret->notes_url = take_text(&in);
	ret->state = (enum release_state)take_at_most(&in, 1, RELEASE_STATES - 1);
	take_flags(&in, ret);
	ret->eol_us = (int64_t)take_number(&in, 8);
	ret->min_from = take_text(&in);
	ret->rollout_seed = take_text(&in);
	ret->rollout_reach = (uint32_t)take_at_most(&in, 4, UPDATE_COHORTS);
	ret->countries_denied = take_text(&in);
	ret->countries_allowed = take_text(&in);
	take_lists(&in, ret);
	if (finish(&in) || semver_parse(ret->version_text, &ret->version))
		return ERR_CORRUPT;
	return OK;
}

/* ---- product, file, number ---- */

void state_pack_product(struct buf *out, const struct state_product *p)
{
	put(out, FORMAT, 1);
	put_text(out, p->id);
	put_text(out, p->title);
	put_text(out, p->countries_denied);
	put_text(out, p->countries_allowed);
	put(out, p->next_check_s, 4);
}

err state_unpack_product(span value, struct state_product *ret)
{
	struct reader in = read_value(value);
	struct state_product p = {.id = take_text(&in)};

	p.title = take_text(&in);
	p.countries_denied = take_text(&in);
	p.countries_allowed = take_text(&in);
	p.next_check_s = (uint32_t)take_number(&in, 4);
	if (finish(&in))
		return ERR_CORRUPT;
	*ret = p;
	return OK;
}

void state_pack_file(struct buf *out, const struct state_file *f)
{
	put(out, FORMAT, 1);
	put_sha256(out, f->sha256);
	put_text(out, f->package_id);
	put(out, f->size, 8);
}

err state_unpack_file(span value, struct state_file *ret)
{
	struct reader in = read_value(value);
	struct state_file f = {.sha256 = take_sha256(&in)};

	f.package_id = take_text(&in);
	f.size = take_number(&in, 8);
	if (finish(&in))
		return ERR_CORRUPT;
	*ret = f;
	return OK;
}

void state_pack_u64(struct buf *out, uint64_t n)
{
	put(out, FORMAT, 1);
	put(out, n, 8);
}

err state_unpack_u64(span value, uint64_t *ret)
{
	struct reader in = read_value(value);
	uint64_t n = take_number(&in, 8);

	if (finish(&in))
		return ERR_CORRUPT;
	*ret = n;
	return OK;
}
