#ifndef SLIPWAY_SERVICE_GRANT_DOWNLOAD_H
#define SLIPWAY_SERVICE_GRANT_DOWNLOAD_H

#include "service/download_token.h"

struct grant_request {
	span package_id; /* one of the two */
	span release_id; /* any file of it: all of them must be permitted */
	span device_id;  /* or empty: the caller's own, if it is one */
	span agent;      /* User-Agent, for the record */
	span base_url;
};

/*
 * Decides, records the download as granted, and signs its token. Public packages are granted to
 * anybody. Denials carry the policy's reason as code.
 */
err grant_download(
	struct task *t, const struct grant_request *rq, struct download_grant *ret) MUST_USE;

/*
 * A fresh token for the same download: the entitlement is looked at again. While the newest token
 * has more than half of its life left, it is the same one, so that asking often gives nothing new.
 * ERR_NOT_FOUND for a download of somebody else, ERR_CONFLICT for one that has ended.
 */
err renew_download(
	struct task *t, span download_id, span base_url, struct download_grant *ret) MUST_USE;

/* True for who was granted the download: its account or device; for an anonymous one anybody. */
bool download_is_of(const struct download *d, const struct caller *c);

#endif
