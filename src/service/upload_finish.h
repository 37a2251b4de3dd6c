#ifndef SLIPWAY_SERVICE_UPLOAD_FINISH_H
#define SLIPWAY_SERVICE_UPLOAD_FINISH_H

/* The way of a received file into the store: digest, claim, inspection, store, record. */

#include "blob/upload_area.h"
#include "catalog/inspect.h"
#include "catalog/types.h"
#include "service/service.h"

/*
 * Finishes u, all bytes of which are in file; sets u->sha256 and u->format. ERR_INVALID with words
 * when the file is not what it should be; ERR_BUSY when its digest is just being removed.
 */
err upload_finish_file(struct task *t, struct upload *u, struct upload_file *file,
	struct inspection *ret) MUST_USE;

/* What was found, as blobs.detail keeps it. */
void inspection_to_json(const struct inspection *i, struct buf *out);
/* Unknown or damaged members read as absent. */
void inspection_from_json(span format, span detail, struct inspection *ret);

#endif
