/*
 * Validation of bodies and query parameters. Hard rule: what is not in the table is refused, so
 * that a client can never set what a route did not mean to offer (mass assignment).
 */
#include "api/validate.h"

#include <string.h>

#include "base/time.h"

#include "base/banned.h"

/* A member with the object it stands in, for messages: "device.name", "requires[2].range". */
struct place {
	struct task *task;
	const char *prefix;
	const struct field *field;
};

static err PRINTF_LIKE(2, 3) expected(const struct place *p, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprintf(p->task->arena, format, args);
	va_end(args);
	return fail(p->task, ERR_INVALID, "invalid_member", "'%s%s' must be %s.", p->prefix,
		p->field->name, text);
}

/* Control characters have no business in any text of ours; notes may have lines and tabs. */
static bool has_control(span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

static bool is_choice(const char *choices, span s)
{
	span rest = span_from(choices), word;

	while (span_cut(&rest, ' ', &word))
		if (span_eq(word, s))
			return true;
	return false;
}

static err check_text(const struct place *p, span s, int64_t least, int64_t most)
{
	const struct field *f = p->field;

	if (f->choices)
		return is_choice(f->choices, s) ? OK : expected(p, "one of: %s", f->choices);
	if ((int64_t)s.len < least || (int64_t)s.len > most)
		return expected(
			p, "a string of %lld to %lld bytes", (long long)least, (long long)most);
	if (has_control(s))
		return expected(p, "text without control characters");
	return OK;
}

static err check_int(const struct place *p, int64_t n)
{
	const struct field *f = p->field;

	if (n < f->least || n > f->most)
		return expected(p, "a whole number from %lld to %lld", (long long)f->least,
			(long long)f->most);
	return OK;
}

static err check_time(const struct place *p, span s)
{
	int64_t t;

	return time_parse(s, &t) ? expected(p, "a time as in 2030-01-31T12:00:00Z (RFC 3339)") : OK;
}

static span text_of(const json_t *value)
{
	return span_of(json_string_value(value), json_string_length(value));
}

static err check_strings(const struct place *p, const json_t *array)
{
	const struct field *f = p->field;
	size_t i;
	json_t *element;

	if (!json_is_array(array) || (int64_t)json_array_size(array) < f->least ||
		(int64_t)json_array_size(array) > f->most)
		return expected(p, "an array of %lld to %lld strings", (long long)f->least,
			(long long)f->most);
	json_array_foreach(array, i, element)
	{
		if (!json_is_string(element))
			return expected(p, "an array of strings");
		err e = check_text(p, text_of(element), 1, STRINGS_ELEMENT_MAX);

		if (e)
			return e;
	}
	return OK;
}

static err check_object(struct task *t, const char *prefix, const struct field *fields, json_t *o);

static err check_objects(const struct place *p, const json_t *array)
{
	const struct field *f = p->field;
	size_t i;
	json_t *element;

	if (!json_is_array(array) || (int64_t)json_array_size(array) < f->least ||
		(int64_t)json_array_size(array) > f->most)
		return expected(p, "an array of %lld to %lld objects", (long long)f->least,
			(long long)f->most);
	json_array_foreach(array, i, element)
	{
		char *prefix = arena_printf(p->task->arena, "%s%s[%zu].", p->prefix, f->name, i);
		err e = json_is_object(element) ? check_object(p->task, prefix, f->fields, element)
						: expected(p, "an array of objects");

		if (e)
			return e;
	}
	return OK;
}

static err check_value(const struct place *p, json_t *value)
{
	const struct field *f = p->field;

	switch (f->type) {
	case FIELD_STRING:
		return json_is_string(value) ? check_text(p, text_of(value), f->least, f->most)
					     : expected(p, "a string");
	case FIELD_INT:
		return json_is_integer(value) ? check_int(p, json_integer_value(value))
					      : expected(p, "a whole number");
	case FIELD_BOOL:
		return json_is_boolean(value) ? OK : expected(p, "true or false");
	case FIELD_TIME:
		return json_is_string(value) ? check_time(p, text_of(value))
					     : expected(p, "a time (RFC 3339) in a string");
	case FIELD_STRINGS:
		return check_strings(p, value);
	case FIELD_OBJECT:
		return json_is_object(value)
			       ? check_object(p->task,
					 arena_printf(p->task->arena, "%s%s.", p->prefix, f->name),
					 f->fields, value)
			       : expected(p, "an object");
	case FIELD_OBJECTS:
		return check_objects(p, value);
	case FIELD_FOREIGN:
		return json_is_object(value) && (int64_t)json_object_size(value) <= f->most
			       ? OK
			       : expected(p, "an object of at most %lld members",
					 (long long)f->most);
	case FIELD_JSON:
	case FIELD_END:
		break;
	}
	return ERR_BUG;
}

static const struct field *find_field(const struct field *fields, const char *name)
{
	for (const struct field *f = fields; f && f->type != FIELD_END; f++)
		if (span_is(span_from(name), f->name))
			return f;
	return NULL;
}

static char *known_names(struct arena *a, const struct field *fields)
{
	char *names = arena_strdup(a, "");

	for (const struct field *f = fields; f && f->type != FIELD_END; f++)
		names = arena_printf(a, "%s%s%s", names, *names ? ", " : "", f->name);
	return *names ? names : arena_strdup(a, "none");
}

static err check_required(
	struct task *t, const char *prefix, const struct field *fields, const json_t *object)
{
	for (const struct field *f = fields; f && f->type != FIELD_END; f++)
		if (f->required && !json_object_get(object, f->name))
			return fail(t, ERR_INVALID, "missing_member", "'%s%s' is required: %s.",
				prefix, f->name, f->help);
	return OK;
}

/* Recursion ends with the tables, which nest once (route_table_check). */
static err check_object(struct task *t, const char *prefix, const struct field *fields, json_t *o)
{
	const char *name;
	json_t *value;

	json_object_foreach(o, name, value)
	{
		struct place p = {t, prefix, find_field(fields, name)};

		if (!p.field)
			return fail(t, ERR_INVALID, "unknown_member",
				"'%s%.100s' is not known here. Known: %s.", prefix, name,
				known_names(t->arena, fields));
		if (json_is_null(value) && !p.field->required)
			continue;
		err e = check_value(&p, value);

		if (e)
			return e;
	}
	return check_required(t, prefix, fields, o);
}

/* Levels of nesting, before the parser recurses into them. Strings are stepped over. */
static unsigned depth_of(span text)
{
	unsigned depth = 0, most = 0;
	bool string = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				string = false;
		} else if (c == '"') {
			string = true;
		} else if (c == '{' || c == '[') {
			depth++;
			most = MAX(most, depth);
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return most;
}

err validate_body(struct task *t, const struct field *fields, span text, json_t **ret)
{
	json_error_t where;
	json_t *object;

	if (span_trim(text).len == 0)
		text = SPAN("{}");
	if (depth_of(text) > BODY_MAX_DEPTH)
		return fail(t, ERR_INVALID, "invalid_json", "The body nests deeper than %d levels.",
			BODY_MAX_DEPTH);
	object = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &where);
	if (!object)
		return fail(t, ERR_INVALID, "invalid_json",
			"The body is not valid JSON: line %d, column %d: %s.", where.line,
			where.column, where.text);
	err e = json_is_object(object)
			? check_object(t, "", fields, object)
			: fail(t, ERR_INVALID, "invalid_json", "The body must be a JSON object.");

	if (e)
		json_decref(object);
	else
		*ret = object;
	return e;
}

static err parameter_value(const struct place *p, span value, json_t **ret)
{
	int64_t n;
	err e;

	switch (p->field->type) {
	case FIELD_INT:
		if (span_to_i64(value, &n))
			return expected(p, "a whole number");
		e = check_int(p, n);
		if (!e)
			*ret = json_integer(n);
		return e;
	case FIELD_BOOL:
		if (!span_is(value, "true") && !span_is(value, "false"))
			return expected(p, "true or false");
		*ret = json_boolean(span_is(value, "true"));
		return OK;
	default:
		if (!span_is_utf8(value))
			return expected(p, "UTF-8 text");
		e = p->field->type == FIELD_TIME
			    ? check_time(p, value)
			    : check_text(p, value, p->field->least, p->field->most);
		if (!e)
			*ret = json_stringn(value.ptr, value.len);
		return e;
	}
}

err validate_parameter(
	struct task *t, const struct field *fields, span name, span value, json_t *out)
{
	struct place p = {t, "", find_field(fields, arena_str(t->arena, name))};
	json_t *parsed = NULL;

	if (!p.field)
		return OK;
	if (json_object_get(out, p.field->name))
		return fail(t, ERR_INVALID, "duplicate_parameter",
			"The parameter '%s' stands twice.", p.field->name);
	err e = parameter_value(&p, value, &parsed);

	if (e)
		return e;
	return json_object_set_new(out, p.field->name, parsed) ? ERR_NOMEM : OK;
}

err validate_required(struct task *t, const struct field *fields, const json_t *object)
{
	return check_required(t, "", fields, object);
}
