#ifndef SLIPWAY_BLOB_UPLOAD_AREA_H
#define SLIPWAY_BLOB_UPLOAD_AREA_H

/*
 * Where bytes lie while they arrive: one file per upload, which only grows. The offset of an upload
 * is the size of its file and nothing else, so that after a crash it is what is really there. The
 * SHA-256 is computed as bytes are written; it is kept between two requests, and computed again
 * from the file when it was lost (restart) or pushed out by others.
 *
 * Uploads received at once are bounded by slots; one upload is written by one holder at a time.
 * Any thread; an open upload_file belongs to one thread.
 */

#include "crypto/digest.h"

#define UPLOAD_SPARE_BYTES (UINT64_C(64) << 20) /* stays free on the disk, for the database */

struct upload_area;
struct upload_file;

/* Makes dir (0700) where it is missing. slots > 0. Gives. */
err upload_area_open(const char *dir, unsigned slots, struct upload_area **ret) MUST_USE;
void upload_area_free(struct upload_area *a); /* accepts NULL; no upload may be open */
DEFINE_AUTO_PTR(upload_area)

/* OK when length more bytes fit on the disk with something to spare, ERR_NO_SPACE otherwise. */
err upload_area_room(struct upload_area *a, uint64_t length) MUST_USE;

/*
 * An empty upload, its name durable. id: letters, digits and '_' only. ERR_CONFLICT when it exists,
 * ERR_INVALID for another id.
 */
err upload_file_create(struct upload_area *a, span id) MUST_USE;
/* Bytes there; needs no slot. ERR_NOT_FOUND. */
err upload_file_size(struct upload_area *a, span id, uint64_t *ret_bytes) MUST_USE;
/* Removes the upload; absent is OK. ERR_CONFLICT while somebody writes it. */
err upload_file_remove(struct upload_area *a, span id) MUST_USE;

/*
 * Opens for appending: takes a slot and the upload's lock. ERR_BUSY when all slots are taken,
 * ERR_CONFLICT while somebody else has this upload open, ERR_NOT_FOUND. Gives.
 */
err upload_file_open(struct upload_area *a, span id, struct upload_file **ret) MUST_USE;
/* Gives back slot and lock. What was written stays. Accepts NULL. */
void upload_file_free(struct upload_file *u);
DEFINE_AUTO_PTR(upload_file)

uint64_t upload_file_offset(const struct upload_file *u);
const char *upload_file_path(const struct upload_file *u);
/* Appends. On an error (ERR_NO_SPACE …) the offset stands behind what was written. */
err upload_file_write(struct upload_file *u, span bytes) MUST_USE;
/* Drops what was written behind offset: a piece whose checksum did not match. */
err upload_file_cut(struct upload_file *u, uint64_t offset) MUST_USE;
/* What was written so far is on disk when this returns OK. */
err upload_file_sync(struct upload_file *u) MUST_USE;
/* SHA-256 of all bytes so far. May read the whole file. */
err upload_file_digest(struct upload_file *u, uint8_t ret[SHA256_SIZE]) MUST_USE;

/* Calls visit for each upload with its id and last change; not OK ends the walk. */
typedef err upload_visit(void *ctx, span id, int64_t changed_us);
err upload_area_each(struct upload_area *a, upload_visit *visit, void *ctx) MUST_USE;

#endif
