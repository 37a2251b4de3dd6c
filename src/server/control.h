#ifndef SLIPWAY_SERVER_CONTROL_H
#define SLIPWAY_SERVER_CONTROL_H

/*
 * The control plane: opens the parts in the order in which they need each other, serves the API
 * until SIGTERM or SIGINT, closes them in reverse. Opening is recovery: what a crash left behind is
 * cleared here, before the first request.
 *
 * The present directory is the data directory; every path is relative to it (see data_layout.h).
 */

#include "service/service.h"

/* The parts of a control plane, wired. */
struct control {
	struct service service;
};

#define CONTROL_TRIES 60 /* a second apart */

/*
 * Opens database (migrated), state, keys, publisher and stores; no threads but the publisher's.
 * Keeps conf. tries: how often, at most, a database that is away is asked. On failure everything is
 * closed again and *ret_problem (static) says which part it was; details are in the log.
 */
err control_open(const struct conf *conf, unsigned tries, struct control *ret,
	const char **ret_problem) MUST_USE;
void control_close(struct control *c);
/* The database alone, migrated: for what may be done while a control plane runs. Gives. */
err control_open_database(const struct conf *conf, unsigned tries, struct db **ret) MUST_USE;

/* Runs until told to stop; gives the exit code of the process. */
int control_main(const struct conf *conf);

#endif
