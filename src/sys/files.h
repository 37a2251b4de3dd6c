#ifndef SLIPWAY_SYS_FILES_H
#define SLIPWAY_SYS_FILES_H

/*
 * Files with the discipline of a database: what is acknowledged is on disk, under its final name,
 * whole. Paths may be relative and stay so. Errors come from errno by err_from_errno().
 */

#include <sys/types.h>

#include "base/buf.h"

/* Reads a whole file of at most out's ceiling. ERR_TOO_LARGE above it. */
err file_read(const char *path, struct buf *out) MUST_USE;
/*
 * Replaces path atomically: temporary file in the same directory, write, fsync, rename, fsync of
 * the directory. On failure path is as before and no temporary file is left.
 */
err file_write_atomic(const char *path, span content, mode_t mode) MUST_USE;
/* As file_write_atomic, but ERR_CONFLICT when path exists (link, not rename). */
err file_create_atomic(const char *path, span content, mode_t mode) MUST_USE;
/* fsync of a directory, so that names in it are durable. */
err dir_sync(const char *path) MUST_USE;
/* Makes the directory and its missing parents with this mode; an existing directory is OK. */
err dir_make(const char *path, mode_t mode) MUST_USE;
/* Writes all of s to fd, through partial writes and EINTR. */
err fd_write_all(int fd, span s) MUST_USE;
bool path_exists(const char *path);
/* Bytes free for an unprivileged user on the file system of path. */
err disk_free(const char *path, uint64_t *ret_bytes) MUST_USE;
#define FILENAME_MAX_BYTES 200
/*
 * A name from outside that is safe as a file name: 1–200 bytes of [A-Za-z0-9._+~@=-] and space,
 * not starting with '.', '-' or space, not ending with '.' or space.
 */
bool filename_is_safe(span name);
/*
 * A secret file (password, key): one trailing newline stripped. *ret_wide is set when group or
 * others may read it, for a warning. Wipe out when done.
 */
err secret_file_read(const char *path, struct buf *out, bool *ret_wide) MUST_USE;

#endif
