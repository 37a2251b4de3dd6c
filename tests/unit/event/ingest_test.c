/* Taking in event logs: exactly once, whatever is repeated, overlapping, missing or damaged. */
#include "event/ingest.h"

#include <stdlib.h>

#include "base/time.h"
#include "catalog/platform.h"
#include "catalog/product.h"
#include "catalog/release.h"
#include "db/statement.h"
#include "event/download_store.h"

#include "test.h"

#include "support/databases.h"

#define NOW  INT64_C(1700000100000000)
#define DAY  (NOW / TIME_DAY)
#define SIZE 1000

static const struct db_statement count_events = {"count_events", "SELECT COUNT(*) FROM events", 0};
static const struct db_statement count_torn = {
	"count_torn", "SELECT CAST(COALESCE(SUM(torn), 0) AS BIGINT) FROM event_cursors", 0};
static const struct db_statement count_checks = {"count_checks",
	"SELECT CAST(COALESCE(SUM(checks), 0) AS BIGINT) FROM update_checks "
	"WHERE day = $1 AND installed = $2 AND offered = $3",
	3};

static const char *const ids[] = {"dl_01h455vb4pex5vsknk084sn02a", "dl_01h455vb4pex5vsknk084sn02b",
	"dl_01h455vb4pex5vsknk084sn02c"};

struct work {
	const struct db_statement *statement;
	const char *installed, *offered;
	int64_t number;
	const char *id;
	struct arena *arena;
	struct download download;
};

static err number_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	AUTO_PTR(db_rows) rows = NULL;
	const struct db_value args[] = {DB_INT(DAY), DB_CSTR(w->installed), DB_CSTR(w->offered)};
	bool found;
	err e = db_query_values(tx, w->statement, args, w->installed ? 3 : 0, &rows);

	if (!e)
		e = db_next(rows, &found);
	w->number = e ? -1 : db_int(rows, 0);
	return e;
}

static int64_t number(struct db *db, const struct db_statement *s)
{
	struct work w = {.statement = s};

	assert_ok(db_transact(db, DB_READ, number_body, &w));
	return w.number;
}

static int64_t checks(struct db *db, const char *installed, const char *offered)
{
	struct work w = {.statement = &count_checks, .installed = installed, .offered = offered};

	assert_ok(db_transact(db, DB_READ, number_body, &w));
	return w.number;
}

static err grant_body(struct db_tx *tx, void *arg UNUSED)
{
	err e = OK;

	for (size_t i = 0; !e && i < ARRAY_LEN(ids); i++) {
		struct download d = {.id = span_from(ids[i]),
			.release_id = SPAN("rel_1"),
			.package_id = SPAN("pkg_1"),
			.filename = SPAN("a.deb"),
			.size = SIZE,
			.granted_at_us = NOW,
			.expires_at_us = NOW};

		e = download_store_add(tx, &d);
	}
	return e;
}

static err read_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;

	return download_store_get(tx, span_from(w->id), w->arena, &w->download);
}

static struct download record(struct db *db, struct arena *a, size_t i)
{
	struct work w = {.id = ids[i], .arena = a};

	assert_ok(db_transact(db, DB_READ, read_body, &w));
	return w.download;
}

/* A line for bytes [from, from + sent) of download i. */
static void add_line(struct buf *out, size_t i, unsigned from, unsigned sent)
{
	buf_addf(out,
		"{\"event\":\"download\",\"time\":1700000000.5,\"duration\":0.25,\"download\":\"%s\","
		"\"file\":\"a.deb\",\"method\":\"GET\",\"status\":206,\"sent\":%u,\"size\":\"%d\","
		"\"content_range\":\"bytes %u-%u/%d\"}\n",
		ids[i], sent, SIZE, from, SIZE - 1, SIZE);
}

static void add_check(struct buf *out, const char *installed, const char *offered)
{
	buf_addf(out,
		"{\"event\":\"check\",\"time\":1700000000.5,\"product\":\"demo\",\"platform\":"
		"\"linux-amd64\",\"installed\":\"%s\",\"offered\":\"%s\"}\n",
		installed, offered);
}

/* Ships [from, to) of the file whose content is `log`. */
static struct ingest_result ship(struct db *db, const struct buf *log, size_t from, size_t to)
{
	AUTO(buf) part = {0};
	struct ingest_result r;

	buf_init(&part, INGEST_BYTES_MAX);
	buf_add(&part, span_sub(buf_span(log), from, to - from));
	char *bytes = buf_take(&part);
	struct ingest_batch b = {SPAN("origin"), SPAN("0123456789abcdef"), (int64_t)from, bytes,
		to - from, .platform_exists = platform_exists};

	assert_non_null(bytes);
	assert_ok(event_ingest(db, &b, NOW, &r));
	free(bytes);
	return r;
}

static void refuses(void **state)
{
	struct db *db = test_db(state);
	static char bytes[8] = "x\n";
	struct ingest_result r;
	static char long_name[INGEST_EDGE_MAX + 1];
	const struct ingest_batch rows[] = {
		{SPAN(""), SPAN("g"), 0, bytes, 2},
		{SPAN("e"), SPAN(""), 0, bytes, 2},
		{SPAN("e"), SPAN("g"), -1, bytes, 2},
		{SPAN("e"), SPAN("g"), INT64_MAX - 1, bytes, 2},
		{SPAN("e"), SPAN("g"), INT64_C(1) << 40, bytes, 2},
		{SPAN("e"), SPAN("g"), 0, bytes, INGEST_BYTES_MAX + 1},
		{span_of(long_name, sizeof(long_name)), SPAN("g"), 0, bytes, 2},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(event_ingest(db, &rows[i], NOW, &r), ERR_INVALID);
}

static void gaps_repetitions_and_overlaps(void **state)
{
	struct db *db = test_db(state);
	AUTO_PTR(arena) a = arena_new();
	AUTO(buf) log = {0};
	struct ingest_result r;
	size_t ends[4];

	buf_init(&log, 65536);
	assert_ok(db_transact(db, DB_WRITE, grant_body, NULL));
	for (unsigned i = 0; i < 4; i++) {
		add_line(&log, 0, i * 250, 250);
		ends[i] = buf_len(&log);
	}
	r = ship(db, &log, 0, 0); /* asks */
	assert_int_equal(r.position, 0);
	r = ship(db, &log, ends[0], ends[1]);
	assert_true(r.gap);
	assert_int_equal(r.position, 0);
	assert_int_equal(number(db, &count_events), 0);
	r = ship(db, &log, 0, ends[1]);
	assert_int_equal(r.position, ends[1]);
	assert_int_equal(r.events, 2);
	r = ship(db, &log, 0, ends[1]); /* the answer was lost */
	assert_int_equal(r.position, ends[1]);
	assert_int_equal(r.events, 0);
	r = ship(db, &log, ends[0], ends[1]);
	assert_int_equal(r.events, 0);
	r = ship(db, &log, 0, ends[2]);
	assert_int_equal(r.events, 1);
	r = ship(db, &log, ends[0], ends[3]);
	assert_int_equal(r.events, 1);
	assert_int_equal(r.position, buf_len(&log));
	assert_int_equal(ship(db, &log, 0, 0).position, buf_len(&log));
	assert_int_equal(number(db, &count_events), 4);

	struct download d = record(db, a, 0);

	assert_int_equal(d.bytes, SIZE);
	assert_int_equal(d.bytes_sent, SIZE);
	assert_int_equal(d.requests, 4);
	assert_int_equal(d.state, DOWNLOAD_TRANSFERRED);
	assert_span(d.ranges, "0-999");
}

static void damaged_lines(void **state)
{
	struct db *db = test_db(state);
	AUTO_PTR(arena) a = arena_new();
	AUTO(buf) log = {0};
	struct ingest_result r;

	buf_init(&log, 65536);
	assert_ok(db_transact(db, DB_WRITE, grant_body, NULL));
	buf_add_str(&log, "{\"event\":\"download\",\"tim\n\n");
	add_line(&log, 0, 0, 100);
	buf_add(&log, span_of("\0\xff\x01 garbage\n", 12));
	buf_add_str(
		&log, "{\"event\":\"download\",\"time\":17"); /* a full disk, glued to the next */
	add_line(&log, 0, 100, 100);
	buf_add_str(&log, "cut");
	r = ship(db, &log, 0, buf_len(&log));
	assert_int_equal(r.events, 2);
	assert_int_equal(r.torn, 4); /* the empty line too: nginx never writes one */
	assert_int_equal(r.position, buf_len(&log));
	assert_int_equal(number(db, &count_torn), 4);
	assert_int_equal(record(db, a, 0).bytes, 200);
	assert_int_equal(ship(db, &log, 0, buf_len(&log)).torn, 0);
	assert_int_equal(number(db, &count_torn), 4);
}

/* Several downloads in one batch, in any order, one of them unknown. */
static void interleaved(void **state)
{
	struct db *db = test_db(state);
	AUTO_PTR(arena) a = arena_new();
	AUTO(buf) log = {0};

	buf_init(&log, INGEST_BYTES_MAX);
	assert_ok(db_transact(db, DB_WRITE, grant_body, NULL));
	for (unsigned step = 0; step < 100; step++)
		for (size_t i = 0; i < ARRAY_LEN(ids); i++)
			add_line(&log, (i + step) % ARRAY_LEN(ids), step * 10, 10);
	buf_add_str(&log,
		"{\"event\":\"download\",\"time\":1700000000.5,\"download\":\"dl_gone\",\"file\":"
		"\"a\",\"method\":\"GET\",\"status\":200,\"sent\":10}\n");
	assert_int_equal(ship(db, &log, 0, buf_len(&log)).events, 301);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct download d = record(db, a, i);

		assert_int_equal(d.bytes, SIZE);
		assert_int_equal(d.bytes_sent, SIZE);
		assert_int_equal(d.requests, 100);
	}
}

static err catalogue_body(struct db_tx *tx, void *arg UNUSED)
{
	struct product p = {.id = SPAN("prod_1"), .name = SPAN("demo"), .created_at = NOW};
	struct release r = {.id = SPAN("rel_1"),
		.product_id = SPAN("prod_1"),
		.version = SPAN("1.0.0"),
		.created_at = NOW};
	struct release s = r;
	err e = product_add(tx, &p);

	s.id = SPAN("rel_2");
	s.version = SPAN("2.0.0");
	if (!e)
		e = release_add(tx, &r);
	return e ? e : release_add(tx, &s);
}

/* Versions nobody published and products nobody has do not fill the table. */
static void update_checks(void **state)
{
	struct db *db = test_db(state);
	AUTO(buf) log = {0};

	buf_init(&log, 65536);
	assert_ok(db_transact(db, DB_WRITE, catalogue_body, NULL));
	add_check(&log, "1.0.0", "2.0.0");
	add_check(&log, "2.0.0", "");
	add_check(&log, "1.0.0", "2.0.0");
	add_check(&log, "6.6.6", "2.0.0");
	add_check(&log, "7.7.7", "2.0.0");
	size_t first = buf_len(&log);

	add_check(&log, "1.0.0", "2.0.0");
	buf_add_str(&log, "{\"event\":\"check\",\"time\":1700000000.5,\"product\":\"nothing\"}\n");
	assert_int_equal(ship(db, &log, 0, first).events, 5);
	assert_int_equal(ship(db, &log, 0, buf_len(&log)).events, 2);
	assert_int_equal(checks(db, "1.0.0", "2.0.0"), 3);
	assert_int_equal(checks(db, "2.0.0", ""), 1);
	assert_int_equal(checks(db, "other", "2.0.0"), 2);
	assert_int_equal(number(db, &count_events), 7);
}

static const struct db_statement count_platforms = {
	"count_platforms", "SELECT COUNT(*) FROM update_checks", 0};

/* Nor do platforms that do not exist. */
static void invented_platforms(void **state)
{
	struct db *db = test_db(state);
	AUTO(buf) log = {0};

	buf_init(&log, 65536);
	assert_ok(db_transact(db, DB_WRITE, catalogue_body, NULL));
	for (unsigned i = 0; i < 100; i++)
		buf_addf(&log,
			"{\"event\":\"check\",\"time\":1700000000.5,\"product\":\"demo\","
			"\"platform\":\"linux-%u\",\"installed\":\"1.0.0\",\"offered\":\"\"}\n",
			i);
	add_check(&log, "1.0.0", "");
	assert_int_equal(ship(db, &log, 0, buf_len(&log)).events, 101);
	assert_int_equal(checks(db, "1.0.0", ""), 101);
	assert_int_equal(number(db, &count_platforms), 2);
}

static void old_events_are_deleted(void **state)
{
	struct db *db = test_db(state);
	AUTO(buf) log = {0};
	int64_t deleted = -1;

	buf_init(&log, 65536);
	add_check(&log, "1.0.0", "");
	add_check(&log, "1.0.0", "");
	assert_int_equal(ship(db, &log, 0, buf_len(&log)).events, 2);
	assert_ok(event_delete_old(db, INT64_C(1700000000500000), NOW, &deleted));
	assert_int_equal(deleted, 0);
	assert_ok(event_delete_old(db, INT64_C(1700000000500001), NOW, &deleted));
	assert_int_equal(deleted, 2);
	assert_ok(event_delete_old(db, NOW, NOW, &deleted));
	assert_int_equal(deleted, 0);
	/* The cursor stays: the log is not taken in again. */
	assert_int_equal(ship(db, &log, 0, buf_len(&log)).events, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH_ENGINES(refuses),
		ON_BOTH_ENGINES(gaps_repetitions_and_overlaps),
		ON_BOTH_ENGINES(damaged_lines),
		ON_BOTH_ENGINES(interleaved),
		ON_BOTH_ENGINES(update_checks),
		ON_BOTH_ENGINES(invented_platforms),
		ON_BOTH_ENGINES(old_events_are_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
