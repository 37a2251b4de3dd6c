/* Hard rule: nothing is believed about a length before the bytes are seen to be there. */
#include "account/cbor.h"

#include "base/banned.h"

#define SIMPLE_OF_TWO_BYTES 0xf8

void cbor_cursor_init(struct cbor_cursor *c, span bytes)
{
	*c = (struct cbor_cursor){.rest_ = bytes};
}

static bool fail_cursor(struct cbor_cursor *c)
{
	c->bad_ = true;
	c->rest_ = SPAN_EMPTY;
	return false;
}

static span take(struct cbor_cursor *c, uint64_t len)
{
	if (c->bad_ || len > c->rest_.len) {
		fail_cursor(c);
		return SPAN_EMPTY;
	}
	span taken = span_sub(c->rest_, 0, (size_t)len);

	c->rest_ = span_of(c->rest_.ptr + len, c->rest_.len - (size_t)len);
	return taken;
}

/* The initial byte of an item and its argument (RFC 8949 section 3). */
static bool take_head(struct cbor_cursor *c, unsigned *ret_major, uint64_t *ret_argument)
{
	span first = take(c, 1);

	if (first.len == 0)
		return fail_cursor(c);
	unsigned byte = (uint8_t)first.ptr[0], small = byte & 31;
	uint64_t argument = small;

	if (small >= 24) {
		if (small > 27)
			return fail_cursor(c); /* reserved, or an indefinite length */
		span more = take(c, (uint64_t)1 << (small - 24));

		argument = 0;
		for (size_t i = 0; i < more.len; i++)
			argument = argument << 8 | (uint8_t)more.ptr[i];
	}
	if (byte == SIMPLE_OF_TWO_BYTES && argument < 32)
		return fail_cursor(c); /* such a value is written in one byte (section 3.3) */
	*ret_major = byte >> 5;
	*ret_argument = argument;
	return !c->bad_;
}

span cbor_take_string(struct cbor_cursor *c, enum cbor_type type)
{
	unsigned major;
	uint64_t len;

	if (take_head(c, &major, &len) && major == (unsigned)type)
		return take(c, len);
	fail_cursor(c);
	return SPAN_EMPTY;
}

/* Every element takes a byte at least. */
static bool elements_fit(struct cbor_cursor *c, uint64_t count)
{
	return count <= c->rest_.len || fail_cursor(c);
}

uint64_t cbor_enter_map(struct cbor_cursor *c)
{
	unsigned major;
	uint64_t pairs;

	if (take_head(c, &major, &pairs) && major == CBOR_MAP && elements_fit(c, pairs))
		return pairs;
	fail_cursor(c);
	return 0;
}

span cbor_skip(struct cbor_cursor *c)
{
	uint64_t left[CBOR_MAX_DEPTH + 1] = {1}; /* items still to pass, by level */
	const char *start = c->rest_.ptr;
	unsigned depth = 0;

	while (!c->bad_) {
		unsigned major;
		uint64_t n;

		while (depth && left[depth] == 0)
			depth--;
		if (left[depth] == 0)
			return span_of(start, (size_t)(c->rest_.ptr - start));
		left[depth]--;
		if (!take_head(c, &major, &n))
			break;
		if (major == CBOR_BYTES || major == CBOR_TEXT)
			take(c, n);
		if (major < CBOR_ARRAY || major > CBOR_TAG)
			continue; /* numbers and simple values end with their head */
		if (depth == CBOR_MAX_DEPTH || !elements_fit(c, n) || major == CBOR_TAG) {
			fail_cursor(c);
			break;
		}
		left[++depth] = major == CBOR_MAP ? n * 2 : n;
	}
	return SPAN_EMPTY;
}

bool cbor_at_end(const struct cbor_cursor *c)
{
	return !c->bad_ && c->rest_.len == 0;
}
