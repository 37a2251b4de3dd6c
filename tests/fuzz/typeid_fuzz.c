/* Identifiers: a well-formed one has a time from which the same leading characters are made. */
#include "fuzz.h"

#include "base/typeid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	span text = fuzz_input(data, size);

	if (typeid_is(text, "pkg")) {
		const uint8_t entropy[TYPEID_RANDOM] = {0};
		int64_t t = typeid_time(text);
		char made[TYPEID_SIZE];

		check(size == 30 && t >= 0);
		typeid_make("pkg", t, entropy, made);
		check(typeid_time(span_from(made)) == t);
		/* 9 characters hold 43 bits of the 48 of time, whole. */
		check(span_eq(span_sub(text, 0, 4 + 9), span_sub(span_from(made), 0, 4 + 9)));
	}
	fuzz_free(text);
	return 0;
}
