/*
 * Bars in eighths of a column, lines in eighths of a row.
 */
#include "cli/chart.h"

#include "base/banned.h"

void chart_bar(struct buf *out, uint64_t value, uint64_t most, unsigned width, bool shaded)
{
	static const char *const eighths[] = {"", "\xe2\x96\x8f", "\xe2\x96\x8e", "\xe2\x96\x8d",
		"\xe2\x96\x8c", "\xe2\x96\x8b", "\xe2\x96\x8a", "\xe2\x96\x89"};
	double part = most ? (double)MIN(value, most) / (double)most : 1.0;
	unsigned filled = (unsigned)(part * width * 8), at = 0;

	for (; at < filled / 8; at++)
		buf_add_str(out, "\xe2\x96\x88");
	if (filled % 8) {
		buf_add_str(out, eighths[filled % 8]);
		at++;
	}
	for (; at < width; at++)
		buf_add_str(out, shaded ? "\xe2\x96\x91" : " ");
}

void chart_line(struct buf *out, const uint64_t *values, size_t count)
{
	uint64_t most = 0;

	for (size_t i = 0; i < count; i++)
		most = MAX(most, values[i]);
	for (size_t i = 0; i < count; i++) {
		unsigned eighth =
			values[i] == 0 ? 0 : 1 + (unsigned)((double)values[i] / (double)most * 7);

		if (eighth == 0)
			buf_add_byte(out, '_');
		else /* U+2581 … U+2588 */
			buf_addf(out, "\xe2\x96%c", (char)(0x80 + eighth));
	}
}
