/*
 * Text forms of bytes. Hard rule: a decoder accepts exactly what its encoder writes, so that no two
 * texts stand for the same bytes.
 */
#include "base/encode.h"

#include <string.h>

#include "base/banned.h"

static const char hex_digits[] = "0123456789abcdef";
static const char upper_digits[] = "0123456789ABCDEF";
static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void hex_encode(struct buf *out, span bytes)
{
	char *to = bytes.len > SIZE_MAX / 2 ? NULL : buf_reserve(out, bytes.len * 2);

	if (!to) {
		buf_fail(out, ERR_TOO_LARGE);
		return;
	}
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char byte = (unsigned char)bytes.ptr[i];

		to[2 * i] = hex_digits[byte >> 4];
		to[2 * i + 1] = hex_digits[byte & 15];
	}
	buf_advance(out, bytes.len * 2);
}

/* Value of a lower-case hex digit, or 16. */
static unsigned hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return 16;
}

err hex_decode(span text, void *ret_bytes, size_t size)
{
	unsigned char *to = ret_bytes;

	if (text.len / 2 != size || text.len % 2)
		return ERR_INVALID;
	for (size_t i = 0; i < text.len; i++)
		if (hex_value(text.ptr[i]) > 15)
			return ERR_INVALID;
	for (size_t i = 0; i < size; i++)
		to[i] = (unsigned char)(hex_value(text.ptr[2 * i]) << 4 |
					hex_value(text.ptr[2 * i + 1]));
	return OK;
}

/* Writes the digits of 1 to 3 bytes, without padding; gives their number. */
static size_t encode_group(const unsigned char *from, size_t n, const char *alphabet, char *to)
{
	uint32_t bits = (uint32_t)from[0] << 16;

	if (n > 1)
		bits |= (uint32_t)from[1] << 8;
	if (n > 2)
		bits |= from[2];
	for (size_t i = 0; i <= n; i++)
		to[i] = alphabet[bits >> (18 - 6 * i) & 63];
	return n + 1;
}

static void encode(struct buf *out, span bytes, const char *alphabet, bool padded)
{
	size_t rest = bytes.len % 3;
	size_t len = bytes.len / 3 * 4 + (rest == 0 ? 0 : padded ? 4 : rest + 1);
	char *to = bytes.len > SIZE_MAX / 2 ? NULL : buf_reserve(out, len);
	size_t at = 0;

	if (!to) {
		buf_fail(out, ERR_TOO_LARGE);
		return;
	}
	for (size_t i = 0; i < bytes.len; i += 3)
		at += encode_group((const unsigned char *)bytes.ptr + i, MIN(bytes.len - i, 3),
			alphabet, to + at);
	while (at < len)
		to[at++] = '=';
	buf_advance(out, len);
}

void base64url_encode(struct buf *out, span bytes)
{
	encode(out, bytes, url_safe, false);
}

void base64_encode(struct buf *out, span bytes)
{
	encode(out, bytes, standard, true);
}

size_t base64url_decoded_len(size_t text_len)
{
	return text_len / 4 * 3 + (text_len % 4 ? text_len % 4 - 1 : 0);
}

/* Value of a digit, or 64; c62 and c63 are the digits the two alphabets differ in. */
static uint32_t digit_value(char c, char c62, char c63)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 52;
	return c == c62 ? 62 : c == c63 ? 63 : 64;
}

/* Reads 2 to 4 digits into 1 to 3 bytes. False on a foreign character or set bits after the end. */
static bool decode_group(const char *from, size_t n, const char *alphabet, unsigned char *to)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t value = digit_value(from[i], alphabet[62], alphabet[63]);

		if (value > 63)
			return false;
		bits |= value << (18 - 6 * i);
	}
	for (size_t i = 0; i + 1 < n; i++)
		to[i] = (unsigned char)(bits >> (16 - 8 * i));
	return (bits & (0xFFFFFFu >> (8 * (n - 1)))) == 0;
}

static err decode(span text, const char *alphabet, void *ret_bytes, size_t size, size_t *ret_len)
{
	unsigned char *to = ret_bytes;
	size_t len = base64url_decoded_len(text.len), at = 0;

	if (text.len % 4 == 1)
		return ERR_INVALID;
	if (len > size)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < text.len; i += 4) {
		size_t n = MIN(text.len - i, 4);

		if (!decode_group(text.ptr + i, n, alphabet, to + at))
			return ERR_INVALID;
		at += n - 1;
	}
	*ret_len = len;
	return OK;
}

err base64url_decode(span text, void *ret_bytes, size_t size, size_t *ret_len)
{
	return decode(text, url_safe, ret_bytes, size, ret_len);
}

err base64_decode(span text, void *ret_bytes, size_t size, size_t *ret_len)
{
	if (text.len % 4)
		return ERR_INVALID;
	for (int padding = 0; padding < 2 && text.len && text.ptr[text.len - 1] == '='; padding++)
		text.len--;
	return decode(text, standard, ret_bytes, size, ret_len);
}

static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void percent_encode(struct buf *out, span text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];
		char escape[3] = {'%', upper_digits[byte >> 4], upper_digits[byte & 15]};

		if (is_unreserved(text.ptr[i]))
			buf_add_byte(out, text.ptr[i]);
		else
			buf_add(out, span_of(escape, sizeof(escape)));
	}
}

/* Hex digits of either case: RFC 3986 section 2.1 makes them equivalent in escapes. */
static unsigned any_hex_value(char c)
{
	return hex_value(c >= 'A' && c <= 'F' ? (char)(c + 32) : c);
}

err percent_decode(struct buf *out, span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != '%') {
			buf_add_byte(out, text.ptr[i]);
			continue;
		}
		if (text.len - i < 3)
			return ERR_INVALID;
		unsigned high = any_hex_value(text.ptr[i + 1]),
			 low = any_hex_value(text.ptr[i + 2]);

		if (high > 15 || low > 15 || high + low == 0)
			return ERR_INVALID;
		buf_add_byte(out, (char)(high << 4 | low));
		i += 2;
	}
	return buf_error(out);
}
