/*
 * From the upload area into the store. The order is what makes a crash harmless:
 *
 *   1. digest of all bytes, compared with the one expected
 *   2. the digest is claimed in the database: nobody removes such a blob from now on
 *   3. the file is inspected, still in the upload area, in a child process
 *   4. the file is put into the store, durable
 *   5. blob verified and upload finished, in one transaction
 *
 * A crash after 4 leaves a blob in quarantine that no one refers to; it is removed after a while.
 */
#include "service/upload_finish.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/time.h"
#include "blob/blob.h"
#include "catalog/published.h"
#include "catalog/stored.h"
#include "catalog/upload.h"

#include "base/banned.h"

#define DETAIL_MAX 2048

/* ---- what was found, as JSON ---- */

void inspection_to_json(const struct inspection *i, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w, NULL);
	json_cstr(&w, "os", i->os);
	json_cstr(&w, "architecture", i->architecture);
	json_cstr(&w, "name", i->name);
	json_cstr(&w, "version", i->version);
	json_bool(&w, "stub", i->stub);
	json_end(&w);
}

static void read_text(struct json_reader *r, char *to, size_t size)
{
	AUTO(buf) text = {0};

	buf_init(&text, size - 1);
	json_get_string(r, &text);
	if (!buf_error(&text))
		(void)snprintf(to, size, "%s", buf_str(&text));
}

void inspection_from_json(span format, span detail, struct inspection *ret)
{
	struct json_reader r;
	span key;

	*ret = (struct inspection){0};
	(void)snprintf(ret->format, sizeof(ret->format), "%.*s", SPAN_ARG(format));
	json_reader_init(&r, detail);
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (span_is(key, "os"))
			read_text(&r, ret->os, sizeof(ret->os));
		else if (span_is(key, "architecture"))
			read_text(&r, ret->architecture, sizeof(ret->architecture));
		else if (span_is(key, "name"))
			read_text(&r, ret->name, sizeof(ret->name));
		else if (span_is(key, "version"))
			read_text(&r, ret->version, sizeof(ret->version));
		else if (span_is(key, "stub"))
			ret->stub = json_get_bool(&r);
		else
			json_skip(&r);
	}
}

/* ---- the steps ---- */

struct finishing {
	struct task *task;
	struct upload *upload;
	struct inspection *inspection;
	span sha256, detail;
	bool known; /* the same bytes are in the store, verified */
	uint64_t seq;
};

static err check_digest(struct finishing *f, struct upload_file *file)
{
	struct task *t = f->task;
	uint8_t digest[SHA256_SIZE];
	AUTO(buf) hex = {0};

	buf_init(&hex, SHA256_HEX);
	err e = upload_file_digest(file, digest);

	if (e)
		return e;
	hex_encode(&hex, span_of(digest, sizeof(digest)));
	f->sha256 = arena_span(t->arena, buf_span(&hex));
	if (f->upload->sha256_expected.len && !span_eq(f->upload->sha256_expected, f->sha256))
		return fail(t, ERR_INVALID, "digest_mismatch",
			"The bytes that arrived have the SHA-256 %.*s, not the one announced.",
			SPAN_ARG(f->sha256));
	return OK;
}

static err claim_body(struct db_tx *tx, void *arg)
{
	struct finishing *f = arg;
	struct blob_row row;
	err e = stored_claim(tx, f->sha256, f->upload->length, f->task->now_us);

	if (e)
		return e;
	e = stored_get(tx, f->task->arena, f->sha256, &row);
	f->known = !e && row.state == BLOB_VERIFIED;
	if (f->known)
		inspection_from_json(row.format, row.detail, f->inspection);
	return e;
}

static err claim(struct finishing *f)
{
	struct task *t = f->task;
	err e = db_transact(t->service->db, DB_WRITE, claim_body, f);

	if (e != ERR_BUSY)
		return e;
	t->retry_after_us = TIME_SECOND;
	return fail(t, e, "digest_busy", "An older copy of these bytes is being removed.");
}

static err inspect(struct finishing *f, struct upload_file *file)
{
	struct task *t = f->task;
	const char *why = NULL;
	int fd;

	if (f->known)
		return OK;
	fd = open(upload_file_path(file), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ERR_IO;
	err e = inspect_file(fd, INSPECT_TIMEOUT_US, f->inspection, &why);

	(void)close(fd); /* was read only */
	if (e == ERR_INVALID)
		return fail(t, e, "inspection_failed", "The file cannot be a package: %s.", why);
	if (e)
		return e;
	if (!f->inspection->format[0])
		return fail(t, ERR_INVALID, "unknown_format",
			"The file is none of the package formats known here (%s).", FORMAT_NAMES);
	return OK;
}

static err record_body(struct db_tx *tx, void *arg)
{
	struct finishing *f = arg;
	struct task *t = f->task;
	struct feed_batch batch;
	int64_t expires = t->now_us + conf_int(t->service->conf, CONF_UPLOAD_EXPIRY);
	bool healed;
	err e = stored_verify(
		tx, f->sha256, span_from(f->inspection->format), f->detail, t->now_us, &healed);

	if (!e)
		e = upload_set_finished(tx, f->upload->id, f->sha256, f->upload->length, expires);
	if (e)
		return e;
	f->upload->expires_at = expires;
	feed_begin(&batch, tx);
	if (healed)
		e = published_digest(tx, &batch, t->arena, f->sha256, t->now_us);
	return e ? e : feed_seal(&batch, &f->seq);
}

static err record(struct finishing *f)
{
	struct task *t = f->task;
	AUTO(buf) detail = {0};

	buf_init(&detail, DETAIL_MAX);
	inspection_to_json(f->inspection, &detail);
	if (buf_error(&detail))
		return ERR_BUG;
	f->detail = buf_span(&detail);
	err e = db_transact(t->service->db, DB_WRITE, record_body, f);

	return e ? e : published(t, f->seq);
}

err upload_finish_file(
	struct task *t, struct upload *u, struct upload_file *file, struct inspection *ret)
{
	struct inspection found = {0};
	struct finishing f = {.task = t, .upload = u, .inspection = &found};
	err e = check_digest(&f, file);

	if (!e)
		e = claim(&f);
	if (!e)
		e = inspect(&f, file);
	if (!e)
		e = blob_put(t->service->blobs, upload_file_path(file), f.sha256);
	if (!e)
		e = record(&f);
	if (e)
		return e;
	u->sha256 = f.sha256;
	u->format = span_from(arena_strdup(t->arena, found.format));
	*ret = found;
	return OK;
}
