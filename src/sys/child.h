#ifndef SLIPWAY_SYS_CHILD_H
#define SLIPWAY_SYS_CHILD_H

/*
 * Child processes: a program with its arguments, never a shell. Every child dies with its parent:
 * it gets `death_signal` when the *thread* that started it ends, so start long-lived children from
 * a thread that lives as long.
 */

#include <sys/types.h>

#include "sys/privilege.h"

struct buf;

struct child_plan {
	/* argv[0] is a path; without a slash it is looked for in PATH. NULL-terminated, borrowed.
	 */
	const char *const *argv;
	/* "NAME=value" …, NULL-terminated; NULL: PATH, LANG, HOME, TMPDIR and TZ of the parent. */
	const char *const *environment;
	int stdin_fd;                /* 0: /dev/null */
	int stdout_fd;               /* 0: the parent's */
	int stderr_fd;               /* 0: the parent's */
	int death_signal;            /* 0: SIGTERM */
	const struct identity *user; /* NULL: the parent's */
	const char *directory;       /* NULL: the parent's */
	/* Limits, 0: the parent's. Exceeding them kills the child or fails its calls. */
	uint64_t max_memory_bytes, max_file_bytes, max_cpu_s;
};

/* Whether child_start() would find the program: in PATH, or at its path. */
bool child_program_exists(const char *name);

/*
 * Starts the program with only descriptors 0, 1 and 2 open (others are expected to be O_CLOEXEC).
 * The child ignores and blocks no signal. ERR_NOT_FOUND when there
 * is no such program, ERR_DENIED when it may not be executed. Any thread.
 */
err child_start(const struct child_plan *plan, pid_t *ret_pid) MUST_USE;

/*
 * Forks without executing: runs `body(context)` in the child, which exits with its result. Only
 * from a process with one thread. user and death_signal as above (user may be NULL).
 */
err child_fork(int (*body)(void *context), void *context, const struct identity *user,
	int death_signal, pid_t *ret_pid) MUST_USE;

/*
 * Waits at most timeout_us (negative: for ever) for this child and gives its wait status.
 * ERR_BUSY when it still runs, ERR_NOT_FOUND when it is no child of ours. Any thread.
 */
err child_wait(pid_t pid, int64_t timeout_us, int *ret_status) MUST_USE;

/*
 * Starts, collects standard output and standard error together in out, and waits. After
 * timeout_us the child is killed and the answer is ERR_EXPIRED; output above out's ceiling kills
 * it too (ERR_TOO_LARGE). plan's stdout_fd and stderr_fd are not used.
 */
err child_run(const struct child_plan *plan, int64_t timeout_us, struct buf *out,
	int *ret_status) MUST_USE;

/* "exited with 3", "killed by signal 9": for logs. */
void child_status_format(struct buf *out, int status);

#endif
