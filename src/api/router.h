#ifndef SLIPWAY_API_ROUTER_H
#define SLIPWAY_API_ROUTER_H

/* Finds the route of a request, and holds the table to its own rules. Pure; any thread. */

#include "api/api.h"

#define ROUTE_PARAMS_MAX 4

struct route_match {
	const struct route *route;     /* NULL: no route for this method */
	bool path_known;               /* a route for another method has this path */
	span params[ROUTE_PARAMS_MAX]; /* as they stand in the path, still encoded */
};

/*
 * HEAD is answered by the GET route where there is no route of its own. A path that fits several
 * templates belongs to the one with the most literal characters.
 */
void router_find(span method, span path, struct route_match *ret);
/* The methods this path has, for `Allow`: "GET, HEAD, OPTIONS". */
void router_allow(span path, struct buf *out);

/*
 * Checks every row of a table and appends what is wrong, one line each: ERR_INVALID when anything
 * is. A route without a permission, an answer without a schema, a member without a limit is wrong.
 */
err route_table_check(const struct route *table, size_t count, struct buf *problems) MUST_USE;

#endif
