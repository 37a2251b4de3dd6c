#ifndef SLIPWAY_EVENT_RANGES_H
#define SLIPWAY_EVENT_RANGES_H

/*
 * Which bytes of a file were sent: a union of byte ranges. Invariant: ascending, disjoint and not
 * adjacent, so one set of bytes has one form. The text form is "0-99,200-299" with inclusive ends;
 * the empty text is the empty set. Pure.
 *
 * The number of pieces is bounded: a client that asks for thousands of scattered bytes can make
 * the count of bytes too small, never too large.
 */

#include "base/buf.h"

#define RANGES_MAX       256
#define RANGES_TEXT_MAX  (RANGES_MAX * 40)
#define RANGES_LAST_BYTE (INT64_MAX - 1) /* greatest offset there is */

struct range {
	uint64_t from, to; /* both inclusive */
};

struct ranges {
	size_t count;
	struct range at[RANGES_MAX];
};

void ranges_init(struct ranges *r);
/* ERR_INVALID unless text is the form ranges_format() writes. *ret is written only on success. */
err ranges_parse(span text, struct ranges *ret) MUST_USE;
void ranges_format(struct buf *out, const struct ranges *r);

/*
 * Unites r with [from, to]. False, and nothing changed, when from > to, when to is beyond
 * RANGES_LAST_BYTE, or when it would be a piece of its own and RANGES_MAX are held already.
 */
bool ranges_add(struct ranges *r, uint64_t from, uint64_t to);
/* Size of the union in bytes. */
uint64_t ranges_bytes(const struct ranges *r);

#endif
