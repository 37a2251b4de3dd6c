#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "cli/humane.h"
#include "cli/progress.h"

static void sizes(void **state UNUSED)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} rows[] = {
		{0, "0 B"},
		{999, "999 B"},
		{1000, "1.00 kB"},
		{1999, "1.99 kB"},
		{12345, "12.3 kB"},
		{999999, "999 kB"},
		{1000000, "1.00 MB"},
		{52428800, "52.4 MB"},
		{UINT64_C(1999999999), "1.99 GB"},
		{UINT64_MAX, "18.4 EB"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf) out = {0};

		buf_init(&out, 100);
		humane_size(&out, rows[i].bytes);
		assert_row(span_is(buf_span(&out), rows[i].want), rows[i].want);
	}
}

static void times(void **state UNUSED)
{
	const int64_t now = INT64_C(1767225600) * TIME_SECOND; /* 2026-01-01 */
	static const struct {
		int64_t apart_s;
		const char *want;
	} rows[] = {
		{0, "just now"},
		{1, "just now"},
		{-59, "59 s ago"},
		{-60, "1 min ago"},
		{-3600, "1 h ago"},
		{-47 * 3600, "47 h ago"},
		{-3 * 86400, "3 d ago"},
		{-7 * 86400, "2025-12-25"},
		{90, "in 1 min"},
		{5 * 86400, "in 5 d"},
		{30 * 86400, "2026-01-31"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf) out = {0};

		buf_init(&out, 100);
		humane_time(&out, now + rows[i].apart_s * TIME_SECOND, now);
		assert_row(span_is(buf_span(&out), rows[i].want), rows[i].want);
	}
}

static void time_texts(void **state UNUSED)
{
	AUTO(buf) out = {0};

	buf_init(&out, 100);
	humane_time_text(&out, SPAN("2025-06-01T10:00:00Z"), INT64_C(1767225600) * TIME_SECOND);
	assert_span(buf_span(&out), "2025-06-01");
	buf_clear(&out);
	humane_time_text(&out, SPAN("never"), 0);
	assert_span(buf_span(&out), "never");
}

static void progress_lines_fit(void **state UNUSED)
{
	struct progress p;
	FILE *nowhere = fopen("/dev/null", "w");
	AUTO(buf) out = {0};

	assert_non_null(nowhere);
	buf_init(&out, 4096);
	progress_start(
		&p, nowhere, SPAN("a-rather-long-file-name_1.2.3_amd64.deb"), 0, 100000000, 0);
	for (uint64_t s = 1; s < 40; s++)
		progress_update(&p, s * 1000000, (int64_t)s * TIME_SECOND);
	for (unsigned width = 10; width < 160; width++) {
		buf_clear(&out);
		progress_line(&p, 40000000, 40 * TIME_SECOND, width, &out);
		assert_true(text_width(buf_span(&out)) <= width);
		assert_true(span_is_utf8(buf_span(&out)));
	}
	assert_non_null(
		strstr(buf_str(&out), " 40%  40.0 MB of 100 MB  1.00 MB/s  1 min 1 s left"));
	progress_finish(&p, true, 100000000, 100 * TIME_SECOND);
	fclose(nowhere);
}

static void rate_is_of_the_last_seconds(void **state UNUSED)
{
	struct progress p;
	FILE *nowhere = fopen("/dev/null", "w");
	AUTO(buf) out = {0};

	assert_non_null(nowhere);
	buf_init(&out, 4096);
	progress_start(&p, nowhere, SPAN("x"), 0, 1000000000, 0);
	for (int64_t s = 1; s <= 100; s++) /* 1 MB/s for 100 s, then nothing for 100 s */
		progress_update(&p, (uint64_t)s * 1000000, s * TIME_SECOND);
	for (int64_t s = 101; s <= 200; s++)
		progress_update(&p, 100000000, s * TIME_SECOND);
	progress_line(&p, 100000000, 201 * TIME_SECOND, 120, &out);
	assert_null(strstr(buf_str(&out), "left")); /* nothing moves: no promise */
	fclose(nowhere);
}

static void plain_lines_without_terminal(void **state UNUSED)
{
	char *text = NULL;
	size_t size = 0, lines = 0;
	FILE *stream = open_memstream(&text, &size);
	struct progress p;

	assert_non_null(stream);
	progress_start(&p, stream, SPAN("file"), 0, 1000, 0);
	for (uint64_t i = 0; i <= 1000; i++)
		progress_update(&p, i, (int64_t)i * TIME_SECOND);
	progress_finish(&p, true, 1000, 1001 * TIME_SECOND);
	fclose(stream);
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	assert_int_equal(lines, 10); /* nine tenths and the end */
	assert_memory_equal(text, "file: ", 6);
	assert_null(strchr(text, '\r'));
	assert_null(strchr(text, '\033'));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(times),
		cmocka_unit_test(time_texts),
		cmocka_unit_test(progress_lines_fit),
		cmocka_unit_test(rate_is_of_the_last_seconds),
		cmocka_unit_test(plain_lines_without_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
