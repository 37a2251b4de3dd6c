/*
 * Taking in the event log. Hard rules: the cursor moves in the transaction that stores what is
 * before it; nothing is judged by what was read outside that transaction.
 *
 * A batch is parsed first, without the database, and its lines are grouped by download, so that
 * each record is read and written once however many requests it took.
 */
#include "event/ingest.h"

#include <stdlib.h>

#include "base/time.h"
#include "base/typeid.h"
#include "event/download_store.h"
#include "event/event_queries.h"

#include "base/banned.h"

/* The id of an event: the number of its file, and where in the file it stands. */
#define POSITION_BITS 40
/* Grants that were not used are kept this long, and looked for among those of so many days. */
#define UNUSED_KEPT      (2 * TIME_DAY)
#define UNUSED_LOOKED_AT (16 * TIME_DAY)
#define POSITION_MAX     (INT64_C(1) << POSITION_BITS)

struct ingest_line {
	int64_t position;
	span text;
	struct event_line event;
};

struct ingest {
	const struct ingest_batch *batch;
	int64_t now_us;
	struct arena *arena;
	struct ingest_line *lines; /* in the order of the file */
	size_t count;
	struct ingest_line **by_subject; /* downloads by id, then checks by what they count as */
	int64_t *torn;                   /* positions of lines that could not be read */
	size_t torn_count;
	struct ingest_result result;
};

/* Parsing ---------------------------------------------------------------------------------------
 */

static int compare_spans(const span *a, const span *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int order = span_cmp(a[i], b[i]);

		if (order)
			return order;
	}
	return 0;
}

/* Equal for checks that are counted together. */
static int compare_checks(const struct event_line *a, const struct event_line *b)
{
	int64_t day_a = a->at_us / TIME_DAY, day_b = b->at_us / TIME_DAY;

	if (day_a != day_b)
		return day_a < day_b ? -1 : 1;
	return compare_spans((const span[]){a->product, a->platform, a->installed, a->offered},
		(const span[]){b->product, b->platform, b->installed, b->offered}, 4);
}

static int compare_subjects(const struct event_line *a, const struct event_line *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->kind == EVENT_DOWNLOAD ? span_cmp(a->download, b->download)
					 : compare_checks(a, b);
}

static int compare_lines(const void *a, const void *b)
{
	const struct ingest_line *left = *(struct ingest_line *const *)a;
	const struct ingest_line *right = *(struct ingest_line *const *)b;
	int order = compare_subjects(&left->event, &right->event);

	if (order)
		return order;
	return left->position < right->position ? -1 : left->position > right->position;
}

static size_t count_lines(span text)
{
	size_t count = text.len && text.ptr[text.len - 1] != '\n';

	for (size_t i = 0; i < text.len; i++)
		count += text.ptr[i] == '\n';
	return count;
}

static err parse_batch(struct ingest *in)
{
	span line, rest = span_of(in->batch->bytes, in->batch->len);
	size_t most = count_lines(rest);

	event_line_clean(in->batch->bytes, in->batch->len);
	in->lines = arena_try_array(in->arena, most + 1, sizeof(*in->lines));
	in->by_subject = arena_try_array(in->arena, most + 1, sizeof(*in->by_subject));
	in->torn = arena_try_array(in->arena, most + 1, sizeof(*in->torn));
	if (!in->lines || !in->by_subject || !in->torn)
		return ERR_NOMEM;
	while (rest.len && span_cut(&rest, '\n', &line)) {
		struct ingest_line *l = &in->lines[in->count];

		l->position = in->batch->from + (line.ptr - in->batch->bytes);
		l->text = line;
		if (event_line_parse(line, &l->event))
			in->torn[in->torn_count++] = l->position;
		else
			in->by_subject[in->count++] = l;
	}
	qsort(in->by_subject, in->count, sizeof(*in->by_subject), compare_lines);
	return OK;
}

/* The transaction -------------------------------------------------------------------------------
 */

static err find_cursor(
	struct db_tx *tx, const struct ingest_batch *b, int64_t *ret_id, int64_t *ret_position)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found = false;
	err e = db_query(tx, &rows, event_cursor_find, DB_TEXT(b->edge), DB_TEXT(b->generation));

	if (!e)
		e = db_next(rows, &found);
	if (e)
		return e;
	*ret_id = found ? db_int(rows, 0) : 0;
	*ret_position = found ? db_int(rows, 1) : 0;
	return OK;
}

static err last_cursor(struct db_tx *tx, int64_t *ret_id)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found = false;
	err e = db_query(tx, &rows, event_cursor_last);

	if (!e)
		e = db_next(rows, &found);
	if (!e)
		*ret_id = db_int(rows, 0);
	return e;
}

static err add_cursor(struct db_tx *tx, const struct ingest *in, int64_t *ret_id)
{
	int64_t last = 0;
	err e = last_cursor(tx, &last);

	if (!e)
		e = db_exec(tx, event_cursor_add, DB_INT(last + 1), DB_TEXT(in->batch->edge),
			DB_TEXT(in->batch->generation), DB_INT(in->now_us));
	if (!e)
		*ret_id = last + 1;
	return e;
}

static err store_events(struct db_tx *tx, struct ingest *in, int64_t cursor, int64_t position)
{
	for (size_t i = 0; i < in->count; i++) {
		const struct ingest_line *l = &in->lines[i];

		if (l->position < position)
			continue;
		err e = db_exec(tx, event_add, DB_INT(cursor << POSITION_BITS | l->position),
			DB_INT(l->event.at_us), DB_CSTR(event_kind_name(l->event.kind)),
			DB_TEXT(l->event.download), DB_TEXT(l->text));

		if (e)
			return e;
		in->result.events++;
		in->result.newest_at_us = MAX(in->result.newest_at_us, l->event.at_us);
	}
	return OK;
}

/* Lines [first, last) are of one download. One that is not known any more has its events only. */
static err store_download(struct db_tx *tx, struct ingest_line *const *first,
	struct ingest_line *const *last, struct arena *a)
{
	struct download d;
	bool changed = false;
	err e = download_store_get(tx, (*first)->event.download, a, &d);

	if (e)
		return e == ERR_NOT_FOUND ? OK : e;
	for (; first < last; first++)
		changed |= download_add_line(&d, &(*first)->event, a);
	return changed ? download_store_save_transfer(tx, &d) : OK;
}

/* Of lines [first, last): each client once a day. It says itself that it was counted before. */
static int64_t count_clients(struct ingest_line *const *first, struct ingest_line *const *last)
{
	int64_t count = 0;

	for (; first < last; first++)
		count += !span_is((*first)->event.counted, "day");
	return count;
}

/* What clients claim must not fill the table: what we do not know is counted together. */
static err store_checks(
	struct db_tx *tx, const struct ingest *in, const struct event_line *l, int64_t count)
{
	span platform = in->batch->platform_exists(l->platform) ? l->platform : SPAN("other");

	if (count == 0)
		return OK;
	return db_exec(tx, update_checks_add, DB_INT(l->at_us / TIME_DAY), DB_TEXT(platform),
		DB_TEXT(l->installed), DB_TEXT(l->offered), DB_INT(count), DB_TEXT(l->product));
}

static err store_subjects(struct db_tx *tx, struct ingest *in, int64_t position)
{
	AUTO_PTR(arena) scratch = arena_new();
	size_t end;

	for (size_t i = 0; i < in->count; i = end) {
		const struct event_line *event = &in->by_subject[i]->event;
		err e;

		for (end = i + 1; end < in->count; end++)
			if (compare_subjects(event, &in->by_subject[end]->event))
				break;
		while (i < end && in->by_subject[i]->position < position)
			i++; /* stored before: of a group the earlier lines stand first */
		if (i == end)
			continue;
		if (event->kind == EVENT_DOWNLOAD)
			e = store_download(tx, in->by_subject + i, in->by_subject + end, scratch);
		else
			e = store_checks(tx, in, event,
				count_clients(in->by_subject + i, in->by_subject + end));
		if (e)
			return e;
	}
	return OK;
}

static uint64_t count_torn(const struct ingest *in, int64_t position)
{
	uint64_t count = 0;

	for (size_t i = 0; i < in->torn_count; i++)
		count += in->torn[i] >= position;
	return count;
}

static err ingest_body(struct db_tx *tx, void *arg)
{
	struct ingest *in = arg;
	int64_t to = in->batch->from + (int64_t)in->batch->len, cursor, position;

	in->result = (struct ingest_result){0};
	err e = find_cursor(tx, in->batch, &cursor, &position);

	if (e)
		return e;
	in->result.position = position;
	in->result.gap = in->batch->from > position;
	if (in->result.gap || to <= position)
		return OK;
	if (cursor == 0)
		e = add_cursor(tx, in, &cursor);
	if (!e)
		e = store_events(tx, in, cursor, position);
	if (!e)
		e = store_subjects(tx, in, position);
	in->result.torn = count_torn(in, position);
	if (!e)
		e = db_exec(tx, event_cursor_move, DB_INT(to), DB_INT((int64_t)in->result.torn),
			DB_INT(in->now_us), DB_INT(cursor));
	in->result.position = to;
	return e;
}

err event_ingest(
	struct db *db, const struct ingest_batch *batch, int64_t now_us, struct ingest_result *ret)
{
	AUTO_PTR(arena) a = arena_new();
	struct ingest in = {.batch = batch, .now_us = now_us, .arena = a};

	if (batch->len > INGEST_BYTES_MAX || batch->from < 0 ||
		batch->from > POSITION_MAX - INGEST_BYTES_MAX || batch->edge.len == 0 ||
		batch->edge.len > INGEST_EDGE_MAX || batch->generation.len == 0 ||
		batch->generation.len > INGEST_GENERATION_MAX)
		return ERR_INVALID;
	err e = parse_batch(&in);

	if (!e)
		e = db_transact(db, batch->len ? DB_WRITE : DB_READ, ingest_body, &in);
	if (e)
		return e;
	*ret = in.result;
	return OK;
}

/* Retention -------------------------------------------------------------------------------------
 */

struct deletion {
	int64_t before_us, now_us, deleted;
};

/* The least id of this kind from this time on. */
static span least_id(struct arena *a, const char *prefix, int64_t at_us)
{
	static const uint8_t least[TYPEID_RANDOM];
	char id[TYPEID_SIZE];

	typeid_make(prefix, MAX(at_us, 0), least, id);
	return span_from(arena_strdup(a, id));
}

static err delete_body(struct db_tx *tx, void *arg)
{
	AUTO_PTR(arena) a = arena_new();
	struct deletion *d = arg;
	int64_t events = 0, reports = 0, unused = 0;
	err e = db_change(tx, &events, event_delete_before, DB_INT(d->before_us));

	if (!e)
		e = db_change(tx, &reports, update_report_delete_before,
			DB_TEXT(least_id(a, "upr", d->before_us)));
	if (!e)
		e = db_change(tx, &unused, download_delete_unused,
			DB_TEXT(least_id(a, "dl", d->now_us - UNUSED_LOOKED_AT)),
			DB_TEXT(least_id(a, "dl", d->now_us - UNUSED_KEPT)), DB_INT(d->now_us));
	d->deleted = events + reports + unused;
	return e;
}

err event_delete_old(struct db *db, int64_t before_us, int64_t now_us, int64_t *ret_deleted)
{
	struct deletion d = {.before_us = before_us, .now_us = now_us};
	err e = db_transact(db, DB_WRITE, delete_body, &d);

	if (!e)
		*ret_deleted = d.deleted;
	return e;
}
