#ifndef SLIPWAY_CLI_AUDIT_H
#define SLIPWAY_CLI_AUDIT_H

#include "cli/cli.h"

/* `slipway audit verify`: at the server, or with --data on this machine. */
err audit_run_verify(struct cli *cli) MUST_USE;

#endif
