#ifndef SLIPWAY_CLI_QR_CODE_H
#define SLIPWAY_CLI_QR_CODE_H

#include "cli/terminal.h"

/*
 * Draws text as a QR code: black on white whatever the terminal's colours are, because scanners
 * want it so. False, and nothing is drawn, where it would not fit or nobody could scan it (a pipe,
 * TERM=dumb).
 */
bool qr_code_print(FILE *out, const struct terminal *terminal, const char *text);

#endif
