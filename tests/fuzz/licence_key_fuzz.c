/* A licence key as typed: what is accepted has one canonical form, which means the same key. */
#include "fuzz.h"

#include "licence/licence_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	span text = fuzz_input(data, size);
	struct licence_key key, again;
	uint8_t hash[SHA256_SIZE], same[SHA256_SIZE];

	if (!licence_key_parse(text, &key)) {
		check(strlen(key.text) == LICENCE_KEY_SIZE - 1);
		check(!licence_key_parse(span_from(key.text), &again));
		check(!strcmp(key.text, again.text));
		licence_key_hash(&key, hash);
		licence_key_hash(&again, same);
		check(!memcmp(hash, same, sizeof(hash)));
	}
	if (size >= 16) {
		licence_key_make(data, &key);
		check(!licence_key_parse(span_from(key.text), &again));
		check(!strcmp(key.text, again.text));
	}
	fuzz_free(text);
	return 0;
}
