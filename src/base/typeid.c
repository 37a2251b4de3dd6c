/*
 * TypeIDs: "prefix_" and 128 bits in 26 characters of base32. Hard rule: text order is order of
 * creation, so the characters are taken from the front of the UUID and the alphabet ascends.
 *
 * UUIDv7 (RFC 9562 section 5.7): 48 bits of milliseconds, 4 of version, 12 random, 2 of variant,
 * 62 random.
 */
#include "base/typeid.h"

#include <assert.h>
#include <string.h>

#include "base/banned.h"

#define SUFFIX_LEN 26
#define UUID_SIZE  16

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* 26 characters hold 130 bits: the first one carries three bits only. */
static void encode(const uint8_t uuid[UUID_SIZE], char *to)
{
	uint32_t bits = 0;
	int held = 2; /* two zero bits in front */

	for (size_t i = 0, at = 0; i < UUID_SIZE; i++) {
		bits = bits << 8 | uuid[i];
		held += 8;
		while (held >= 5) {
			held -= 5;
			to[at++] = alphabet[bits >> held & 31];
		}
	}
}

void typeid_make(const char *prefix, int64_t now_us, const uint8_t *entropy, char ret[TYPEID_SIZE])
{
	uint8_t uuid[UUID_SIZE];
	size_t len = strlen(prefix);
	uint64_t ms = (uint64_t)now_us / 1000;

	assert(len > 0 && len <= TYPEID_PREFIX_MAX && now_us >= 0);
	for (size_t i = 0; i < 6; i++)
		uuid[i] = (uint8_t)(ms >> (40 - 8 * i));
	memcpy(uuid + 6, entropy, TYPEID_RANDOM);
	uuid[6] = (uint8_t)(0x70 | (uuid[6] & 0x0F));
	uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3F));
	memcpy(ret, prefix, len);
	ret[len] = '_';
	encode(uuid, ret + len + 1);
	ret[len + 1 + SUFFIX_LEN] = '\0';
}

/* Value of a character of the alphabet, or 32. */
static unsigned value_of(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (unsigned)(at - alphabet) : 32;
}

bool typeid_is(span text, const char *prefix)
{
	span head = span_from(prefix);

	if (text.len != head.len + 1 + SUFFIX_LEN || !span_starts_with(text, head) ||
		text.ptr[head.len] != '_')
		return false;
	/* More than 7 in front would be more than 128 bits. */
	if (value_of(text.ptr[head.len + 1]) > 7)
		return false;
	for (size_t i = head.len + 2; i < text.len; i++)
		if (value_of(text.ptr[i]) > 31)
			return false;
	return true;
}

int64_t typeid_time(span text)
{
	uint64_t bits = 0;

	/* The first 10 characters are 50 bits: two zeros and the milliseconds. */
	for (size_t i = 0; i < 10; i++)
		bits = bits << 5 | value_of(text.ptr[text.len - SUFFIX_LEN + i]);
	return (int64_t)(bits * 1000);
}
