#include "test.h"

#include "api/validate.h"

#include <string.h>

#define END                                                                                        \
	{                                                                                          \
		NULL, FIELD_END, false, 0, 0, NULL, NULL, NULL                                     \
	}

static const struct field part[] = {{"product", FIELD_STRING, true, 1, 10, NULL, NULL, "Product"},
	{"range", FIELD_STRING, false, 0, 10, NULL, NULL, "Range"}, END};
static const struct field fields[] = {
	{"name", FIELD_STRING, true, 2, 5, NULL, NULL, "Name"},
	{"size", FIELD_INT, false, -1, 10, NULL, NULL, "Size"},
	{"flag", FIELD_BOOL, false, 0, 0, NULL, NULL, "Flag"},
	{"at", FIELD_TIME, false, 0, 0, NULL, NULL, "At"},
	{"kind", FIELD_STRING, false, 0, 0, "big small", NULL, "Kind"},
	{"tags", FIELD_STRINGS, false, 1, 2, NULL, NULL, "Tags"},
	{"channels", FIELD_STRINGS, false, 0, 3, "stable beta", NULL, "Channels"},
	{"device", FIELD_OBJECT, false, 0, 0, NULL, part, "Device"},
	{"requires", FIELD_OBJECTS, false, 0, 2, NULL, part, "Requires"},
	END,
};

static struct task task_of(struct arena *a)
{
	return (struct task){.arena = a};
}

/* body, code of the failure, a piece of its text that names the member and what was expected */
static void bodies_refused(void **state UNUSED)
{
	static const struct {
		const char *body, *reason, *says;
	} rows[] = {
		{"", "missing_member", "'name' is required"},
		{"  \n", "missing_member", "'name' is required"},
		{"{}", "missing_member", "'name' is required"},
		{"[]", "invalid_json", "must be a JSON object"},
		{"\"x\"", "invalid_json", ""},
		{"null", "invalid_json", ""},
		{"{", "invalid_json", "line 1"},
		{"{\"name\":\"abc\"} x", "invalid_json", ""},
		{"{\"name\":\"abc\",}", "invalid_json", ""},
		{"{'name':'abc'}", "invalid_json", ""},
		{"{\"name\":\"abc\"}\xff", "invalid_json", ""},
		{"{\"name\":\"a\xff\xfe\"}", "invalid_json", ""},
		{"{\"name\":\"ab\\u0000\"}", "invalid_json", ""},
		{"{\"name\":\"ab\\ud800\"}", "invalid_json", ""},
		{"{\"name\":NaN}", "invalid_json", ""},
		{"{\"name\":\"abc\",\"name\":\"abd\"}", "invalid_json", "duplicate"},
		{"{\"name\":\"abc\",\"n\\u0061me\":\"abd\"}", "invalid_json", "duplicate"},
		{"{\"name\":\"abc\",\"role\":\"admin\"}", "unknown_member", "'role' is not known"},
		{"{\"name\":\"abc\",\"Name\":\"abc\"}", "unknown_member", "'Name'"},
		{"{\"name\":\"abc\",\"__proto__\":{}}", "unknown_member", "__proto__"},
		{"{\"name\":null}", "invalid_member", "'name' must be a string"},
		{"{\"name\":1}", "invalid_member", "'name' must be a string"},
		{"{\"name\":\"a\"}", "invalid_member", "2 to 5 bytes"},
		{"{\"name\":\"abcdef\"}", "invalid_member", "2 to 5 bytes"},
		{"{\"name\":\"ab\\u001b\"}", "invalid_member", "control characters"},
		{"{\"name\":\"ab\\u007f\"}", "invalid_member", "control characters"},
		{"{\"name\":\"abc\",\"size\":11}", "invalid_member",
			"'size' must be a whole number "
			"from -1 to 10"},
		{"{\"name\":\"abc\",\"size\":-2}", "invalid_member", "'size'"},
		{"{\"name\":\"abc\",\"size\":1.0}", "invalid_member", "'size'"},
		{"{\"name\":\"abc\",\"size\":\"1\"}", "invalid_member", "'size'"},
		{"{\"name\":\"abc\",\"size\":99999999999999999999}", "invalid_json", "integer"},
		{"{\"name\":\"abc\",\"flag\":1}", "invalid_member", "'flag' must be true or false"},
		{"{\"name\":\"abc\",\"flag\":\"true\"}", "invalid_member", "'flag'"},
		{"{\"name\":\"abc\",\"at\":\"tomorrow\"}", "invalid_member", "'at' must be a time"},
		{"{\"name\":\"abc\",\"at\":5}", "invalid_member", "'at' must be a time"},
		{"{\"name\":\"abc\",\"kind\":\"huge\"}", "invalid_member",
			"'kind' must be one of: big small"},
		{"{\"name\":\"abc\",\"kind\":\"\"}", "invalid_member", "'kind'"},
		{"{\"name\":\"abc\",\"kind\":\"big small\"}", "invalid_member", "'kind'"},
		{"{\"name\":\"abc\",\"tags\":[]}", "invalid_member",
			"'tags' must be an array of 1"},
		{"{\"name\":\"abc\",\"tags\":[\"a\",\"b\",\"c\"]}", "invalid_member", "'tags'"},
		{"{\"name\":\"abc\",\"tags\":[1]}", "invalid_member", "array of strings"},
		{"{\"name\":\"abc\",\"tags\":[\"\"]}", "invalid_member", "'tags'"},
		{"{\"name\":\"abc\",\"tags\":\"a\"}", "invalid_member", "'tags'"},
		{"{\"name\":\"abc\",\"channels\":[\"dev\"]}", "invalid_member", "one of: stable"},
		{"{\"name\":\"abc\",\"device\":[]}", "invalid_member",
			"'device' must be an object"},
		{"{\"name\":\"abc\",\"device\":{}}", "missing_member", "'device.product'"},
		{"{\"name\":\"abc\",\"device\":{\"product\":\"a\",\"x\":1}}", "unknown_member",
			"'device.x'"},
		{"{\"name\":\"abc\",\"requires\":[{\"product\":\"a\"},{\"product\":\"\"}]}",
			"invalid_member", "'requires[1].product'"},
		{"{\"name\":\"abc\",\"requires\":[1]}", "invalid_member", "array of objects"},
		{"{\"name\":\"abc\",\"requires\":[{},{},{}]}", "invalid_member", "0 to 2 objects"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_PTR(arena) a = arena_new();
		struct task t = task_of(a);
		json_t *got = NULL;

		assert_row(validate_body(&t, fields, span_from(rows[i].body), &got) == ERR_INVALID,
			rows[i].body);
		assert_null(got);
		assert_row(strcmp(t.reason, rows[i].reason) == 0, rows[i].body);
		if (!strstr(t.detail, rows[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", rows[i].body, t.detail,
				rows[i].says);
	}
}

static void bodies_accepted(void **state UNUSED)
{
	static const char *const rows[] = {"{\"name\":\"abc\"}", " {\"name\" : \"\xc3\xa4\"} \n",
		"{\"name\":\"a\\nb\",\"size\":null,\"at\":null,\"tags\":null,\"device\":null}",
		"{\"name\":\"abcde\",\"size\":-1,\"flag\":false,\"at\":\"2030-01-31T12:00:00+02:00\","
		"\"kind\":\"small\",\"tags\":[\"x\"],\"channels\":[],\"device\":{\"product\":\"p\"},"
		"\"requires\":[{\"product\":\"p\",\"range\":\"^1\"}]}"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_PTR(arena) a = arena_new();
		struct task t = task_of(a);
		json_t *got = NULL;

		if (validate_body(&t, fields, span_from(rows[i]), &got))
			fail_msg("%s: %s", rows[i], t.detail);
		assert_true(json_is_object(got));
		json_decref(got);
	}
}

/* The parser recurses: depth is judged before it sees the text. Brackets in strings do not count.
 */
static void depth(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	struct task t = task_of(a);
	json_t *got = NULL;
	AUTO(buf) text;

	buf_init(&text, BODY_MAX_BYTES);
	for (int i = 0; i < 500000; i++)
		buf_add_byte(&text, '[');
	assert_int_equal(validate_body(&t, fields, buf_span(&text), &got), ERR_INVALID);
	assert_non_null(strstr(t.detail, "deeper than 16"));
	assert_ok(validate_body(&t, fields, SPAN("{\"name\":\"[[[[[\",\"kind\":\"big\"}"), &got));
	json_decref(got);
	assert_ok(validate_body(&t, fields, SPAN("{\"name\":\"\\\"[[[\"}"), &got));
	json_decref(got);

	/* Many beside each other are not deep: refused for what they are, not for their nesting. */
	static const char many[] =
		"{\"name\":\"abc\",\"requires\":[{},{},{},{},{},{},{},{},{},{},{},"
		"{},{},{},{},{},{},{},{},{}]}";

	assert_int_equal(validate_body(&t, fields, SPAN(many), &got), ERR_INVALID);
	assert_string_equal(t.reason, "invalid_member");
}

static void parameters(void **state UNUSED)
{
	static const struct {
		const char *name, *value;
		err want;
	} rows[] = {{"size", "", ERR_INVALID}, {"size", "x", ERR_INVALID},
		{"size", "11", ERR_INVALID}, {"size", " 1", ERR_INVALID},
		{"size", "0x1", ERR_INVALID}, {"flag", "", ERR_INVALID}, {"flag", "1", ERR_INVALID},
		{"at", "now", ERR_INVALID}, {"kind", "huge", ERR_INVALID},
		{"name", "a", ERR_INVALID}, {"name", "ab\x01", ERR_INVALID},
		{"name", "ab\xff", ERR_INVALID}, {"size", "10", OK}, {"flag", "true", OK},
		{"at", "2030-01-31T12:00:00Z", OK}, {"kind", "big", OK}, {"name", "abc", OK},
		{"other", "\xff", OK}, {"NAME", "a", OK}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_PTR(arena) a = arena_new();
		struct task t = task_of(a);
		json_t *out = json_object();

		assert_row(validate_parameter(&t, fields, span_from(rows[i].name),
				   span_from(rows[i].value), out) == rows[i].want,
			rows[i].value);
		json_decref(out);
	}
}

static void parameters_together(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	struct task t = task_of(a);
	json_t *out = json_object();

	assert_int_equal(validate_required(&t, fields, out), ERR_INVALID);
	assert_ok(validate_parameter(&t, fields, SPAN("name"), SPAN("abc"), out));
	assert_ok(validate_required(&t, fields, out));
	assert_int_equal(
		validate_parameter(&t, fields, SPAN("name"), SPAN("abc"), out), ERR_INVALID);
	assert_string_equal(t.reason, "duplicate_parameter");
	json_decref(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(bodies_refused),
		cmocka_unit_test(bodies_accepted), cmocka_unit_test(depth),
		cmocka_unit_test(parameters), cmocka_unit_test(parameters_together)};

	return cmocka_run_group_tests_name("validate", tests, NULL, NULL);
}
