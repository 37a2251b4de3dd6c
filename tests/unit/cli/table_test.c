#include "test.h"

#include <string.h>

#include "cli/table.h"

static const struct column columns[] = {
	{"ID", 0},
	{"NAME", COLUMN_SHRINK},
	{"SIZE", COLUMN_RIGHT},
	{"STATE", COLUMN_TONE},
	{"NOTES", COLUMN_SHRINK | COLUMN_DROP},
};

static void write_table(
	unsigned width, bool colour, const char *const *cells, size_t count, struct buf *out)
{
	AUTO_PTR(arena) a = arena_new();
	struct terminal terminal = {.tty = colour, .colour = colour, .width = width};
	struct table t;

	table_init(&t, a, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < count; i++)
		table_add(&t, span_from(cells[i]));
	table_write(&t, &terminal, out);
}

static void no_line_is_wider(const char *text, unsigned width)
{
	span rest = span_from(text), line;

	while (span_cut(&rest, '\n', &line)) {
		if (text_width(line) > width)
			print_error("%u > %u: %.*s\n", text_width(line), width, SPAN_ARG(line));
		assert_true(text_width(line) <= width);
	}
}

static void natural(void **state UNUSED)
{
	static const char *const cells[] = {
		"a", "one", "1 B", "draft", "", "b", "", "999 B", "ok", "x"};
	AUTO(buf) out = {0};

	buf_init(&out, 4096);
	write_table(80, false, cells, ARRAY_LEN(cells), &out);
	assert_span(buf_span(&out), "ID  NAME   SIZE  STATE  NOTES\n"
				    "a   one     1 B  draft  \n"
				    "b         999 B  ok     x\n");
}

static void ids_stand_below_where_it_is_narrow(void **state UNUSED)
{
	static const struct column with_id[] = {
		{"NAME", COLUMN_SHRINK}, {"STATE", 0}, {"SEEN", COLUMN_DROP}, {"ID", COLUMN_BELOW}};
	static const char *const cells[] = {"laptop", "active", "2 h ago", "dev_01h455vb4p", "b",
		"revoked", "just now", "dev_01h455vb4q"};
	static const char beside[] = "NAME    STATE    SEEN      ID\n"
				     "laptop  active   2 h ago   dev_01h455vb4p\n"
				     "b       revoked  just now  dev_01h455vb4q\n";
	static const char below[] = "NAME    STATE    SEEN\n"
				    "laptop  active   2 h ago\n"
				    "  dev_01h455vb4p\n"
				    "b       revoked  just now\n"
				    "  dev_01h455vb4q\n";
	static const char fewer[] = "NAME    STATE\n"
				    "laptop  active\n"
				    "  dev_01h455vb4p\n"
				    "b       revoked\n"
				    "  dev_01h455vb4q\n";
	static const struct {
		struct terminal terminal;
		const char *want;
	} rows[] = {{{.width = 41}, beside}, {{.width = 40}, below}, {{.width = 25}, below},
		{{.width = 24}, fewer}, {{.width = 24, .endless = true}, beside}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_PTR(arena) a = arena_new();
		AUTO(buf) out = {0};
		struct table t;

		buf_init(&out, 4096);
		table_init(&t, a, with_id, ARRAY_LEN(with_id));
		for (size_t c = 0; c < ARRAY_LEN(cells); c++)
			table_add(&t, span_from(cells[c]));
		table_write(&t, &rows[i].terminal, &out);
		assert_span(buf_span(&out), rows[i].want);
	}
}

static const char wide_note[] =
	"\xe6\x96\xb0\xe3\x81\x97\xe3\x81\x84\xe7\x89\x88\xe3\x81\xae"
	"\xe3\x81\x8a\xe7\x9f\xa5\xe3\x82\x89\xe3\x81\x9b and more than fits";

static void fits_80_columns(void **state UNUSED)
{
	static const char *const cells[] = {"pkg_01h455vb4pex5vsknk084sn02q",
		"a-very-long-file-name-that-nobody-would-type_1.2.3-4+deb12u5_amd64.deb", "52.4 MB",
		"published", wide_note};
	AUTO(buf) out = {0};

	buf_init(&out, 4096);
	for (unsigned width = 40; width < 200; width++) {
		buf_clear(&out);
		write_table(width, false, cells, ARRAY_LEN(cells), &out);
		if (width >= 60) /* below, what may not shrink is wider than the terminal */
			no_line_is_wider(buf_str(&out), width);
		assert_non_null(strstr(buf_str(&out), cells[0]));
		assert_true(span_is_utf8(buf_span(&out)));
	}
	buf_clear(&out);
	write_table(60, false, cells, ARRAY_LEN(cells), &out);
	assert_null(strstr(buf_str(&out), "NOTES"));
}

static void wide_characters_align(void **state UNUSED)
{
	static const char *const cells[] = {"1", "\xe6\x96\xb0\xe7\x89\x88", "1 B", "ok", "|", "2",
		"e\xcc\x81te", "1 B", "ok", "|"};
	AUTO(buf) out = {0};
	span rest, line;

	buf_init(&out, 4096);
	write_table(80, false, cells, ARRAY_LEN(cells), &out);
	rest = buf_span(&out);
	assert_true(span_cut(&rest, '\n', &line));
	for (int row = 0; row < 2; row++) {
		assert_true(span_cut(&rest, '\n', &line));
		assert_int_equal(text_width(span_sub(line, 0, span_find(line, '|'))),
			2 + 2 + 4 + 2 + 4 + 2 + 5 + 2);
	}
}

static void hostile_cells(void **state UNUSED)
{
	static const char *const cells[] = {
		"a", "\033[2Jgone", "a\nb", "ok", "\xff\xfe \302\233[31m"};
	AUTO(buf) out = {0};

	buf_init(&out, 4096);
	write_table(80, false, cells, ARRAY_LEN(cells), &out);
	assert_null(strchr(buf_str(&out), '\033'));
	assert_null(strstr(buf_str(&out), "\xc2\x9b"));
	assert_true(span_is_utf8(buf_span(&out)));
	assert_non_null(strstr(buf_str(&out), "a b"));
}

static void colours_only_when_asked(void **state UNUSED)
{
	static const char *const cells[] = {"a", "b", "c", "withdrawn", "d"};
	AUTO(buf) out = {0};

	buf_init(&out, 4096);
	write_table(80, true, cells, ARRAY_LEN(cells), &out);
	assert_non_null(strstr(buf_str(&out), "\033[31mwithdrawn\033[0m"));
}

static void cutting(void **state UNUSED)
{
	static const struct {
		const char *text;
		unsigned width;
		const char *want;
	} rows[] = {
		{"abc", 3, "abc"},
		{"abcd", 3, "ab\xe2\x80\xa6"},
		{"abcd", 0, ""},
		{"\xe6\x96\xb0\xe7\x89\x88", 4, "\xe6\x96\xb0\xe7\x89\x88"},
		{"\xe6\x96\xb0\xe7\x89\x88", 3, "\xe6\x96\xb0\xe2\x80\xa6"},
		{"\xe6\x96\xb0\xe7\x89\x88", 2, "\xe2\x80\xa6"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf) out = {0};

		buf_init(&out, 100);
		text_cut(&out, span_from(rows[i].text), rows[i].width);
		assert_row(span_is(buf_span(&out), rows[i].want), rows[i].text);
	}
}

static void direction_tricks(void **state UNUSED)
{
	AUTO(buf) out = {0};

	buf_init(&out, 100);
	text_clean(&out, SPAN("setup\xe2\x80\xaegnp.exe")); /* shows as setupexe.png */
	assert_span(buf_span(&out), "setup\xef\xbf\xbdgnp.exe");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(natural),
		cmocka_unit_test(ids_stand_below_where_it_is_narrow),
		cmocka_unit_test(fits_80_columns),
		cmocka_unit_test(wide_characters_align),
		cmocka_unit_test(hostile_cells),
		cmocka_unit_test(colours_only_when_asked),
		cmocka_unit_test(cutting),
		cmocka_unit_test(direction_tricks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
