#ifndef SLIPWAY_SERVICE_UPLOADS_H
#define SLIPWAY_SERVICE_UPLOADS_H

/*
 * Files on their way in: created, received in one or many pieces, finished. What is received is
 * never served: when the last byte is there the file is inspected (in a child process), put into
 * the store under its digest and only then recorded as verified.
 *
 *     upload_create ─> upload_begin / upload_receive / upload_end (again and again) ─> finished
 *     upload_begin_whole / upload_receive / upload_end_whole ───────────────────────> finished
 *
 * An upload belongs to the account that created it; to others it does not exist.
 */

#include "blob/upload_area.h"
#include "catalog/inspect.h"
#include "catalog/upload.h"
#include "service/service.h"

struct upload_input {
	span filename; /* a plain name: no path, no control characters */
	bool has_length;
	uint64_t length;
	span sha256; /* hex of what is expected, or empty */
};

/* An upload and where it stands. */
struct upload_view {
	struct upload upload;
	uint64_t offset;              /* bytes durably there */
	struct inspection inspection; /* once finished */
};

/* ERR_TOO_LARGE, ERR_NO_SPACE, ERR_LIMIT, ERR_INVALID. */
err upload_create(struct task *t, const struct upload_input *in, struct upload_view *ret) MUST_USE;
/* ERR_NOT_FOUND, ERR_EXPIRED. A complete upload that was not finished (a crash) is finished now. */
err upload_show(struct task *t, span id, struct upload_view *ret) MUST_USE;
/* Forgets an unfinished upload and its bytes, or the record of a finished one. */
err upload_discard(struct task *t, span id) MUST_USE;

/* An upload being received; on the heap, freed by its end. */
struct upload_session {
	struct upload upload;
	struct upload_file *file;
	uint64_t begun_at; /* offset */
	bool whole;        /* PUT: ends with the body */
};

/*
 * Begins receiving at offset. ERR_CONFLICT with reason offset_mismatch or upload_locked (somebody
 * else is writing), ERR_BUSY when all slots are taken.
 */
err upload_begin(struct task *t, span id, uint64_t offset, struct upload_session **ret) MUST_USE;
/* A new upload in one piece. in->has_length false: its end tells. */
err upload_begin_whole(
	struct task *t, const struct upload_input *in, struct upload_session **ret) MUST_USE;
/* ERR_TOO_LARGE beyond the length, ERR_NO_SPACE when the disk is full; what fitted stays. */
err upload_receive(struct task *t, struct upload_session *s, span bytes) MUST_USE;
/* Drops what was received since upload_begin: its checksum was wrong. */
err upload_take_back(struct task *t, struct upload_session *s) MUST_USE;
/*
 * Makes durable what arrived and takes the session. complete: the body was whole; an upload that
 * has all its bytes is finished, and ERR_INVALID with digest_mismatch, unknown_format or
 * inspection_failed drops it. *ret is set when OK.
 */
err upload_end(
	struct task *t, struct upload_session *s, bool complete, struct upload_view *ret) MUST_USE;

#endif
