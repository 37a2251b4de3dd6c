/*
 * A list of ranges, and on further lines ranges to add. What is accepted is written again as it was
 * read; an addition keeps the form, never loses a byte and adds at most its own.
 */
#include "fuzz.h"

#include "event/ranges.h"

static void check_form(const struct ranges *r)
{
	AUTO(buf) text = {0};
	struct ranges again;

	buf_init(&text, RANGES_TEXT_MAX);
	ranges_format(&text, r);
	check(!buf_error(&text));
	check(!ranges_parse(buf_span(&text), &again));
	check(again.count == r->count);
	check(!r->count || !memcmp(again.at, r->at, r->count * sizeof(r->at[0])));
}

static void add(struct ranges *r, const struct range *one)
{
	uint64_t before = ranges_bytes(r), size = one->to - one->from + 1;
	bool added = ranges_add(r, one->from, one->to);
	uint64_t after = ranges_bytes(r);

	check(added ? after >= before && after - before <= size && after >= size : after == before);
	check_form(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	span text = fuzz_input(data, size), line, rest = text;
	struct ranges r, more;

	if (span_cut(&rest, '\n', &line) && !ranges_parse(line, &r)) {
		AUTO(buf) again = {0};

		buf_init(&again, RANGES_TEXT_MAX);
		ranges_format(&again, &r);
		check(span_eq(buf_span(&again), line));
		while (span_cut(&rest, '\n', &line))
			for (size_t i = 0; !ranges_parse(line, &more) && i < more.count; i++)
				add(&r, &more.at[i]);
	}
	fuzz_free(text);
	return 0;
}
