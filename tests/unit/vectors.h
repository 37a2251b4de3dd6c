#ifndef SLIPWAY_TESTS_UNIT_VECTORS_H
#define SLIPWAY_TESTS_UNIT_VECTORS_H

/*
 * Published test vectors (Wycheproof) as JSON files in the folder SLIPWAY_VECTORS, else in
 * ../shared/vectors. They are not part of the repository: a test that does not find its file says
 * so and is skipped.
 */

#include <stdlib.h>

#include <jansson.h>

/* Gives the document, or NULL after printing a word. */
static inline json_t *vectors_load(const char *name)
{
	const char *folder = getenv("SLIPWAY_VECTORS");
	char path[512];
	json_error_t error;
	json_t *document;

	(void)snprintf(path, sizeof(path), "%s/%s",
		folder ? folder : SOURCE_ROOT "/../shared/vectors", name);
	document = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!document)
		print_message("skipped: no vectors at %s (%s)\n", path, error.text);
	return document;
}

static inline span vectors_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	assert_non_null(text);
	return span_from(text);
}

#endif
