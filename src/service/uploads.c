/*
 * Use cases of uploads. Hard rules: the offset told to a client is what is on disk; a row says
 * "finished" only when the blob is in the store, inspected and durable.
 */
#include "service/uploads.h"

#include <stdlib.h>

#include "base/time.h"
#include "blob/blob.h"
#include "crypto/random.h"
#include "service/upload_finish.h"
#include "sys/files.h"
#include "sys/metrics.h"

#include "base/banned.h"

#define BUSY_RETRY_US (2 * TIME_SECOND)

/* ---- rows ---- */

struct row_work {
	struct task *task;
	span id;
	struct upload *upload;
};

static err insert_body(struct db_tx *tx, void *arg)
{
	struct row_work *w = arg;

	return upload_add(tx, w->upload);
}

static err find_body(struct db_tx *tx, void *arg)
{
	struct row_work *w = arg;

	return upload_get(tx, w->task->arena, w->id, w->upload);
}

static err delete_body(struct db_tx *tx, void *arg)
{
	struct row_work *w = arg;

	return upload_delete(tx, w->id);
}

/* The caller's upload. */
static err find(struct task *t, span id, struct upload *ret)
{
	struct upload u;
	struct row_work w = {t, id, &u};
	err e = db_transact(t->service->db, DB_READ, find_body, &w);

	if (!e && !span_eq(u.account_id, caller_owner(t->caller)))
		e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		return fail(t, e, "upload_not_found", "There is no upload '%.*s'.", SPAN_ARG(id));
	if (e)
		return e;
	if (!u.sha256.len && u.expires_at <= t->now_us)
		return fail(t, ERR_EXPIRED, "upload_expired", "The upload has expired.");
	*ret = u;
	return OK;
}

/* ---- creating ---- */

static err check_input(struct task *t, const struct upload_input *in)
{
	int64_t most = conf_int(t->service->conf, CONF_UPLOAD_MAX);

	if (!filename_is_safe(in->filename))
		return fail(t, ERR_INVALID, "invalid_filename",
			"The file name has 1 to %d letters, digits, spaces and . _ + ~ @ = -, and "
			"no path.",
			FILENAME_MAX_BYTES);
	if (in->sha256.len && !blob_name_is_valid(in->sha256))
		return fail(t, ERR_INVALID, "invalid_digest",
			"A SHA-256 is written as 64 lower-case hexadecimal digits.");
	if (in->has_length && in->length > (uint64_t)most)
		return fail(t, ERR_TOO_LARGE, "upload_too_large",
			"A package has at most %lld bytes (upload.max_size).", (long long)most);
	if (in->has_length && in->length == 0)
		return fail(t, ERR_INVALID, "upload_empty", "The file is empty.");
	err e = upload_area_room(t->service->uploads, in->has_length ? in->length : 0);

	return e == ERR_NO_SPACE
		       ? fail(t, e, "no_space", "The server's disk has no room for this file.")
		       : e;
}

static struct upload new_upload(struct task *t, const struct upload_input *in)
{
	char id[TYPEID_SIZE];

	random_id("upl", t->now_us, id);
	return (struct upload){
		.id = span_from(arena_strdup(t->arena, id)),
		.account_id = caller_owner(t->caller),
		.has_length = in->has_length,
		.length = in->length,
		.filename = in->filename,
		.sha256_expected = in->sha256,
		.created_at = t->now_us,
		.expires_at = t->now_us + conf_int(t->service->conf, CONF_UPLOAD_EXPIRY),
	};
}

/* The file first, then the row: what a client was told of exists. */
static err create(struct task *t, const struct upload_input *in, struct upload *ret)
{
	struct upload u = new_upload(t, in);
	struct row_work w = {t, u.id, &u};
	err e = check_input(t, in);

	if (!e)
		e = upload_file_create(t->service->uploads, u.id);
	if (e)
		return e;
	e = db_transact(t->service->db, DB_WRITE, insert_body, &w);
	if (e == ERR_LIMIT)
		e = fail(t, e, "too_many_uploads",
			"There are %d unfinished uploads of this account; finish or delete some.",
			UPLOADS_UNFINISHED_MAX);
	if (e) {
		/* Recovery removes a file without a row, should this fail as well. */
		(void)!upload_file_remove(t->service->uploads, u.id);
		return e;
	}
	*ret = u;
	return OK;
}

err upload_create(struct task *t, const struct upload_input *in, struct upload_view *ret)
{
	struct upload u;
	err e = in->has_length ? create(t, in, &u)
			       : fail(t, ERR_INVALID, "length_missing",
					 "The length of the upload must be told.");

	if (!e)
		*ret = (struct upload_view){.upload = u};
	return e;
}

static void forget(struct task *t, span id)
{
	struct row_work w = {.task = t, .id = id};

	/* Both are only tidying up: expiry does the same later. */
	(void)!upload_file_remove(t->service->uploads, id);
	(void)!db_transact(t->service->db, DB_WRITE, delete_body, &w);
}

err upload_discard(struct task *t, span id)
{
	struct upload u;
	struct row_work w = {.task = t, .id = id};
	err e = find(t, id, &u);

	if (!e)
		e = upload_file_remove(t->service->uploads, id);
	if (e == ERR_CONFLICT)
		return fail(t, e, "upload_locked", "The upload is being written.");
	return e ? e : db_transact(t->service->db, DB_WRITE, delete_body, &w);
}

/* ---- receiving ---- */

static err open_file(struct task *t, span id, struct upload_file **ret)
{
	err e = upload_file_open(t->service->uploads, id, ret);

	switch (e) {
	case ERR_BUSY:
		t->retry_after_us = BUSY_RETRY_US;
		return fail(t, e, "upload_slots", "The server receives as many uploads as it may.");
	case ERR_CONFLICT:
		return fail(
			t, e, "upload_locked", "The upload is being written by another request.");
	case ERR_NOT_FOUND:
		return fail(t, e, "upload_not_found", "There is no upload '%.*s'.", SPAN_ARG(id));
	default:
		return e;
	}
}

static err open_session(struct task *t, const struct upload *u, struct upload_session **ret)
{
	struct upload_session *s = calloc(1, sizeof(*s));
	err e = s ? open_file(t, u->id, &s->file) : ERR_NOMEM;

	if (e) {
		free(s);
		return e;
	}
	s->upload = *u;
	s->begun_at = upload_file_offset(s->file);
	*ret = s;
	return OK;
}

static void close_session(struct upload_session *s)
{
	upload_file_free(s->file);
	free(s);
}

err upload_begin(struct task *t, span id, uint64_t offset, struct upload_session **ret)
{
	struct upload_session *s;
	struct upload u;
	err e = find(t, id, &u);

	if (!e && u.sha256.len)
		e = fail(t, ERR_CONFLICT, "upload_finished", "The upload is finished already.");
	if (!e)
		e = open_session(t, &u, &s);
	if (e)
		return e;
	if (s->begun_at != offset) {
		e = fail(t, ERR_CONFLICT, "offset_mismatch", "The upload stands at %llu.",
			(unsigned long long)s->begun_at);
		close_session(s);
		return e;
	}
	*ret = s;
	return OK;
}

err upload_begin_whole(struct task *t, const struct upload_input *in, struct upload_session **ret)
{
	struct upload u;
	err e = create(t, in, &u);

	if (e)
		return e;
	e = open_session(t, &u, ret);
	if (e) {
		forget(t, u.id);
		return e;
	}
	(*ret)->whole = true;
	return OK;
}

err upload_receive(struct task *t, struct upload_session *s, span bytes)
{
	uint64_t most = s->upload.has_length
				? s->upload.length
				: (uint64_t)conf_int(t->service->conf, CONF_UPLOAD_MAX);

	if (bytes.len > most - upload_file_offset(s->file))
		return fail(t, ERR_TOO_LARGE, "upload_too_large",
			"The upload has %llu bytes at most.", (unsigned long long)most);
	err e = upload_file_write(s->file, bytes);

	if (!e)
		metric_add(METRIC_UPLOAD_BYTES, NULL, bytes.len);
	return e == ERR_NO_SPACE ? fail(t, e, "no_space",
					   "The server's disk is full. What has arrived is kept.")
				 : e;
}

err upload_take_back(struct task *t, struct upload_session *s)
{
	(void)t; /* as every use case */
	return upload_file_cut(s->file, s->begun_at);
}

static bool is_complete(const struct upload_session *s)
{
	return s->upload.has_length && upload_file_offset(s->file) == s->upload.length;
}

/* A refused file does not come back: the client starts again with another one. */
static bool is_refusal(err e)
{
	return e == ERR_INVALID;
}

static err finish(struct task *t, struct upload_session *s, struct upload_view *ret)
{
	err e = upload_finish_file(t, &s->upload, s->file, &ret->inspection);

	ret->upload = s->upload;
	ret->offset = s->upload.length;
	return e;
}

err upload_end(struct task *t, struct upload_session *s, bool complete, struct upload_view *ret)
{
	struct upload_view view = {.upload = s->upload};
	span id = s->upload.id;
	bool drop = s->whole && !complete;
	err e = drop ? OK : upload_file_sync(s->file);

	if (s->whole && complete && !s->upload.has_length) {
		s->upload.has_length = true;
		s->upload.length = upload_file_offset(s->file);
	}
	view.offset = upload_file_offset(s->file);
	if (!e && complete && s->whole && !is_complete(s))
		e = fail(t, ERR_INVALID, "upload_incomplete", "The body ended too early.");
	else if (!e && complete && is_complete(s))
		e = finish(t, s, &view);
	drop |= is_refusal(e) || (s->whole && e);
	close_session(s);
	if (drop)
		forget(t, id);
	if (!e)
		*ret = view;
	return e;
}

/* ---- reading ---- */

/* All bytes had arrived when something ended the process: what is missing is done now. */
static err finish_late(struct task *t, const struct upload *u, struct upload_view *ret)
{
	struct upload_session *s;
	err e = open_session(t, u, &s);

	if (e)
		return e;
	return upload_end(t, s, true, ret);
}

err upload_show(struct task *t, span id, struct upload_view *ret)
{
	struct upload_view view = {0};
	err e = find(t, id, &view.upload);

	if (e)
		return e;
	if (view.upload.sha256.len) {
		view.offset = view.upload.length;
		inspection_from_json(view.upload.format, view.upload.detail, &view.inspection);
		*ret = view;
		return OK;
	}
	e = upload_file_size(t->service->uploads, id, &view.offset);
	if (e == ERR_NOT_FOUND)
		return fail(t, e, "upload_not_found", "There is no upload '%.*s'.", SPAN_ARG(id));
	if (e)
		return e;
	if (view.upload.has_length && view.offset == view.upload.length)
		return finish_late(t, &view.upload, ret);
	*ret = view;
	return OK;
}
