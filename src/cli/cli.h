#ifndef SLIPWAY_CLI_CLI_H
#define SLIPWAY_CLI_CLI_H

/*
 * The command line as a table. A row of `struct command` says what a command is called, what it
 * takes and which function does it; parsing, `--help`, "did you mean", shell completion and
 * docs/cli.md all come from the rows, so none of them can be wrong about another.
 *
 * A command's function reads its values with cli_text() and its like, writes its result to cli->out
 * and returns; on failure it returns cli_fail(…), which keeps the words until the one place that
 * prints them. One thread.
 */

#include <stdio.h>

#include "base/arena.h"
#include "cli/terminal.h"

enum option_flags {
	OPTION_REQUIRED = 1,
	OPTION_MANY = 2, /* may be given several times; for an argument: one or more */
};

enum value_kind {
	VALUE_TEXT,
	VALUE_FLAG,  /* takes no value */
	VALUE_COUNT, /* a whole number, 0 or more */
	VALUE_TIME,  /* RFC 3339, a date, or a duration from now ("30d"); kept as RFC 3339 */
	VALUE_FILE,  /* the name of a file that is there */
	VALUE_PATH,  /* a file or folder that need not be there */
};

/* Where a server lists the values of an option: for completion, which asks it. */
struct value_source {
	const char *path;   /* below /api/v1 */
	const char *member; /* of its items: the value */
	const char *help;   /* the member that explains it */
};

/* An option, or (in command.arguments) an argument that is known by its place. */
struct option {
	const char *name;  /* "max-devices" for --max-devices; "product" for an argument */
	const char *value; /* what it takes, in capitals; NULL for a flag */
	enum value_kind kind;
	unsigned flags;
	const char *help;
	const char *choices; /* the only values, separated by spaces; or NULL */
	const char *member;  /* the member of a request it becomes (cli/request.h); or NULL */
	const char *env;     /* environment variable that stands in for it; or NULL */
	const struct value_source *source; /* or NULL */
};

struct cli;
struct buf;
typedef err command_run(struct cli *cli);

struct command {
	const char *path;               /* "product create": the words that call it */
	const char *summary;            /* one line, no full stop */
	const char *about;              /* what it does, as prose; or NULL */
	const struct option *arguments; /* ended by a row without a name; or NULL */
	const struct option *options;   /* the same */
	command_run *run;
	const char *examples; /* whole lines; or NULL */
	const char *next;     /* what one does next, as prose; or NULL */
	bool hidden;          /* not listed in help, completion and reference */
};

/* The rows of one file. */
struct command_table {
	const struct command *rows;
	size_t count;
};

/* The program the rows belong to. */
struct program {
	const char *name; /* "slipway" */
	const char *summary;
	const char *about;
	const struct option *globals;              /* accepted anywhere on the command line */
	const struct command_table *const *tables; /* shown in this order */
	size_t tables_count;
	/* Appends lines "value\thelp", none when the server cannot be asked; or NULL. */
	void (*list_values)(struct cli *cli, const struct value_source *source, struct buf *out);
};

#define CLI_MAX_VALUES 1024 /* values on one command line */

struct cli_value {
	const struct option *option;
	const char *text;
};

/* One run of a program. */
struct cli {
	const struct program *program;
	const struct command *command;
	struct arena *arena; /* for everything that lives as long as the run */
	FILE *out, *errors;
	struct terminal terminal; /* of out */
	bool json;
	bool hurried; /* completion: nobody waits long for an answer */
	int64_t now_us;
	struct cli_value *values_;
	size_t values_count_;
	void *data; /* the program's own */
	/* why it failed */
	err error;
	const char *code, *detail, *hint, *request_id;
};

/* The value given, from the environment or NULL. With OPTION_MANY: the first. */
const char *cli_text(const struct cli *cli, const char *name);
/* All values of an option or argument that may be repeated, in order; an array in cli->arena. */
const char *const *cli_texts(struct cli *cli, const char *name, size_t *ret_count);
bool cli_flag(const struct cli *cli, const char *name);
uint64_t cli_count(const struct cli *cli, const char *name, uint64_t absent);

/*
 * Notes why the command fails and returns e: `return cli_fail(cli, ERR_NOT_FOUND, "no_file",
 * "%s: no such file", path);`. code: constant, machine-readable, NULL for err_name(e).
 */
err cli_fail(struct cli *cli, err e, const char *code, const char *format, ...) PRINTF_LIKE(4, 5);
/* What failed does not matter after all. */
void cli_forgive(struct cli *cli);
/* What the user can do about it: printed under the failure. */
void cli_hint(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
/* The hint for a server whose certificate was refused. ca_file: what it was held against, or NULL.
 */
void cli_hint_certificate(struct cli *cli, span why, const char *ca_file);
/* A remark on standard error that is no failure. */
void cli_note(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);

/* True when nobody watches: no progress is shown then (--json, standard error is no terminal). */
bool cli_is_unwatched(const struct cli *cli);

/* Runs a program: parses, runs the command, prints a failure, gives the exit code. */
int cli_run(const struct program *program, int argc, char **argv, void *data);

/* The `slipway` program with the commands of this floor and extra (kept), listed first. */
int cli_main(int argc, char **argv, const struct command_table *extra);

#endif
