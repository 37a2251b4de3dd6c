#ifndef SLIPWAY_API_LISTENER_H
#define SLIPWAY_API_LISTENER_H

/*
 * A unix socket whose connections are bounded: when `most` are open, the next ones wait in the
 * kernel's queue until one closes. None is taken and dropped (libmicrohttpd's own limit does that).
 */

#include "base/base.h"

struct listener;

/* Replaces what stands under path and listens (mode 0660). ERR_INVALID: path is too long. Gives. */
err listener_open(const char *path, unsigned most, struct listener **ret) MUST_USE;

/* Takes fd; runs on the listener's thread. */
typedef void on_connection(void *ctx, int fd);

/* Starts accepting. Keeps ctx. Until then connections wait. */
err listener_run(struct listener *l, on_connection *handler, void *ctx) MUST_USE;
/* One connection has closed. Any thread. */
void listener_release(struct listener *l);
/* Takes no more connections and removes the socket. listener_release may still be called. */
void listener_close(struct listener *l);
/* After listener_close (if it ran) and the last listener_release. Accepts NULL. */
void listener_free(struct listener *l);

#endif
