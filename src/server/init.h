#ifndef SLIPWAY_SERVER_INIT_H
#define SLIPWAY_SERVER_INIT_H

/*
 * Makes a data directory: settings, database with its schema, signing keys, published state, and
 * the first administrator or a one-time token by which one can be made. Nothing is asked for.
 */

#include "base/arena.h"

struct init_plan {
	const char *data;        /* directory to make */
	const char *database;    /* "sqlite" or a postgresql:// URL */
	const char *admin_email; /* NULL: a set-up token instead */
	span admin_password;     /* with admin_email; borrowed, wiped by the caller */
};

struct init_result {
	const char *setup_token; /* in the arena; NULL when an administrator was made or is there */
	bool joined;             /* the database is another node's already */
};

/*
 * The working directory is plan->data afterwards. ERR_CONFLICT when the directory holds a server
 * already. *ret_problem, in arena a, is a sentence for the user.
 */
err init_run(struct arena *a, const struct init_plan *plan, struct init_result *ret,
	const char **ret_problem) MUST_USE;

struct conf;
/* Another set-up token for a server that is there, running or not; in the present directory. */
err init_setup_token(struct arena *a, const struct conf *conf, const char **ret_token) MUST_USE;

#endif
