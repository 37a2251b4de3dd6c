#ifndef SLIPWAY_CLI_PROGRAM_H
#define SLIPWAY_CLI_PROGRAM_H

/* What the table of commands is turned into: parsed values, help, completion, reference. */

#include "cli/cli.h"

/* The rows of all tables, in order. */
size_t program_commands(const struct program *p);
const struct command *program_command(const struct program *p, size_t i);
/* The command with exactly this path, or NULL. */
const struct command *program_find(const struct program *p, span path);
/* True when commands exist whose path begins with these words and goes on. */
bool program_is_group(const struct program *p, span words);
/* The row of an option by its name: of the command (may be NULL), then of the globals. */
const struct option *program_option(const struct program *p, const struct command *c, span name);
/* Rows before the one without a name; 0 for NULL. */
size_t option_rows(const struct option *rows);

/* The words of a help request ("help product", "product --help"). */
struct parsed {
	enum { PARSED_COMMAND, PARSED_HELP, PARSED_VERSION } what;
	const char *topic; /* with PARSED_HELP: a command's path, a group or "" */
};

/*
 * Reads the command line into cli. On ERR_INVALID cli->detail and cli->hint say what is wrong.
 * Keeps argv.
 */
err program_parse(struct cli *cli, int argc, char **argv, struct parsed *ret) MUST_USE;

/* The candidate most like what was typed, or NULL when none is near. */
struct suggestion {
	span typed;
	const char *best;
	unsigned distance;
};
void suggestion_init(struct suggestion *s, span typed);
void suggestion_offer(struct suggestion *s, const char *candidate);
const char *suggestion_get(const struct suggestion *s);

/* Appends the help of a topic (program_parse) for a terminal of this width. */
void help_write(const struct program *p, const char *topic, unsigned width, struct buf *out);
/* Appends the whole as Markdown: what the reference in docs/ holds. */
void reference_write(const struct program *p, struct buf *out);

/* The shell's side of completion: "bash", "zsh" or "fish". ERR_INVALID for another shell. */
err completion_script(const struct program *p, span shell, struct buf *out) MUST_USE;
/*
 * The program's side, for a cli that has read nothing yet: what may follow `words` (the last one is
 * being typed, may be empty). Lines of "candidate\thelp"; a single line ":files" or ":folders" asks
 * for names of files.
 */
void completion_list(struct cli *cli, const char *const *words, size_t count, struct buf *out);
/* The hidden word that asks for it: `slipway __complete …`. */
#define COMPLETION_WORD "__complete"

#endif
