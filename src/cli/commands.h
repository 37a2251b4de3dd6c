#ifndef SLIPWAY_CLI_COMMANDS_H
#define SLIPWAY_CLI_COMMANDS_H

/* The tables of `slipway`, one per file, in the order help shows them. */

#include "cli/cli.h"

extern const struct command local_commands[];
extern const size_t local_commands_count;

/* Options of every command of slipway. */
extern const struct option slipway_globals[];

#endif
