/*
 * `slipway stats`: downloads by day and package, update checks by installed version, drawn.
 */
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "cli/chart.h"
#include "cli/humane.h"
#include "cli/request.h"

#include "base/banned.h"

#define DAYS_MOST 400
#define BAR_WIDTH 16
#define ROWS_MOST 20

struct stats {
	struct cli *cli;
	const json_t *answer;
	struct buf out;
};

static uint64_t number(const json_t *object, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(object, name));

	return n > 0 ? (uint64_t)n : 0;
}

/* Counts per day, the last one today; days without downloads are not in the answer. */
static void by_day(const struct stats *s, const char *name, uint64_t *ret, size_t days)
{
	json_t *list = json_object_get(s->answer, "downloads_by_day"), *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const char *day = json_string_value(json_object_get(entry, "day"));
		int64_t time_us, ago;

		if (!day || time_parse(span_from(day), &time_us) != OK)
			continue;
		ago = s->cli->now_us / TIME_DAY - time_us / TIME_DAY;
		if (ago >= 0 && (size_t)ago < days)
			ret[days - 1 - (size_t)ago] += number(entry, name);
	}
}

static uint64_t sum(const uint64_t *values, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += values[i];
	return total;
}

static void add_days(struct stats *s)
{
	static const char *const names[] = {"granted", "completed", "failed", "bytes_sent"};
	size_t days = (size_t)MIN(number(s->answer, "days"), DAYS_MOST);
	size_t shown = MIN(days, s->cli->terminal.width - 24);

	buf_addf(&s->out, "Downloads of the last %zu days\n", days);
	for (size_t n = 0; n < ARRAY_LEN(names); n++) {
		uint64_t values[DAYS_MOST] = {0};
		AUTO(buf) total = {0};

		buf_init(&total, 64);
		by_day(s, names[n], values, days);
		if (n == 3)
			humane_size(&total, sum(values, days));
		else
			buf_add_u64(&total, sum(values, days));
		buf_addf(&s->out, "  %-9s %9s  ", n == 3 ? "sent" : names[n], buf_str(&total));
		chart_line(&s->out, values + days - shown, shown);
		buf_add_byte(&s->out, '\n');
	}
}

/* A table of a list, with a bar drawn for member `bar` against its largest value. */
static err add_table(struct stats *s, const char *title, json_t *list, const struct view *views,
	size_t count, const char *bar)
{
	struct column columns[TABLE_MAX_COLUMNS];
	struct table t;
	json_t *item;
	uint64_t most = 0;
	size_t i;

	if (json_array_size(list) == 0)
		return OK;
	if (count + 1 > TABLE_MAX_COLUMNS)
		return ERR_BUG;
	json_array_foreach(list, i, item) most = MAX(most, number(item, bar));
	for (size_t c = 0; c < count; c++)
		columns[c] = (struct column){views[c].title, views[c].flags};
	columns[count] = (struct column){"", COLUMN_DROP};
	table_init(&t, s->cli->arena, columns, count + 1);
	json_array_foreach(list, i, item)
	{
		AUTO(buf) cell = {0};

		if (i == ROWS_MOST)
			break;
		buf_init(&cell, 65536);
		for (size_t c = 0; c < count; c++) {
			buf_clear(&cell);
			view_value(
				s->cli, view_member(item, views[c].member), views[c].kind, &cell);
			table_add(&t, buf_span(&cell));
		}
		buf_clear(&cell);
		chart_bar(&cell, number(item, bar), most, BAR_WIDTH, false);
		table_add(&t, buf_span(&cell));
	}
	buf_addf(&s->out, "\n%s\n", title);
	table_write(&t, &s->cli->terminal, &s->out);
	return OK;
}

static err add_tables(struct stats *s)
{
	static const struct view packages[] = {
		{"PRODUCT", "product", VIEW_TEXT, COLUMN_SHRINK},
		{"VERSION", "version", VIEW_TEXT, COLUMN_SHRINK},
		{"PLATFORM", "platform", VIEW_TEXT, COLUMN_DROP},
		{"GRANTED", "granted", VIEW_TEXT, COLUMN_RIGHT},
		{"DONE", "completed", VIEW_TEXT, COLUMN_RIGHT},
		{"FAILED", "failed", VIEW_TEXT, COLUMN_RIGHT},
		{"SENT", "bytes_sent", VIEW_SIZE, COLUMN_RIGHT},
	};
	static const struct view checks[] = {
		{"DAY", "day", VIEW_DAY, 0},
		{"PRODUCT", "product", VIEW_TEXT, COLUMN_SHRINK},
		{"INSTALLED", "installed", VIEW_TEXT, COLUMN_SHRINK},
		{"PLATFORM", "platform", VIEW_TEXT, COLUMN_DROP},
		{"CLIENTS", "checks", VIEW_TEXT, COLUMN_RIGHT},
		{"OFFERED", "offered", VIEW_TEXT, COLUMN_RIGHT},
	};
	static const struct view reports[] = {
		{"PRODUCT", "product", VIEW_TEXT, COLUMN_SHRINK},
		{"VERSION", "version", VIEW_TEXT, COLUMN_SHRINK},
		{"STAGE", "stage", VIEW_TEXT, COLUMN_TONE},
		{"DEVICES", "devices", VIEW_TEXT, COLUMN_RIGHT},
	};
	err e = add_table(s, "By package", json_object_get(s->answer, "downloads_by_package"),
		packages, ARRAY_LEN(packages), "granted");

	if (e == OK)
		e = add_table(s, "Update checks", json_object_get(s->answer, "update_checks"),
			checks, ARRAY_LEN(checks), "checks");
	if (e == OK)
		e = add_table(s, "What clients reported",
			json_object_get(s->answer, "update_reports"), reports, ARRAY_LEN(reports),
			"devices");
	return e;
}

static err run_stats(struct cli *cli)
{
	struct stats s = {.cli = cli};
	json_t *answer;
	err e = session_call(cli, "GET", request_query(cli, "/admin/stats"), NULL, &answer);

	if (e != OK)
		return e;
	if (cli->json)
		return command_answer(cli, answer);
	s.answer = answer;
	buf_init(&s.out, 1 << 20);
	add_days(&s);
	e = add_tables(&s);
	if (e == OK)
		e = buf_error(&s.out);
	fputs(buf_str(&s.out), cli->out);
	buf_done(&s.out);
	json_decref(answer);
	return e;
}

static const struct option stats_options[] = {
	{"days", "N", VALUE_COUNT, 0, "days to count, today included (default 30)",
		.member = "days"},
	{0},
};

static const struct command commands[] = {
	{.path = "stats",
		.summary = "show downloads, update checks and what clients reported",
		.options = stats_options,
		.run = run_stats,
		.examples = "slipway stats --days 7"},
};
const struct command_table stats_commands = {commands, ARRAY_LEN(commands)};
