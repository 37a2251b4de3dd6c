#ifndef SLIPWAY_CLI_DEVICE_SIGN_IN_H
#define SLIPWAY_CLI_DEVICE_SIGN_IN_H

#include <jansson.h>

#include "cli/cli.h"

/*
 * Signs in by a code that somebody approves in a browser: shows it (as text and QR code; with
 * --json as a line of JSON), waits, gives the tokens. scope as for device_code_begin(). Fails with
 * words; after Ctrl-C nobody is signed in, here or there.
 */
err device_sign_in(struct cli *cli, const char *scope, json_t **ret_tokens) MUST_USE;

#endif
