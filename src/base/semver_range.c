/*
 * Version ranges as npm writes them. Each term of a range stands for one or two comparators, which
 * are judged as they are read: nothing is stored. Hard rule: a text is judged only after all of it
 * has been read, so an invalid range never matches by what stands at its beginning.
 *
 *   ^1.2.3  >=1.2.3 <2.0.0      ~1.2.3  >=1.2.3 <1.3.0      1.2.x, 1.2  >=1.2.0 <1.3.0
 *   ^0.2.3  >=0.2.3 <0.3.0      ~1      >=1.0.0 <2.0.0      1.2 - 2.0   >=1.2.0 <2.1.0
 *   ^0.0.3  >=0.0.3 <0.0.4      >1.2    >=1.3.0             *           anything
 *
 * Upper bounds exclude the pre-releases of the bound as well ("<2.0.0" of ^1.2.3 is "<2.0.0-0").
 */
#include "base/semver.h"

#include "base/banned.h"

/* A version of which the last parts may be missing or 'x'. */
struct partial {
	struct semver v;
	int parts; /* 0 for "*", 1 for "1", 2 for "1.2", 3 for a whole version */
};

/* What the terms of one alternative (between "||") say about the version at hand. */
struct judgement {
	const struct semver *v; /* NULL: only the syntax is of interest */
	bool met;               /* by every comparator so far */
	bool pre_named;         /* a comparator names a pre-release of the same major.minor.patch */
	bool any;               /* there was a term */
};

static bool is_wildcard(span part)
{
	return part.len == 1 && (part.ptr[0] == 'x' || part.ptr[0] == 'X' || part.ptr[0] == '*');
}

static err parse_partial(span text, struct partial *ret)
{
	struct partial p = {.v = {.pre = SPAN_EMPTY, .build = SPAN_EMPTY}};
	uint64_t *numbers[] = {&p.v.major, &p.v.minor, &p.v.patch};
	span rest = text, part;
	size_t count = 0;
	bool wild = false;

	if (semver_parse(text, &p.v) == OK) {
		p.parts = 3;
		*ret = p;
		return OK;
	}
	p.v = (struct semver){.pre = SPAN_EMPTY, .build = SPAN_EMPTY};
	if (text.len == 0)
		return ERR_INVALID;
	for (; span_cut(&rest, '.', &part); count++) {
		wild = wild || is_wildcard(part);
		if (count == 3 || (wild && !is_wildcard(part)))
			return ERR_INVALID;
		if (wild)
			continue;
		/* A third number here would have made a whole version above. */
		if (count == 2 || (part.len > 1 && part.ptr[0] == '0') ||
			span_to_u64(part, UINT64_MAX, numbers[count]))
			return ERR_INVALID;
		p.parts++;
	}
	*ret = p;
	return OK;
}

/* The least version behind all those that share the first `parts` numbers of v. */
static err next_after(const struct semver *v, int parts, struct semver *ret)
{
	struct semver n = {.major = v->major, .pre = SPAN_EMPTY, .build = SPAN_EMPTY};
	uint64_t *last = parts == 1 ? &n.major : parts == 2 ? &n.minor : &n.patch;

	if (parts > 1)
		n.minor = v->minor;
	if (parts > 2)
		n.patch = v->patch;
	if (__builtin_add_overflow(*last, (uint64_t)1, last))
		return ERR_INVALID;
	*ret = n;
	return OK;
}

static bool same_core(const struct semver *a, const struct semver *b)
{
	return a->major == b->major && a->minor == b->minor && a->patch == b->patch;
}

enum comparison { AT_LEAST, ABOVE, AT_MOST, BELOW, EQUAL };

static void judge(struct judgement *j, enum comparison comparison, const struct semver *bound)
{
	if (!j->v)
		return;
	int order = semver_cmp(j->v, bound);

	j->pre_named = j->pre_named || (bound->pre.len && same_core(j->v, bound));
	j->met = j->met && (comparison == AT_LEAST         ? order >= 0
				   : comparison == ABOVE   ? order > 0
				   : comparison == AT_MOST ? order <= 0
				   : comparison == BELOW   ? order < 0
							   : order == 0);
}

/* Below v and all pre-releases of v. */
static void judge_below_all(struct judgement *j, const struct semver *v)
{
	struct semver least = *v;

	least.pre = SPAN("0");
	if (j->v)
		j->met = j->met && semver_cmp(j->v, &least) < 0;
}

/* Between from (inclusive) and everything that shares its first `parts` numbers. */
static err judge_same(struct judgement *j, const struct semver *from, int parts)
{
	struct semver after;
	err e = next_after(from, parts, &after);

	if (e)
		return e;
	judge(j, AT_LEAST, from);
	judge_below_all(j, &after);
	return OK;
}

static err judge_caret(struct judgement *j, const struct partial *p)
{
	int parts = p->parts;

	if (p->v.major || parts == 1)
		parts = 1;
	else if (p->v.minor || parts == 2)
		parts = 2;
	return judge_same(j, &p->v, parts);
}

/* "<", "<=", ">", ">=" with a whole or partial version of at least one part. */
static err judge_order(struct judgement *j, enum comparison comparison, const struct partial *p)
{
	struct semver after;

	if (p->parts == 3 || comparison == AT_LEAST) {
		judge(j, comparison, &p->v);
		return OK;
	}
	if (comparison == BELOW) {
		judge_below_all(j, &p->v);
		return OK;
	}
	err e = next_after(&p->v, p->parts, &after);

	if (e)
		return e;
	if (comparison == ABOVE)
		judge(j, AT_LEAST, &after);
	else
		judge_below_all(j, &after);
	return OK;
}

enum operator_ { OP_EQUAL, OP_ABOVE, OP_AT_LEAST, OP_BELOW, OP_AT_MOST, OP_CARET, OP_TILDE };

static err judge_term(struct judgement *j, enum operator_ op, span version)
{
	static const enum comparison order[] = {[OP_ABOVE] = ABOVE,
		[OP_AT_LEAST] = AT_LEAST,
		[OP_BELOW] = BELOW,
		[OP_AT_MOST] = AT_MOST};
	struct partial p;
	err e = parse_partial(version, &p);

	if (e)
		return e;
	j->any = true;
	if (p.parts == 0) {
		/* Nothing is above or below "any version". */
		j->met = j->met && op != OP_ABOVE && op != OP_BELOW;
		return OK;
	}
	switch (op) {
	case OP_CARET:
		return judge_caret(j, &p);
	case OP_TILDE:
		return judge_same(j, &p.v, MIN(p.parts, 2));
	case OP_EQUAL:
		if (p.parts < 3)
			return judge_same(j, &p.v, p.parts);
		judge(j, EQUAL, &p.v);
		return OK;
	default:
		return judge_order(j, order[op], &p);
	}
}

static enum operator_ take_operator(span *s)
{
	static const struct {
		span text;
		enum operator_ op;
	} table[] = {
		{SPAN_INIT(">="), OP_AT_LEAST},
		{SPAN_INIT("<="), OP_AT_MOST},
		{SPAN_INIT(">"), OP_ABOVE},
		{SPAN_INIT("<"), OP_BELOW},
		{SPAN_INIT("="), OP_EQUAL},
		{SPAN_INIT("^"), OP_CARET},
		{SPAN_INIT("~"), OP_TILDE},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (span_starts_with(*s, table[i].text)) {
			*s = span_trim(span_from_offset(*s, table[i].text.len));
			return table[i].op;
		}
	}
	return OP_EQUAL;
}

static span take_word(span *s)
{
	size_t n = 0;

	while (n < s->len && s->ptr[n] != ' ' && s->ptr[n] != '\t')
		n++;
	span word = span_sub(*s, 0, n);

	*s = span_trim(span_from_offset(*s, n));
	return word;
}

/* "1.2 - 2.0": a hyphen between white space makes the whole alternative one range. */
static bool split_hyphen(span text, span *ret_from, span *ret_to)
{
	span from = take_word(&text);

	if (!span_is(take_word(&text), "-"))
		return false;
	*ret_from = from;
	*ret_to = text;
	return true;
}

/* The terms between two "||". */
static err judge_alternative(struct judgement *j, span text)
{
	span rest = span_trim(text), from, to;
	err e = OK;

	if (split_hyphen(rest, &from, &to)) {
		e = judge_term(j, OP_AT_LEAST, from);
		return e ? e : judge_term(j, OP_AT_MOST, to);
	}
	while (rest.len && !e) {
		enum operator_ op = take_operator(&rest);

		e = judge_term(j, op, take_word(&rest));
	}
	return e ? e : j->any ? OK : ERR_INVALID;
}

/* Cuts *rest at the first "||". */
static bool cut_alternative(span *rest, span *ret_part)
{
	if (!rest->ptr)
		return false;
	for (size_t i = 0; i + 1 < rest->len; i++) {
		if (rest->ptr[i] != '|' || rest->ptr[i + 1] != '|')
			continue;
		*ret_part = span_sub(*rest, 0, i);
		*rest = (span){rest->ptr + i + 2, rest->len - i - 2};
		return true;
	}
	*ret_part = *rest;
	*rest = (span){NULL, 0};
	return true;
}

/* v NULL: checks the syntax only. */
static err judge_range(span range, const struct semver *v, bool *ret_matches)
{
	bool matches = false;
	span part;

	if (range.len == 0 || range.len > SEMVER_RANGE_MAX)
		return ERR_INVALID;
	while (cut_alternative(&range, &part)) {
		struct judgement j = {.v = v, .met = true};
		err e = judge_alternative(&j, part);

		if (e)
			return e;
		matches = matches || (v && j.met && (v->pre.len == 0 || j.pre_named));
	}
	*ret_matches = matches;
	return OK;
}

err semver_range_check(span range)
{
	bool matches;

	return judge_range(range, NULL, &matches);
}

bool semver_range_matches(span range, const struct semver *v)
{
	bool matches;

	return judge_range(range, v, &matches) == OK && matches;
}
