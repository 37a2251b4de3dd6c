#ifndef SLIPWAY_CLI_PROOF_H
#define SLIPWAY_CLI_PROOF_H

#include "cli/cli.h"

/* Six digits are a code of the authenticator app. */
bool is_app_code(span text);

/*
 * Asks on the terminal for a fresh proof of who is there and gives it to the server: the app's
 * code, a recovery code, or the password of an account that has nothing else. Fails with words.
 */
err proof_give(struct cli *cli) MUST_USE;

#endif
