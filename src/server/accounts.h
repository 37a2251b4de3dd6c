#ifndef SLIPWAY_SERVER_ACCOUNTS_H
#define SLIPWAY_SERVER_ACCOUNTS_H

/*
 * Who the processes run as. Started as root: the system accounts `slipway` (supervisor, control
 * plane, tailer) and `slipway-web` (nginx), so that a hole in the data plane reaches neither keys
 * nor database. Started as anyone else: everything is that user, which is for development.
 */

#include "base/arena.h"
#include "sys/privilege.h"

#define ACCOUNT_CONTROL "slipway"
#define ACCOUNT_WEB     "slipway-web"

struct accounts {
	struct identity supervisor;
	struct identity control; /* and the tailer */
	struct identity web;     /* nginx */
	bool separate;           /* false: all are the present user */
};

/*
 * Finds the accounts; as root, creates them when missing. ERR_UNAVAILABLE when that fails, with
 * *ret_problem in arena a.
 */
err accounts_find(struct arena *a, struct accounts *ret, const char **ret_problem) MUST_USE;

#endif
