#ifndef SLIPWAY_SERVER_PAGES_H
#define SLIPWAY_SERVER_PAGES_H

/*
 * The pages of web/ on their way to browsers: files that came with the program, copied to where
 * nginx's account can read them.
 */

#include "base/arena.h"

#define DATA_PAGES "run/web"

/*
 * Copies the pages to run/web. Called with the rights of the start, after run/ was emptied.
 * ERR_NOT_FOUND names the places looked at; otherwise *ret_problem, in arena a, names the file.
 */
err pages_install(struct arena *a, const char **ret_problem) MUST_USE;

#endif
