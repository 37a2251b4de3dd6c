/*
 * Request bodies: whatever is accepted has only members of the table, each of its type and within
 * its bounds, and every refusal says why. The first byte selects a route that takes a body.
 */
#include "fuzz.h"

#include "api/api.h"
#include "api/validate.h"

static const struct field *body_of(uint8_t selector)
{
	size_t bodies = 0, seen = 0;

	for (size_t i = 0; i < routes_count; i++)
		bodies += routes[i].body != NULL;
	for (size_t i = 0; i < routes_count; i++)
		if (routes[i].body && seen++ == selector % bodies)
			return routes[i].body;
	return NULL;
}

static void check_members(const struct field *fields, json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		const struct field *f = fields;

		while (f->type != FIELD_END && strcmp(f->name, name) != 0)
			f++;
		check(f->type != FIELD_END);
		check(!json_is_null(value) || !f->required);
		if (json_is_integer(value))
			check(json_integer_value(value) >= f->least &&
				json_integer_value(value) <= f->most);
		if (json_is_string(value) && f->type == FIELD_STRING && !f->choices)
			check(json_string_length(value) >= (size_t)f->least &&
				json_string_length(value) <= (size_t)f->most);
		if (json_is_array(value))
			check(json_array_size(value) <= (size_t)f->most);
		if (json_is_object(value))
			check_members(f->fields, value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_PTR(arena) a = arena_new();
	struct task t = {.arena = a};
	json_t *body = NULL;

	if (size == 0)
		return 0;
	const struct field *fields = body_of(data[0]);
	span text = fuzz_input(data + 1, size - 1);
	err e = validate_body(&t, fields, text, &body);

	if (e) {
		check(e == ERR_INVALID && !body && t.reason && t.detail);
	} else {
		check_members(fields, body);
		json_decref(body);
	}
	fuzz_free(text);
	return 0;
}
