/* QR codes in the terminal: two rows of modules per line of text. */
#include "cli/qr_code.h"

#include <qrencode.h>

#include "base/banned.h"

#define INDENT 2
#define QUIET  2 /* modules around it */

static bool is_dark(const QRcode *code, int x, int y)
{
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
	       (code->data[y * code->width + x] & 1);
}

static void draw(FILE *out, const QRcode *code)
{
	static const char *const blocks[] = {" ", "▄", "▀", "█"};

	for (int y = -QUIET; y < code->width + QUIET; y += 2) {
		fprintf(out, "%*s\033[30;107m", INDENT, "");
		for (int x = -QUIET; x < code->width + QUIET; x++)
			fputs(blocks[2 * is_dark(code, x, y) + is_dark(code, x, y + 1)], out);
		fputs("\033[0m\n", out);
	}
}

bool qr_code_print(FILE *out, const struct terminal *terminal, const char *text)
{
	QRcode *code = terminal->redraws ? QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L) : NULL;
	bool fits = code && INDENT + code->width + 2 * QUIET <= (int)terminal->width;

	if (fits)
		draw(out, code);
	QRcode_free(code);
	return fits;
}
