/*
 * Form-encoded bodies: whatever is accepted has only parameters of the table, as text within its
 * bounds; every refusal says why.
 */
#include "fuzz.h"

#include "api/form.h"

static const struct field fields[] = {
	{"grant_type", FIELD_STRING, true, 1, 20, NULL, NULL, "required"},
	{"scope", FIELD_STRING, false, 0, 30, NULL, NULL, "optional"},
	{NULL, FIELD_END, false, 0, 0, NULL, NULL, NULL},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_PTR(arena) a = arena_new();
	struct task t = {.arena = a};
	json_t *out = NULL, *value;
	const char *name;
	span text = fuzz_input(data, size);
	err e = validate_form(&t, fields, text, &out);

	if (e) {
		check(e == ERR_NOMEM || (t.reason && t.detail));
		fuzz_free(text);
		return 0;
	}
	check(json_object_get(out, "grant_type") != NULL);
	json_object_foreach(out, name, value)
	{
		check(strcmp(name, "grant_type") == 0 || strcmp(name, "scope") == 0);
		check(json_is_string(value) && json_string_length(value) >= 1 &&
			json_string_length(value) <= 30);
	}
	json_decref(out);
	fuzz_free(text);
	return 0;
}
