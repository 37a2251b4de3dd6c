/* Text from outside on a terminal: made harmless, and never wider than was asked for. */
#include "fuzz.h"

#include "cli/table.h"

static void check_harmless(span text)
{
	check(span_is_utf8(text));
	for (size_t i = 0; i < text.len; i++)
		check((uint8_t)text.ptr[i] >= 0x20 || text.ptr[i] == '\n' || text.ptr[i] == '\t');
}

static void check_table(span text, unsigned width)
{
	static const struct column columns[] = {
		{"A", COLUMN_SHRINK}, {"B", COLUMN_SHRINK | COLUMN_RIGHT}, {"C", COLUMN_DROP}};
	struct terminal terminal = {.width = width};
	AUTO_PTR(arena) a = arena_new();
	AUTO(buf) out = {0};
	struct table t;
	span rest = text, cell, line;

	buf_init(&out, 64u << 20);
	table_init(&t, a, columns, ARRAY_LEN(columns));
	while (span_cut(&rest, ',', &cell))
		table_add(&t, cell);
	table_write(&t, &terminal, &out);
	check(!buf_error(&out));
	check_harmless(buf_span(&out));
	rest = buf_span(&out);
	while (span_cut(&rest, '\n', &line))
		check(text_width(line) <= width);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned width = size ? 40 + data[0] : 80;
	AUTO(buf) clean = {0};
	AUTO(buf) cut = {0};

	if (size > 65536)
		return 0;
	span text = fuzz_input(data, size);

	buf_init(&clean, 4 * size + 16);
	buf_init(&cut, 4 * size + 16);
	text_clean(&clean, text);
	check(!buf_error(&clean));
	check_harmless(buf_span(&clean));
	text_cut(&cut, buf_span(&clean), width);
	check(!buf_error(&cut) && text_width(buf_span(&cut)) <= width);
	check_table(text, width);
	fuzz_free(text);
	return 0;
}
