/* Recovery codes: text and hash. */
#include <liboath/oath.h>
#include <stdlib.h>

#include "account/factor.h"
#include "crypto/random.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define CODE_BYTES 10
#define CODE_CHARS 16
#define GROUP      4

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

err recovery_code_make(char ret[RECOVERY_CODE_SIZE])
{
	uint8_t secret[CODE_BYTES];
	char *text = NULL;
	size_t len = 0;
	struct buf out;

	random_bytes(secret, sizeof(secret));
	if (oath_base32_encode((const char *)secret, sizeof(secret), &text, &len) != OATH_OK)
		return ERR_NOMEM;
	buf_init_fixed(&out, ret, RECOVERY_CODE_SIZE);
	for (size_t i = 0; i < len; i++) {
		if (i && i % GROUP == 0)
			buf_add_byte(&out, '-');
		buf_add_byte(&out, lower(text[i]));
	}
	wipe(secret, sizeof(secret));
	wipe(text, len);
	free(text);
	return buf_error(&out);
}

err recovery_code_hash(span text, uint8_t ret[SHA256_SIZE])
{
	char plain[CODE_CHARS];
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = lower(text.ptr[i]);

		if (c == '-' || c == ' ')
			continue;
		if (n == CODE_CHARS || !((c >= 'a' && c <= 'z') || (c >= '2' && c <= '7')))
			return ERR_INVALID;
		plain[n++] = c;
	}
	if (n == CODE_CHARS)
		sha256(span_of(plain, n), ret);
	wipe(plain, sizeof(plain));
	return n == CODE_CHARS ? OK : ERR_INVALID;
}
