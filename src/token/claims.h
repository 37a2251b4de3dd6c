#ifndef SLIPWAY_TOKEN_CLAIMS_H
#define SLIPWAY_TOKEN_CLAIMS_H

/*
 * The table of claims, private to this floor: reading and writing walk the same rows, so that a
 * claim cannot be written one way and read another. Order of rows is order in the token.
 */

#include "token/token.h"

enum claim_type {
	CLAIM_TEXT,
	CLAIM_LIST,   /* words with one space between, at most TOKEN_MAX_LIST */
	CLAIM_TIME,   /* seconds since the epoch, 1 … TOKEN_TIME_MAX_S; 0 stands for absent */
	CLAIM_NUMBER, /* 0 … INT64_MAX */
};

#define TOKEN_CLAIM_COUNT 29
#define TOKEN_TIME_MAX_S  INT64_C(253402300799) /* the end of the year 9999 */

struct claim {
	span name;
	enum claim_type type;
	uint8_t kinds;    /* bit per token_kind that has it */
	uint8_t required; /* bit per token_kind that cannot be without it */
	uint16_t offset;  /* of the field in struct token_claims */
};

extern const struct claim token_claim_table[TOKEN_CLAIM_COUNT];

/* The field of c a row describes; only the one of the row's type may be used. */
span *claim_text(struct token_claims *c, const struct claim *row);
int64_t *claim_time(struct token_claims *c, const struct claim *row);
uint64_t *claim_number(struct token_claims *c, const struct claim *row);

/* Only what stands in a JSON string without an escape: printable ASCII but '"' and '\'. */
bool claim_is_plain(span text);
bool claim_is_list(span text);
/* What holds between claims of a kind beyond their presence; text and numbers are checked already.
 */
bool claims_are_consistent(const struct token_claims *c);
/* Names of keys: 1 to TOKEN_KID_MAX letters, digits, '-', '_' and '.'. */
bool claim_is_kid(span text);

#endif
