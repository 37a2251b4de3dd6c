#ifndef SLIPWAY_BASE_SEMVER_H
#define SLIPWAY_BASE_SEMVER_H

/*
 * Semantic Versioning 2.0.0: parsing, precedence (section 11), ranges as npm writes them, and an
 * encoding of the precedence as bytes, so that an ordered key-value store keeps releases in order
 * without knowing what a version is. Pure, no allocation.
 */

#include "base/buf.h"

#define SEMVER_MAX_BYTES     128 /* longest version text accepted */
#define SEMVER_KEY_MAX_BYTES 320 /* longest key of such a text */
#define SEMVER_RANGE_MAX     256 /* longest range text accepted */

struct semver {
	uint64_t major, minor, patch;
	span pre;   /* after '-', borrowed; empty for a release */
	span build; /* after '+', borrowed; takes no part in precedence */
};

/* Borrows text. ERR_INVALID for anything section 2, 9 or 10 forbids (leading zeros, "v1.0.0" …). */
err semver_parse(span text, struct semver *ret) MUST_USE;
/* Less than, equal to or greater than 0, by precedence. */
int semver_cmp(const struct semver *a, const struct semver *b);
/* Canonical text without build metadata: two versions of equal precedence have equal text. */
void semver_format(struct buf *out, const struct semver *v);
/*
 * Appends a key with memcmp(key(a), key(b)) == sign of semver_cmp(a, b), and no key a prefix of a
 * different one. Needs SEMVER_KEY_MAX_BYTES at most.
 */
void semver_key(struct buf *out, const struct semver *v);

/*
 * Ranges: comparators `= > >= < <= ^ ~`, versions with missing or 'x' parts ("1.2", "1.x", "*"),
 * hyphen ranges "1.2 - 2.0", white space for "and", "||" for "or". A pre-release satisfies a range
 * only if a comparator with the same major.minor.patch names a pre-release too (as npm does).
 */
err semver_range_check(span range) MUST_USE; /* ERR_INVALID when the text is no range */
/* False also for an invalid range. */
bool semver_range_matches(span range, const struct semver *v);

#endif
