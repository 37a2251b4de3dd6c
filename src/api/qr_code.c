/* QR codes as SVG: one path of squares, no script, no style, no reference to anything. */
#include "api/qr_code.h"

#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define QUIET 4 /* modules around the code that stay white */

static void write_svg(struct buf *out, const QRcode *code)
{
	int size = code->width + 2 * QUIET;

	buf_addf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>"
		"<path fill=\"#000\" d=\"",
		size, size, size, size);
	for (int y = 0; y < code->width; y++)
		for (int x = 0; x < code->width; x++)
			if (code->data[y * code->width + x] & 1)
				buf_addf(out, "M%d %dh1v1h-1z", x + QUIET, y + QUIET);
	buf_add_str(out, "\"/></svg>");
}

err qr_code_member(struct json_writer *w, const char *key, span text)
{
	char *copy = strndup(text.ptr, text.len);
	QRcode *code = copy ? QRcode_encodeString8bit(copy, 0, QR_ECLEVEL_M) : NULL;
	AUTO(buf) svg = {0};

	free(copy);
	if (!code)
		return ERR_NOMEM;
	buf_init(&svg, 262144);
	write_svg(&svg, code);
	QRcode_free(code);
	if (!buf_error(&svg))
		json_str(w, key, buf_span(&svg));
	return buf_error(&svg);
}
