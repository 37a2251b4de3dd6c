#include "test.h"

#include <string.h>

#include "base/arena.h"

static void too_much_is_refused(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();

	assert_null(arena_try_alloc(a, SIZE_MAX));
	assert_null(arena_try_alloc(a, ((size_t)1 << 30) + 1));
	assert_null(arena_try_array(a, SIZE_MAX / 2, 4));
	assert_non_null(arena_try_array(a, 1000, 1000));
	arena_free(NULL);
}

static void memory_is_zeroed_and_aligned(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();

	for (size_t n = 1; n < 3000; n += 7) {
		unsigned char *p = arena_alloc(a, n);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n); /* must not reach what comes next */
	}
	assert_non_null(arena_alloc(a, ARENA_SMALL_BYTES));
	assert_non_null(arena_alloc(a, 0));
}

static void copies(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	char text[] = "text";
	char *copy = arena_strdup(a, text);
	span piece = arena_span(a, SPAN("a\0b"));

	text[0] = 'T';
	assert_string_equal(copy, "text");
	assert_int_equal(piece.len, 3);
	assert_string_equal(arena_str(a, SPAN("ab")), "ab");
	assert_string_equal(arena_printf(a, "%d-%s", 7, "x"), "7-x");
	assert_int_equal(strlen(arena_printf(a, "%100000d", 1)), 100000);
}

static int order[3], calls;

static void note(void *object)
{
	order[calls++] = *(int *)object;
}

static void undo_newest_first(void **state UNUSED)
{
	int one = 1, two = 2, three = 3;
	struct arena *a = arena_new();

	arena_on_free(a, note, &one);
	arena_on_free(a, note, &two);
	arena_on_free(a, note, &three);
	arena_free(a);
	assert_int_equal(calls, 3);
	assert_true(order[0] == 3 && order[1] == 2 && order[2] == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(memory_is_zeroed_and_aligned), cmocka_unit_test(copies),
		cmocka_unit_test(undo_newest_first)};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
