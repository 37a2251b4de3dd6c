#ifndef SLIPWAY_FEDERATION_CONDITIONS_H
#define SLIPWAY_FEDERATION_CONDITIONS_H

/*
 * What the tokens of one job say and those of no other: claims and the patterns they must fit, all
 * of them. Pure.
 *
 * A pattern is a text that must be the claim's, in which `*` stands for any characters but '/',
 * also for none. Nothing else in it means anything but itself: no `**`, no classes, no escapes. A
 * claim that is a whole number or true or false is compared as JSON writes it; one that is
 * anything else, or not there, fits nothing.
 */

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"

#define CONDITIONS_MAX      16
#define CLAIM_NAME_MAX      64
#define PATTERN_MAX         200
#define CONDITIONS_JSON_MAX 16384

struct condition {
	span claim, pattern;
};

struct conditions {
	struct condition list[CONDITIONS_MAX];
	size_t count;
};

bool pattern_fits(span pattern, span text);

/*
 * What is wrong with conditions on this issuer's tokens, as the end of a sentence that begins with
 * "'conditions'", in arena a; NULL: nothing. Where the issuer gives tokens to anybody's jobs
 * (github.com, gitlab.com …), one of them must say whose.
 */
const char *conditions_problem(struct arena *a, span issuer, const struct conditions *c);
/*
 * What is wrong with an audience for this issuer's tokens, likewise: tokens that were issued for
 * another server must not be good here.
 */
const char *audience_problem(struct arena *a, span issuer, span audience);
/*
 * Brings those that say whose job it is to the front: what does not fit is told by the first one,
 * and strangers learn nothing of those behind.
 */
void conditions_sort(span issuer, struct conditions *c);

/* The index of the first condition that claims do not fit; c->count when all fit. */
size_t conditions_misfit(struct arena *a, const struct conditions *c, const json_t *claims);
/* A claim as text, in arena a; false where it has none. */
bool claim_as_text(struct arena *a, const json_t *claims, span name, span *ret);

/* As they stand in the database: {"claim": "pattern", …}. ERR_CORRUPT; ret in arena a. */
void conditions_format(const struct conditions *c, struct buf *out);
err conditions_parse(struct arena *a, span json, struct conditions *ret) MUST_USE;

#endif
