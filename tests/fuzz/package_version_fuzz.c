/* A package's version and a release's, on two lines: compared without a crash, equal to itself. */
#include "fuzz.h"

#include "base/semver.h"
#include "catalog/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	span text = fuzz_input(data, size), rest = text, first = SPAN_EMPTY, second = SPAN_EMPTY;
	struct semver v;

	if (span_cut(&rest, '\n', &first) && span_cut(&rest, '\n', &second)) {
		(void)inspect_version_matches(SPAN("rpm"), first, second);
		(void)inspect_version_matches(SPAN("deb"), first, second);
		/* A semantic version with a revision behind it is the version itself. */
		if (semver_parse(second, &v) == OK && v.pre.len < 32) {
			AUTO(buf) deb = {0};

			buf_init(&deb, SEMVER_MAX_BYTES + 8);
			buf_addf(&deb, "1:%.*s-1", SPAN_ARG(second));
			check(!buf_error(&deb));
			if (span_find(second, '+') == second.len)
				check(inspect_version_matches(SPAN("deb"), buf_span(&deb), second));
		}
	}
	fuzz_free(text);
	return 0;
}
