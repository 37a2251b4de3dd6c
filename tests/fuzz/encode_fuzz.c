/* Decoders of text forms: what one takes, its encoder writes again. */
#include "fuzz.h"

#include "base/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	span text = fuzz_input(data, size);
	char *bytes = malloc(size + 1);
	size_t len;
	AUTO(buf) b = {0};

	check(bytes);
	buf_init(&b, size * 4 + 16);
	if (base64url_decode(text, bytes, size, &len) == OK) {
		check(len == base64url_decoded_len(text.len));
		base64url_encode(&b, span_of(bytes, len));
		check(span_eq(buf_span(&b), text));
	}
	buf_clear(&b);
	if (base64_decode(text, bytes, size, &len) == OK) {
		base64_encode(&b, span_of(bytes, len));
		check(span_eq(buf_span(&b), text));
	}
	buf_clear(&b);
	if (hex_decode(text, bytes, size / 2) == OK) {
		hex_encode(&b, span_of(bytes, size / 2));
		check(span_eq(buf_span(&b), text));
	}
	buf_clear(&b);
	if (percent_decode(&b, text) == OK)
		check(buf_len(&b) <= size);
	free(bytes);
	fuzz_free(text);
	return 0;
}
