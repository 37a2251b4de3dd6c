#ifndef SLIPWAY_CRYPTO_RANDOM_H
#define SLIPWAY_CRYPTO_RANDOM_H

#include "base/typeid.h"

/* Fills with bytes of the kernel's generator (getrandom). Never fails: aborts instead. */
void random_bytes(void *ret, size_t n);
/* Uniform in [0, bound); bound > 0. */
uint32_t random_below(uint32_t bound);
/* typeid_make() with fresh randomness. */
void random_id(const char *prefix, int64_t now_us, char ret[TYPEID_SIZE]);

#endif
