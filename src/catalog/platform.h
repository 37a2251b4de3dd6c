#ifndef SLIPWAY_CATALOG_PLATFORM_H
#define SLIPWAY_CATALOG_PLATFORM_H

/*
 * Platforms are `os-arch` from a fixed list. Some stand for several (linux-any, macos-universal,
 * any-any): a package for such a one serves every platform it covers.
 */

#include "base/span.h"

#define PLATFORMS                                                                                  \
	"linux-amd64 linux-arm64 linux-386 linux-armhf linux-any windows-amd64 windows-arm64 "     \
	"windows-386 macos-amd64 macos-arm64 macos-universal android-arm64 any-any"
#define PLATFORM_COUNT 13

bool platform_exists(span name);
/* The i-th of PLATFORMS. */
span platform_at(size_t i);
/*
 * How well a package for `offered` serves a client that says `wanted`: 3 exactly, 2 the same
 * system, 1 anything, 0 not at all. Precondition: offered exists.
 */
unsigned platform_serves(span offered, span wanted);

#endif
