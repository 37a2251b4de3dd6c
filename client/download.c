/*
 * The download. It goes on through everything that passes: cut connections (other URLs, pauses),
 * expired tokens (renewal), a server that starts over. It ends when the file is whole, when the
 * server refuses, or when nothing moved for FRUITLESS_MOST attempts in a row.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "grant.h"
#include "part.h"
#include "report.h"
#include "signature.h"
#include "sys/clock.h"
#include "sys/files.h"

#define FRUITLESS_MOST   6
#define FIRST_PAUSE_US   (250 * TIME_MS)
#define LONGEST_PAUSE_US (15 * TIME_SECOND)
#define NAP_NS           50000000
#define SPARE_BYTES      (64 * 1024) /* for the state beside the file */

struct transfer {
	struct slipway *s;
	struct arena *arena; /* becomes the result's */
	const struct slipway_update *update;
	struct part part;
	struct grant grant;
	int64_t started_us;
	uint64_t received;
	size_t url;         /* the one in use */
	unsigned fruitless; /* attempts since the last byte */
	unsigned renewals;  /* since the last byte */
};

/* A slipway_file and everything it points to. */
struct file {
	struct slipway_file public; /* first */
	struct arena *arena;
};

static int64_t spent_ms(const struct transfer *t)
{
	return t->part.spent_ms + (clock_monotonic_us() - t->started_us) / TIME_MS;
}

/* One attempt ---------------------------------------------------------------------------------- */

/* "bytes 100-999/1000": the range that was asked for, of a file of this size. */
static bool is_right_range(const struct transfer *t, span header)
{
	AUTO(buf) want = {0};

	buf_init(&want, 128);
	buf_addf(&want, "bytes %llu-%llu/%llu", (unsigned long long)t->part.at,
		(unsigned long long)t->part.size - 1, (unsigned long long)t->part.size);
	return span_eq(header, buf_span(&want));
}

static bool is_right_etag(const struct transfer *t, span header)
{
	return header.len == 0 || (header.len == SHA256_HEX + 2 &&
					  span_is(span_sub(header, 1, SHA256_HEX), t->part.sha256));
}

static err on_head(void *ctx, const struct http_answer *a)
{
	struct transfer *t = ctx;
	uint64_t length;

	if (!is_right_etag(t, http_answer_header(a, "etag")))
		return client_fail(t->s, ERR_CORRUPT, "other_file",
			"The server sends another file than it announced");
	if (a->status == 206)
		return is_right_range(t, http_answer_header(a, "content-range"))
			       ? OK
			       : client_fail(t->s, ERR_CORRUPT, "range",
					 "The server sends another range than was asked for");
	if (span_to_u64(http_answer_header(a, "content-length"), UINT64_MAX, &length) == OK &&
		length != t->part.size)
		return client_fail(t->s, ERR_CORRUPT, "size_mismatch",
			"The server sends %llu bytes instead of %llu", (unsigned long long)length,
			(unsigned long long)t->part.size);
	if (t->part.at == 0)
		return OK;
	client_note(t->s, "The server cannot continue the file; beginning again");
	return part_restart(t->s, &t->part);
}

static err on_body(void *ctx, span bytes)
{
	struct transfer *t = ctx;
	uint64_t before = t->part.at;
	err e = part_add(&t->part, bytes);

	t->received += t->part.at - before;
	t->fruitless = t->renewals = 0;
	if (t->s->settings.progress)
		t->s->settings.progress(t->s->settings.ctx, t->part.at, t->part.size);
	if (e == ERR_CORRUPT)
		return client_fail(
			t->s, e, "size_mismatch", "The server sends more than it announced");
	if (e == ERR_NO_SPACE)
		return client_fail(t->s, e, "no_space",
			"The disk is full; what is there stays, run it again when there is space");
	if (e != OK)
		return client_fail(t->s, e, err_name(e), "%s: %s", t->part.path, err_title(e));
	return OK;
}

/* *ret_words is false when s->problem has better words than the answer. */
static err fetch(struct transfer *t, struct http_answer *a)
{
	AUTO(buf) bearer = {0};
	AUTO(buf) range = {0};
	AUTO(buf) etag = {0};
	struct http_header headers[3];
	struct http_request rq = {.method = "GET",
		.url = t->grant.urls[t->url],
		.headers = headers,
		.headers_count = 1,
		.once = true,
		.on_head = on_head,
		.on_body = on_body,
		.ctx = t,
		.max_bytes_per_second = t->s->settings.max_bytes_per_second};
	err e;

	buf_init(&bearer, 8192);
	buf_init(&range, 64);
	buf_init(&etag, 128);
	buf_addf(&bearer, "Bearer %s", t->grant.token);
	headers[0] = (struct http_header){"Authorization", buf_span(&bearer)};
	if (t->part.at > 0) {
		buf_addf(&range, "bytes=%llu-", (unsigned long long)t->part.at);
		buf_addf(&etag, "\"%s\"", t->part.sha256);
		headers[1] = (struct http_header){"Range", buf_span(&range)};
		headers[2] = (struct http_header){"If-Range", buf_span(&etag)};
		rq.headers_count = 3;
	}
	t->s->problem = (struct slipway_problem){0};
	e = http_send(t->s->http, &rq, a);
	buf_wipe(&bearer);
	if (e != OK && !t->s->problem.code[0]) /* on_head and on_body know more */
		client_explain(t->s, e, a);
	return e;
}

/* Between attempts ----------------------------------------------------------------------------- */

static err wait_us(struct slipway *s, int64_t us)
{
	int64_t until = clock_monotonic_us() + us;

	while (clock_monotonic_us() < until) {
		struct timespec nap = {.tv_nsec = NAP_NS};

		if (client_cancelled(s))
			return client_fail(s, ERR_CANCELLED, "cancelled", "Cancelled");
		(void)nanosleep(&nap, NULL); /* woken early is no harm: the clock decides */
	}
	return OK;
}

/* A token for what is left; the download stays the same one where the server allows it. */
static err renew(struct transfer *t)
{
	err e = grant_get(t->s, t->arena, t->update->package.id, t->grant.download_id, &t->grant);

	if (e == OK)
		e = part_note(t->s, &t->part, t->grant.download_id, spent_ms(t));
	t->url = 0;
	return e;
}

/* Refusals a fresh token may cure. */
static bool may_cure_by_token(const struct transfer *t, int status)
{
	return t->renewals == 0 &&
	       (status == 401 || status == 403 || status == 404 || status == 410);
}

/* Failures that pass: no connection, a cut one, a busy server. */
static bool may_pass(err e, int status)
{
	return e == ERR_UNAVAILABLE || e == ERR_BUSY || e == ERR_LIMIT ||
	       (e == ERR_INVALID && status == 416);
}

/* What to do after a failed attempt; OK: try again. */
static err recover(struct transfer *t, err e, const struct http_answer *a)
{
	struct slipway *s = t->s;
	int64_t pause = MIN(FIRST_PAUSE_US << t->fruitless, LONGEST_PAUSE_US);

	if (may_cure_by_token(t, a->status)) {
		client_note(s, "Renewing the download token");
		t->renewals++;
		return renew(t);
	}
	if (!may_pass(e, a->status) || t->fruitless >= FRUITLESS_MOST)
		return e;
	t->fruitless++;
	if (a->status == 416) /* what is there cannot be continued */
		return part_restart(s, &t->part);
	t->url = (t->url + 1) % t->grant.urls_count;
	pause = MAX(pause, MIN(a->retry_after_us, LONGEST_PAUSE_US));
	client_note(s, "%s; trying again", s->problem.detail);
	return wait_us(s, pause);
}

static err transfer_all(struct transfer *t)
{
	struct http_answer a;
	err e = OK;

	http_answer_init(&a);
	while (e == OK && t->part.at < t->part.size) {
		e = fetch(t, &a);
		if (e != OK)
			e = recover(t, e, &a);
	}
	http_answer_done(&a);
	return e;
}

/* The end -------------------------------------------------------------------------------------- */

static void report(struct transfer *t, bool success, const char *error)
{
	struct outcome o = {.download_id = t->grant.download_id,
		.success = success,
		.bytes = t->part.at,
		.duration_ms = spent_ms(t),
		.error = error};

	report_outcome(t->s, &o);
}

static err check_digest(struct transfer *t, uint8_t ret_blake2b[64])
{
	char sha256[SHA256_HEX + 1];

	part_digest(&t->part, sha256, ret_blake2b);
	if (!strcmp(sha256, t->part.sha256))
		return OK;
	part_discard(&t->part);
	return client_fail(t->s, ERR_CORRUPT, "digest_mismatch",
		"What was downloaded is not what was announced (SHA-256 %s instead of %s); it was "
		"deleted",
		sha256, t->part.sha256);
}

static err check_signature(
	struct transfer *t, const uint8_t blake2b[64], enum slipway_signature *ret)
{
	struct manifest_entry entry = {0};
	err e = OK;

	if (t->s->settings.publisher_keys)
		e = manifest_find(t->s, t->update->version, t->part.sha256, &entry);
	if (e == OK)
		e = signature_check(t->s, blake2b, entry.signature, ret);
	if (e == ERR_DENIED)
		part_discard(&t->part);
	return e;
}

/* Everything between the last byte and the file under its name. */
static err finish(struct transfer *t, enum slipway_signature *ret)
{
	uint8_t blake2b[64];
	err e = check_digest(t, blake2b);

	if (e == OK)
		e = check_signature(t, blake2b, ret);
	if (e == ERR_CORRUPT || e == ERR_DENIED) {
		report(t, false, t->s->problem.code);
		return e;
	}
	if (e == OK)
		e = part_finish(t->s, &t->part);
	if (e == OK)
		report(t, true, NULL);
	return e;
}

static err give(struct transfer *t, enum slipway_signature signature, struct slipway_file **ret)
{
	struct file *f = calloc(1, sizeof(*f));
	struct arena *a = t->arena;

	if (!f)
		return client_fail(t->s, ERR_NOMEM, "nomem", "Out of memory");
	f->arena = a;
	f->public = (struct slipway_file){
		.path = t->part.final_path,
		.sha256 = arena_strdup(a, t->part.sha256),
		.version = arena_strdup(a, t->update->version),
		.release_id = arena_strdup(a, t->update->release_id),
		.download_id = t->grant.download_id,
		.size = t->part.size,
		.received = t->received,
		.resumed = t->part.resumed_from > 0,
		.duration_ms = t->grant.download_id ? spent_ms(t) : 0,
		.signature = signature,
	};
	t->arena = NULL; /* taken by the result */
	*ret = &f->public;
	return OK;
}

void slipway_file_free(struct slipway_file *public)
{
	struct file *f = (struct file *)public; /* its first member */

	if (!f)
		return;
	arena_free(f->arena);
	free(f);
}

const char *slipway_signature_name(enum slipway_signature signature)
{
	return signature == SLIPWAY_SIGNATURE_VERIFIED ? "verified" : "not_required";
}

/* The beginning -------------------------------------------------------------------------------- */

/* True when the whole file is there already, from an earlier call. */
static bool is_there(struct transfer *t, enum slipway_signature *ret)
{
	char sha256[65];
	struct stat st;

	if (stat(t->part.final_path, &st) != 0 || !S_ISREG(st.st_mode) ||
		(uint64_t)st.st_size != t->part.size)
		return false;
	/* What has the name and is something else is replaced when the download is whole. */
	return slipway_verify(t->s, t->part.final_path, t->part.sha256, NULL, ret, sha256) ==
	       SLIPWAY_OK;
}

static err check_space(struct transfer *t, const char *folder)
{
	uint64_t left = t->part.size - t->part.at, available;

	if (disk_free(folder, &available) != OK || available >= left + SPARE_BYTES)
		return OK;
	return client_fail(t->s, ERR_NO_SPACE, "no_space",
		"%s has %llu MB free, and %llu MB are needed", folder,
		(unsigned long long)(available / 1000000),
		(unsigned long long)((left + 999999) / 1000000));
}

static err run(struct transfer *t, const char *folder, struct slipway_file **ret)
{
	enum slipway_signature signature = SLIPWAY_SIGNATURE_NOT_REQUIRED;
	err e = check_space(t, folder);

	if (e == OK)
		e = grant_get(
			t->s, t->arena, t->update->package.id, t->part.download_id, &t->grant);
	if (e == OK)
		e = part_note(t->s, &t->part, t->grant.download_id, spent_ms(t));
	if (e != OK)
		return e;
	if (t->part.resumed_from > 0)
		client_note(t->s, "Going on with an interrupted download");
	e = transfer_all(t);
	if (e == OK)
		e = finish(t, &signature);
	else if (t->part.fd >= 0)
		(void)!part_note(t->s, &t->part, t->grant.download_id, spent_ms(t));
	return e == OK ? give(t, signature, ret) : e;
}

static err check_update(struct slipway *s, const struct slipway_update *u)
{
	if (!u->available)
		return client_fail(
			s, ERR_NOT_FOUND, "no_update", "There is no update (%s)", u->reason);
	if (!filename_is_safe(span_from(u->package.filename)))
		return client_fail(s, ERR_CORRUPT, "filename",
			"The server names a file that cannot be written");
	return OK;
}

static err download(struct transfer *t, const char *folder, struct slipway_file **ret)
{
	enum slipway_signature signature;
	err e = check_update(t->s, t->update);

	if (e == OK && (e = dir_make(folder, 0755)) != OK)
		return client_fail(t->s, e, "output", "%s: %s", folder, err_title(e));
	if (e != OK)
		return e;
	t->part.final_path = arena_printf(t->arena, "%s/%s", folder, t->update->package.filename);
	t->part.sha256 = t->update->package.sha256;
	t->part.size = t->update->package.size;
	if (is_there(t, &signature))
		return give(t, signature, ret);
	e = part_open(t->s, t->arena, &t->update->package, folder, &t->part);
	if (e == OK)
		e = run(t, folder, ret);
	part_close(&t->part);
	return e;
}

enum slipway_status slipway_download(struct slipway *s, const struct slipway_update *update,
	const char *output_dir, struct slipway_file **ret)
{
	struct transfer t = {.s = s,
		.arena = arena_new(),
		.update = update,
		.part.fd = -1,
		.started_us = clock_monotonic_us()};
	err e = client_ready(s);

	if (e == OK) {
		report_pending(s);
		e = download(&t, output_dir, ret);
	}
	arena_free(t.arena);
	return status_of(e);
}
