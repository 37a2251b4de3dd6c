/*
 * The command line against the tables. Options may stand anywhere; those of a command only after
 * its words, because before them nobody can know which of them take a value.
 */
#include "cli/program.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"

#include "base/banned.h"

struct parser {
	struct cli *cli;
	int argc, at;
	char **argv;
	char words[128];     /* of the command, as far as known */
	size_t arguments;    /* given so far */
	bool only_arguments; /* after "--" */
};

static err usage(struct parser *p, const char *format, ...) PRINTF_LIKE(2, 3);
static err usage(struct parser *p, const char *format, ...)
{
	struct cli *cli = p->cli;
	va_list args;

	va_start(args, format);
	cli->detail = arena_vprintf(cli->arena, format, args);
	va_end(args);
	cli->code = "usage";
	if (!cli->hint)
		cli_hint(cli, "%s%s%s --help tells more", cli->program->name, *p->words ? " " : "",
			p->words);
	return ERR_INVALID;
}

static const struct option *argument_at(const struct command *c, size_t index)
{
	size_t count = option_rows(c->arguments);

	if (index < count)
		return &c->arguments[index];
	if (count > 0 && (c->arguments[count - 1].flags & OPTION_MANY))
		return &c->arguments[count - 1];
	return NULL;
}

/* How a row is called in messages: "--channel" or "FILE". */
static const char *row_name(struct parser *p, const struct option *row, bool argument)
{
	return argument ? row->value : arena_printf(p->cli->arena, "--%s", row->name);
}

static err check_choice(struct parser *p, const struct option *row, const char *name, span value)
{
	span rest = span_from(row->choices), choice;
	struct suggestion s;
	const char *meant;

	suggestion_init(&s, value);
	while (span_cut(&rest, ' ', &choice)) {
		if (span_eq(choice, value))
			return OK;
		suggestion_offer(&s, arena_str(p->cli->arena, choice));
	}
	meant = suggestion_get(&s);
	if (meant)
		cli_hint(p->cli, "did you mean \"%s\"?", meant);
	return usage(p, "%s: \"%.*s\" is none of: %s", name, SPAN_ARG(value), row->choices);
}

/* Dates, times and durations from now, as RFC 3339. */
static err check_time(struct parser *p, const char *name, const char **value)
{
	struct cli *cli = p->cli;
	int64_t time_us, distance_us;
	char memory[64];
	AUTO(buf) text = {0};

	if (time_parse_date_or_time(span_from(*value), &time_us) != OK) {
		if (duration_parse(span_from(*value), &distance_us) != OK)
			return usage(p,
				"%s: \"%s\" is no time; write 2026-12-31, 2026-12-31T12:00:00Z, or "
				"30d for 30 days from now",
				name, *value);
		time_us = cli->now_us + distance_us;
	}
	buf_init_fixed(&text, memory, sizeof(memory));
	time_format(&text, time_us - time_us % TIME_SECOND);
	*value = arena_str(cli->arena, buf_span(&text));
	return OK;
}

static err check_value(
	struct parser *p, const struct option *row, bool argument, const char **value)
{
	const char *name = row_name(p, row, argument);
	uint64_t number;

	if (row->kind != VALUE_FLAG && !**value)
		return usage(p, "%s: the value is empty", name);
	if (row->kind == VALUE_TEXT && !span_is_utf8(span_from(*value)))
		return usage(p, "%s: the value is not valid UTF-8", name);
	if (row->kind == VALUE_COUNT && span_to_u64(span_from(*value), INT64_MAX, &number) != OK)
		return usage(p, "%s: \"%s\" is no whole number", name, *value);
	if (row->kind == VALUE_TIME)
		return check_time(p, name, value);
	if (row->kind == VALUE_FILE && access(*value, R_OK) != 0)
		return argument ? usage(p, "%s: %s", *value, strerror(errno))
				: usage(p, "%s: %s: %s", name, *value, strerror(errno));
	if (row->choices)
		return check_choice(p, row, name, span_from(*value));
	return OK;
}

static const char *given(const struct cli *cli, const struct option *row)
{
	for (size_t i = 0; i < cli->values_count_; i++)
		if (cli->values_[i].option == row)
			return cli->values_[i].text;
	return NULL;
}

static err add_value(struct parser *p, const struct option *row, bool argument, const char *value)
{
	struct cli *cli = p->cli;
	err e = check_value(p, row, argument, &value);

	if (e != OK)
		return e;
	if (!(row->flags & OPTION_MANY) && row->kind != VALUE_FLAG && given(cli, row))
		return usage(p, "%s is given twice", row_name(p, row, argument));
	if (cli->values_count_ == CLI_MAX_VALUES)
		return usage(p, "more than %d values", CLI_MAX_VALUES);
	cli->values_[cli->values_count_++] = (struct cli_value){row, value};
	return OK;
}

static err unknown_option(struct parser *p, span name)
{
	const struct cli *cli = p->cli;
	const struct option *globals = cli->program->globals;
	const struct option *own = cli->command ? cli->command->options : NULL;
	struct suggestion s;
	const char *meant;

	suggestion_init(&s, name);
	for (size_t i = 0; i < option_rows(own); i++)
		suggestion_offer(&s, own[i].name);
	for (size_t i = 0; i < option_rows(globals); i++)
		suggestion_offer(&s, globals[i].name);
	meant = suggestion_get(&s);
	if (meant)
		cli_hint(p->cli, "did you mean --%s?", meant);
	if (!cli->command)
		return usage(p, "unknown option --%.*s; options of a command stand after its name",
			SPAN_ARG(name));
	return usage(p, "unknown option --%.*s", SPAN_ARG(name));
}

static err take_option(struct parser *p, span text)
{
	struct cli *cli = p->cli;
	size_t equals = span_find(text, '=');
	span name = span_sub(text, 0, equals);
	const struct option *row = program_option(cli->program, cli->command, name);

	if (!row)
		return unknown_option(p, name);
	if (row->kind == VALUE_FLAG) {
		if (equals < text.len)
			return usage(p, "--%s takes no value", row->name);
		return add_value(p, row, false, "yes");
	}
	if (equals < text.len)
		return add_value(p, row, false, text.ptr + equals + 1);
	if (p->at >= p->argc)
		return usage(p, "--%s needs a value: %s", row->name, row->value);
	return add_value(p, row, false, p->argv[p->at++]);
}

static err unknown_command(struct parser *p, const char *word)
{
	const struct program *program = p->cli->program;
	size_t known = strlen(p->words);
	struct suggestion s;
	const char *meant;

	suggestion_init(&s, span_from(word));
	for (size_t i = 0; i < program_commands(program); i++) {
		const struct command *c = program_command(program, i);
		span path = span_from(c->path), next;

		if (c->hidden || (known && (!span_starts_with(path, span_from(p->words)) ||
						   path.len <= known || path.ptr[known] != ' ')))
			continue;
		path = span_from_offset(path, known ? known + 1 : 0);
		if (span_cut(&path, ' ', &next))
			suggestion_offer(&s, arena_str(p->cli->arena, next));
	}
	meant = suggestion_get(&s);
	if (meant)
		cli_hint(p->cli, "did you mean \"%s%s%s %s\"?", program->name, known ? " " : "",
			p->words, meant);
	return usage(p, "\"%s\" is no command of %s%s%s", word, program->name, known ? " " : "",
		p->words);
}

/* One more word of the command's path. */
static err take_word(struct parser *p, const char *word)
{
	struct cli *cli = p->cli;
	char longer[sizeof(p->words)];
	AUTO(buf) path = {0};

	buf_init_fixed(&path, longer, sizeof(longer));
	if (*p->words)
		buf_addf(&path, "%s ", p->words);
	buf_add_str(&path, word);
	if (buf_error(&path) != OK || !*word)
		return unknown_command(p, word);
	cli->command = program_find(cli->program, buf_span(&path));
	if (!cli->command && !program_is_group(cli->program, buf_span(&path)))
		return unknown_command(p, word);
	memcpy(p->words, longer, sizeof(longer));
	return OK;
}

static err take_argument(struct parser *p, const char *text)
{
	struct cli *cli = p->cli;
	const struct option *row;

	if (!cli->command)
		return take_word(p, text);
	row = argument_at(cli->command, p->arguments);
	if (!row)
		return usage(p, "unexpected argument \"%s\"", text);
	p->arguments++;
	return add_value(p, row, true, text);
}

/* After --help: the remaining words may still say what help is wanted for. */
static void take_topic(struct parser *p, struct parsed *ret)
{
	for (; p->at < p->argc && !p->cli->command; p->at++)
		if (p->argv[p->at][0] != '-' && take_word(p, p->argv[p->at]) != OK)
			break;
	p->cli->detail = p->cli->hint = p->cli->code = NULL;
	*ret = (struct parsed){PARSED_HELP, arena_strdup(p->cli->arena, p->words)};
}

static err take_environment(struct parser *p, const struct option *rows)
{
	for (size_t i = 0; i < option_rows(rows); i++) {
		const char *value = rows[i].env ? getenv(rows[i].env) : NULL;
		err e;

		if (!value || !*value || given(p->cli, &rows[i]))
			continue;
		e = add_value(p, &rows[i], false, value);
		if (e != OK) {
			p->cli->detail = arena_printf(p->cli->arena, "environment variable %s: %s",
				rows[i].env, p->cli->detail);
			return e;
		}
	}
	return OK;
}

static err check_required(struct parser *p, const struct option *rows, bool arguments)
{
	for (size_t i = 0; i < option_rows(rows); i++) {
		const struct option *row = &rows[i];

		if (!(row->flags & OPTION_REQUIRED) || given(p->cli, row))
			continue;
		if (arguments)
			return usage(p, "%s is missing: %s", row->value, row->help);
		return usage(p, "--%s %s is missing: %s", row->name, row->value, row->help);
	}
	return OK;
}

static err finish(struct parser *p)
{
	struct cli *cli = p->cli;
	err e;

	if (!cli->command)
		return *p->words
			       ? usage(p, "\"%s\" is a group of commands; say which one", p->words)
			       : usage(p, "no command given");
	e = take_environment(p, cli->program->globals);
	if (e == OK)
		e = take_environment(p, cli->command->options);
	if (e == OK)
		e = check_required(p, cli->command->arguments, true);
	if (e == OK)
		e = check_required(p, cli->command->options, false);
	if (e == OK)
		e = check_required(p, cli->program->globals, false);
	cli->json =
		program_option(cli->program, cli->command, SPAN("json")) && cli_flag(cli, "json");
	return e;
}

/* One word of the command line; *ret_done when it decides everything. */
static err take(struct parser *p, struct parsed *ret, bool *ret_done)
{
	const char *word = p->argv[p->at++];

	if (p->only_arguments || word[0] != '-' || !word[1])
		return take_argument(p, word);
	if (!strcmp(word, "--")) {
		p->only_arguments = true;
		return OK;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
		take_topic(p, ret);
		*ret_done = true;
		return OK;
	}
	if (!strcmp(word, "--version") && !p->cli->command) {
		*ret = (struct parsed){PARSED_VERSION, ""};
		*ret_done = true;
		return OK;
	}
	if (word[1] != '-')
		return usage(p, "unknown option %s; options are written --name", word);
	return take_option(p, span_from(word + 2));
}

err program_parse(struct cli *cli, int argc, char **argv, struct parsed *ret)
{
	struct parser p = {.cli = cli, .argc = argc, .at = 1, .argv = argv};
	bool done = false;
	err e = OK;

	if (argc > 1 && !strcmp(argv[1], "help")) {
		p.at = 2;
		take_topic(&p, ret);
		return OK;
	}
	/* Known before anything can fail, so that a failure is told the way it is wanted. */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		cli->json |= !strcmp(argv[i], "--json");
	while (p.at < argc && !done) {
		e = take(&p, ret, &done);
		if (e != OK)
			return e;
	}
	if (done)
		return OK;
	*ret = (struct parsed){PARSED_COMMAND, ""};
	return finish(&p);
}
