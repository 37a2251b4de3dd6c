/*
 * The list of platforms and what covers what. Pure.
 */
#include "catalog/platform.h"

#include "base/banned.h"

static const char *const names[PLATFORM_COUNT] = {"linux-amd64", "linux-arm64", "linux-386",
	"linux-armhf", "linux-any", "windows-amd64", "windows-arm64", "windows-386", "macos-amd64",
	"macos-arm64", "macos-universal", "android-arm64", "any-any"};

span platform_at(size_t i)
{
	return span_from(names[i]);
}

bool platform_exists(span name)
{
	for (size_t i = 0; i < PLATFORM_COUNT; i++)
		if (span_is(name, names[i]))
			return true;
	return false;
}

static span os_of(span platform)
{
	return span_sub(platform, 0, span_find(platform, '-'));
}

unsigned platform_serves(span offered, span wanted)
{
	if (span_eq(offered, wanted))
		return 3;
	if (span_is(offered, "any-any"))
		return 1;
	if (span_is(offered, "linux-any") || span_is(offered, "macos-universal"))
		return span_eq(os_of(offered), os_of(wanted)) ? 2 : 0;
	return 0;
}
