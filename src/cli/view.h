#ifndef SLIPWAY_CLI_VIEW_H
#define SLIPWAY_CLI_VIEW_H

/* Answers of the API on the screen: as tables and lists for people, as they are with --json. */

#include <jansson.h>

#include "cli/cli.h"
#include "cli/table.h"

enum view_kind {
	VIEW_TEXT, /* also numbers, yes/no and lists of texts */
	VIEW_SIZE,
	VIEW_TIME,
	VIEW_MS,   /* a duration in milliseconds */
	VIEW_DAY,  /* the date of a time */
	VIEW_MOST, /* a limit, where 0 is none */
};

/* A column of a list: the member ("package.size" for one of a member) and how it is shown. */
struct view {
	const char *title;
	const char *member;
	enum view_kind kind;
	unsigned flags; /* of the table's column */
};

/* Prints value to cli->out, indented. */
err view_json(struct cli *cli, const json_t *value) MUST_USE;
/* Prints value on a line of its own, at once: for those who read line by line. Takes value. */
err view_json_line(struct cli *cli, json_t *value) MUST_USE;
/* A line of text for people, made harmless. */
void view_line(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same as sentences, broken at spaces where the terminal ends. */
void view_prose(struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);
/* A table of items (an array), or the sentence `none` when it is empty. */
err view_table(struct cli *cli, const json_t *items, const struct view *views, size_t count,
	const char *none) MUST_USE;
/* All members of an object, one per line; what they are is told from their names. */
err view_object(struct cli *cli, const json_t *object) MUST_USE;

/* The text a value is shown as. */
void view_value(const struct cli *cli, const json_t *value, enum view_kind kind, struct buf *out);
/* The member at a dotted path, or NULL. */
json_t *view_member(const json_t *object, const char *path);

#endif
