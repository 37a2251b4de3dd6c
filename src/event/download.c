/*
 * What becomes of a download. Hard rule: enter() is the one door through which a state changes.
 */
#include "event/download.h"

#include "base/json.h"
#include "base/time.h"
#include "event/client_class.h"
#include "event/ranges.h"

#include "base/banned.h"

static const char *const state_names[DOWNLOAD_STATES] = {
	"granted", "started", "transferred", "completed", "failed"};

const char *download_state_name(enum download_state s)
{
	return state_names[s];
}

bool download_state_from_name(span name, enum download_state *ret)
{
	for (enum download_state s = 0; s < DOWNLOAD_STATES; s++) {
		if (!span_is(name, state_names[s]))
			continue;
		*ret = s;
		return true;
	}
	return false;
}

bool download_may_become(enum download_state from, enum download_state to)
{
	if (from == DOWNLOAD_COMPLETED || from == DOWNLOAD_FAILED)
		return from == to;
	return to >= from;
}

static void enter(struct download *d, enum download_state next)
{
	if (download_may_become(d->state, next))
		d->state = next;
}

void download_jti(span download_id, int64_t n, char ret[DOWNLOAD_JTI_SIZE])
{
	struct buf out;

	buf_init_fixed(&out, ret, DOWNLOAD_JTI_SIZE);
	buf_add(&out, download_id);
	buf_add_byte(&out, '.');
	buf_add_i64(&out, n);
}

bool download_of_jti(span jti, span *ret_download_id, int64_t *ret_n)
{
	size_t dot = span_rfind(jti, '.');
	char canonical[DOWNLOAD_JTI_SIZE];
	uint64_t n;

	if (!span_starts_with(jti, SPAN("dl_")) || dot == jti.len || jti.len >= DOWNLOAD_JTI_SIZE ||
		span_to_u64(span_from_offset(jti, dot + 1), INT32_MAX, &n))
		return false;
	/* "dl_x.007" is no other name of "dl_x.7". */
	download_jti(span_sub(jti, 0, dot), (int64_t)n, canonical);
	if (!span_is(jti, canonical))
		return false;
	*ret_download_id = span_sub(jti, 0, dot);
	*ret_n = (int64_t)n;
	return true;
}

/* Adds the line's bytes to a file's ranges and writes their text. */
static uint64_t write_ranges(
	struct buf *out, span text, const struct byte_range *added, size_t count, uint64_t size)
{
	struct ranges r;

	ranges_init(&r);
	if (ranges_parse(text, &r))
		ranges_init(&r); /* a damaged record starts again: too small, never too large */
	for (size_t i = 0; i < count; i++)
		if (size == 0 || added[i].from < size)
			(void)ranges_add(&r, added[i].from, /* full: counted as sent only */
				size ? MIN(added[i].to, size - 1) : added[i].to);
	ranges_format(out, &r);
	return ranges_bytes(&r);
}

/* A release: the same for one of its files; the others are copied. */
static uint64_t write_release_ranges(struct buf *out, span text, span file,
	const struct byte_range *added, size_t count, uint64_t size)
{
	uint64_t bytes = 0;
	unsigned files = 0;
	bool found = false;
	span part, name, rest = text.len ? text : (span){0};

	while (span_cut(&rest, ';', &part)) {
		span ranges = part;

		(void)span_cut(&ranges, ':', &name); /* part is not NULL */
		bool mine = span_eq(name, file);

		if (files++)
			buf_add_byte(out, ';');
		buf_addf(out, "%.*s:", SPAN_ARG(name));
		bytes += write_ranges(out, ranges, added, mine ? count : 0, mine ? size : 0);
		found = found || mine;
	}
	if (found || files == DOWNLOAD_FILES_MAX || file.len == 0)
		return bytes;
	buf_addf(out, "%s%.*s:", files ? ";" : "", SPAN_ARG(file));
	return bytes + write_ranges(out, SPAN_EMPTY, added, count, size);
}

static void add_ranges(struct download *d, const struct event_line *line,
	const struct byte_range *added, size_t count, struct arena *a)
{
	AUTO(buf) text = {0};
	uint64_t bytes;

	buf_init(&text, DOWNLOAD_RANGES_MAX);
	if (d->filename.len)
		bytes = write_ranges(&text, d->ranges, added, count, d->size);
	else
		bytes = write_release_ranges(
			&text, d->ranges, line->filename, added, count, line->size);
	if (buf_error(&text))
		return; /* the ceiling: what is known stays */
	d->ranges = arena_span(a, buf_span(&text));
	d->bytes = bytes;
}

/* What the request says of the client, as far as nothing better is known. */
static void describe_client(struct download *d, const struct event_line *line, struct arena *a)
{
	struct client_class c;

	if (d->country.len == 0)
		d->country = arena_span(a, line->country);
	if (d->report.len || d->client_version.len || line->agent.len == 0)
		return;
	client_classify(line->agent, &c);
	d->client_os = span_from(c.os);
	d->client_device = span_from(c.device);
	d->client_version = arena_span(a, span_from(c.version));
}

bool download_add_line(struct download *d, const struct event_line *line, struct arena *a)
{
	struct byte_range added[EVENT_RANGES_MAX];
	size_t count = event_line_ranges(line, added);
	int64_t began = MAX(line->at_us - line->duration_us, 0);

	if (count == 0)
		return false;
	add_ranges(d, line, added, count, a);
	d->bytes_sent += line->sent;
	d->requests++;
	if (d->first_byte_at_us == 0 || began < d->first_byte_at_us)
		d->first_byte_at_us = began;
	d->last_byte_at_us = MAX(d->last_byte_at_us, line->at_us);
	if (d->report.len == 0)
		d->duration_ms = (d->last_byte_at_us - d->first_byte_at_us) / TIME_MS;
	describe_client(d, line, a);
	enter(d, d->size && d->bytes == d->size ? DOWNLOAD_TRANSFERRED : DOWNLOAD_STARTED);
	return true;
}

/* Equal reports have equal text. */
static void format_report(struct buf *out, const struct download_report *r)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w, NULL);
	json_cstr(&w, "status", r->success ? "success" : "failure");
	json_u64(&w, "bytes", r->bytes);
	json_i64(&w, "duration_ms", r->duration_ms);
	json_str(&w, "error", r->error);
	json_str(&w, "referrer", r->referrer);
	json_str(&w, "os", r->client_os);
	json_str(&w, "device", r->client_device);
	json_str(&w, "version", r->client_version);
	json_end(&w);
}

static void take_if_said(span *field, span said, struct arena *a)
{
	if (said.len)
		*field = arena_span(a, said);
}

err download_add_report(struct download *d, const struct download_report *r, int64_t now_us,
	struct arena *a, bool *ret_changed)
{
	AUTO(buf) text = {0};

	buf_init(&text, 16384);
	format_report(&text, r);
	if (buf_error(&text))
		return buf_error(&text);
	if (d->report.len) {
		*ret_changed = false;
		return span_eq(d->report, buf_span(&text)) ? OK : ERR_CONFLICT;
	}
	if (!download_may_become(d->state, r->success ? DOWNLOAD_COMPLETED : DOWNLOAD_FAILED))
		return ERR_CONFLICT;
	enter(d, r->success ? DOWNLOAD_COMPLETED : DOWNLOAD_FAILED);
	d->report = arena_span(a, buf_span(&text));
	d->reported_at_us = now_us;
	d->duration_ms = r->duration_ms;
	d->error = arena_span(a, r->error);
	take_if_said(&d->referrer, r->referrer, a);
	take_if_said(&d->client_os, r->client_os, a);
	take_if_said(&d->client_device, r->client_device, a);
	take_if_said(&d->client_version, r->client_version, a);
	*ret_changed = true;
	return OK;
}

void download_revoke(struct download *d)
{
	if (d->state == DOWNLOAD_COMPLETED || d->state == DOWNLOAD_FAILED)
		return;
	enter(d, DOWNLOAD_FAILED);
	d->error = SPAN("revoked");
}
