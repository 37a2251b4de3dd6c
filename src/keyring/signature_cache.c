/*
 * Good signatures by the digest of everything they depend on. Hard rule: an entry is made only
 * after a verification that succeeded; bad signatures leave no trace.
 */
#include "keyring/signature_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/secret.h"
#include "token/token.h"

#include "base/banned.h"

#define WAYS 4
#define SETS 4096 /* with WAYS: 512 KiB, 16,384 signatures */

struct set {
	uint8_t digests[WAYS][SHA256_SIZE]; /* all zero: free; no digest is */
	unsigned next;                      /* whose turn it is to make room */
};

struct signature_cache {
	pthread_mutex_t lock;
	struct set sets[SETS];
};

err signature_cache_new(struct signature_cache **ret)
{
	struct signature_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return ERR_NOMEM;
	(void)pthread_mutex_init(&c->lock, NULL); /* cannot fail on Linux */
	*ret = c;
	return OK;
}

void signature_cache_free(struct signature_cache *c)
{
	if (!c)
		return;
	(void)pthread_mutex_destroy(&c->lock);
	wipe(c->sets, sizeof(c->sets));
	free(c);
}

/*
 * The key by its public point, then the whole token: signature and text. Key and signature have
 * fixed lengths, so nothing is ambiguous.
 */
static void digest_of(const struct eckey *key, span text,
	const uint8_t signature[ECKEY_SIGNATURE_SIZE], uint8_t ret[SHA256_SIZE])
{
	uint8_t all[ECKEY_PUBLIC_SIZE + ECKEY_SIGNATURE_SIZE + TOKEN_MAX_BYTES];

	eckey_public(key, all);
	memcpy(all + ECKEY_PUBLIC_SIZE, signature, ECKEY_SIGNATURE_SIZE);
	memcpy(all + ECKEY_PUBLIC_SIZE + ECKEY_SIGNATURE_SIZE, text.ptr, text.len);
	sha256(span_of(all, ECKEY_PUBLIC_SIZE + ECKEY_SIGNATURE_SIZE + text.len), ret);
}

static struct set *set_of(struct signature_cache *c, const uint8_t digest[SHA256_SIZE])
{
	return &c->sets[(digest[0] << 8 | digest[1]) % SETS];
}

static bool find(struct signature_cache *c, const uint8_t digest[SHA256_SIZE])
{
	const struct set *s = set_of(c, digest);
	bool found = false;

	(void)pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < WAYS && !found; i++)
		found = memcmp(s->digests[i], digest, SHA256_SIZE) == 0;
	(void)pthread_mutex_unlock(&c->lock);
	return found;
}

static void remember(struct signature_cache *c, const uint8_t digest[SHA256_SIZE])
{
	struct set *s = set_of(c, digest);

	(void)pthread_mutex_lock(&c->lock);
	memcpy(s->digests[s->next++ % WAYS], digest, SHA256_SIZE);
	(void)pthread_mutex_unlock(&c->lock);
}

bool signature_cache_verify(struct signature_cache *c, const struct eckey *key, span text,
	const uint8_t signature[ECKEY_SIGNATURE_SIZE])
{
	uint8_t digest[SHA256_SIZE];

	if (text.len == 0 || text.len > TOKEN_MAX_BYTES) /* no token has such a text */
		return eckey_verify(key, text, signature) == OK;
	digest_of(key, text, signature, digest);
	if (find(c, digest))
		return true;
	if (eckey_verify(key, text, signature))
		return false;
	remember(c, digest);
	return true;
}
