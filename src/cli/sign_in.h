#ifndef SLIPWAY_CLI_SIGN_IN_H
#define SLIPWAY_CLI_SIGN_IN_H

#include "cli/session.h"

/* Keeps the tokens of a sign-in's answer as this machine's; email may be NULL. Fails with words. */
err sign_in_store(struct cli *cli, const char *email, const json_t *tokens) MUST_USE;
/* Forgets the sign-in at the server of this run; the server is not told. Fails with words. */
err sign_in_forget(struct cli *cli) MUST_USE;

#endif
