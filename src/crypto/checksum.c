/*
 * Checksums by libcrypto. Hard rule: like digest.c, never fails but for memory; a broken libcrypto
 * aborts.
 */
#include "crypto/checksum.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "base/banned.h"

struct checksum {
	EVP_MD_CTX *ctx;
};

static void must(int ok)
{
	if (ok != 1)
		abort();
}

struct checksum *checksum_new(span algorithm)
{
	const EVP_MD *md = span_is(algorithm, "sha1")     ? EVP_sha1()
			   : span_is(algorithm, "sha256") ? EVP_sha256()
							  : NULL;
	struct checksum *c = md ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return NULL;
	c->ctx = EVP_MD_CTX_new();
	if (!c->ctx) {
		free(c);
		return NULL;
	}
	must(EVP_DigestInit_ex(c->ctx, md, NULL));
	return c;
}

void checksum_free(struct checksum *c)
{
	if (!c)
		return;
	EVP_MD_CTX_free(c->ctx);
	free(c);
}

void checksum_add(struct checksum *c, span data)
{
	must(EVP_DigestUpdate(c->ctx, data.ptr, data.len));
}

size_t checksum_end(struct checksum *c, uint8_t ret[CHECKSUM_MAX_SIZE])
{
	unsigned len = 0;

	must(EVP_DigestFinal_ex(c->ctx, ret, &len));
	return len;
}
