/* API keys and refresh tokens: what parses is exactly what would be formatted. */
#include "fuzz.h"

#include "account/api_key.h"
#include "account/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The key the corpus was made with. */
	static const uint8_t key[REFRESH_KEY_SIZE] = {1, 2, 3};
	span text = fuzz_input(data, size), id;
	struct refresh_token token;

	if (!api_key_parse(text, &id)) {
		check(size < API_KEY_SIZE && id.len == API_KEY_ID_CHARS);
		check(span_contains(text, id));
	}
	if (!refresh_token_parse(text, key, &token)) {
		char memory[REFRESH_TOKEN_MAX + 1];
		struct buf again;

		buf_init_fixed(&again, memory, sizeof(memory));
		refresh_token_format(&again, span_from(token.session), token.generation, key);
		check(span_eq(buf_span(&again), text));
	}
	fuzz_free(text);
	return 0;
}
