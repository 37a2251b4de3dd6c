/*
 * The scrubber. Hard rule: a digest is blocked everywhere before its file is touched, so that no
 * node serves what this one has found damaged.
 */
#include "service/scrub.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/time.h"
#include "blob/blob.h"
#include "catalog/published.h"
#include "crypto/digest.h"
#include "sys/clock.h"
#include "sys/metrics.h"

#include "base/banned.h"

#define READ_BYTES ((size_t)1 << 20)
#define LEAST_RATE (INT64_C(32) << 20) /* bytes per second */
/* A blob is due at three quarters of the interval; the last quarter is there to read them all. */
#define DUE_PART 4

struct work {
	struct task *task;
	struct blob_row blob;
	struct scrub_report report;
	bool due, damaged;
	uint64_t seq;
};

/* Blobs checked before this are due: long ago, or before somebody asked for it. */
static int64_t due_before(const struct task *t, int64_t requested_at)
{
	int64_t interval = conf_int(t->service->conf, CONF_SCRUB_INTERVAL);
	int64_t aged = interval ? t->now_us - interval + interval / DUE_PART : 0;

	return MAX(aged, requested_at);
}

static err report_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	err e = stored_scrub_requested_at(tx, &w->report.requested_at);

	return e ? e
		 : stored_scrub_counts(
			   tx, due_before(w->task, w->report.requested_at), &w->report.counts);
}

static err find_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	err e = report_body(tx, w);

	if (!e)
		e = stored_due_for_scrub(
			tx, w->task->arena, due_before(w->task, w->report.requested_at), &w->blob);
	w->due = e == OK;
	return e == ERR_NOT_FOUND ? OK : e;
}

static err record_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	struct feed_batch batch;
	err e = stored_scrubbed(tx, w->blob.sha256, w->damaged, t->now_us);

	feed_begin(&batch, tx);
	if (!e && w->damaged)
		e = published_digest(tx, &batch, t->arena, w->blob.sha256, t->now_us);
	return e ? e : feed_seal(&batch, &w->seq);
}

/* ---- reading ---- */

static int64_t rate_for(const struct work *w)
{
	int64_t interval = conf_int(w->task->service->conf, CONF_SCRUB_INTERVAL);
	int64_t seconds = interval / DUE_PART / TIME_SECOND;

	return MAX(LEAST_RATE, seconds ? w->report.counts.bytes / seconds : 0);
}

/* Sleeps as long as reading `bytes` since begun_us was faster than the rate. */
static void keep_rate(uint64_t bytes, int64_t rate, int64_t begun_us)
{
	int64_t due_us = begun_us + (int64_t)(bytes / (uint64_t)MAX(rate / 1000, 1)) * TIME_MS;
	int64_t ahead_us = MIN(due_us - clock_monotonic_us(), TIME_SECOND);

	if (ahead_us <= 0)
		return;
	struct timespec pause = {ahead_us / TIME_SECOND, ahead_us % TIME_SECOND * 1000};

	(void)nanosleep(&pause, NULL); /* woken early is fine */
}

static err hash_file(int fd, int64_t rate, const atomic_bool *stopping,
	struct sha256_stream *digest, uint64_t *ret_bytes)
{
	int64_t begun_us = clock_monotonic_us();
	char *chunk = malloc(READ_BYTES);
	err e = chunk ? OK : ERR_NOMEM;
	uint64_t bytes = 0;
	ssize_t n = 1;

	while (!e && n != 0) {
		n = read(fd, chunk, READ_BYTES);
		if (n < 0 && errno != EINTR)
			e = ERR_IO;
		if (n > 0) {
			sha256_stream_add(digest, span_of(chunk, (size_t)n));
			metric_add(METRIC_SCRUB_BYTES, NULL, (uint64_t)n);
			bytes += (uint64_t)n;
			keep_rate(bytes, rate, begun_us);
		}
		if (atomic_load(stopping))
			e = ERR_CANCELLED;
	}
	free(chunk);
	*ret_bytes = bytes;
	return e;
}

/* A file that is missing or cannot be read is as damaged as one with other bytes. */
static err examine(struct work *w, const atomic_bool *stopping, uint64_t *ret_bytes)
{
	AUTO_PTR(sha256_stream) digest = sha256_stream_new();
	uint8_t got[SHA256_SIZE], want[SHA256_SIZE];
	int fd;

	*ret_bytes = 0;
	if (!digest)
		return ERR_NOMEM;
	if (hex_decode(w->blob.sha256, want, sizeof(want)))
		return ERR_CORRUPT;
	err e = blob_open(w->task->service->blobs, w->blob.sha256, &fd);

	if (e == ERR_NOT_FOUND)
		w->damaged = true;
	if (e)
		return e == ERR_NOT_FOUND ? OK : e;
	e = hash_file(fd, rate_for(w), stopping, digest, ret_bytes);
	(void)close(fd); /* was read only */
	if (e && e != ERR_IO)
		return e;
	sha256_stream_get(digest, got);
	w->damaged =
		e == ERR_IO || !span_eq(span_of(got, sizeof(got)), span_of(want, sizeof(want)));
	return OK;
}

static err put_aside(struct work *w)
{
	struct task *t = w->task;
	err e = published(t, w->seq);

	metric_add(METRIC_SCRUB_FAILURES, NULL, 1);
	/* It is blocked and stands in the feed: moving the file does not wait for the state. */
	if (e && e != ERR_UNAVAILABLE)
		return e;
	return blob_quarantine(t->service->blobs, w->blob.sha256);
}

err scrub_next(struct task *t, const atomic_bool *stopping, struct scrub_step *ret)
{
	struct work w = {.task = t};
	struct scrub_step step = {0};
	err e = db_transact(t->service->db, DB_READ, find_body, &w);

	if (!e && w.due)
		e = examine(&w, stopping, &step.bytes);
	if (!e && w.due)
		e = db_transact(t->service->db, DB_WRITE, record_body, &w);
	if (!e && w.damaged)
		e = put_aside(&w);
	if (e)
		return e;
	step.checked = w.due;
	step.damaged = w.damaged;
	step.sha256 = w.blob.sha256;
	*ret = step;
	return OK;
}

/* ---- asking ---- */

static err request_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	err e = stored_request_scrub(tx, w->task->now_us);

	if (!e)
		e = audit_add(tx, w->task, "scrub.request", SPAN("blobs"), "{}");
	return e ? e : report_body(tx, w);
}

err scrub_request(struct task *t, struct scrub_report *ret)
{
	struct work w = {.task = t};
	err e = db_transact(t->service->db, DB_WRITE, request_body, &w);

	if (!e)
		*ret = w.report;
	return e;
}

err scrub_show(struct task *t, struct scrub_report *ret)
{
	struct work w = {.task = t};
	err e = db_transact(t->service->db, DB_READ, report_body, &w);

	if (!e)
		*ret = w.report;
	return e;
}
