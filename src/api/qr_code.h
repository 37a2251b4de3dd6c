#ifndef SLIPWAY_API_QR_CODE_H
#define SLIPWAY_API_QR_CODE_H

#include "base/json.h"

/* Writes a member with an SVG image of text as a QR code, black on white with its quiet zone. */
err qr_code_member(struct json_writer *w, const char *key, span text) MUST_USE;

#endif
