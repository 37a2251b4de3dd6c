/*
 * The words of the API for reasons, classes and states. The tables here are the only place.
 */
#include "policy/policy.h"

#include "base/banned.h"

struct reason {
	const char *name, *text;
};

#define REASON_ROW(code, name, text) [code] = {name, text},
static const struct reason reasons[POLICY_REASON_COUNT] = {POLICY_REASONS(REASON_ROW)};
#undef REASON_ROW

static const char *const class_names[CLASS_COUNT] = {
	[CLASS_PUBLIC] = "public",
	[CLASS_LICENSED] = "licensed",
	[CLASS_ENTERPRISE] = "enterprise",
	[CLASS_DEVELOPMENT] = "development",
};

static const char *const state_names[RELEASE_STATES] = {
	[RELEASE_DRAFT] = "draft",
	[RELEASE_PUBLISHED] = "published",
	[RELEASE_PAUSED] = "paused",
	[RELEASE_WITHDRAWN] = "withdrawn",
};

const char *policy_reason_name(enum policy_reason r)
{
	return (unsigned)r < POLICY_REASON_COUNT ? reasons[r].name : "unknown";
}

const char *policy_reason_text(enum policy_reason r)
{
	return (unsigned)r < POLICY_REASON_COUNT ? reasons[r].text : "Unknown reason";
}

/* Index of name in names[count], or count. */
static size_t find_name(span name, const char *const *names, size_t count)
{
	size_t i = 0;

	while (i < count && !span_is(name, names[i]))
		i++;
	return i;
}

const char *class_name(enum package_class c)
{
	return (unsigned)c < CLASS_COUNT ? class_names[c] : "unknown";
}

bool class_from_name(span name, enum package_class *ret)
{
	size_t i = find_name(name, class_names, CLASS_COUNT);

	if (i == CLASS_COUNT)
		return false;
	*ret = (enum package_class)i;
	return true;
}

const char *release_state_name(enum release_state s)
{
	return (unsigned)s < RELEASE_STATES ? state_names[s] : "unknown";
}

bool release_state_from_name(span name, enum release_state *ret)
{
	size_t i = find_name(name, state_names, RELEASE_STATES);

	if (i == RELEASE_STATES)
		return false;
	*ret = (enum release_state)i;
	return true;
}
