/*
 * Looking things up in the tables of a program, and finding what was meant by a misspelt word.
 */
#include "cli/program.h"

#include <string.h>

#include "base/banned.h"

size_t program_commands(const struct program *p)
{
	size_t count = 0;

	for (size_t i = 0; i < p->tables_count; i++)
		count += p->tables[i]->count;
	return count;
}

const struct command *program_command(const struct program *p, size_t i)
{
	for (size_t t = 0; t < p->tables_count; t++) {
		if (i < p->tables[t]->count)
			return &p->tables[t]->rows[i];
		i -= p->tables[t]->count;
	}
	return NULL;
}

const struct command *program_find(const struct program *p, span path)
{
	for (size_t i = 0; i < program_commands(p); i++)
		if (span_is(path, program_command(p, i)->path))
			return program_command(p, i);
	return NULL;
}

bool program_is_group(const struct program *p, span words)
{
	for (size_t i = 0; i < program_commands(p); i++) {
		span path = span_from(program_command(p, i)->path);

		if (path.len > words.len && span_starts_with(path, words) &&
			(words.len == 0 || path.ptr[words.len] == ' '))
			return true;
	}
	return false;
}

size_t option_rows(const struct option *rows)
{
	size_t count = 0;

	while (rows && rows[count].name)
		count++;
	return count;
}

static const struct option *find_row(const struct option *rows, span name)
{
	for (size_t i = 0; i < option_rows(rows); i++)
		if (span_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

const struct option *program_option(const struct program *p, const struct command *c, span name)
{
	const struct option *row = c ? find_row(c->options, name) : NULL;

	return row ? row : find_row(p->globals, name);
}

#define SUGGESTION_MAX 48

/*
 * Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours, which
 * is how people mistype.
 */
static unsigned edit_distance(span a, span b)
{
	unsigned rows[3][SUGGESTION_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	if (a.len > SUGGESTION_MAX || b.len > SUGGESTION_MAX)
		return SUGGESTION_MAX;
	for (size_t j = 0; j <= b.len; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned *oldest = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			unsigned cost = a.ptr[i - 1] != b.ptr[j - 1];

			row[j] = MIN(MIN(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
				a.ptr[i - 2] == b.ptr[j - 1])
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
		before = above;
		above = row;
		row = oldest;
	}
	return above[b.len];
}

void suggestion_init(struct suggestion *s, span typed)
{
	*s = (struct suggestion){.typed = typed, .distance = UINT32_MAX};
}

void suggestion_offer(struct suggestion *s, const char *candidate)
{
	span c = span_from(candidate);
	unsigned distance = edit_distance(s->typed, c);

	/* A beginning of the word is a good sign however much is missing. */
	if (s->typed.len >= 2 && span_starts_with(c, s->typed))
		distance = 1;
	if (distance < s->distance) {
		s->distance = distance;
		s->best = candidate;
	}
}

const char *suggestion_get(const struct suggestion *s)
{
	size_t bearable = s->typed.len <= 3 ? 1 : s->typed.len <= 8 ? 2 : 3;

	return s->best && s->distance <= bearable ? s->best : NULL;
}
