#ifndef SLIPWAY_CONF_REDIS_URL_H
#define SLIPWAY_CONF_REDIS_URL_H

/*
 * Where a Redis is: redis://[USER[:PASSWORD]@]HOST[:PORT][/DB] or, for a unix socket,
 * redis+unix://[USER[:PASSWORD]@]/PATH[?db=DB]. User and password are percent-encoded; an IPv6
 * address stands in brackets. Pure.
 */

#include "base/buf.h"

#define REDIS_URL_PART_MAX 255
#define REDIS_URL_PATH_MAX 107 /* of a unix socket */
#define REDIS_PORT         6379

struct redis_url {
	char host[REDIS_URL_PART_MAX + 1]; /* name or address without brackets; "": path */
	char path[REDIS_URL_PATH_MAX + 1];
	char user[REDIS_URL_PART_MAX + 1];     /* "": Redis's user "default" */
	char password[REDIS_URL_PART_MAX + 1]; /* "": none here */
	unsigned port, database;
};

/* ERR_INVALID for anything else, ERR_TOO_LARGE for parts beyond the sizes above. */
err redis_url_parse(span text, struct redis_url *ret) MUST_USE;
/* As text for people: the user, never the password. */
void redis_url_show(const struct redis_url *u, struct buf *out);

#endif
