#ifndef SLIPWAY_API_VALIDATE_H
#define SLIPWAY_API_VALIDATE_H

/* What a request contains, held against the table. Failures name the member and what was expected.
 */

#include "api/api.h"

#define BODY_MAX_BYTES 1048576
#define BODY_MAX_DEPTH 16

/*
 * Parses text as one JSON object with these members and nothing else. Duplicate members, unknown
 * members, more than BODY_MAX_DEPTH levels and anything after the object are refused. Gives.
 */
err validate_body(struct task *t, const struct field *fields, span text, json_t **ret) MUST_USE;

/* Adds the query parameter to out (an object) when fields know it; others are ignored. */
err validate_parameter(
	struct task *t, const struct field *fields, span name, span value, json_t *out) MUST_USE;
/* After the last parameter: the required ones must be there. */
err validate_required(struct task *t, const struct field *fields, const json_t *object) MUST_USE;

#endif
