/*
 * The words of the API for update reasons and channels.
 */
#include "update/update.h"

#include "base/banned.h"

#define REASON_ROW(code, name) [code] = name,
static const char *const reasons[UPDATE_REASON_COUNT] = {UPDATE_REASONS(REASON_ROW)};
#undef REASON_ROW

static const char *const channels[CHANNEL_COUNT] = {
	[CHANNEL_STABLE] = "stable", [CHANNEL_BETA] = "beta", [CHANNEL_DEV] = "dev"};

const char *update_reason_name(enum update_reason r)
{
	return (unsigned)r < UPDATE_REASON_COUNT ? reasons[r] : "unknown";
}

const char *channel_name(enum channel c)
{
	return (unsigned)c < CHANNEL_COUNT ? channels[c] : "unknown";
}

bool channel_from_name(span name, enum channel *ret)
{
	for (int c = 0; c < CHANNEL_COUNT; c++) {
		if (!span_is(name, channels[c]))
			continue;
		*ret = (enum channel)c;
		return true;
	}
	return false;
}

bool channel_sees(enum channel subscribed, enum channel published)
{
	return published <= subscribed;
}
