#ifndef SLIPWAY_EVENT_LOG_FILE_H
#define SLIPWAY_EVENT_LOG_FILE_H

/*
 * One event log as the tailer follows it: the file stays the same under whatever name. Its
 * generation is taken from its first line, which never changes and is not in any other file, so
 * neither renaming, copying nor a new inode number confuses anybody, and nothing has to be
 * remembered between two runs.
 */

#include <sys/types.h>

#include "base/buf.h"

#define GENERATION_SIZE 17 /* 16 hexadecimal digits and the NUL */

struct log_file {
	char name[256]; /* in its directory */
	int fd;
	dev_t device;
	ino_t inode;
	bool rotated;                     /* nginx is about to leave it, or has */
	bool seen;                        /* by the latest look at the directory */
	char generation[GENERATION_SIZE]; /* "": not one whole line yet */
	int64_t position;                 /* stored up to here; -1: to be asked for */
	int64_t size;                     /* when it was last looked at */
	int64_t grown_at_us;              /* monotonic: when it was last seen larger than before */
};

/* True for "events.log" and "events.ANYTHING.log"; *ret_rotated: the latter. */
bool log_file_name(span name, bool *ret_rotated);

/* Opens name in directory dir_fd. ERR_NOT_FOUND, ERR_IO; ERR_INVALID for what is no plain file. */
err log_file_open(int dir_fd, const char *name, int64_t now_us, struct log_file *ret) MUST_USE;
void log_file_close(struct log_file *f);

/*
 * Looks how long the file is now, and finds the generation once there is a line. A file that was
 * cut is another one from then on. ERR_IO.
 */
err log_file_look(struct log_file *f, int64_t now_us) MUST_USE;

/*
 * Reads what is to be shipped next: whole lines from the position on, at most lines_max, as far as
 * they fit into out. A line that is longer than there can be is given in pieces. With `all`, the
 * unfinished last line is given too: nobody will finish it. Empty: nothing yet.
 */
err log_file_read(const struct log_file *f, size_t lines_max, bool all, struct buf *out) MUST_USE;

#endif
