/*
 * Events from the tailer, as the bytes of the log they are: POST
 * /internal/events?edge=&generation=&from=. The answer says up to where the log is stored; whatever
 * it is, the tailer goes on from there.
 */
#include "api/handlers.h"

#include "catalog/platform.h"
#include "service/ingest_events.h"

#include "base/banned.h"

static void free_bytes(void *object)
{
	struct buf *bytes = object;

	buf_done(bytes);
}

static err events_begin(struct request *rq)
{
	struct buf *bytes = arena_alloc(rq->task.arena, sizeof(*bytes));

	buf_init(bytes, INGEST_BYTES_MAX);
	arena_on_free(rq->task.arena, free_bytes, bytes);
	rq->sink_data = bytes;
	return OK;
}

static err events_write(struct request *rq, span bytes)
{
	struct buf *all = rq->sink_data;

	buf_add(all, bytes);
	return buf_error(all);
}

static err events_end(struct request *rq, bool complete)
{
	struct buf *all = rq->sink_data;
	size_t len = buf_len(all);
	struct ingest_batch b = {.edge = request_text(rq, "edge"),
		.generation = request_text(rq, "generation"),
		.platform_exists = platform_exists,
		.from = request_int(rq, "from", 0),
		.len = len};
	struct ingest_result r;

	if (!complete)
		return ERR_CANCELLED;
	b.bytes = buf_reserve(all, 0);
	if (!b.bytes)
		return ERR_NOMEM;
	b.bytes -= len; /* the content, writable */
	err e = ingest_events(&rq->task, &b, &r);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_i64(&rq->out, "position", r.position);
	json_u64(&rq->out, "stored", r.events);
	json_u64(&rq->out, "torn", r.torn);
	json_end(&rq->out);
	return OK;
}

const struct body_sink events_sink = {events_begin, events_write, events_end};
