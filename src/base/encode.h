#ifndef SLIPWAY_BASE_ENCODE_H
#define SLIPWAY_BASE_ENCODE_H

/*
 * Text forms of bytes. Decoders are strict: one input has one text form and only that is accepted
 * (no white space, no missing or surplus padding, no set bits after the end), so that two texts
 * never mean the same token, digest or key.
 */

#include "base/buf.h"

/* Lower-case hexadecimal. */
void hex_encode(struct buf *out, span bytes);
/* Exactly size bytes, from lower-case digits only. ERR_INVALID otherwise. */
err hex_decode(span text, void *ret_bytes, size_t size) MUST_USE;

/* Base64url without padding (RFC 4648 section 5, RFC 7515 section 2). */
void base64url_encode(struct buf *out, span bytes);
/* At most size bytes to ret_bytes. ERR_INVALID on any non-canonical text, ERR_TOO_LARGE. */
err base64url_decode(span text, void *ret_bytes, size_t size, size_t *ret_len) MUST_USE;
/* Length of the decoded form of a text of this length. */
size_t base64url_decoded_len(size_t text_len);

/* Base64 with padding (RFC 4648 section 4). */
void base64_encode(struct buf *out, span bytes);
err base64_decode(span text, void *ret_bytes, size_t size, size_t *ret_len) MUST_USE;

/* Percent-encodes everything but the unreserved characters of RFC 3986 section 2.3. */
void percent_encode(struct buf *out, span text);
/* Decodes %XX once; '+' stays '+'. ERR_INVALID on a bad escape or an encoded NUL. */
err percent_decode(struct buf *out, span text) MUST_USE;

#endif
