#ifndef SLIPWAY_SERVICE_DOWNLOAD_TOKEN_H
#define SLIPWAY_SERVICE_DOWNLOAD_TOKEN_H

/* The token of a download that was decided on, and the URL it opens. For grants and renewals. */

#include "event/download.h"
#include "service/access.h"

struct download_grant {
	struct download download;
	span token, url;
	span sha256;                       /* of the one file; empty for a release */
	const struct access_object *files; /* what the token opens */
	size_t files_count;
};

/*
 * Signs token number d->renewals of download d, which ends at d->expires_at_us, for what `files`
 * holds. base_url: "https://host" without a slash at the end. In t's arena.
 */
err download_token_sign(struct task *t, const struct download *d, const struct access_verdict *v,
	const struct access_object *files, size_t files_count, span base_url,
	struct download_grant *ret) MUST_USE;

/* When a token issued now ends. */
int64_t download_token_end(const struct task *t);

#endif
