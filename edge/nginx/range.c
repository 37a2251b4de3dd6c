/*
 * Which bytes a Range header asks for, for the log. nginx's range filter decides what is sent; this
 * reads the header by the same rules (RFC 9110 section 14.1.2) after that filter has accepted it.
 */
#include "slipway.h"

#include "base/banned.h"

size_t slipway_range_count(span header)
{
	size_t count = 1;

	for (size_t i = 0; i < header.len; i++)
		count += header.ptr[i] == ',';
	return count;
}

/* Resolves "a-b", "a-" or "-n"; false for one that selects nothing or is malformed. */
static bool resolve(span text, uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
{
	size_t dash = span_find(text, '-');
	span first = span_trim(span_sub(text, 0, dash));
	span last = span_trim(span_from_offset(text, dash + 1));
	uint64_t a = 0, b = size - 1;

	if (dash == text.len || (first.len == 0 && last.len == 0))
		return false;
	if (first.len == 0) {
		if (span_to_u64(last, UINT64_MAX, &b) || b == 0)
			return false;
		a = b < size ? size - b : 0;
		b = size - 1;
	} else if (span_to_u64(first, UINT64_MAX, &a) ||
		   (last.len && span_to_u64(last, UINT64_MAX, &b))) {
		return false;
	}
	b = MIN(b, size - 1);
	if (a > b)
		return false;
	*ret_first = a;
	*ret_last = b;
	return true;
}

bool slipway_ranges(span header, uint64_t size, struct buf *out)
{
	uint64_t first, last;
	bool any = false;
	span part;

	if (size == 0 || !span_eq_nocase(span_sub(header, 0, 6), SPAN("bytes=")))
		return false;
	header = span_from_offset(header, 6);
	while (header.len && span_cut(&header, ',', &part)) {
		if (!resolve(part, size, &first, &last))
			continue;
		if (any)
			buf_add_byte(out, ',');
		buf_add_u64(out, first);
		buf_add_byte(out, '-');
		buf_add_u64(out, last);
		any = true;
	}
	return any && !buf_error(out);
}
