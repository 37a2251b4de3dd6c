#ifndef SLIPWAY_TESTS_SUPPORT_SCRIPT_H
#define SLIPWAY_TESTS_SUPPORT_SCRIPT_H

/*
 * A server of a test program, kept by a script of this folder (postgres.sh, redis.sh): started at
 * the first call, stopped and removed when the program ends, however it ends. Main thread only.
 */

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Static; name is set, the rest is zero. */
struct script {
	const char *name;
	bool tried_, available_;
	pid_t pid_;
	FILE *to_, *from_;
	char url_[256];
	struct script *next_;
};

/* Its URL; NULL where the server is not installed: the test says so and is skipped. */
const char *script_url(struct script *s);
/* "stop", "start", "pause", "resume"; returns once it is done. */
void script_tell(struct script *s, const char *word);

#endif
