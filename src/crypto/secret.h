#ifndef SLIPWAY_CRYPTO_SECRET_H
#define SLIPWAY_CRYPTO_SECRET_H

#include "base/span.h"

/* Equal content, in a time that depends on the lengths only. */
bool ct_equal(span a, span b);
/* Overwrites memory in a way the compiler may not remove. */
void wipe(void *ptr, size_t n);

#endif
