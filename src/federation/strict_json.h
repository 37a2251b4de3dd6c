#ifndef SLIPWAY_FEDERATION_STRICT_JSON_H
#define SLIPWAY_FEDERATION_STRICT_JSON_H

/*
 * What other servers say in JSON, read so that no two readers can understand it differently: one
 * object, UTF-8, no member twice, no NUL in a string.
 */

#include <jansson.h>

#include "base/arena.h"

/* The object in text, which dies with arena a; NULL for anything else. */
json_t *strict_object(struct arena *a, span text);
/* Takes value, which then dies with arena a. */
void json_die_with(struct arena *a, json_t *value);

/* A member's text, borrowed from the object; empty when it is absent or no string. */
span member_text(const json_t *object, const char *name);
/*
 * A NumericDate (RFC 7519, section 2) in whole seconds. False when it is absent, no number, or not
 * a time between 1970 and 9999.
 */
bool member_time(const json_t *object, const char *name, int64_t *ret);
/* True when the member is this string or an array that has it. */
bool member_has(const json_t *object, const char *name, span text);

#endif
