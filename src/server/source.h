#ifndef SLIPWAY_SERVER_SOURCE_H
#define SLIPWAY_SERVER_SOURCE_H

/*
 * Files outside the data directory that the administrator named: a certificate below
 * /etc/letsencrypt is readable by root only. Started as root, the supervisor can still have them
 * read: by a child that becomes root for nothing else and has no capabilities.
 */

#include "base/buf.h"

/* Reads path as the present user or, where that fails and is possible, as root. At most 1 MiB. */
err source_read(const char *path, bool may_be_root, struct buf *out) MUST_USE;

#endif
