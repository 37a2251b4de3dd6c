/*
 * Completion: the shells ask the program itself (`slipway __complete WORD…`), so what they offer
 * can never be out of date. The scripts only carry words to and fro.
 */
#include "cli/program.h"

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
				  "\t\t*) candidates+=(\"${line%%$'\\t'*}\") ;;\n"
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

static void read_word(struct context *c, const char *word)
{
	char longer[sizeof(c->words)];
	AUTO(buf) path = {0};

	if (c->wants) {
		c->wants = NULL;
		return;
	}
	if (!strncmp(word, "--", 2)) {
		span name = span_from(word + 2);
		const struct option *row = program_option(c->program, c->command, name);

		c->wants = row && row->kind != VALUE_FLAG ? row : NULL;
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

static void list_values(const struct option *row, span typed, struct buf *out)
{
	span rest = span_from(row->choices), choice;

	if (row->kind == VALUE_FILE || row->kind == VALUE_PATH) {
		buf_add_str(out, ":files\n");
		return;
	}
	while (row->choices && span_cut(&rest, ' ', &choice))
		add_candidate(out, typed, choice, row->help);
}

void completion_list(
	const struct program *p, const char *const *words, size_t count, struct buf *out)
{
	struct context c = {.program = p};
	span typed = count ? span_from(words[count - 1]) : SPAN_EMPTY;

	for (size_t i = 0; i + 1 < count; i++)
		read_word(&c, words[i]);
	if (c.wants) {
		list_values(c.wants, typed, out);
		return;
	}
	if (!c.command) {
		list_words(&c, typed, out);
	} else {
		size_t rows = option_rows(c.command->arguments);

		if (rows > 0 && !span_starts_with(typed, SPAN("-")))
			list_values(&c.command->arguments[MIN(c.arguments, rows - 1)], typed, out);
		list_options(c.command->options, typed, out);
	}
	if (span_starts_with(typed, SPAN("-")))
		list_options(p->globals, typed, out);
}
