#ifndef SLIPWAY_SERVER_GEOIP_H
#define SLIPWAY_SERVER_GEOIP_H

/*
 * The country database that geoip.database names. nginx maps the file it reads into its memory, so
 * one that is overwritten in place would kill the workers: they are given a copy in run/ that is
 * replaced only by a whole one that was opened here first.
 */

#include <sys/stat.h>

#include "base/arena.h"

struct conf;

#define DATA_COUNTRIES "run/country.mmdb"

/* What was looked at last, to see a change. Zeroed: nothing. */
struct geoip {
	struct stat seen; /* zeroed: there was no file that could be read */
	bool looked;
};

/*
 * Brings the copy up to date with the setting and the file. *ret_changed: nginx must be told. On
 * failure the copy of before stays, *ret_problem says why, and the same file is not tried again
 * until geoip_forget. Errors of the file system; ERR_INVALID: it is no database of countries.
 */
err geoip_update(struct arena *a, const struct conf *conf, struct geoip *g, bool *ret_changed,
	const char **ret_problem) MUST_USE;

/* The next update looks at the file as if it was new. */
void geoip_forget(struct geoip *g);

#endif
