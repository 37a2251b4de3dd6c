#include "test.h"

#include <stdlib.h>
#include <string.h>

static void ceiling_is_kept(void **state UNUSED)
{
	AUTO(buf) b = {0};

	buf_init(&b, 4);
	buf_add(&b, SPAN("abc"));
	buf_add(&b, SPAN("de"));
	assert_int_equal(buf_error(&b), ERR_TOO_LARGE);
	assert_span(buf_span(&b), "abc");
	buf_add(&b, SPAN("d")); /* would fit, but the error sticks */
	assert_span(buf_span(&b), "abc");
	assert_null(buf_reserve(&b, 0));
	assert_null(buf_take(&b));
	buf_clear(&b);
	buf_add(&b, SPAN("wxyz"));
	assert_ok(buf_error(&b));
	assert_span(buf_span(&b), "wxyz");
}

static void fixed_memory(void **state UNUSED)
{
	char memory[8];
	AUTO(buf) b = {0};

	buf_init_fixed(&b, memory, sizeof(memory));
	buf_addf(&b, "%d-%s", 12, "abcd");
	assert_ok(buf_error(&b));
	assert_string_equal(memory, "12-abcd");
	buf_add_byte(&b, '!');
	assert_int_equal(buf_error(&b), ERR_TOO_LARGE);
	assert_null(buf_take(&b));
	buf_wipe(&b);
	assert_string_equal(memory, "");
}

static void numbers(void **state UNUSED)
{
	AUTO(buf) b = {0};

	buf_init(&b, 100);
	buf_add_u64(&b, UINT64_MAX);
	buf_add_byte(&b, ' ');
	buf_add_i64(&b, INT64_MIN);
	buf_add_byte(&b, ' ');
	buf_add_i64(&b, 0);
	assert_span(buf_span(&b), "18446744073709551615 -9223372036854775808 0");
}

static void growth_and_take(void **state UNUSED)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_string_equal(buf_str(&b), "");
	for (int i = 0; i < 10000; i++)
		buf_add(&b, SPAN("0123456789"));
	assert_int_equal(buf_len(&b), 100000);
	buf_truncate(&b, 5);
	assert_span(buf_span(&b), "01234");
	char *text = buf_take(&b);

	assert_string_equal(text, "01234");
	assert_int_equal(buf_len(&b), 0);
	free(text);
	buf_done(&b);
}

/* The memory is the caller's: what was written there outlives the buf. */
static void fixed_memory_keeps_its_content(void **state UNUSED)
{
	char memory[8];
	{
		AUTO(buf) b = {0};

		buf_init_fixed(&b, memory, sizeof(memory));
		buf_add(&b, SPAN("kept"));
	}
	assert_string_equal(memory, "kept");
}

static void failure_of_the_producer(void **state UNUSED)
{
	AUTO(buf) b = {0};

	buf_init(&b, 10);
	buf_fail(&b, ERR_IO);
	buf_fail(&b, ERR_BUG);
	buf_add(&b, SPAN("x"));
	assert_int_equal(buf_error(&b), ERR_IO);
	assert_int_equal(buf_len(&b), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ceiling_is_kept),
		cmocka_unit_test(fixed_memory), cmocka_unit_test(fixed_memory_keeps_its_content),
		cmocka_unit_test(numbers), cmocka_unit_test(growth_and_take),
		cmocka_unit_test(failure_of_the_producer)};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
