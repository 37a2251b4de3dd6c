/* minisign's files. What parses is written and parsed to the same; nothing verifies by chance. */
#include "fuzz.h"

#include "crypto/minisign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t digest[BLAKE2B_SIZE] = {1};
	span text = fuzz_input(data, size);
	struct minisign_public public, public_again;
	struct minisign_secret secret, secret_again;
	struct minisign_signature signature;
	AUTO(buf) b = {0};

	buf_init(&b, MINISIGN_TEXT_MAX);
	if (minisign_parse_public(text, &public) == OK) {
		minisign_format_public(&b, &public);
		check(minisign_parse_public(buf_span(&b), &public_again) == OK);
		check(memcmp(&public, &public_again, sizeof(public)) == 0);
	} else {
		memset(&public, 0, sizeof(public));
	}
	buf_clear(&b);
	if (minisign_parse_secret(text, &secret) == OK) {
		minisign_format_secret(&b, &secret);
		check(minisign_parse_secret(buf_span(&b), &secret_again) == OK);
		check(memcmp(&secret, &secret_again, sizeof(secret)) == 0);
	}
	if (minisign_parse_signature(text, &signature) == OK) {
		check(strlen(signature.trusted_comment) < sizeof(signature.trusted_comment));
		memcpy(public.key_id, signature.key_id, sizeof(public.key_id));
		check(minisign_verify(&public, digest, &signature) != OK);
	}
	fuzz_free(text);
	return 0;
}
