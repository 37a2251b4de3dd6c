/*
 * How many downloads a second the control plane takes in, durably, from the event log: batches as
 * the tailer ships them, into a SQLite database of granted downloads. Prints one line of JSON.
 *
 *   ingest_bench DIRECTORY [DOWNLOADS [LINES-PER-BATCH]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "crypto/random.h"
#include "event/download_store.h"
#include "event/ingest.h"
#include "sys/clock.h"

#define FILE_BYTES 52428800

struct grants {
	char (*ids)[TYPEID_SIZE];
	size_t from, to;
	int64_t now_us;
};

static err add_grants(struct db_tx *tx, void *arg)
{
	const struct grants *g = arg;

	for (size_t i = g->from; i < g->to; i++) {
		struct download d = {.id = span_from(g->ids[i]),
			.package_id = SPAN("pkg_01h455vb4pex5vsknk084sn02q"),
			.release_id = SPAN("rel_01h455vb4pex5vsknk084sn02q"),
			.account_id = SPAN("acc_01h455vb4pex5vsknk084sn02q"),
			.device_id = SPAN("dev_01h455vb4pex5vsknk084sn02q"),
			.licence_id = SPAN("lic_01h455vb4pex5vsknk084sn02q"),
			.filename = SPAN("demo-vpn_1.2.3_amd64.deb"),
			.size = FILE_BYTES,
			.granted_at_us = g->now_us,
			.expires_at_us = g->now_us + 15 * TIME_MINUTE,
			.country = SPAN("DE"),
			.referrer = SPAN("update_check")};
		err e = download_store_add(tx, &d);

		if (e)
			return e;
	}
	return OK;
}

static void add_line(struct buf *out, const char *id, int64_t now_us)
{
	buf_addf(out,
		"{\"event\":\"download\",\"time\":%lld.%03d,\"duration\":12.345,\"download\":\"%"
		"s\","
		"\"file\":\"demo-vpn_1.2.3_amd64.deb\",\"method\":\"GET\",\"status\":200,\"sent\":%"
		"d,"
		"\"size\":\"%d\",\"complete\":\"OK\",\"content_range\":\"\",\"range\":\"\","
		"\"agent\":\"slipway-update/0.1.0 (linux; amd64)\",\"country\":\"DE\"}\n",
		(long long)(now_us / TIME_SECOND), (int)(now_us / TIME_MS % 1000), id, FILE_BYTES,
		FILE_BYTES);
}

static void check(err e, const char *what)
{
	if (!e)
		return;
	(void)fprintf(stderr, "%s: %s\n", what, err_name(e));
	exit(1);
}

static double cpu_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run(struct db *db, struct grants *g, size_t count, size_t per_batch)
{
	AUTO(buf) batch = {0};
	int64_t position = 0, spent_us = 0;
	double cpu = cpu_seconds();

	buf_init(&batch, INGEST_BYTES_MAX);
	for (size_t i = 0; i < count; i += per_batch) {
		buf_clear(&batch);
		for (size_t j = i; j < MIN(i + per_batch, count); j++)
			add_line(&batch, g->ids[j], g->now_us);
		char *bytes = buf_reserve(&batch, 0);
		size_t len = buf_len(&batch);
		struct ingest_batch b = {
			SPAN("origin"), SPAN("0123456789abcdef"), position, bytes - len, len};
		struct ingest_result r;
		int64_t start = clock_monotonic_us();

		check(buf_error(&batch), "batch");
		check(event_ingest(db, &b, g->now_us, &r), "ingest");
		spent_us += clock_monotonic_us() - start;
		if (r.torn || r.gap)
			check(ERR_CORRUPT, "lines");
		position = r.position;
	}
	cpu = cpu_seconds() - cpu;
	printf("{\"name\":\"event_ingestion\",\"unit\":\"downloads/"
	       "s\",\"value\":%.0f,\"cpu_us\":%.2f}\n",
		(double)count * 1e6 / (double)spent_us, cpu * 1e6 / (double)count);
}

int main(int argc, char **argv)
{
	uint64_t count = 100000, per_batch = 1000;
	char url[4096];
	struct db *db;
	unsigned applied;

	if (argc < 2 || (argc > 2 && span_to_u64(span_from(argv[2]), 10000000, &count)) ||
		(argc > 3 && (span_to_u64(span_from(argv[3]), 8000, &per_batch) || !per_batch))) {
		(void)fprintf(
			stderr, "usage: ingest_bench DIRECTORY [DOWNLOADS [LINES-PER-BATCH]]\n");
		return 2;
	}
	(void)snprintf(url, sizeof(url), "sqlite:%s/ingest.db", argv[1]);
	struct db_options options = {
		.url = url, .max_sessions = 2, .wait_us = TIME_SECOND, .slow_us = INT64_MAX};
	struct grants g = {.ids = calloc(count, TYPEID_SIZE), .now_us = clock_wall_us()};

	if (!g.ids)
		check(ERR_NOMEM, "ids");
	check(db_open(&options, &db), "open");
	check(db_migrate(db, &applied), "migrate");
	for (size_t i = 0; i < count; i++)
		random_id("dl", g.now_us + (int64_t)i * 100, g.ids[i]);
	for (g.from = 0; g.from < count; g.from = g.to) {
		g.to = MIN(g.from + 5000, count);
		check(db_transact(db, DB_WRITE, add_grants, &g), "grants");
	}
	run(db, &g, count, per_batch);
	db_close(db);
	free(g.ids);
	return 0;
}
