/*
 * Classes of clients by their User-Agent. Hard rule: only words of these tables and one product
 * name with a version leave this file, never the header itself.
 */
#include "event/client_class.h"

#include "base/buf.h"

#include "base/banned.h"

/* The first word found decides: Android says Linux too, an iPhone says Mac OS. */
static const struct {
	span word;
	const char *os, *device;
} systems[] = {
	{SPAN_INIT("iPad"), "ios", "tablet"},
	{SPAN_INIT("iPhone"), "ios", "mobile"},
	{SPAN_INIT("Android"), "android", "tablet"}, /* "mobile" with the word Mobile */
	{SPAN_INIT("Windows"), "windows", "desktop"},
	{SPAN_INIT("CrOS"), "chromeos", "desktop"},
	{SPAN_INIT("Macintosh"), "macos", "desktop"},
	{SPAN_INIT("Darwin"), "macos", "desktop"},
	{SPAN_INIT("Linux"), "linux", "desktop"},
	{SPAN_INIT("X11"), "linux", "desktop"},
	{SPAN_INIT("windows"), "windows", "tool"},
	{SPAN_INIT("macos"), "macos", "tool"},
	{SPAN_INIT("linux"), "linux", "tool"},
	{SPAN_INIT("Debian APT"), "linux", "tool"},
	{SPAN_INIT("libdnf"), "linux", "tool"},
};

/* Browsers name each other; the first found here is the one it is. */
static const span browsers[] = {
	SPAN_INIT("Edg/"), SPAN_INIT("OPR/"), SPAN_INIT("Firefox/"), SPAN_INIT("FxiOS/"),
	SPAN_INIT("CriOS/"), SPAN_INIT("Chrome/"), SPAN_INIT("Version/"), /* Safari's */
};

static bool is_version_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '.' || c == '-' || c == '_' || c == '+';
}

static size_t version_len(span s)
{
	size_t n = 0;

	while (n < s.len && is_version_char(s.ptr[n]))
		n++;
	return n;
}

/* The text behind word, or the empty span. */
static span behind(span text, span word)
{
	for (size_t i = 0; i + word.len <= text.len; i++)
		if (span_eq(span_sub(text, i, word.len), word))
			return span_from_offset(text, i + word.len);
	return SPAN_EMPTY;
}

static void browser_version(span agent, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(browsers); i++) {
		span rest = behind(agent, browsers[i]);
		size_t digits = 0;

		while (digits < rest.len && rest.ptr[digits] >= '0' && rest.ptr[digits] <= '9')
			digits++;
		if (digits == 0 || digits > 6)
			continue;
		buf_add(out, span_is(browsers[i], "Version/") ? SPAN("Safari/") : browsers[i]);
		buf_add(out, span_sub(rest, 0, digits));
		return;
	}
}

/* "name/version" at the start of the header (RFC 9110, 10.1.5). */
static void program_version(span agent, struct buf *out)
{
	size_t name = version_len(agent);
	size_t version = name < agent.len && agent.ptr[name] == '/'
				 ? version_len(span_from_offset(agent, name + 1))
				 : 0;

	if (name && name + 1 + version < CLIENT_VERSION_SIZE)
		buf_add(out, span_sub(agent, 0, name + (version ? 1 + version : 0)));
}

void client_classify(span agent, struct client_class *ret)
{
	struct buf out;
	bool browser = span_starts_with(agent, SPAN("Mozilla/"));

	*ret = (struct client_class){.os = "", .device = agent.len && !browser ? "tool" : ""};
	for (size_t i = 0; i < ARRAY_LEN(systems); i++) {
		if (!span_contains(agent, systems[i].word))
			continue;
		ret->os = systems[i].os;
		if (browser)
			ret->device = systems[i].device;
		break;
	}
	if (span_is(span_from(ret->os), "android") && span_contains(agent, SPAN("Mobile")))
		ret->device = "mobile";
	buf_init_fixed(&out, ret->version, sizeof(ret->version));
	if (browser)
		browser_version(agent, &out);
	else
		program_version(agent, &out);
}
