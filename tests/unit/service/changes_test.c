/* What changed, for the audit log. */
#include "test.h"

#include <string.h>

#include "service/changes.h"

static void only_what_changed(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	struct changes c;

	changes_begin(&c);
	changes_text(&c, "same", SPAN("a"), SPAN("a"));
	changes_text(&c, "title", SPAN("a\"\n"), SPAN(""));
	changes_int(&c, "same", 1, 1);
	changes_int(&c, "max", 1, -2);
	changes_bool(&c, "same", true, true);
	changes_bool(&c, "critical", false, true);
	changes_time(&c, "same", 0, 0);
	changes_time(&c, "ends", 0, 1000000);
	changes_secret(&c, "password");
	assert_string_equal(changes_end(&c, a),
		"{\"title\":{\"from\":\"a\\\"\\n\",\"to\":\"\"},\"max\":{\"from\":1,\"to\":-2},"
		"\"critical\":{\"from\":false,\"to\":true},"
		"\"ends\":{\"from\":null,\"to\":\"1970-01-01T00:00:01Z\"},\"password\":\"changed\"}");
	changes_begin(&c);
	assert_string_equal(changes_end(&c, a), "{}");
}

static void too_much(void **state UNUSED)
{
	static char large[CHANGES_MAX];
	AUTO_PTR(arena) a = arena_new();
	struct changes c;

	memset(large, 'x', sizeof(large));
	changes_begin(&c);
	changes_text(&c, "notes", SPAN(""), span_of(large, sizeof(large)));
	assert_string_equal(changes_end(&c, a), "{\"changes\":\"too large\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_changed), cmocka_unit_test(too_much)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
