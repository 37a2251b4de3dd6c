/*
 * Reading pieces of bytes. Hard rule: nothing here reads past ptr + len.
 */
#include "base/span.h"

#include <string.h>

#include "base/banned.h"

span span_from(const char *text)
{
	return text ? span_of(text, strlen(text)) : SPAN_EMPTY;
}

bool span_is(span a, const char *text)
{
	return span_eq(a, span_from(text));
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool span_eq_nocase(span a, span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	return true;
}

int span_cmp(span a, span b)
{
	size_t n = MIN(a.len, b.len);
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;

	if (order)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool span_starts_with(span s, span prefix)
{
	return s.len >= prefix.len && span_eq(span_sub(s, 0, prefix.len), prefix);
}

bool span_ends_with(span s, span suffix)
{
	return s.len >= suffix.len && span_eq(span_from_offset(s, s.len - suffix.len), suffix);
}

bool span_contains(span s, span part)
{
	return part.len == 0 || (s.len && memmem(s.ptr, s.len, part.ptr, part.len));
}

size_t span_rfind(span s, char c)
{
	const char *at = s.len ? memrchr(s.ptr, c, s.len) : NULL;

	return at ? (size_t)(at - s.ptr) : s.len;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

span span_trim(span s)
{
	while (s.len && is_space(s.ptr[0]))
		s = span_from_offset(s, 1);
	while (s.len && is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool span_cut(span *rest, char separator, span *ret_part)
{
	if (!rest->ptr)
		return false;
	size_t at = span_find(*rest, separator);

	*ret_part = (span){rest->ptr, at};
	*rest = at == rest->len ? (span){NULL, 0} : (span){rest->ptr + at + 1, rest->len - at - 1};
	return true;
}

err span_to_u64(span s, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (s.len == 0)
		return ERR_INVALID;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';

		if (digit > 9 || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
			__builtin_add_overflow(value, (uint64_t)digit, &value))
			return ERR_INVALID;
	}
	if (value > max)
		return ERR_INVALID;
	*ret = value;
	return OK;
}

err span_to_i64(span s, int64_t *ret)
{
	bool negative = s.len && s.ptr[0] == '-';
	uint64_t magnitude;
	err e = span_to_u64(negative ? span_from_offset(s, 1) : s,
		(uint64_t)INT64_MAX + (negative ? 1 : 0), &magnitude);

	if (e)
		return e;
	*ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return OK;
}

/* Length of the valid sequence at the start of p (RFC 3629, section 4), or 0. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
	if (p[0] < 0x80)
		return 1;
	if (left < 2 || p[0] < 0xC2 || p[0] > 0xF4)
		return 0;
	size_t need = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
	unsigned char low = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
	unsigned char high = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;

	if (left < need || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	return need;
}

/* How many bytes from p on are ASCII, in steps of eight. */
static size_t ascii_run(const char *p, size_t len)
{
	size_t i = 0;
	uint64_t eight;

	for (; i + sizeof(eight) <= len; i += sizeof(eight)) {
		memcpy(&eight, p + i, sizeof(eight));
		if (eight & UINT64_C(0x8080808080808080))
			break;
	}
	return i;
}

bool span_is_utf8(span s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t i = ascii_run(s.ptr, s.len);

	while (i < s.len) {
		size_t n = utf8_sequence(p + i, s.len - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

size_t span_utf8_len(span s)
{
	return s.len ? utf8_sequence((const unsigned char *)s.ptr, s.len) : 0;
}
