#ifndef SLIPWAY_BASE_TYPEID_H
#define SLIPWAY_BASE_TYPEID_H

/*
 * Identifiers: TypeID 0.3 — a prefix that names the kind, '_' and a UUIDv7 (RFC 9562) in 26
 * characters of Crockford's base32, lower case. They sort by time of creation.
 */

#include "base/span.h"

#define TYPEID_PREFIX_MAX 15
#define TYPEID_SIZE       (TYPEID_PREFIX_MAX + 1 + 26 + 1) /* with the NUL */
#define TYPEID_RANDOM     10                               /* bytes of randomness needed */

/* Writes "prefix_…" and a NUL to ret. now_us at least 0; entropy is TYPEID_RANDOM bytes. */
void typeid_make(const char *prefix, int64_t now_us, const uint8_t *entropy, char ret[TYPEID_SIZE]);
/* True for a well-formed id with exactly this prefix. */
bool typeid_is(span text, const char *prefix);
/* Microseconds (of millisecond precision) at which the id was made. Precondition: typeid_is. */
int64_t typeid_time(span text);

#endif
