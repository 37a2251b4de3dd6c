#ifndef SLIPWAY_API_SERVER_URL_H
#define SLIPWAY_API_SERVER_URL_H

/* How this server is reached: from the setting `public_url`, else from the request's Host. */

#include "api/api.h"

/*
 * ERR_INVALID "host_invalid" when Host is no host name or address with an optional port: it becomes
 * part of URLs that browsers and devices follow. An absent one is no error.
 */
err host_check(struct request *rq) MUST_USE;

/*
 * "https://name[:port][/path]", without a slash at its end; in the request's arena or for ever.
 * Without setting and Host it is the first of `server_name`.
 */
span server_base_url(struct request *rq);

/* The same without its path: the origin of our pages, as browsers see it (RFC 6454). */
span server_origin(struct request *rq);

#endif
