#ifndef SLIPWAY_SERVICE_EXPLAIN_H
#define SLIPWAY_SERVICE_EXPLAIN_H

#include "service/access.h"

struct explain_request {
	span package_id;
	span account; /* id or e-mail address; empty: the device's owner, or anonymous */
	span device;  /* or empty */
	span country; /* or empty: unknown */
};
struct explanation {
	struct access_object object;
	struct access_verdict verdict;
	span account_id;
};

/* What grant_download() would decide for this subject now, with the same reasons and the facts. */
err explain_download(
	struct task *t, const struct explain_request *rq, struct explanation *ret) MUST_USE;

#endif
