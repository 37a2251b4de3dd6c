#ifndef SLIPWAY_CLI_TABLE_H
#define SLIPWAY_CLI_TABLE_H

/*
 * A table that fits the terminal: columns that may shrink are cut with … while they stay readable;
 * where that is not enough, what may stand below stands on a line of its own, then columns that may
 * go are left out, the rightmost first. Ids are never cut: people copy them.
 */

#include "base/arena.h"
#include "cli/terminal.h"

enum column_flags {
	COLUMN_RIGHT = 1,  /* numbers */
	COLUMN_SHRINK = 2, /* may be cut */
	COLUMN_DROP = 4,   /* may be left out when the terminal is narrow */
	COLUMN_TONE = 8,   /* states in their colour */
	COLUMN_BELOW = 16, /* an id nobody reads: below its row when the terminal is narrow */
};

#define COLUMN_LEAST      8
#define COLUMN_READABLE   24
#define TABLE_MAX_COLUMNS 16

struct column {
	const char *title;
	unsigned flags;
};

struct table {
	struct arena *arena_;
	const struct column *columns_;
	size_t columns_count_;
	span *cells_; /* row by row */
	size_t count_, cap_;
};

/* Keeps the arena and the columns (at most TABLE_MAX_COLUMNS). */
void table_init(struct table *t, struct arena *a, const struct column *columns, size_t count);
/* The next cell, row by row; copied and made harmless. */
void table_add(struct table *t, span cell);
/* Appends title line and rows, each line at most as wide as the terminal; whole where it is
 * endless. */
void table_write(const struct table *t, const struct terminal *terminal, struct buf *out);

/* The colour of a word that names a state; TONE_PLAIN for any other. */
enum tone tone_of(span word);

#endif
