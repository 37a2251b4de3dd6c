#ifndef SLIPWAY_CLI_TERMINAL_H
#define SLIPWAY_CLI_TERMINAL_H

/*
 * What the program writes to: how wide it is, whether a person looks at it, and how wide a text
 * comes out on it. Text from outside goes through text_clean() before it is shown: a release note
 * must not be able to move the cursor.
 */

#include <stdio.h>

#include "base/buf.h"

struct terminal {
	bool tty;
	bool redraws;   /* tty that obeys escape sequences: not TERM=dumb */
	bool colour;    /* tty, and neither NO_COLOR nor TERM=dumb asks for none */
	unsigned width; /* columns: of the terminal, of COLUMNS, else 80; 40 at least */
	bool endless;   /* neither says how wide: a program reads it, and tables are not cut */
};

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_DIM, TONE_STRONG };

void terminal_of(FILE *stream, struct terminal *ret);
/* Appends the escape sequence that begins the tone, or ends any (TONE_PLAIN); nothing if !colour.
 */
void tone_add(struct buf *out, bool colour, enum tone tone);

/* Columns the text takes: wide characters 2, combining ones 0. text must be clean. */
unsigned text_width(span text);
/* Appends text with control characters and invalid UTF-8 replaced; line ends become spaces. */
void text_clean(struct buf *out, span text);
/* As text_clean, but line ends and tabs stay: for text of several lines. */
void text_clean_lines(struct buf *out, span text);
/* Appends at most `width` columns of clean text, ending in … when it was cut. */
void text_cut(struct buf *out, span text, unsigned width);
/* Appends prose broken at spaces: each line at most width columns, `indent` spaces in front. */
void text_wrap(struct buf *out, span text, unsigned indent, unsigned width);

#endif
