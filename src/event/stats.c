/* Statistics. Hard rule: each list is bounded by its query. */
#include "event/stats.h"

#include "base/time.h"
#include "base/typeid.h"
#include "event/event_queries.h"

#include "base/banned.h"

static err read_days(struct db_tx *tx, struct arena *a, span from_id, struct stats *s)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found = false;
	err e = db_query(tx, &rows, stats_downloads_by_day, DB_TEXT(from_id));

	s->days = arena_try_array(a, STATS_ROWS_MAX, sizeof(*s->days));
	if (!s->days)
		return ERR_NOMEM;
	while (!e && s->days_count < STATS_ROWS_MAX && !(e = db_next(rows, &found)) && found)
		s->days[s->days_count++] =
			(struct stats_downloads){.day_us = db_int(rows, 0) * TIME_DAY,
				.granted = db_int(rows, 1),
				.completed = db_int(rows, 2),
				.failed = db_int(rows, 3),
				.bytes = db_int(rows, 4),
				.bytes_sent = db_int(rows, 5)};
	return e;
}

static err read_packages(struct db_tx *tx, struct arena *a, span from_id, struct stats *s)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found = false;
	err e = db_query(
		tx, &rows, stats_downloads_by_package, DB_TEXT(from_id), DB_INT(STATS_ROWS_MAX));

	s->packages = arena_try_array(a, STATS_ROWS_MAX, sizeof(*s->packages));
	if (!s->packages)
		return ERR_NOMEM;
	while (!e && s->packages_count < STATS_ROWS_MAX && !(e = db_next(rows, &found)) && found)
		s->packages[s->packages_count++] =
			(struct stats_downloads){.product = db_text_in(rows, 0, a),
				.version = db_text_in(rows, 1, a),
				.platform = db_text_in(rows, 2, a),
				.granted = db_int(rows, 3),
				.completed = db_int(rows, 4),
				.failed = db_int(rows, 5),
				.bytes = db_int(rows, 6),
				.bytes_sent = db_int(rows, 7)};
	return e;
}

static err read_checks(struct db_tx *tx, struct arena *a, int64_t from_us, struct stats *s)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found = false;
	err e = db_query(
		tx, &rows, stats_checks, DB_INT(from_us / TIME_DAY), DB_INT(STATS_ROWS_MAX));

	s->checks = arena_try_array(a, STATS_ROWS_MAX, sizeof(*s->checks));
	if (!s->checks)
		return ERR_NOMEM;
	while (!e && s->checks_count < STATS_ROWS_MAX && !(e = db_next(rows, &found)) && found)
		s->checks[s->checks_count++] =
			(struct stats_checks){.day_us = db_int(rows, 0) * TIME_DAY,
				.product = db_text_in(rows, 1, a),
				.platform = db_text_in(rows, 2, a),
				.installed = db_text_in(rows, 3, a),
				.checks = db_int(rows, 4),
				.offered = db_int(rows, 5)};
	return e;
}

static err read_reports(struct db_tx *tx, struct arena *a, int64_t from_us, struct stats *s)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found = false;
	err e = db_query(tx, &rows, stats_reports, DB_INT(from_us), DB_INT(STATS_ROWS_MAX));

	s->reports = arena_try_array(a, STATS_ROWS_MAX, sizeof(*s->reports));
	if (!s->reports)
		return ERR_NOMEM;
	while (!e && s->reports_count < STATS_ROWS_MAX && !(e = db_next(rows, &found)) && found)
		s->reports[s->reports_count++] =
			(struct stats_reports){.product = db_text_in(rows, 0, a),
				.version = db_text_in(rows, 1, a),
				.stage = db_text_in(rows, 2, a),
				.devices = db_int(rows, 3)};
	return e;
}

err stats_read(struct db_tx *tx, struct arena *a, int64_t from_us, struct stats *ret)
{
	static const uint8_t least[TYPEID_RANDOM];
	char from_id[TYPEID_SIZE];
	struct stats s = {0};

	typeid_make("dl", from_us, least, from_id);
	err e = read_days(tx, a, span_from(from_id), &s);

	if (!e)
		e = read_packages(tx, a, span_from(from_id), &s);
	if (!e)
		e = read_checks(tx, a, from_us, &s);
	if (!e)
		e = read_reports(tx, a, from_us, &s);
	if (!e)
		*ret = s;
	return e;
}
