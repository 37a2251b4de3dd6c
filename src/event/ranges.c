/*
 * Union of byte ranges. Hard rule: bytes that were not added are never in the set.
 */
#include "event/ranges.h"

#include <string.h>

#include "base/banned.h"

void ranges_init(struct ranges *r)
{
	r->count = 0;
}

static err parse_piece(span text, struct range *ret)
{
	span from_text, rest = text;
	uint64_t from, to;

	if (!span_cut(&rest, '-', &from_text) || !rest.ptr)
		return ERR_INVALID;
	if (span_to_u64(from_text, RANGES_LAST_BYTE, &from) ||
		span_to_u64(rest, RANGES_LAST_BYTE, &to) || from > to)
		return ERR_INVALID;
	/* One number, one text: "00-9" is refused. */
	if ((from_text.ptr[0] == '0' && from_text.len > 1) || (rest.ptr[0] == '0' && rest.len > 1))
		return ERR_INVALID;
	*ret = (struct range){from, to};
	return OK;
}

err ranges_parse(span text, struct ranges *ret)
{
	struct ranges r;
	span piece, rest = text;

	ranges_init(&r);
	if (text.len == 0) {
		ranges_init(ret);
		return OK;
	}
	while (span_cut(&rest, ',', &piece)) {
		if (r.count == RANGES_MAX || parse_piece(piece, &r.at[r.count]))
			return ERR_INVALID;
		if (r.count && r.at[r.count].from <= r.at[r.count - 1].to + 1)
			return ERR_INVALID;
		r.count++;
	}
	ret->count = r.count;
	memcpy(ret->at, r.at, r.count * sizeof(r.at[0]));
	return OK;
}

void ranges_format(struct buf *out, const struct ranges *r)
{
	for (size_t i = 0; i < r->count; i++) {
		if (i)
			buf_add_byte(out, ',');
		buf_add_u64(out, r->at[i].from);
		buf_add_byte(out, '-');
		buf_add_u64(out, r->at[i].to);
	}
}

bool ranges_add(struct ranges *r, uint64_t from, uint64_t to)
{
	size_t first = 0, last;

	if (from > to || to > RANGES_LAST_BYTE)
		return false;
	/* [first, last) are the pieces that overlap or touch the new one. */
	while (first < r->count && r->at[first].to + 1 < from)
		first++;
	for (last = first; last < r->count && r->at[last].from <= to + 1; last++)
		;
	if (first == last) {
		if (r->count == RANGES_MAX)
			return false;
		memmove(&r->at[first + 1], &r->at[first], (r->count - first) * sizeof(r->at[0]));
		r->at[first] = (struct range){from, to};
		r->count++;
		return true;
	}
	r->at[first].from = MIN(from, r->at[first].from);
	r->at[first].to = MAX(to, r->at[last - 1].to);
	memmove(&r->at[first + 1], &r->at[last], (r->count - last) * sizeof(r->at[0]));
	r->count -= last - first - 1;
	return true;
}

uint64_t ranges_bytes(const struct ranges *r)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < r->count; i++)
		bytes += r->at[i].to - r->at[i].from + 1;
	return bytes;
}
