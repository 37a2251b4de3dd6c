/*
 * Help that teaches: what a command is for, what it takes, an example, and what one does next.
 * Everything comes from the tables.
 */
#include "cli/program.h"

#include <string.h>

#include "base/banned.h"

#define NAME_COLUMN_MOST 28

/* "--channel CHANNEL" or "FILE..." */
static void add_name(struct buf *out, const struct option *row, bool argument)
{
	if (!argument)
		buf_addf(out, "--%s%s", row->name, row->value ? " " : "");
	if (row->value)
		buf_add_str(out, row->value);
	if (row->flags & OPTION_MANY)
		buf_add_str(out, "...");
}

/* With a capital, whether the row has one or not. */
static void add_sentence(struct buf *out, const char *text)
{
	bool lower = text[0] >= 'a' && text[0] <= 'z';

	if (lower)
		buf_add_byte(out, (char)(text[0] - 'a' + 'A'));
	buf_add_str(out, text + lower);
}

/* Without the line ends at the end. */
static span examples_of(const struct command *c)
{
	span text = span_from(c->examples);

	while (span_ends_with(text, SPAN("\n")))
		text.len--;
	return text;
}

static void add_help(struct buf *out, const struct option *row)
{
	add_sentence(out, row->help);
	if (row->choices) {
		span rest = span_from(row->choices), choice;

		buf_add_str(out, ": ");
		for (bool first = true; span_cut(&rest, ' ', &choice); first = false) {
			if (!first)
				buf_add_str(out, rest.ptr ? ", " : " or ");
			buf_add(out, choice);
		}
	}
	if (row->env)
		buf_addf(out, " (or environment %s)", row->env);
	if (row->flags & OPTION_REQUIRED)
		buf_add_str(out, " (required)");
	else if (row->flags & OPTION_MANY)
		buf_add_str(out, " (may be repeated)");
}

/* Name in a column of its own, text beside it or, when the name is long, below it. */
static void add_entry(struct buf *out, span name, span text, unsigned column, unsigned width)
{
	AUTO(buf) wrapped = {0};
	unsigned taken = text_width(name);
	span lines;

	buf_init(&wrapped, 1 << 16);
	text_wrap(&wrapped, text, column + 4, MAX(width, column + 24));
	lines = buf_span(&wrapped);
	buf_add_str(out, "  ");
	buf_add(out, name);
	if (taken > column) {
		buf_add_byte(out, '\n');
	} else {
		for (unsigned i = taken; i < column + 2; i++)
			buf_add_byte(out, ' ');
		lines = span_from_offset(lines, column + 4);
	}
	buf_add(out, lines);
}

static unsigned name_column(const struct option *rows, bool arguments)
{
	unsigned widest = 0;

	for (size_t i = 0; i < option_rows(rows); i++) {
		AUTO(buf) name = {0};

		buf_init(&name, 4096);
		add_name(&name, &rows[i], arguments);
		if (text_width(buf_span(&name)) <= NAME_COLUMN_MOST)
			widest = MAX(widest, text_width(buf_span(&name)));
	}
	return widest;
}

static void add_rows(struct buf *out, const char *title, const struct option *rows, bool arguments,
	unsigned width)
{
	unsigned column = name_column(rows, arguments);

	if (option_rows(rows) == 0)
		return;
	buf_addf(out, "\n%s:\n", title);
	for (size_t i = 0; i < option_rows(rows); i++) {
		AUTO(buf) name = {0};
		AUTO(buf) text = {0};

		buf_init(&name, 4096);
		buf_init(&text, 4096);
		add_name(&name, &rows[i], arguments);
		add_help(&text, &rows[i]);
		add_entry(out, buf_span(&name), buf_span(&text), column, width);
	}
}

static void add_usage(
	struct buf *out, const struct program *p, const struct command *c, unsigned width)
{
	AUTO(buf) line = {0};

	buf_init(&line, 1 << 16);
	buf_addf(&line, "%s %s", p->name, c->path);
	for (size_t i = 0; i < option_rows(c->arguments); i++) {
		bool required = c->arguments[i].flags & OPTION_REQUIRED;

		buf_add_str(&line, required ? " " : " [");
		add_name(&line, &c->arguments[i], true);
		if (!required)
			buf_add_byte(&line, ']');
	}
	for (size_t i = 0; i < option_rows(c->options); i++) {
		if (!(c->options[i].flags & OPTION_REQUIRED))
			continue;
		buf_add_byte(&line, ' ');
		add_name(&line, &c->options[i], false);
	}
	buf_add_str(&line, " [options]");
	buf_add_str(out, "\nUsage:\n");
	text_wrap(out, buf_span(&line), 2, width);
}

static void add_prose(struct buf *out, const char *title, const char *text, unsigned width)
{
	if (!text)
		return;
	buf_addf(out, title ? "\n%s:\n" : "\n", title);
	text_wrap(out, span_from(text), title ? 2 : 0, width);
}

/* Where a command line may go on in the next: before an option, else at a space; 0: nowhere. */
static size_t example_break(span line, size_t room)
{
	size_t option = 0, space = 0;
	size_t i = 0;

	while (i < line.len && line.ptr[i] == ' ')
		i++;
	for (; i + 1 < line.len && i <= room; i++) {
		if (line.ptr[i] != ' ' || line.ptr[i + 1] == '\\')
			continue;
		space = i;
		if (i + 2 < line.len && line.ptr[i + 1] == '-' && line.ptr[i + 2] == '-')
			option = i;
	}
	return option ? option : space;
}

/* Broken the way a shell reads it, so that it can be pasted. */
static void add_example(struct buf *out, span line, unsigned width)
{
	unsigned indent = 2;

	while (indent + text_width(line) > width) {
		size_t cut = example_break(line, width - indent - 2);

		if (cut == 0)
			break; /* one long word */
		buf_addf(out, "%*s%.*s \\\n", (int)indent, "", (int)cut, line.ptr);
		line = span_from_offset(line, cut + 1);
		indent = 6;
	}
	buf_addf(out, "%*s%.*s\n", (int)indent, "", SPAN_ARG(line));
}

static void command_help(
	const struct program *p, const struct command *c, unsigned width, struct buf *out)
{
	span rest = examples_of(c), line;

	AUTO(buf) title = {0};

	buf_init(&title, 4096);
	buf_addf(&title, "%s %s: %s", p->name, c->path, c->summary);
	text_wrap(out, buf_span(&title), 0, width);
	add_prose(out, NULL, c->about, width);
	add_usage(out, p, c, width);
	add_rows(out, "Arguments", c->arguments, true, width);
	add_rows(out, "Options", c->options, false, width);
	add_rows(out, "Options of every command", p->globals, false, width);
	if (c->examples)
		buf_add_str(out, "\nExamples:\n");
	while (c->examples && span_cut(&rest, '\n', &line))
		add_example(out, line, width);
	add_prose(out, "Next", c->next, width);
}

/* The commands below these words, each with its line. */
static void add_commands(const struct command_table *table, span words, unsigned column,
	unsigned width, struct buf *out)
{
	const struct command *rows = table->rows;

	for (size_t i = 0; i < table->count; i++) {
		span path = span_from(rows[i].path);

		if (rows[i].hidden || !span_starts_with(path, words))
			continue;
		if (words.len > 0 && (path.len <= words.len || path.ptr[words.len] != ' '))
			continue;
		AUTO(buf) summary = {0};

		buf_init(&summary, 4096);
		add_sentence(&summary, rows[i].summary);
		add_entry(out, path, buf_span(&summary), column, width);
	}
}

static unsigned path_column(const struct program *p)
{
	unsigned widest = 0;

	for (size_t i = 0; i < program_commands(p); i++)
		if (!program_command(p, i)->hidden)
			widest = MAX(widest, text_width(span_from(program_command(p, i)->path)));
	return MIN(widest, NAME_COLUMN_MOST);
}

static void program_help(const struct program *p, span words, unsigned width, struct buf *out)
{
	unsigned column = path_column(p);

	if (words.len == 0) {
		buf_addf(out, "%s: %s\n", p->name, p->summary);
		add_prose(out, NULL, p->about, width);
		buf_addf(out, "\nUsage:\n  %s COMMAND [arguments] [options]\n", p->name);
	} else {
		buf_addf(out, "%s %.*s: a group of commands\n", p->name, SPAN_ARG(words));
	}
	buf_add_str(out, "\nCommands:\n");
	for (size_t t = 0; t < p->tables_count; t++)
		add_commands(p->tables[t], words, column, width, out);
	if (words.len == 0)
		add_rows(out, "Options of every command", p->globals, false, width);
	buf_addf(out, "\n`%s COMMAND --help` explains a command, with examples.\n", p->name);
}

void help_write(const struct program *p, const char *topic, unsigned width, struct buf *out)
{
	const struct command *c = program_find(p, span_from(topic));

	width = MIN(width, 100);
	if (c)
		command_help(p, c, width, out);
	else
		program_help(p, span_from(topic), width, out);
}

static void reference_rows(struct buf *out, const struct option *rows, bool arguments)
{
	for (size_t i = 0; i < option_rows(rows); i++) {
		buf_add_str(out, "- `");
		add_name(out, &rows[i], arguments);
		buf_add_str(out, "`: ");
		add_help(out, &rows[i]);
		buf_add_byte(out, '\n');
	}
}

static void reference_command(struct buf *out, const struct program *p, const struct command *c)
{
	buf_addf(out, "\n## %s %s\n\n", p->name, c->path);
	add_sentence(out, c->summary);
	buf_add_str(out, ".\n");
	if (c->about)
		buf_addf(out, "\n%s\n", c->about);
	buf_add_byte(out, '\n');
	reference_rows(out, c->arguments, true);
	reference_rows(out, c->options, false);
	if (c->examples)
		buf_addf(out, "%s```\n%.*s\n```\n",
			option_rows(c->arguments) + option_rows(c->options) ? "\n" : "",
			SPAN_ARG(examples_of(c)));
	if (!c->next)
		return;
	buf_add_str(out, "\nNext: ");
	add_sentence(out, c->next);
	buf_add_byte(out, '\n');
}

void reference_write(const struct program *p, struct buf *out)
{
	buf_addf(out, "# %s\n\n%s %s.\n\n%s\n\nOptions of every command:\n\n", p->name, p->name,
		p->summary, p->about);
	reference_rows(out, p->globals, false);
	for (size_t i = 0; i < program_commands(p); i++)
		if (!program_command(p, i)->hidden)
			reference_command(out, p, program_command(p, i));
}
