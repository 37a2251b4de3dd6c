#ifndef SLIPWAY_SERVICE_COMPLETE_DOWNLOAD_H
#define SLIPWAY_SERVICE_COMPLETE_DOWNLOAD_H

#include "event/download.h"
#include "service/service.h"

/*
 * Takes the client's report of a download into its record. The same report again is OK; another one
 * is ERR_CONFLICT. Only for who was granted the download.
 */
err complete_download(struct task *t, span download_id, const struct download_report *report,
	struct download *ret) MUST_USE;

#endif
