#ifndef SLIPWAY_CLIENT_GRANT_H
#define SLIPWAY_CLIENT_GRANT_H

/* The right to download a package: a token and where to go with it. */

#include "device.h"

#define GRANT_URLS_MAX 8

struct grant {
	const char *download_id, *token;
	const char *urls[GRANT_URLS_MAX]; /* without the token in them */
	size_t urls_count;
};

/*
 * A grant for the package; goes on with the earlier download when the server still knows it
 * (download_id may be NULL). In arena a. Fails with words: the policy's reason is the code.
 */
err grant_get(struct slipway *s, struct arena *a, const char *package_id, const char *download_id,
	struct grant *ret) MUST_USE;

#endif
