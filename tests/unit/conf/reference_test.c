/*
 * The tables in docs/ are the tables in the source. Run with UPDATE_DOCS=1 to write them anew.
 */
#include "test.h"

#include <stdlib.h>

#include "conf/conf.h"
#include "sys/files.h"
#include "sys/metrics.h"

/* The generated part stands from this line to the end of the file. */
#define MARK "<!-- Generated from the source; a test compares. -->\n"

static void assert_file_ends_with_table(const char *path, void (*write_table)(struct buf *out))
{
	AUTO(buf) present = {0};
	AUTO(buf) wanted = {0};

	buf_init(&present, 1000000);
	buf_init(&wanted, 1000000);
	assert_ok(file_read(path, &present));
	span head = buf_span(&present);
	while (head.len > 0 && !span_ends_with(head, SPAN(MARK)))
		head = span_sub(head, 0, head.len - 1);
	assert_true(head.len > 0);
	buf_add(&wanted, head);
	write_table(&wanted);
	assert_ok(buf_error(&wanted));
	if (getenv("UPDATE_DOCS") != NULL)
		assert_ok(file_write_atomic(path, buf_span(&wanted), 0644));
	else if (!span_eq(buf_span(&present), buf_span(&wanted)))
		fail_msg("%s differs from the source: run this test with UPDATE_DOCS=1", path);
}

static void settings(void **state UNUSED)
{
	assert_file_ends_with_table(SOURCE_ROOT "/docs/configuration.md", conf_write_reference);
}

static void metrics(void **state UNUSED)
{
	assert_file_ends_with_table(SOURCE_ROOT "/docs/metrics.md", metrics_write_reference);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings),
		cmocka_unit_test(metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
