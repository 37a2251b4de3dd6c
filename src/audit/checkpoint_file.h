#ifndef SLIPWAY_AUDIT_CHECKPOINT_FILE_H
#define SLIPWAY_AUDIT_CHECKPOINT_FILE_H

/*
 * Checkpoints outside the database: a file of lines, appended to, each on disk before the call
 * returns. Whoever can change the database but not this file cannot cut the chain behind its last
 * line unseen.
 */

#include "audit/checkpoint.h"

struct checkpoint_file;

/* Makes the file if absent; drops a torn last line. *ret_last: seq 0 when there is none. Gives. */
err checkpoint_file_open(
	const char *path, struct checkpoint_file **ret, struct checkpoint *ret_last) MUST_USE;
void checkpoint_file_close(struct checkpoint_file *f); /* accepts NULL */
/* One thread at a time. A line that could not be written whole is taken back. */
err checkpoint_file_append(struct checkpoint_file *f, const struct checkpoint *c) MUST_USE;

/*
 * Calls each for every line of a file, with NULL for one that is no checkpoint. A last line without
 * newline is still being written and left out. Stops at the first error of each.
 */
typedef err checkpoint_each(void *ctx, unsigned line, const struct checkpoint *c);
err checkpoint_file_read(const char *path, checkpoint_each *each, void *ctx) MUST_USE;

#endif
