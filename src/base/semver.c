/*
 * Semantic Versioning 2.0.0. Hard rule: semver_key and semver_cmp agree on every pair.
 *
 * Key: major, minor, patch as 8 bytes big-endian each; then 0x02 for a release, or 0x01 followed by
 * the pre-release identifiers and 0x00. A numeric identifier is 0x01, its number of digits, its
 * digits (no leading zeros, so a longer one is larger); any other is 0x02, its text, 0x00. So
 * numbers sort before words, a shorter list before a longer one it begins, and pre-releases before
 * their release (section 11).
 */
#include "base/semver.h"

#include "base/banned.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_identifier_char(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
}

static bool is_numeric(span identifier)
{
	for (size_t i = 0; i < identifier.len; i++)
		if (!is_digit(identifier.ptr[i]))
			return false;
	return true;
}

/* Dot-separated identifiers of sections 9 (pre-release) and 10 (build, leading zeros allowed). */
static bool is_identifier_list(span list, bool leading_zeros)
{
	span identifier;

	while (span_cut(&list, '.', &identifier)) {
		if (identifier.len == 0)
			return false;
		for (size_t i = 0; i < identifier.len; i++)
			if (!is_identifier_char(identifier.ptr[i]))
				return false;
		if (!leading_zeros && identifier.len > 1 && identifier.ptr[0] == '0' &&
			is_numeric(identifier))
			return false;
	}
	return true;
}

static bool parse_number(span text, uint64_t *ret)
{
	if (text.len > 1 && text.ptr[0] == '0')
		return false;
	return span_to_u64(text, UINT64_MAX, ret) == OK;
}

err semver_parse(span text, struct semver *ret)
{
	struct semver v = {.pre = SPAN_EMPTY, .build = SPAN_EMPTY};

	if (text.len == 0 || text.len > SEMVER_MAX_BYTES)
		return ERR_INVALID;
	size_t plus = span_find(text, '+');
	span core = span_sub(text, 0, plus);
	size_t minus = span_find(core, '-');

	if (plus < text.len) {
		v.build = span_from_offset(text, plus + 1);
		if (v.build.len == 0 || !is_identifier_list(v.build, true))
			return ERR_INVALID;
	}
	if (minus < core.len) {
		v.pre = span_from_offset(core, minus + 1);
		if (v.pre.len == 0 || !is_identifier_list(v.pre, false))
			return ERR_INVALID;
	}
	span rest = span_sub(core, 0, minus), part;
	uint64_t *numbers[] = {&v.major, &v.minor, &v.patch};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (!span_cut(&rest, '.', &part) || !parse_number(part, numbers[i]))
			return ERR_INVALID;
	if (rest.ptr)
		return ERR_INVALID;
	*ret = v;
	return OK;
}

static int number_cmp(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Section 11.4.1 to 11.4.3. Numbers may be longer than any integer type: digits are compared. */
static int identifier_cmp(span a, span b)
{
	bool a_numeric = is_numeric(a), b_numeric = is_numeric(b);

	if (a_numeric != b_numeric)
		return a_numeric ? -1 : 1;
	if (a_numeric && a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return span_cmp(a, b);
}

static int pre_cmp(span a, span b)
{
	span part_a, part_b;

	if (a.len == 0 || b.len == 0)
		return a.len ? -1 : b.len ? 1 : 0;
	for (;;) {
		bool more_a = span_cut(&a, '.', &part_a), more_b = span_cut(&b, '.', &part_b);

		if (!more_a || !more_b)
			return more_a ? 1 : more_b ? -1 : 0;
		int order = identifier_cmp(part_a, part_b);

		if (order)
			return order;
	}
}

int semver_cmp(const struct semver *a, const struct semver *b)
{
	int order = number_cmp(a->major, b->major);

	if (!order)
		order = number_cmp(a->minor, b->minor);
	if (!order)
		order = number_cmp(a->patch, b->patch);
	return order ? order : pre_cmp(a->pre, b->pre);
}

void semver_format(struct buf *out, const struct semver *v)
{
	buf_add_u64(out, v->major);
	buf_add_byte(out, '.');
	buf_add_u64(out, v->minor);
	buf_add_byte(out, '.');
	buf_add_u64(out, v->patch);
	if (v->pre.len) {
		buf_add_byte(out, '-');
		buf_add(out, v->pre);
	}
}

static void add_big_endian(struct buf *out, uint64_t n)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_add_byte(out, (char)(n >> shift & 0xFF));
}

void semver_key(struct buf *out, const struct semver *v)
{
	span rest = v->pre, identifier;

	add_big_endian(out, v->major);
	add_big_endian(out, v->minor);
	add_big_endian(out, v->patch);
	if (v->pre.len == 0) {
		buf_add_byte(out, 2);
		return;
	}
	buf_add_byte(out, 1);
	while (span_cut(&rest, '.', &identifier)) {
		bool numeric = is_numeric(identifier);

		buf_add_byte(out, numeric ? 1 : 2);
		if (numeric)
			buf_add_byte(out, (char)identifier.len); /* ≤ SEMVER_MAX_BYTES */
		buf_add(out, identifier);
		if (!numeric)
			buf_add_byte(out, 0);
	}
	buf_add_byte(out, 0);
}
