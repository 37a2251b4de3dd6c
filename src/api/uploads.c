/*
 * Uploads: tus 1.0.0 (core, creation, creation-with-upload, termination, checksum, expiration)
 * under /admin/uploads, and whole files by PUT. Hard rule: bytes go to the upload area as they
 * come, none are kept in memory.
 */
#include "api/handlers.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/time.h"
#include "crypto/checksum.h"
#include "crypto/secret.h"
#include "service/uploads.h"

#include "base/banned.h"

#define TUS_VERSION    "1.0.0"
#define TUS_EXTENSIONS "creation,creation-with-upload,termination,checksum,expiration"
#define TUS_CHECKSUMS  "sha1,sha256"
#define CONTENT_TYPE   "application/offset+octet-stream"
#define URL_PREFIX     "/api/v1/admin/uploads/"
#define METADATA_MAX   1024

/* Statuses of tus that no err has. */
#define PRECONDITION_FAILED    412
#define UNSUPPORTED_MEDIA_TYPE 415
#define LOCKED                 423
#define CHECKSUM_MISMATCH      460

/* What a sink keeps while a body arrives. */
struct receiving {
	struct upload_session *session;
	struct checksum *checksum; /* NULL: none was sent */
	uint8_t expected[CHECKSUM_MAX_SIZE];
	size_t expected_len;
	bool created; /* POST: the answer is 201 with a Location */
};

/* ---- headers ---- */

static err refuse(struct request *rq, int status, const char *reason, const char *detail)
{
	rq->status = status;
	return fail(&rq->task, ERR_INVALID, reason, "%s", detail);
}

static void say_tus(struct request *rq)
{
	answer_header(rq, "Tus-Resumable", SPAN(TUS_VERSION));
}

/* Every request but OPTIONS says which version it speaks. */
static err check_version(struct request *rq)
{
	say_tus(rq);
	if (span_is(request_header(rq, "Tus-Resumable"), TUS_VERSION))
		return OK;
	answer_header(rq, "Tus-Version", SPAN(TUS_VERSION));
	return refuse(rq, PRECONDITION_FAILED, "tus_version",
		"The request needs the header Tus-Resumable: " TUS_VERSION ".");
}

static err read_number(struct request *rq, const char *name, uint64_t *ret)
{
	if (span_to_u64(request_header(rq, name), INT64_MAX, ret))
		return fail(&rq->task, ERR_INVALID, "invalid_header",
			"The header %s must be a whole number.", name);
	return OK;
}

static void say_offset(struct request *rq, uint64_t offset)
{
	AUTO(buf) text = {0};

	buf_init(&text, 24);
	buf_add_u64(&text, offset);
	answer_header(rq, "Upload-Offset", buf_span(&text));
}

static void say_upload(struct request *rq, const struct upload_view *v)
{
	AUTO(buf) text = {0};

	say_offset(rq, v->offset);
	buf_init(&text, 64);
	time_format_http(&text, v->upload.expires_at);
	answer_header(rq, "Upload-Expires", buf_span(&text));
}

/* One pair of Upload-Metadata, decoded in the request's arena. */
static err read_pair(struct request *rq, span pair, struct upload_input *in)
{
	span key, value = span_trim(pair);
	char text[METADATA_MAX];
	size_t len;

	if (!span_cut(&value, ' ', &key) || !value.ptr)
		return OK; /* a key alone is permitted and says nothing to us */
	if (!span_is(key, "filename") && !span_is(key, "sha256"))
		return OK;
	if (base64_decode(value, text, sizeof(text), &len))
		return fail(&rq->task, ERR_INVALID, "invalid_header",
			"Upload-Metadata is a list of keys and values in Base64.");
	*(span_is(key, "filename") ? &in->filename : &in->sha256) =
		arena_span(rq->task.arena, span_of(text, len));
	return OK;
}

static err read_metadata(struct request *rq, struct upload_input *in)
{
	span rest = request_header(rq, "Upload-Metadata"), pair;
	err e = OK;

	while (!e && span_cut(&rest, ',', &pair))
		e = read_pair(rq, pair, in);
	return e;
}

/* Upload-Checksum: the algorithm and the sum of this request's body in Base64. */
static err read_checksum(struct request *rq, struct receiving *r)
{
	span value = request_header(rq, "Upload-Checksum"), algorithm;

	if (!value.len)
		return OK;
	if (!span_cut(&value, ' ', &algorithm) || !value.ptr ||
		base64_decode(value, r->expected, sizeof(r->expected), &r->expected_len))
		return fail(&rq->task, ERR_INVALID, "invalid_header",
			"Upload-Checksum is an algorithm and a checksum in Base64.");
	r->checksum = checksum_new(algorithm);
	return r->checksum ? OK
			   : fail(&rq->task, ERR_INVALID, "unknown_checksum",
				     "The checksum algorithms are " TUS_CHECKSUMS ".");
}

/* Repr-Digest (RFC 9530): sha-256=:BASE64:, others are not looked at. Gives hex. */
static err read_digest(struct request *rq, span *ret)
{
	span rest = request_header(rq, "Repr-Digest"), item, name;
	uint8_t digest[SHA256_SIZE];
	size_t len;
	AUTO(buf) hex = {0};

	buf_init(&hex, SHA256_HEX);
	while (span_cut(&rest, ',', &item)) {
		item = span_trim(item);
		if (!span_cut(&item, '=', &name) || !span_is(name, "sha-256"))
			continue;
		if (item.len < 2 || item.ptr[0] != ':' || item.ptr[item.len - 1] != ':' ||
			base64_decode(
				span_sub(item, 1, item.len - 2), digest, sizeof(digest), &len) ||
			len != sizeof(digest))
			return fail(&rq->task, ERR_INVALID, "invalid_header",
				"Repr-Digest is written as sha-256=:BASE64:.");
		hex_encode(&hex, span_of(digest, sizeof(digest)));
		*ret = arena_span(rq->task.arena, buf_span(&hex));
	}
	return OK;
}

/* ---- answers ---- */

static void answer_upload(struct request *rq, const struct upload_view *v)
{
	const struct inspection *i = &v->inspection;
	struct json_writer *w = &rq->out;
	bool finished = v->upload.sha256.len > 0;

	json_begin_object(w, NULL);
	json_str(w, "id", v->upload.id);
	json_str(w, "filename", v->upload.filename);
	json_u64(w, "offset", v->offset);
	json_bool(w, "finished", finished);
	if (v->upload.has_length)
		json_u64(w, "size", v->upload.length);
	else
		json_nil(w, "size");
	json_cstr(w, "sha256", finished ? arena_str(rq->task.arena, v->upload.sha256) : NULL);
	json_cstr(w, "format", finished ? i->format : NULL);
	json_cstr(w, "os", i->os[0] ? i->os : NULL);
	json_cstr(w, "architecture", i->architecture[0] ? i->architecture : NULL);
	json_cstr(w, "name", i->name[0] ? i->name : NULL);
	json_cstr(w, "version", i->version[0] ? i->version : NULL);
	json_time(w, "created_at", v->upload.created_at);
	json_time(w, "expires_at", v->upload.expires_at);
	json_end(w);
}

/* ---- receiving ---- */

static void forget_receiving(struct request *rq)
{
	struct receiving *r = rq->sink_data;

	checksum_free(r->checksum);
	free(r);
	rq->sink_data = NULL;
}

static err start_receiving(struct request *rq, struct receiving **ret)
{
	struct receiving *r = calloc(1, sizeof(*r));

	if (!r)
		return ERR_NOMEM;
	rq->sink_data = r;
	err e = read_checksum(rq, r);

	if (e)
		forget_receiving(rq);
	else
		*ret = r;
	return e;
}

/* tus says 423 where we say conflict: clients then wait and ask again. */
static err begin_at(struct request *rq, struct receiving *r, span id, uint64_t offset)
{
	err e = upload_begin(&rq->task, id, offset, &r->session);

	if (e == ERR_CONFLICT && rq->task.reason && strcmp(rq->task.reason, "upload_locked") == 0)
		rq->status = LOCKED;
	if (e)
		forget_receiving(rq);
	return e;
}

static err write_piece(struct request *rq, span bytes)
{
	struct receiving *r = rq->sink_data;

	if (!r->session)
		return bytes.len ? fail(&rq->task, ERR_INVALID, "content_type",
					   "Bytes of an upload are sent as " CONTENT_TYPE ".")
				 : OK;
	if (r->checksum)
		checksum_add(r->checksum, bytes);
	return upload_receive(&rq->task, r->session, bytes);
}

/* A body that was cut cannot be held against its checksum: nothing of it is kept. */
static err check_sum(struct request *rq, struct receiving *r, bool complete)
{
	uint8_t sum[CHECKSUM_MAX_SIZE];

	if (!r->checksum)
		return OK;
	size_t len = checksum_end(r->checksum, sum);

	if (complete && ct_equal(span_of(sum, len), span_of(r->expected, r->expected_len)))
		return OK;
	err e = upload_take_back(&rq->task, r->session);

	if (e || !complete)
		return e;
	return refuse(rq, CHECKSUM_MISMATCH, "checksum_mismatch",
		"The body does not match its checksum; it was not taken.");
}

/* Ends the session whatever came before; the first failure is the answer. */
static err end_receiving(struct request *rq, bool complete, struct upload_view *ret)
{
	struct receiving *r = rq->sink_data;
	err e = check_sum(rq, r, complete);
	const char *reason = rq->task.reason, *detail = rq->task.detail;
	err ended = upload_end(&rq->task, r->session, complete && !e, ret);

	if (e) {
		rq->task.reason = reason;
		rq->task.detail = detail;
	}
	return e ? e : ended;
}

/* ---- PATCH /admin/uploads/{id} ---- */

static err begin_patch(struct request *rq)
{
	struct receiving *r;
	uint64_t offset;
	err e = check_version(rq);

	if (!e && !span_eq_nocase(request_header(rq, "Content-Type"), SPAN(CONTENT_TYPE)))
		e = refuse(rq, UNSUPPORTED_MEDIA_TYPE, "content_type",
			"Bytes of an upload are sent as " CONTENT_TYPE ".");
	if (!e)
		e = read_number(rq, "Upload-Offset", &offset);
	if (!e)
		e = start_receiving(rq, &r);
	return e ? e : begin_at(rq, r, rq->params[0], offset);
}

static err end_patch(struct request *rq, bool complete)
{
	struct upload_view v;
	err e = end_receiving(rq, complete, &v);

	if (!e)
		say_upload(rq, &v);
	forget_receiving(rq);
	return e;
}

const struct body_sink upload_patch_sink = {begin_patch, write_piece, end_patch};

/* ---- POST /admin/uploads ---- */

static void say_location(struct request *rq, span id)
{
	answer_header(rq, "Location",
		span_from(arena_printf(rq->task.arena, URL_PREFIX "%.*s", SPAN_ARG(id))));
}

static err begin_post(struct request *rq)
{
	bool with_bytes = span_eq_nocase(request_header(rq, "Content-Type"), SPAN(CONTENT_TYPE));
	struct upload_input in = {.has_length = true};
	struct upload_view *v = arena_alloc(rq->task.arena, sizeof(*v));
	struct receiving *r;
	err e = check_version(rq);

	if (!e && request_header(rq, "Upload-Defer-Length").len)
		e = fail(&rq->task, ERR_INVALID, "length_missing",
			"The length of the upload must be told.");
	if (!e)
		e = read_number(rq, "Upload-Length", &in.length);
	if (!e)
		e = read_metadata(rq, &in);
	if (!e)
		e = start_receiving(rq, &r);
	if (e)
		return e;
	e = upload_create(&rq->task, &in, v);
	if (e) {
		forget_receiving(rq);
		return e;
	}
	if (with_bytes)
		e = begin_at(rq, r, v->upload.id, 0);
	if (e) {
		/* The client never learns of it; should this fail, it expires. */
		(void)!upload_discard(&(struct task){.service = rq->task.service,
					      .caller = rq->task.caller,
					      .arena = rq->task.arena,
					      .now_us = rq->task.now_us},
			v->upload.id);
		return e;
	}
	say_location(rq, v->upload.id);
	if (with_bytes)
		return OK;
	say_upload(rq, v);
	answer_upload(rq, v);
	return OK;
}

static err end_post(struct request *rq, bool complete)
{
	struct receiving *r = rq->sink_data;
	struct upload_view v;
	err e = OK;

	if (r->session)
		e = end_receiving(rq, complete, &v);
	if (!e && r->session) {
		say_upload(rq, &v);
		answer_upload(rq, &v);
	}
	forget_receiving(rq);
	return e;
}

const struct body_sink upload_post_sink = {begin_post, write_piece, end_post};

/* ---- PUT /admin/uploads/{filename} ---- */

static err begin_put(struct request *rq)
{
	struct upload_input in = {.filename = rq->params[0]};
	struct receiving *r;
	err e = OK;

	if (request_header(rq, "Content-Length").len) {
		in.has_length = true;
		e = read_number(rq, "Content-Length", &in.length);
	}
	if (!e)
		e = read_digest(rq, &in.sha256);
	if (!e)
		e = start_receiving(rq, &r);
	if (e)
		return e;
	e = upload_begin_whole(&rq->task, &in, &r->session);
	if (e)
		forget_receiving(rq);
	return e;
}

static err end_put(struct request *rq, bool complete)
{
	struct upload_view v;
	err e = end_receiving(rq, complete, &v);

	if (!e && complete)
		answer_upload(rq, &v);
	forget_receiving(rq);
	return e;
}

const struct body_sink upload_put_sink = {begin_put, write_piece, end_put};

/* ---- the rest ---- */

err options_uploads(struct request *rq)
{
	AUTO(buf) most = {0};

	buf_init(&most, 24);
	buf_add_i64(&most, conf_int(rq->task.service->conf, CONF_UPLOAD_MAX));
	say_tus(rq);
	answer_header(rq, "Tus-Version", SPAN(TUS_VERSION));
	answer_header(rq, "Tus-Extension", SPAN(TUS_EXTENSIONS));
	answer_header(rq, "Tus-Max-Size", buf_span(&most));
	answer_header(rq, "Tus-Checksum-Algorithm", SPAN(TUS_CHECKSUMS));
	return OK;
}

err head_upload(struct request *rq)
{
	struct upload_view v;
	AUTO(buf) length = {0};
	err e = check_version(rq);

	if (!e)
		e = upload_show(&rq->task, rq->params[0], &v);
	if (e)
		return e;
	buf_init(&length, 24);
	buf_add_u64(&length, v.upload.length);
	if (v.upload.has_length)
		answer_header(rq, "Upload-Length", buf_span(&length));
	say_upload(rq, &v);
	return OK;
}

err get_upload(struct request *rq)
{
	struct upload_view v;
	err e = upload_show(&rq->task, rq->params[0], &v);

	if (!e)
		answer_upload(rq, &v);
	return e;
}

err delete_upload(struct request *rq)
{
	say_tus(rq);
	return upload_discard(&rq->task, rq->params[0]);
}
