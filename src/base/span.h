#ifndef SLIPWAY_BASE_SPAN_H
#define SLIPWAY_BASE_SPAN_H

/*
 * A span is a borrowed piece of bytes: pointer and length, no terminator, no ownership. It is the
 * type for reading; writing is done into a buf. A span of length 0 may have any pointer.
 * All functions here are pure and thread-safe.
 */

#include <string.h>

#include "base/base.h"

typedef struct span {
	const char *ptr;
	size_t len;
} span;

/* SPAN("literal") without the terminating NUL. */
#define SPAN(literal) ((span){(literal), sizeof(literal) - 1})
#define SPAN_INIT(literal)                                                                         \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}
#define SPAN_EMPTY ((span){"", 0})
/* For printf("%.*s", SPAN_ARG(s)). */
#define SPAN_ARG(s) (int)(s).len, (s).ptr

static inline span span_of(const void *ptr, size_t len)
{
	return (span){(const char *)ptr, len};
}

span span_from(const char *text); /* NULL gives the empty span */

static inline bool span_eq(span a, span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool span_is(span a, const char *text);
bool span_eq_nocase(span a, span b); /* ASCII only */
int span_cmp(span a, span b);        /* memcmp order, the shorter first on a tie */
bool span_starts_with(span s, span prefix);
bool span_ends_with(span s, span suffix);
bool span_contains(span s, span part);
/* Offset of the first byte c, or s.len where there is none. */
static inline size_t span_find(span s, char c)
{
	const char *at = s.len ? (const char *)memchr(s.ptr, c, s.len) : NULL;

	return at ? (size_t)(at - s.ptr) : s.len;
}

size_t span_rfind(span s, char c);

/* From `from` on, at most len bytes; out of range gives a shorter or empty span. */
static inline span span_sub(span s, size_t from, size_t len)
{
	if (from >= s.len)
		return SPAN_EMPTY;
	return span_of(s.ptr + from, MIN(len, s.len - from));
}

static inline span span_from_offset(span s, size_t from)
{
	return span_sub(s, from, SIZE_MAX);
}

/* Without ASCII white space at both ends. */
span span_trim(span s);

/*
 * Cuts *rest at the first `separator`: gives the part before it and leaves the part after it.
 * False when *rest was already used up (ptr NULL); "a,,b" gives "a", "", "b".
 */
bool span_cut(span *rest, char separator, span *ret_part);

/* Whole span, decimal, no sign for u64, optional '-' for i64, no white space, no overflow. */
err span_to_u64(span s, uint64_t max, uint64_t *ret) MUST_USE;
err span_to_i64(span s, int64_t *ret) MUST_USE;

/* True for valid UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
bool span_is_utf8(span s);
/* Length of the valid UTF-8 sequence at the start of s; 0 when there is none or s is empty. */
size_t span_utf8_len(span s);

#endif
