#ifndef SLIPWAY_ACCOUNT_CBOR_H
#define SLIPWAY_ACCOUNT_CBOR_H

/*
 * A cursor over CBOR as authenticators write it (CTAP2 canonical form, RFC 8949): definite lengths
 * only, at most CBOR_MAX_DEPTH levels, and no length or count beyond the bytes that are there.
 * General decoders allocate what a count claims before they look for its elements; walking an item
 * here first makes it safe to hand it to one. Errors stick; pure.
 */

#include "base/span.h"

#define CBOR_MAX_DEPTH 4

enum cbor_type { CBOR_UINT, CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP, CBOR_TAG };

struct cbor_cursor {
	span rest_;
	bool bad_;
};

void cbor_cursor_init(struct cbor_cursor *c, span bytes); /* keeps bytes */
/* The content of the text or byte string at the cursor; on anything else the cursor goes bad. */
span cbor_take_string(struct cbor_cursor *c, enum cbor_type type);
/* How many pairs the map at the cursor has; the cursor then stands before the first key. */
uint64_t cbor_enter_map(struct cbor_cursor *c);
/* Passes one item with all that is in it, and gives its bytes. */
span cbor_skip(struct cbor_cursor *c);
/* True when nothing was wrong and nothing is left. */
bool cbor_at_end(const struct cbor_cursor *c);

#endif
