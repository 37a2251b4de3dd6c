#ifndef SLIPWAY_SERVER_TLS_H
#define SLIPWAY_SERVER_TLS_H

/*
 * The certificate nginx serves: always tls/server.pem with tls/server.key in the data directory.
 * With `tls.certificate` set they are copies of what the administrator named; else a local CA
 * (tls/ca.pem, its key in keys/ca.key) issues them for the names and addresses of this server, for
 * 90 days, and anew after 60.
 */

#include "base/arena.h"
#include "base/buf.h"

struct conf;

/* Reads a file named in the settings, possibly with rights the process itself has not. */
typedef err tls_reader(void *context, const char *path, struct buf *out);

struct tls_source {
	const struct conf *conf;
	tls_reader *read;
	void *context;
};

/*
 * Brings tls/ up to date. *ret_changed: nginx must be told. On failure what was there stays, and
 * *ret_problem, in arena a, says what is wrong. Working directory: the data directory.
 */
err tls_update(struct arena *a, const struct tls_source *source, int64_t now_us, bool *ret_changed,
	const char **ret_problem) MUST_USE;

#endif
