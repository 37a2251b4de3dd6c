/*
 * What must not be told apart by time, or found in memory afterwards.
 */
#include "crypto/secret.h"

#include <openssl/crypto.h>

#include "base/banned.h"

bool ct_equal(span a, span b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void wipe(void *ptr, size_t n)
{
	OPENSSL_cleanse(ptr, n);
}
