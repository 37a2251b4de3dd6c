/* A version on the first line, a range on the second: a match is a match of a valid range. */
#include "fuzz.h"

#include "base/semver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	span text = fuzz_input(data, size), range = text, first = SPAN_EMPTY;
	struct semver v;

	if (!span_cut(&range, '\n', &first) || !range.ptr || semver_parse(first, &v))
		v = (struct semver){.major = 1, .pre = SPAN_EMPTY, .build = SPAN_EMPTY};
	if (!range.ptr)
		range = text;
	bool valid = semver_range_check(range) == OK;
	bool matches = semver_range_matches(range, &v);

	check(valid || !matches);
	if (valid && range.len + 5 < SEMVER_RANGE_MAX) {
		/* "… || *" takes every release; pre-releases only as before. */
		AUTO(buf) wider = {0};

		buf_init(&wider, SEMVER_RANGE_MAX);
		buf_add(&wider, range);
		buf_add(&wider, SPAN(" || *"));
		check(semver_range_matches(buf_span(&wider), &v) == (v.pre.len == 0 || matches));
	}
	fuzz_free(text);
	return 0;
}
