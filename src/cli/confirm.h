#ifndef SLIPWAY_CLI_CONFIRM_H
#define SLIPWAY_CLI_CONFIRM_H

#include "cli/cli.h"

#define YES_OPTION                                                                                 \
	{                                                                                          \
		"yes", NULL, VALUE_FLAG, 0, "does not ask"                                         \
	}

/*
 * Asks whether to do what cannot be undone ("Delete jo@example.com for good?"); OK without asking
 * where --yes is given. ERR_CANCELLED unless the answer is yes; ERR_INVALID where nobody can be
 * asked. Fails with words.
 */
err command_confirm(struct cli *cli, const char *question) MUST_USE;
/* True when it will ask: then what is at stake is worth showing first. */
bool command_will_ask(const struct cli *cli);

#endif
