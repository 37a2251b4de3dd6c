/*
 * Licence keys. Hard rule: many ways of typing, one canonical text.
 */
#include "licence/licence_key.h"

#include <string.h>

#include "crypto/secret.h"

#include "base/banned.h"

#define GROUPS       6
#define GROUP_CHARS  5
#define RANDOM_CHARS 25
#define ALL_CHARS    (GROUPS * GROUP_CHARS)

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* The first `count` groups of 5 bits of bytes, most significant bit first. */
static void spell(const uint8_t *bytes, size_t count, char *ret)
{
	for (size_t i = 0; i < count; i++) {
		unsigned value = 0;

		for (size_t bit = i * 5; bit < i * 5 + 5; bit++)
			value = value << 1 | (bytes[bit / 8] >> (7 - bit % 8) & 1u);
		ret[i] = alphabet[value];
	}
}

static void checksum(const char random_chars[RANDOM_CHARS], char ret[GROUP_CHARS])
{
	/* The prefix keeps the checksum apart from the stored hash. */
	static const char prefix[] = "slipway licence key check:";
	char text[sizeof(prefix) - 1 + RANDOM_CHARS];
	uint8_t digest[SHA256_SIZE];

	memcpy(text, prefix, sizeof(prefix) - 1);
	memcpy(text + sizeof(prefix) - 1, random_chars, RANDOM_CHARS);
	sha256(span_of(text, sizeof(text)), digest);
	spell(digest, GROUP_CHARS, ret);
	wipe(text, sizeof(text));
}

static void write_key(const char chars[ALL_CHARS], struct licence_key *ret)
{
	char *at = ret->text;

	memcpy(at, "SLW", 3);
	at += 3;
	for (size_t group = 0; group < GROUPS; group++) {
		*at++ = '-';
		memcpy(at, chars + group * GROUP_CHARS, GROUP_CHARS);
		at += GROUP_CHARS;
	}
	*at = '\0';
}

void licence_key_make(const uint8_t bytes[16], struct licence_key *ret)
{
	char chars[ALL_CHARS];

	spell(bytes, RANDOM_CHARS, chars);
	checksum(chars, chars + RANDOM_CHARS);
	write_key(chars, ret);
	wipe(chars, sizeof(chars));
}

/* The canonical character for a typed one; 0 for none. */
static char canonical(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 32);
	if (c == 'O')
		return '0';
	if (c == 'I' || c == 'L')
		return '1';
	return c && strchr(alphabet, c) ? c : '\0';
}

static bool is_filler(char c)
{
	return c == '-' || c == ' ';
}

err licence_key_parse(span typed, struct licence_key *ret)
{
	char chars[ALL_CHARS], check[GROUP_CHARS];
	size_t count = 0;
	span rest = span_trim(typed);

	if (!span_eq_nocase(span_sub(rest, 0, 3), SPAN("SLW")))
		return ERR_INVALID;
	for (size_t i = 3; i < rest.len; i++) {
		if (is_filler(rest.ptr[i]))
			continue;
		char c = canonical(rest.ptr[i]);

		if (!c || count == ALL_CHARS)
			return ERR_INVALID;
		chars[count++] = c;
	}
	if (count != ALL_CHARS)
		return ERR_INVALID;
	checksum(chars, check);
	if (!ct_equal(span_of(check, GROUP_CHARS), span_of(chars + RANDOM_CHARS, GROUP_CHARS)))
		return ERR_INVALID;
	write_key(chars, ret);
	wipe(chars, sizeof(chars));
	return OK;
}

void licence_key_hash(const struct licence_key *key, uint8_t ret[SHA256_SIZE])
{
	sha256(span_from(key->text), ret);
}

void licence_key_hint(const struct licence_key *key, char ret[LICENCE_HINT_SIZE])
{
	memcpy(ret, key->text + LICENCE_KEY_SIZE - LICENCE_HINT_SIZE, LICENCE_HINT_SIZE);
}
