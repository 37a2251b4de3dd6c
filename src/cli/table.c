/*
 * Layout of tables. Widths are columns of the terminal, never bytes.
 */
#include "cli/table.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define GAP 2

void table_init(struct table *t, struct arena *a, const struct column *columns, size_t count)
{
	*t = (struct table){.arena_ = a, .columns_ = columns, .columns_count_ = count};
}

void table_add(struct table *t, span cell)
{
	AUTO(buf) text = {0};

	if (t->count_ == t->cap_) {
		size_t cap = t->cap_ ? t->cap_ * 2 : 64;
		span *more = arena_try_array(t->arena_, cap, sizeof(*more));

		if (!more)
			abort(); /* a few thousand cells: memory is out */
		if (t->count_)
			memcpy(more, t->cells_, t->count_ * sizeof(*more));
		t->cells_ = more;
		t->cap_ = cap;
	}
	buf_init(&text, 1 << 20);
	text_clean(&text, cell);
	t->cells_[t->count_++] = arena_span(t->arena_, buf_span(&text));
}

/* Widths of the columns; 0 marks one that is left out, or stands below. */
struct layout {
	unsigned widths[TABLE_MAX_COLUMNS];
	bool below;
};

static void natural_widths(const struct table *t, struct layout *l)
{
	*l = (struct layout){.below = false};
	for (size_t c = 0; c < t->columns_count_; c++)
		l->widths[c] = text_width(span_from(t->columns_[c].title));
	for (size_t i = 0; i < t->count_; i++) {
		unsigned width = text_width(t->cells_[i]);
		unsigned *column = &l->widths[i % t->columns_count_];

		*column = MAX(*column, MAX(width, 1));
	}
}

static unsigned total_width(const struct table *t, const struct layout *l)
{
	unsigned total = 0;

	for (size_t c = 0; c < t->columns_count_; c++)
		if (l->widths[c])
			total += (total ? GAP : 0) + l->widths[c];
	return total;
}

/* Takes the excess off the widest column that may shrink; false when none can. */
static bool shrink_one(const struct table *t, unsigned least, struct layout *l)
{
	unsigned *widest = NULL;

	for (size_t c = 0; c < t->columns_count_; c++)
		if ((t->columns_[c].flags & COLUMN_SHRINK) && l->widths[c] > least &&
			(!widest || l->widths[c] > *widest))
			widest = &l->widths[c];
	if (!widest)
		return false;
	(*widest)--;
	return true;
}

/* Leaves out the rightmost column that may go; false when none may. */
static bool drop_one(const struct table *t, struct layout *l)
{
	for (size_t c = t->columns_count_; c-- > 0;) {
		if ((t->columns_[c].flags & COLUMN_DROP) && l->widths[c]) {
			l->widths[c] = 0;
			return true;
		}
	}
	return false;
}

/* Moves what may stand below its row; false when there is nothing to move. */
static bool move_below(const struct table *t, struct layout *l)
{
	bool moved = false;

	for (size_t c = 0; c < t->columns_count_ && !l->below; c++) {
		if (!(t->columns_[c].flags & COLUMN_BELOW))
			continue;
		l->widths[c] = 0;
		moved = true;
	}
	l->below |= moved;
	return moved;
}

/*
 * Columns are cut as far as they stay readable, then ids go below, then columns are left out one by
 * one (the others get their natural width back each time), and only then cut to the least: a narrow
 * terminal shows fewer columns, not all of them mutilated.
 */
static void fit(const struct table *t, unsigned width, struct layout *l)
{
	struct layout natural;
	unsigned least = COLUMN_READABLE;

	natural_widths(t, &natural);
	for (;;) {
		*l = natural;
		while (total_width(t, l) > width && shrink_one(t, least, l))
			;
		if (total_width(t, l) <= width)
			return;
		if (move_below(t, &natural) || drop_one(t, &natural))
			continue;
		if (least == COLUMN_LEAST)
			return;
		least = COLUMN_LEAST;
	}
}

enum tone tone_of(span word)
{
	static const struct {
		const char *word;
		enum tone tone;
	} tones[] = {
		{"published", TONE_GOOD},
		{"active", TONE_GOOD},
		{"completed", TONE_GOOD},
		{"success", TONE_GOOD},
		{"ok", TONE_GOOD},
		{"verified", TONE_GOOD},
		{"draft", TONE_WARN},
		{"paused", TONE_WARN},
		{"suspended", TONE_WARN},
		{"warning", TONE_WARN},
		{"interrupted", TONE_WARN},
		{"withdrawn", TONE_BAD},
		{"blocked", TONE_BAD},
		{"disabled", TONE_BAD},
		{"revoked", TONE_BAD},
		{"failed", TONE_BAD},
		{"failure", TONE_BAD},
		{"problem", TONE_BAD},
		{"expired", TONE_BAD},
	};

	for (size_t i = 0; i < ARRAY_LEN(tones); i++)
		if (span_is(word, tones[i].word))
			return tones[i].tone;
	return TONE_PLAIN;
}

static void add_spaces(struct buf *out, unsigned n)
{
	while (n-- > 0)
		buf_add_byte(out, ' ');
}

static void add_cell(struct buf *out, span text, unsigned width, bool right, bool last)
{
	size_t before;
	unsigned room = width - MIN(text_width(text), width);

	if (right)
		add_spaces(out, room);
	before = buf_len(out);
	text_cut(out, text, width);
	if (!right && !last) { /* a cut before a wide character may leave a column over */
		span shown = span_from_offset(buf_span(out), before);

		add_spaces(out, width - MIN(text_width(shown), width));
	}
}

static void add_row(const struct table *t, const struct layout *l, const span *cells, bool title,
	bool colour, struct buf *out)
{
	size_t last = t->columns_count_;
	bool first = true;

	while (last > 0 && !l->widths[last - 1])
		last--;
	for (size_t c = 0; c < last; c++) {
		const struct column *column = &t->columns_[c];
		span text = title ? span_from(column->title) : cells[c];
		enum tone tone = title                         ? TONE_DIM
				 : column->flags & COLUMN_TONE ? tone_of(text)
							       : TONE_PLAIN;

		if (!l->widths[c])
			continue;
		if (!first)
			add_spaces(out, GAP);
		first = false;
		if (tone != TONE_PLAIN)
			tone_add(out, colour, tone);
		/* text_width() must not see escape sequences: the cell is added between them. */
		add_cell(out, text, l->widths[c], column->flags & COLUMN_RIGHT, c + 1 == last);
		if (tone != TONE_PLAIN)
			tone_add(out, colour, TONE_PLAIN);
	}
	buf_add_byte(out, '\n');
}

/* The cells that stand below, under each other. */
static void add_below(const struct table *t, const span *cells, bool colour, struct buf *out)
{
	for (size_t c = 0; c < t->columns_count_; c++) {
		if (!(t->columns_[c].flags & COLUMN_BELOW) || cells[c].len == 0)
			continue;
		add_spaces(out, GAP);
		tone_add(out, colour, TONE_DIM);
		buf_add(out, cells[c]);
		tone_add(out, colour, TONE_PLAIN);
		buf_add_byte(out, '\n');
	}
}

void table_write(const struct table *t, const struct terminal *terminal, struct buf *out)
{
	struct layout l;

	fit(t, terminal->endless ? UINT_MAX : terminal->width, &l);
	add_row(t, &l, NULL, true, terminal->colour, out);
	for (size_t i = 0; i + t->columns_count_ <= t->count_; i += t->columns_count_) {
		add_row(t, &l, &t->cells_[i], false, terminal->colour, out);
		if (l.below)
			add_below(t, &t->cells_[i], terminal->colour, out);
	}
}
