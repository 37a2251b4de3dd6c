#ifndef SLIPWAY_SERVER_SUPERVISE_H
#define SLIPWAY_SERVER_SUPERVISE_H

/*
 * `slipway serve`: one process without threads and without a database that starts nginx, the
 * control plane and the tailer, starts again what dies, and stops all in order.
 *
 *   SIGTERM, SIGINT   graceful stop: running downloads may finish (10 s), exit code 0; a second
 *                     one ends them
 *   SIGHUP            settings and certificates are read again, nginx is reloaded if it accepts
 *
 * Prints `ready https://ADDR:PORT` on standard output, once, when nginx and the control plane
 * answer. Everything else goes to standard error as JSON lines.
 */

#include "base/arena.h"
#include "conf/conf.h"
#include "server/accounts.h"
#include "server/geoip.h"

struct serve_plan {
	const char *data_dir;
	const char *const *overrides; /* settings of the command line, "name=value" */
	size_t overrides_count;
	/*
	 * Bodies of the two processes of ours, run after a fork in the data directory, as the
	 * account for them, until SIGTERM. Give the exit code. conf is borrowed. tailer may be
	 * NULL.
	 */
	int (*control)(const struct conf *conf);
	int (*tailer)(const struct conf *conf);
};

/*
 * Serves until told to stop. Call it before any thread is started. When it could not be started
 * *ret_problem, in arena a, says why in one line.
 */
err serve(struct arena *a, const struct serve_plan *plan, const char **ret_problem) MUST_USE;

/* ---- between serve.c (start) and supervise.c (from then on) ---- */

struct serving {
	const struct serve_plan *plan;
	struct conf *conf; /* replaced on SIGHUP */
	struct accounts accounts;
	struct geoip geoip;
};

/*
 * Brings certificates up to date as the settings say. *ret_changed: nginx must be told.
 */
err serving_certificates(
	struct serving *s, struct arena *a, bool *ret_changed, const char **ret_problem) MUST_USE;

/* The loop. Rights are those of the supervisor, configuration and certificates are in place. */
err supervise(struct serving *s, struct arena *a, const char **ret_problem) MUST_USE;

#endif
