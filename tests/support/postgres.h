#ifndef SLIPWAY_TESTS_SUPPORT_POSTGRES_H
#define SLIPWAY_TESTS_SUPPORT_POSTGRES_H

/*
 * The throw-away PostgreSQL of a test program (postgres.sh): started at the first call, stopped and
 * removed when the program ends, however it ends. Main thread only.
 */

#include <stdbool.h>
#include <stddef.h>

/* False where no PostgreSQL is installed: the test says so and is skipped. */
bool postgres_available(void);
/* "stop", "start", "pause", "resume"; returns once it is done. */
void postgres_tell(const char *word);
/* Makes an empty database; its URL. */
void postgres_new_database(char *ret_url, size_t size);

#endif
