#ifndef SLIPWAY_SERVER_PORTS_H
#define SLIPWAY_SERVER_PORTS_H

/* Listen addresses as the settings write them: "127.0.0.1:80 [::]:443". */

#include <sys/socket.h>

#include "base/arena.h"

/* Address and port as the system wants them. ERR_INVALID for anything else. */
err address_parse(span text, struct sockaddr_storage *ret, socklen_t *ret_len) MUST_USE;

/*
 * Whether each address could be listened on now; waits at most timeout_us for those in use, because
 * a former instance may be going away. ERR_CONFLICT, ERR_DENIED or ERR_INVALID with *ret_problem
 * in arena a.
 */
err ports_check(
	struct arena *a, span addresses, int64_t timeout_us, const char **ret_problem) MUST_USE;

#endif
