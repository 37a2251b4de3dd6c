/*
 * Randomness of the kernel. Hard rule: there is no fallback; without it the process ends.
 */
#include "crypto/random.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/banned.h"

void random_bytes(void *ret, size_t n)
{
	uint8_t *to = ret;

	while (n) {
		ssize_t got = getrandom(to, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			(void)fputs("getrandom failed\n", stderr); /* nothing else can be done */
			abort();
		}
		to += got;
		n -= (size_t)got;
	}
}

uint32_t random_below(uint32_t bound)
{
	uint32_t value;

	assert(bound > 0);
	/* The last, incomplete run of `bound` values is refused: else small ones came oftener. */
	uint32_t whole_runs = UINT32_MAX - UINT32_MAX % bound;

	do
		random_bytes(&value, sizeof(value));
	while (value >= whole_runs);
	return value % bound;
}

void random_id(const char *prefix, int64_t now_us, char ret[TYPEID_SIZE])
{
	uint8_t entropy[TYPEID_RANDOM];

	random_bytes(entropy, sizeof(entropy));
	typeid_make(prefix, now_us, entropy, ret);
}
