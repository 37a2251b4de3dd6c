/* Hard rule: a document with a member twice is no document. */
#include "federation/strict_json.h"

#include "base/time.h"

#include "base/banned.h"

static void forget(void *value)
{
	json_decref(value);
}

void json_die_with(struct arena *a, json_t *value)
{
	if (value)
		arena_on_free(a, forget, value);
}

json_t *strict_object(struct arena *a, span text)
{
	json_t *object = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);

	json_die_with(a, object);
	return json_is_object(object) ? object : NULL;
}

span member_text(const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);

	return json_is_string(member)
		       ? span_of(json_string_value(member), json_string_length(member))
		       : SPAN_EMPTY;
}

bool member_time(const json_t *object, const char *name, int64_t *ret)
{
	const json_t *member = json_object_get(object, name);
	double seconds = json_number_value(member);

	if (!json_is_number(member) || !(seconds >= 0 && seconds <= TIME_MAX / TIME_SECOND))
		return false;
	*ret = (int64_t)seconds;
	return true;
}

bool member_has(const json_t *object, const char *name, span text)
{
	const json_t *member = json_object_get(object, name), *element;
	size_t i;

	if (json_is_string(member))
		return span_eq(member_text(object, name), text);
	json_array_foreach(member, i, element) if (json_is_string(element) &&
						   span_eq(span_of(json_string_value(element),
								   json_string_length(element)),
							   text)) return true;
	return false;
}
