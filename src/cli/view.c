/*
 * From JSON to the screen. Everything shown comes from outside and is made harmless on the way.
 */
#include "cli/view.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "cli/humane.h"

#include "base/banned.h"

#define SCREEN_MAX (64u << 20)
#define NAME_MOST  24

err view_json(struct cli *cli, const json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);

	if (!text)
		return ERR_NOMEM;
	fprintf(cli->out, "%s\n", text);
	free(text);
	return OK;
}

err view_json_line(struct cli *cli, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	json_decref(value);
	if (!text)
		return ERR_NOMEM;
	fprintf(cli->out, "%s\n", text);
	fflush(cli->out);
	free(text);
	return OK;
}

PRINTF_LIKE(1, 0)
static void clean_words(const char *format, va_list args, struct buf *out)
{
	AUTO(buf) text = {0};

	buf_init(&text, 1 << 16);
	buf_vaddf(&text, format, args);
	text_clean(out, buf_span(&text));
}

void view_line(struct cli *cli, const char *format, ...)
{
	AUTO(buf) text = {0};
	va_list args;

	buf_init(&text, 1 << 18);
	va_start(args, format);
	clean_words(format, args, &text);
	va_end(args);
	fprintf(cli->out, "%s\n", buf_str(&text));
}

void view_prose(struct cli *cli, const char *format, ...)
{
	AUTO(buf) text = {0};
	AUTO(buf) wrapped = {0};
	va_list args;

	buf_init(&text, 1 << 18);
	buf_init(&wrapped, 1 << 19);
	va_start(args, format);
	clean_words(format, args, &text);
	va_end(args);
	text_wrap(&wrapped, buf_span(&text), 0,
		cli->terminal.endless ? UINT_MAX : cli->terminal.width);
	fputs(buf_str(&wrapped), cli->out);
}

json_t *view_member(const json_t *object, const char *path)
{
	span rest = span_from(path), name;
	json_t *value = NULL;

	while (span_cut(&rest, '.', &name)) {
		value = json_object_getn(object, name.ptr, name.len);
		object = value;
	}
	return value;
}

static void add_list(
	const struct cli *cli, const json_t *list, enum view_kind kind, struct buf *out)
{
	size_t i;
	json_t *value;

	json_array_foreach(list, i, value)
	{
		if (i)
			buf_add_str(out, ", ");
		view_value(cli, value, kind, out);
	}
}

/* {"product": …, "range": …} as "openvpn ^2.6": the texts, in order. */
static void add_texts(const struct cli *cli, json_t *object, struct buf *out)
{
	const char *name;
	json_t *value;
	bool first = true;

	json_object_foreach(object, name, value)
	{
		if (json_is_null(value))
			continue;
		if (!first)
			buf_add_byte(out, ' ');
		first = false;
		view_value(cli, value, VIEW_TEXT, out);
	}
}

static void add_number(json_int_t n, enum view_kind kind, struct buf *out)
{
	if (kind == VIEW_SIZE && n >= 0)
		humane_size(out, (uint64_t)n);
	else if (kind == VIEW_MS)
		humane_duration(out, (int64_t)n * TIME_MS);
	else if (kind == VIEW_MOST && n == 0)
		buf_add_str(out, "any number");
	else
		buf_add_i64(out, n);
}

void view_value(const struct cli *cli, const json_t *value, enum view_kind kind, struct buf *out)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		if (kind == VIEW_TIME)
			humane_time_text(out, span_from(json_string_value(value)), cli->now_us);
		else if (kind == VIEW_DAY)
			buf_add(out, span_sub(span_from(json_string_value(value)), 0,
					     SPAN("2026-01-31").len));
		else
			buf_add_str(out, json_string_value(value));
		break;
	case JSON_INTEGER:
		add_number(json_integer_value(value), kind, out);
		break;
	case JSON_REAL:
		buf_addf(out, "%.4g", json_real_value(value));
		break;
	case JSON_TRUE:
		buf_add_str(out, "yes");
		break;
	case JSON_FALSE:
		buf_add_str(out, "no");
		break;
	case JSON_ARRAY:
		add_list(cli, value, kind, out);
		break;
	case JSON_OBJECT: {
		json_t *object = json_incref((json_t *)(uintptr_t)value); /* foreach wants it so */

		add_texts(cli, object, out);
		json_decref(object);
		break;
	}
	case JSON_NULL:
		buf_add_byte(out, '-');
		break;
	}
}

static err print(struct cli *cli, const struct buf *out)
{
	if (buf_error(out) != OK)
		return buf_error(out);
	fputs(buf_str(out), cli->out);
	return OK;
}

err view_table(struct cli *cli, const json_t *items, const struct view *views, size_t count,
	const char *none)
{
	struct column columns[TABLE_MAX_COLUMNS];
	struct table t;
	AUTO(buf) out = {0};
	AUTO(buf) cell = {0};
	size_t i;
	json_t *item;

	buf_init(&out, SCREEN_MAX);
	buf_init(&cell, 1 << 20);
	if (json_array_size(items) == 0) {
		view_prose(cli, "%s", none);
		return OK;
	}
	if (count > TABLE_MAX_COLUMNS)
		return ERR_BUG;
	for (size_t c = 0; c < count; c++)
		columns[c] = (struct column){views[c].title, views[c].flags};
	table_init(&t, cli->arena, columns, count);
	json_array_foreach(items, i, item)
	{
		for (size_t c = 0; c < count; c++) {
			buf_clear(&cell);
			view_value(cli, view_member(item, views[c].member), views[c].kind, &cell);
			table_add(&t, buf_span(&cell));
		}
	}
	table_write(&t, &cli->terminal, &out);
	return print(cli, &out);
}

/* How a member is shown is in its name: the API's names are regular. */
static enum view_kind kind_of(span name)
{
	if (span_ends_with(name, SPAN("_at")) || span_is(name, "at"))
		return VIEW_TIME;
	if (span_ends_with(name, SPAN("_ms")))
		return VIEW_MS;
	if (span_starts_with(name, SPAN("max_")))
		return VIEW_MOST;
	if (span_is(name, "size") || span_is(name, "bytes") ||
		span_starts_with(name, SPAN("bytes_")))
		return VIEW_SIZE;
	return VIEW_TEXT;
}

static bool is_table(const json_t *value)
{
	return json_is_array(value) && json_is_object(json_array_get(value, 0)) &&
	       json_object_size(json_array_get(value, 0)) > 2;
}

/* Lines as they are, under each other. */
static void add_lines(span text, unsigned indent, struct buf *out)
{
	span line;

	for (bool first = true; span_cut(&text, '\n', &line); first = false) {
		for (unsigned i = 0; !first && i < indent; i++)
			buf_add_byte(out, ' ');
		buf_add(out, line);
		buf_add_byte(out, '\n');
	}
}

/* The value, broken into lines under each other where it is too long for one. */
static void add_value(
	const struct cli *cli, span text, enum tone tone, unsigned indent, struct buf *out)
{
	AUTO(buf) wrapped = {0};

	text = span_trim(text);
	if (span_contains(text, SPAN("\n"))) {
		add_lines(text, indent, out);
		return;
	}
	if (indent + text_width(text) <= cli->terminal.width || !span_contains(text, SPAN(" "))) {
		if (tone != TONE_PLAIN)
			tone_add(out, cli->terminal.colour, tone);
		buf_add(out, text);
		if (tone != TONE_PLAIN)
			tone_add(out, cli->terminal.colour, TONE_PLAIN);
		buf_add_byte(out, '\n');
		return;
	}
	buf_init(&wrapped, SCREEN_MAX);
	text_wrap(&wrapped, text, indent, cli->terminal.width);
	buf_add(out, span_from_offset(buf_span(&wrapped), indent));
}

static void add_line(const struct cli *cli, span name, const json_t *value, unsigned indent,
	unsigned column, struct buf *out)
{
	AUTO(buf) text = {0};
	AUTO(buf) shown = {0};
	span label = name;

	buf_init(&text, 1 << 20);
	buf_init(&shown, 3 << 20);
	view_value(cli, value, kind_of(name), &text);
	text_clean_lines(&shown, buf_span(&text));
	for (unsigned i = 0; i < indent; i++)
		buf_add_byte(out, ' ');
	tone_add(out, cli->terminal.colour, TONE_DIM);
	if (kind_of(name) == VIEW_MS) /* the unit is shown with the value */
		label.len -= SPAN("_ms").len;
	for (size_t i = 0; i < label.len; i++)
		buf_add_byte(out, label.ptr[i] == '_' ? ' ' : label.ptr[i]);
	tone_add(out, cli->terminal.colour, TONE_PLAIN);
	for (size_t i = label.len; i < column + 2; i++)
		buf_add_byte(out, ' ');
	add_value(cli, buf_span(&shown), tone_of(buf_span(&text)), indent + column + 2, out);
}

static bool is_nothing(const json_t *value)
{
	return json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_string(value) && json_string_length(value) == 0);
}

static unsigned name_column(json_t *object)
{
	unsigned widest = 0;
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) if (!json_is_null(value)) widest =
		MAX(widest, (unsigned)MIN(strlen(name), NAME_MOST));
	return widest;
}

/* Objects in objects one level deep, in lists as blocks of their own. */
static void add_object(const struct cli *cli, json_t *object, unsigned indent, struct buf *out)
{
	unsigned column = name_column(object);
	const char *key;
	json_t *value, *item;
	size_t i;

	json_object_foreach(object, key, value)
	{
		span name = span_of(key, MIN(strlen(key), NAME_MOST));
		bool nested = json_is_object(value) && indent == 0;

		if (is_nothing(value))
			continue;
		if (!nested && !(is_table(value) && indent == 0)) {
			add_line(cli, name, value, indent, column, out);
			continue;
		}
		text_clean(out, name);
		buf_add_str(out, ":\n");
		if (nested)
			add_object(cli, value, 2, out);
		else
			json_array_foreach(value, i, item)
			{
				if (i)
					buf_add_byte(out, '\n');
				add_object(cli, item, 2, out);
			}
	}
}

err view_object(struct cli *cli, const json_t *object)
{
	AUTO(buf) out = {0};
	json_t *shared = json_incref((json_t *)(uintptr_t)object); /* foreach wants it so */

	buf_init(&out, SCREEN_MAX);
	add_object(cli, shared, 0, &out);
	json_decref(shared);
	return print(cli, &out);
}
