/*
 * Patterns of conditions: one without `*` fits itself and nothing else, and any fits what the rule
 * of its documentation, written down as plainly as it goes, says it does.
 */
#include "gen.h"

#include "federation/conditions.h"

#define MOST 12

/* The rule: `*` is any number of characters but '/', everything else is itself. */
static bool fits(span pattern, span text)
{
	if (pattern.len == 0)
		return text.len == 0;
	if (pattern.ptr[0] != '*')
		return text.len > 0 && text.ptr[0] == pattern.ptr[0] &&
		       fits(span_from_offset(pattern, 1), span_from_offset(text, 1));
	if (fits(span_from_offset(pattern, 1), text))
		return true;
	return text.len > 0 && text.ptr[0] != '/' && fits(pattern, span_from_offset(text, 1));
}

static void literal_patterns_fit_only_themselves(void **state UNUSED)
{
	struct gen g = gen_new("literal");
	char a[MOST], b[MOST];

	for (int i = 0; i < CASES; i++) {
		span pattern = gen_text(&g, "ab/:?[", a, 0, 4);
		span text = gen_chance(&g, 4) ? pattern : gen_text(&g, "ab/:?[", b, 0, 4);

		assert_true(pattern_fits(pattern, text) == span_eq(pattern, text));
	}
}

static void patterns_follow_the_rule(void **state UNUSED)
{
	struct gen g = gen_new("rule");
	char a[MOST], b[MOST];

	for (int i = 0; i < 20 * CASES; i++) {
		span pattern = gen_text(&g, "ab*/", a, 0, 8);
		span text = gen_text(&g, "ab/", b, 0, MOST);

		if (pattern_fits(pattern, text) != fits(pattern, text))
			fail_msg("'%.*s' and '%.*s'", SPAN_ARG(pattern), SPAN_ARG(text));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(literal_patterns_fit_only_themselves),
		cmocka_unit_test(patterns_follow_the_rule),
	};

	return cmocka_run_group_tests(tests, gen_setup, NULL);
}
