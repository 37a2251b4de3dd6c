/*
 * Completion: the shells ask the program itself (`slipway __complete WORD…`), so what they offer
 * can never be out of date. The scripts only carry words to and fro.
 */
#include "cli/program.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* In each script @ stands for the program's name. */
static const char bash_script[] = "# Completion of @ for bash: eval \"$(@ completion bash)\"\n"
				  "_@() {\n"
				  "\tlocal line candidates=() cur=${COMP_WORDS[COMP_CWORD]}\n"
				  "\tlocal words=(\"${COMP_WORDS[@]:1:COMP_CWORD}\")\n"
				  "\twhile IFS= read -r line; do\n"
				  "\t\tcase $line in\n"
				  "\t\t:files) compopt -o filenames; mapfile -t COMPREPLY < "
				  "<(compgen -f -- \"$cur\"); return ;;\n"
				  "\t\t:folders) compopt -o filenames; mapfile -t COMPREPLY < "
				  "<(compgen -d -- \"$cur\"); return ;;\n"
				  "\t\t*) printf -v line %q \"${line%%$'\\t'*}\"; "
				  "candidates+=(\"$line\") ;;\n"
				  "\t\tesac\n"
				  "\tdone < <(command @ __complete \"${words[@]}\" 2>/dev/null)\n"
				  "\tCOMPREPLY=(\"${candidates[@]}\")\n"
				  "}\n"
				  "complete -F _@ @\n";

static const char zsh_script[] =
	"#compdef @\n"
	"# Completion of @ for zsh: eval \"$(@ completion zsh)\"\n"
	"_@() {\n"
	"\tlocal line\n"
	"\tlocal -a candidates\n"
	"\tfor line in \"${(@f)$(command @ __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; "
	"do\n"
	"\t\tcase $line in\n"
	"\t\t:files) _files; return ;;\n"
	"\t\t:folders) _files -/; return ;;\n"
	"\t\t?*) candidates+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\t_describe '@' candidates\n"
	"}\n"
	"if (( $+functions[compdef] )); then compdef _@ @; fi\n";

static const char fish_script[] = "# Completion of @ for fish: @ completion fish | source\n"
				  "function __@_complete\n"
				  "\tset -l words (commandline -opc)[2..-1] (commandline -ct)\n"
				  "\tset -l lines (command @ __complete $words 2>/dev/null)\n"
				  "\tswitch \"$lines[1]\"\n"
				  "\t\tcase :files\n"
				  "\t\t\t__fish_complete_path (commandline -ct)\n"
				  "\t\tcase :folders\n"
				  "\t\t\t__fish_complete_directories (commandline -ct)\n"
				  "\t\tcase '*'\n"
				  "\t\t\tstring join \\n -- $lines\n"
				  "\tend\n"
				  "end\n"
				  "complete -c @ -f -a '(__@_complete)'\n";

/* "@" in "[@]" is the shell's; any other is the name. */
static void add_script(struct buf *out, const char *script, const char *name)
{
	for (const char *c = script; *c; c++) {
		bool shells = *c == '@' && c > script && c[-1] == '[' && c[1] == ']';

		if (*c == '@' && !shells)
			buf_add_str(out, name);
		else
			buf_add_byte(out, *c);
	}
}

err completion_script(const struct program *p, span shell, struct buf *out)
{
	static const struct {
		const char *shell, *script;
	} scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		if (!span_is(shell, scripts[i].shell))
			continue;
		add_script(out, scripts[i].script, p->name);
		return buf_error(out);
	}
	return ERR_INVALID;
}

/* What the words before the last one amount to. */
struct context {
	struct cli *cli;
	const struct program *program;
	const struct command *command;
	char words[128];
	size_t arguments;
	const struct option *wants; /* the option whose value is being typed */
};

static void add_candidate(struct buf *out, span typed, span candidate, const char *help)
{
	if (span_starts_with(candidate, typed))
		buf_addf(out, "%.*s\t%s\n", SPAN_ARG(candidate), help);
}

/* What was given already says which server to ask. */
static void keep_value(struct context *c, const struct option *row, const char *text)
{
	struct cli *cli = c->cli;

	if (cli->values_count_ < CLI_MAX_VALUES && *text)
		cli->values_[cli->values_count_++] = (struct cli_value){row, text};
}

static void read_option(struct context *c, const char *word)
{
	size_t equals = span_find(span_from(word), '=');
	const struct option *row =
		program_option(c->program, c->command, span_sub(span_from(word), 0, equals));

	if (!row || row->kind == VALUE_FLAG)
		return;
	if (word[equals])
		keep_value(c, row, word + equals + 1);
	else
		c->wants = row;
}

static void read_word(struct context *c, const char *word)
{
	char longer[sizeof(c->words)];
	AUTO(buf) path = {0};

	if (c->wants) {
		keep_value(c, c->wants, word);
		c->wants = NULL;
		return;
	}
	if (!strncmp(word, "--", 2)) {
		read_option(c, word + 2);
		return;
	}
	if (c->command) {
		c->arguments++;
		return;
	}
	buf_init_fixed(&path, longer, sizeof(longer));
	buf_addf(&path, "%s%s%s", c->words, *c->words ? " " : "", word);
	if (buf_error(&path) != OK)
		return;
	c->command = program_find(c->program, buf_span(&path));
	memcpy(c->words, longer, sizeof(longer));
}

/* The next words of commands; each once, with the help of the only command it leads to. */
static void list_words(const struct context *c, span typed, struct buf *out)
{
	size_t known = strlen(c->words);
	AUTO(buf) last = {0};

	buf_init(&last, 256);
	for (size_t i = 0; i < program_commands(c->program); i++) {
		const struct command *row = program_command(c->program, i);
		span path = span_from(row->path), next;

		if (row->hidden || (known && (!span_starts_with(path, span_from(c->words)) ||
						     path.len <= known || path.ptr[known] != ' ')))
			continue;
		path = span_from_offset(path, known ? known + 1 : 0);
		if (!span_cut(&path, ' ', &next) || span_eq(next, buf_span(&last)))
			continue;
		buf_clear(&last);
		buf_add(&last, next);
		add_candidate(out, typed, next, path.ptr ? "a group of commands" : row->summary);
	}
}

static void list_options(const struct option *rows, span typed, struct buf *out)
{
	for (size_t i = 0; i < option_rows(rows); i++) {
		AUTO(buf) name = {0};

		buf_init(&name, 256);
		buf_addf(&name, "--%s", rows[i].name);
		add_candidate(out, typed, buf_span(&name), rows[i].help);
	}
}

static void keep_environment(struct context *c)
{
	const struct option *rows = c->program->globals;

	for (size_t i = 0; i < option_rows(rows); i++)
		if (rows[i].env && getenv(rows[i].env) && !cli_text(c->cli, rows[i].name))
			keep_value(c, &rows[i], getenv(rows[i].env));
}

/* The values a server knows, those that begin with what was typed. */
static void list_known(
	struct context *c, const struct value_source *source, span typed, struct buf *out)
{
	AUTO(buf) all = {0};
	span rest, line;

	if (!c->program->list_values)
		return;
	keep_environment(c);
	buf_init(&all, 1 << 18);
	c->program->list_values(c->cli, source, &all);
	rest = buf_span(&all);
	while (span_cut(&rest, '\n', &line))
		if (line.len && span_starts_with(line, typed))
			buf_addf(out, "%.*s\n", SPAN_ARG(line));
}

static void list_values(struct context *c, const struct option *row, span typed, struct buf *out)
{
	span rest = span_from(row->choices), choice;

	if (row->kind == VALUE_FILE || row->kind == VALUE_PATH) {
		buf_add_str(out, ":files\n");
		return;
	}
	if (row->source)
		list_known(c, row->source, typed, out);
	while (row->choices && span_cut(&rest, ' ', &choice))
		add_candidate(out, typed, choice, row->help);
}

void completion_list(struct cli *cli, const char *const *words, size_t count, struct buf *out)
{
	const struct program *p = cli->program;
	struct context c = {.cli = cli, .program = p};
	span typed = count ? span_from(words[count - 1]) : SPAN_EMPTY;

	for (size_t i = 0; i + 1 < count; i++)
		read_word(&c, words[i]);
	if (c.wants) {
		list_values(&c, c.wants, typed, out);
		return;
	}
	if (!c.command) {
		list_words(&c, typed, out);
	} else {
		size_t rows = option_rows(c.command->arguments);

		if (rows > 0 && !span_starts_with(typed, SPAN("-")))
			list_values(
				&c, &c.command->arguments[MIN(c.arguments, rows - 1)], typed, out);
		list_options(c.command->options, typed, out);
	}
	if (span_starts_with(typed, SPAN("-")))
		list_options(p->globals, typed, out);
}
