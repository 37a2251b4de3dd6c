#ifndef SLIPWAY_SERVICE_TIDY_H
#define SLIPWAY_SERVICE_TIDY_H

/*
 * Tidying what has no more use: expired tickets, old events, and the package store: what was left
 * behind by crashes, by clients that never came back and by packages that were removed. Each counts
 * what it did, is safe at any time, beside running uploads, and does a bounded piece of work; jobs
 * call them again and again, the first time right after the start.
 */

#include "service/service.h"

#define TIDY_GRACE_US                                                                              \
	INT64_C(86400000000) /* bytes nobody holds stay this long after their upload */
/* For who looks into what happened; the audit log has their beginning and end for longer. */
#define SESSION_KEPT_US INT64_C(2592000000000)
#define STRAY_AGE_US    INT64_C(3600000000) /* files without a row are left alone this long */

/* Drops uploads whose time is over; those being written are left for the next time. */
err tidy_uploads(struct task *t, unsigned *ret_dropped) MUST_USE;
/* Removes files of the upload area that have no row. */
err tidy_upload_files(struct task *t, unsigned *ret_removed) MUST_USE;
/* Removes blobs that no package and no upload holds, and finishes removals that were cut short. */
err tidy_blobs(struct task *t, unsigned *ret_removed) MUST_USE;
/* Removes files of the store that have no row. */
err tidy_blob_files(struct task *t, unsigned *ret_removed) MUST_USE;
/* Puts the records of products that are not as settings and catalogue have them now. */
err tidy_products(struct task *t, unsigned *ret_put) MUST_USE;
/* Deletes tickets and codes of devices whose time is over; counts the former. */
err tidy_tickets(struct task *t, unsigned *ret_count) MUST_USE;
/* Forgets sessions that have been over for SESSION_KEPT_US. */
err tidy_sessions(struct task *t, unsigned *ret_count) MUST_USE;
/* Deletes raw events and update reports older than event.retention. */
err tidy_events(struct task *t, unsigned *ret_deleted) MUST_USE;

#endif
