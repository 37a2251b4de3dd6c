#ifndef SLIPWAY_API_WRITE_DOWNLOAD_H
#define SLIPWAY_API_WRITE_DOWNLOAD_H

#include "api/api.h"
#include "event/download.h"

/* The schema "download", as an object. */
void write_download(struct request *rq, const struct download *d);

#endif
