#ifndef SLIPWAY_CATALOG_SANDBOX_H
#define SLIPWAY_CATALOG_SANDBOX_H

/*
 * Runs a parser of untrusted bytes in a child process that can read one file, use memory and CPU
 * within limits, and answer; nothing else: no other descriptors, no files, no network, no programs,
 * no signals to others (a system call filter that permits a short list, seccomp(2)). Whatever
 * happens to it, the caller gets an error.
 */

#include "base/base.h"

#define SANDBOX_MEMORY_BYTES (UINT64_C(256) << 20)
#define SANDBOX_CPU_S        20
#define SANDBOX_RESULT_MAX   2048

/*
 * Runs in the child; must not use what other threads may have locked, except malloc. fd is only to
 * be read by pread. result: zeroed memory of the size given to sandbox_run.
 */
typedef void sandbox_work(int fd, void *result);

/*
 * A forked child has the memory of its parent, signing keys and all: a parser that is taken over
 * could answer with them. So a program that holds secrets names itself here, before it starts
 * threads: from then on the child is a fresh run of it under the name `name`, and its main() gives
 * way to sandbox_main() when argv[0] is that name. NULL: children are forks again (tests).
 */
void sandbox_use_fresh_program(const char *name);
/* The child's end: confines itself, runs work, answers. Gives the exit status. */
int sandbox_main(sandbox_work *work, size_t size);

/*
 * Runs work in a child, copies its result to result[size] (size at most SANDBOX_RESULT_MAX) and
 * collects the child. ERR_INVALID when the child did not answer: it crashed, ran into a limit or
 * took longer than timeout_us; *ret_why (static) says so for people. ERR_UNAVAILABLE when there is
 * no child or no filter. Any thread.
 */
err sandbox_run(sandbox_work *work, int fd, void *result, size_t size, int64_t timeout_us,
	const char **ret_why) MUST_USE;

#endif
