#ifndef SLIPWAY_CLIENT_APP_H
#define SLIPWAY_CLIENT_APP_H

/* What all commands of slipway-update share: the opened library, its progress bar, its failures. */

#include "cli/cli.h"
#include "cli/progress.h"
#include "slipway.h"

struct app {
	struct cli *cli;
	struct slipway *client;
	const char *label; /* of the bar */
	struct progress bar;
	bool bar_shown;
	uint64_t bytes;
};

/* Opens libslipway with the options of the command line; closed with the run. Fails with words. */
err app_open(struct cli *cli, struct app *app) MUST_USE;
/* Fails with the words of the library's last failure. */
err app_explain(struct app *app, enum slipway_status status);
/* A small file's text without white space around it, in cli->arena. Fails with words. */
err app_read_text(struct cli *cli, const char *path, const char **ret) MUST_USE;

#endif
