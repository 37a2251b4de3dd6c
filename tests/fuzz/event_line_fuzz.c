/*
 * A line of the event log. A cleaned line is UTF-8 and never gets longer; an accepted one has ids
 * without escapes, and its ranges lie within what was sent and within the file. A download record
 * that takes the line never counts more different bytes than were sent.
 */
#include "fuzz.h"

#include "event/download.h"

static void check_ranges(const struct event_line *l)
{
	struct byte_range ranges[EVENT_RANGES_MAX];
	size_t count = event_line_ranges(l, ranges);

	check(count <= EVENT_RANGES_MAX);
	for (size_t i = 0; i < count; i++) {
		check(ranges[i].from <= ranges[i].to);
		check(l->size == 0 || l->status == 206 || ranges[i].to < l->size);
	}
	check(count == 0 || l->sent > 0);
}

static void check_record(const struct event_line *l)
{
	AUTO_PTR(arena) a = arena_new();
	struct download d = {.filename = SPAN("a.deb"), .size = 5000};
	struct download set = {.size = 5000};

	if (!download_add_line(&d, l, a))
		return;
	check(d.bytes <= d.size);
	check(l->range.len || d.bytes <= d.bytes_sent);
	check(d.state == (d.bytes == d.size ? DOWNLOAD_TRANSFERRED : DOWNLOAD_STARTED));
	check(download_add_line(&set, l, a));
	span ranges = set.ranges;
	uint64_t bytes = set.bytes;

	check(download_add_line(&set, l, a)); /* the same bytes again: the same set */
	check(span_eq(ranges, set.ranges) && bytes == set.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	span text = fuzz_input(data, size);
	struct event_line l;

	event_line_clean((char *)(uintptr_t)text.ptr, text.len);
	check(span_is_utf8(text));
	if (!event_line_parse(text, &l)) {
		check(l.kind < EVENT_KINDS && l.at_us > 0);
		check(span_find(l.download, '\\') == l.download.len);
		check_ranges(&l);
		if (l.kind == EVENT_DOWNLOAD)
			check_record(&l);
	}
	fuzz_free(text);
	return 0;
}
