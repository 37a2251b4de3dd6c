#ifndef SLIPWAY_SYS_PRIVILEGE_H
#define SLIPWAY_SYS_PRIVILEGE_H

/*
 * Who a process is and what it may do. Capabilities are bits 1 << CAP_… of <linux/capability.h>.
 * Every function is about the calling process, which must have one thread.
 */

#include <sys/types.h>

#include "base/base.h"

struct identity {
	uid_t uid;
	gid_t gid;
	gid_t also; /* one supplementary group; 0: none */
	/* The capabilities kept, of those the process has; all others are given up for good. */
	uint64_t keep;
	/* Those of them that also survive execve() of an ordinary program. */
	uint64_t pass_on;
};

/*
 * Becomes this user with these groups and no others and with these capabilities, and
 * gives up gaining any by executing (no_new_privs). Needs CAP_SETUID and CAP_SETGID unless uid and
 * gid are already the caller's. On failure the process is in between: it must exit. Clears the
 * parent-death signal. Uses only system calls, so it may follow a fork in a threaded program.
 */
err privilege_become(const struct identity *who) MUST_USE;

/* Removes from the bounding set what is not in `keep`; needs CAP_SETPCAP, else does nothing. */
void privilege_bound(uint64_t keep);

/* The process's effective capabilities. */
uint64_t privilege_effective(void);

#endif
