#ifndef SLIPWAY_API_FORM_H
#define SLIPWAY_API_FORM_H

/*
 * What OAuth asks for instead of JSON and problem documents: bodies of type
 * application/x-www-form-urlencoded, and errors as {"error", "error_description"} (RFC 6749, 5.2).
 */

#include "api/exchange.h"

#define FORM_PARAMETERS_MAX 32
#define FORM_VALUE_MAX      20000

bool content_is_form(span content_type);
/*
 * Parses text as parameters of these (string) fields. RFC 6749, 3.2: one without a value counts as
 * absent, unknown ones are ignored, and none may stand twice, known or not. Gives.
 */
err validate_form(struct task *t, const struct field *fields, span text, json_t **ret) MUST_USE;
/* Replaces whatever was written so far by the error of x->outcome. */
void oauth_error_write(struct exchange *x);

#endif
