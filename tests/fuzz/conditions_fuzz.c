/*
 * Conditions on foreign tokens: what is read of a stored text is written and read again as the
 * same; a pattern without `*` fits its own text and no other; and neither takes long. The input is
 * a pattern, a line end, a text that may be conditions.
 */
#include "fuzz.h"

#include "federation/conditions.h"

static void check_same(const struct conditions *a, const struct conditions *b)
{
	check(a->count == b->count);
	for (size_t i = 0; i < a->count; i++)
		check(span_eq(a->list[i].claim, b->list[i].claim) &&
			span_eq(a->list[i].pattern, b->list[i].pattern));
}

static void check_stored(struct arena *a, span text)
{
	static const span issuers[] = {SPAN_INIT("https://token.actions.githubusercontent.com"),
		SPAN_INIT("https://gitlab.com"), SPAN_INIT("https://ci.example.test")};
	struct conditions c, again;
	AUTO(buf) out = {0};

	if (conditions_parse(a, text, &c))
		return;
	buf_init(&out, 4 * CONDITIONS_JSON_MAX);
	conditions_format(&c, &out);
	check(!buf_error(&out));
	if (buf_len(&out) <= CONDITIONS_JSON_MAX) {
		check(!conditions_parse(a, buf_span(&out), &again));
		check_same(&c, &again);
	}
	for (size_t i = 0; i < ARRAY_LEN(issuers); i++) {
		const char *problem = conditions_problem(a, issuers[i], &c);

		check(!problem || *problem);
		check(problem || c.count > 0);
		conditions_sort(issuers[i], &c);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_PTR(arena) a = arena_new();
	span input = fuzz_input(data, size), text = input, pattern = SPAN_EMPTY;

	(void)span_cut(&text, '\n', &pattern);
	if (!text.ptr)
		text = SPAN_EMPTY;
	if (pattern.len <= PATTERN_MAX) {
		bool fits = pattern_fits(pattern, text);

		if (span_find(pattern, '*') == pattern.len)
			check(fits == span_eq(pattern, text));
	}
	check(pattern_fits(pattern, pattern));
	check_stored(a, text);
	fuzz_free(input);
	return 0;
}
