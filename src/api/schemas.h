#ifndef SLIPWAY_API_SCHEMAS_H
#define SLIPWAY_API_SCHEMAS_H

/*
 * The shapes of answers, by name: what routes promise and the OpenAPI document says. A member that
 * is required is always there and never null.
 */

#include "api/api.h"

struct schema {
	const char *name;
	const char *help;
	const struct field *fields; /* ended by FIELD_END */
};

extern const struct schema schemas[];
extern const size_t schemas_count;

/* NULL where there is none. name without "[]". */
const struct schema *schema_find(span name);
/* True for what may stand in struct route.answer: a schema, a page of one, a media type. */
bool schema_exists(span answer);

#endif
