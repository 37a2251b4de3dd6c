#include "test.h"

#include <string.h>

#include "base/json.h"

/* The whole text read as one value, of whatever kind. */
static err read_all(span text)
{
	struct json_reader r;

	json_reader_init(&r, text);
	json_skip(&r);
	return json_read_end(&r);
}

/* The cases of RFC 8259 that parsers differ in: all are errors here. */
static void texts_refused(void **state UNUSED)
{
	static const char *const bad[] = {"", " ", "nul", "nulll", "True", "tru", "NaN", "Infinity",
		"-", "+1", "01", "-01", "1.", ".5", "1.e3", "1e", "1e+", "0x10", "1_000", "\"",
		"\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"",
		"\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\"", "\"\t\"", "\"\n\"", "\"\x01\"",
		"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "'a'", "[", "]", "[1", "[1,",
		"[1,]", "[,1]", "[1 2]", "[1]]", "[1}", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1",
		"{\"a\":1,", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}", "{\"a\" 1}",
		"{\"a\":1 \"b\":2}", "{\"a\":1]", "{\"\\u0061\":1}", "1 2", "null x", "[] []",
		"// c\n1", "[1]/* */",
		"\xef\xbb\xbf"
		"1",
		"\xa0"
		"1",
		"\f1", "[\"\\", "[\"\\u"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(read_all(span_from(bad[i])) == ERR_INVALID, bad[i]);
	assert_int_equal(read_all(span_of("1\0", 2)), ERR_INVALID);
	assert_int_equal(read_all(span_of("\0", 1)), ERR_INVALID);
	assert_int_equal(read_all(span_of("\"\\\0\"", 4)), ERR_INVALID);
}

static void texts_read(void **state UNUSED)
{
	static const char *const good[] = {"null", "true", "false", "0", "-0", "1.5e-3", "1E+9",
		"\"\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"", "\"\x7f\"", "[]", "[ ]", "{ }",
		" [ 1 , [ ] , { } ] ", "\t\n\r {\"a\" : [ {\"b\":null} ] }",
		"99999999999999999999999", "{\"\":0,\"\":0}"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_row(read_all(span_from(good[i])) == OK, good[i]);
}

static void depth_is_bounded(void **state UNUSED)
{
	char text[JSON_MAX_DEPTH * 2 + 2];

	memset(text, '[', JSON_MAX_DEPTH);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	assert_ok(read_all(span_of(text, JSON_MAX_DEPTH * 2)));
	memset(text, '[', JSON_MAX_DEPTH + 1);
	memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	assert_int_equal(read_all(span_of(text, sizeof(text))), ERR_TOO_LARGE);
}

static void reading(void **state UNUSED)
{
	span text =
		SPAN("{\"s\":\"a\\n\\u00e4\\ud83d\\ude00\\/\",\"n\":-12,\"b\":true,\"l\":[1,\"x\"],"
		     "\"o\":{\"k\":null},\"raw\":\"q\\\"q\",\"plain\":\"p\"}");
	struct json_reader r;
	span key;
	AUTO(buf) s = {0};

	buf_init(&s, 100);
	json_reader_init(&r, text);
	assert_int_equal(json_peek(&r), JSON_TYPE_OBJECT);
	json_enter_object(&r);
	assert_int_equal(json_peek(&r), JSON_TYPE_NONE); /* a key, not a value */
	assert_true(json_next_member(&r, &key));
	assert_span(key, "s");
	assert_int_equal(json_peek(&r), JSON_TYPE_STRING);
	json_get_string(&r, &s);
	assert_span(buf_span(&s), "a\n\xc3\xa4\xf0\x9f\x98\x80/");
	assert_true(json_next_member(&r, &key));
	assert_int_equal(json_get_i64(&r), -12);
	assert_true(json_next_member(&r, &key));
	assert_true(json_get_bool(&r));
	assert_true(json_next_member(&r, &key));
	json_enter_array(&r);
	assert_true(json_next_element(&r));
	assert_int_equal(json_get_i64(&r), 1);
	assert_true(json_next_element(&r));
	assert_span(json_get_plain_string(&r), "x");
	assert_false(json_next_element(&r));
	assert_true(json_next_member(&r, &key));
	assert_span(json_get_value_text(&r), "{\"k\":null}");
	assert_true(json_next_member(&r, &key));
	assert_span(json_get_raw_string(&r), "q\\\"q");
	assert_true(json_next_member(&r, &key));
	assert_span(key, "plain");
	assert_span(json_get_plain_string(&r), "p");
	assert_false(json_next_member(&r, &key));
	assert_ok(json_read_end(&r));
}

/* Reads `text` as the type named and gives the sticking error. */
static err read_as(const char *text, char type)
{
	struct json_reader r;
	AUTO(buf) s = {0};

	buf_init(&s, 3);
	json_reader_init(&r, span_from(text));
	switch (type) {
	case 'i':
		(void)json_get_i64(&r);
		break;
	case 'b':
		(void)json_get_bool(&r);
		break;
	case 's':
		json_get_string(&r, &s);
		break;
	case 'p':
		(void)json_get_plain_string(&r);
		break;
	case 'o':
		json_enter_object(&r);
		break;
	default:
		json_enter_array(&r);
	}
	assert_true(json_peek(&r) == JSON_TYPE_NONE || !json_read_error(&r));
	return json_read_error(&r);
}

static void wrong_types(void **state UNUSED)
{
	static const struct {
		const char *text;
		char type;
		err want;
	} rows[] = {
		{"1.0", 'i', ERR_INVALID},
		{"1e2", 'i', ERR_INVALID},
		{"\"1\"", 'i', ERR_INVALID},
		{"9223372036854775808", 'i', ERR_INVALID},
		{"-9223372036854775808", 'i', OK},
		{"true", 'i', ERR_INVALID},
		{"1", 'b', ERR_INVALID},
		{"null", 'b', ERR_INVALID},
		{"1", 's', ERR_INVALID},
		{"\"abcd\"", 's', ERR_TOO_LARGE}, /* the caller's buf holds 3 bytes */
		{"\"a\\nb\"", 's', OK},
		{"\"a\\nb\"", 'p', ERR_INVALID},
		{"null", 'p', ERR_INVALID},
		{"[]", 'o', ERR_INVALID},
		{"{}", 'a', ERR_INVALID},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(read_as(rows[i].text, rows[i].type) == rows[i].want, rows[i].text);
}

/* Misuse by our own code is a bug that sticks; it never reads on. */
static void misuse(void **state UNUSED)
{
	struct json_reader r;
	span key;

	json_reader_init(&r, SPAN("{\"a\":1,\"b\":2}"));
	json_enter_object(&r);
	assert_true(json_next_member(&r, &key));
	assert_false(json_next_member(&r, &key)); /* the value was not consumed */
	assert_int_equal(json_read_error(&r), ERR_BUG);
	assert_int_equal(json_read_end(&r), ERR_BUG);

	json_reader_init(&r, SPAN("[1]"));
	json_enter_array(&r);
	assert_false(json_next_member(&r, &key));
	assert_int_equal(json_read_error(&r), ERR_BUG);

	json_reader_init(&r, SPAN("1"));
	assert_int_equal(json_get_i64(&r), 1);
	json_skip(&r);
	assert_int_equal(json_read_error(&r), ERR_BUG);

	json_reader_init(&r, SPAN("[1]"));
	json_enter_array(&r);
	assert_int_equal(json_read_end(&r), ERR_BUG); /* not left */
}

static void writing(void **state UNUSED)
{
	struct json_writer w;
	AUTO(buf) b = {0};

	buf_init(&b, 1000);
	json_writer_init(&w, &b);
	json_begin_object(&w, NULL);
	json_str(&w, "s", SPAN("q\"b\\ \b\t\n\v\f\r\x01\x7f/\xc3\xa4\xff\xe2\x82"));
	json_cstr(&w, "n", NULL);
	json_i64(&w, "i", INT64_MIN);
	json_u64(&w, "u", UINT64_MAX);
	json_bool(&w, "b", false);
	json_time(&w, "t", 0);
	json_begin_array(&w, "a");
	json_begin_object(&w, NULL);
	json_end(&w);
	json_begin_array(&w, NULL);
	json_end(&w);
	json_bool(&w, NULL, true);
	json_nil(&w, NULL);
	json_end(&w);
	json_key(&w, SPAN("k\"1"));
	json_raw(&w, NULL, SPAN("[1]"));
	json_key(&w, SPAN("k2"));
	json_begin_object(&w, NULL);
	json_i64(&w, "x", 1);
	json_end(&w);
	json_end(&w);
	assert_ok(buf_error(&b));
	assert_span(buf_span(&b),
		"{\"s\":\"q\\\"b\\\\ \\b\\t\\n\\u000b\\f\\r\\u0001\x7f/\xc3\xa4"
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"n\":null,\"i\":-9223372036854775808,"
		"\"u\":18446744073709551615,\"b\":false,\"t\":\"1970-01-01T00:00:00Z\","
		"\"a\":[{},[],true,null],\"k\\\"1\":[1],\"k2\":{\"x\":1}}");
}

static void writer_misuse(void **state UNUSED)
{
	struct json_writer w;
	AUTO(buf) b = {0};

	buf_init(&b, 1000);
	json_writer_init(&w, &b);
	json_end(&w);
	assert_int_equal(buf_error(&b), ERR_BUG);
	buf_clear(&b);
	json_writer_init(&w, &b);
	for (int i = 0; i <= JSON_MAX_DEPTH; i++)
		json_begin_array(&w, NULL);
	assert_int_equal(buf_error(&b), ERR_BUG);
	buf_clear(&b);
	json_writer_init(&w, &b);
	json_time(&w, NULL, -1);
	assert_int_equal(buf_error(&b), ERR_INVALID);
}

/* Every byte at every place of a run: what is written reads as it was, or as U+FFFD. */
static void bytes_at_each_place(void **state UNUSED)
{
	for (unsigned c = 0; c < 256; c++)
		for (size_t place = 0; place < 17; place++) {
			AUTO(buf) out = {0};
			AUTO(buf) read = {0};
			struct json_writer w;
			struct json_reader r;
			char text[] = "~ zA0~ zA0~ zA0~!";

			text[place] = (char)c;
			buf_init(&out, 1000);
			buf_init(&read, 1000);
			json_writer_init(&w, &out);
			json_str(&w, NULL, span_of(text, 17));
			json_reader_init(&r, buf_span(&out));
			json_get_string(&r, &read);
			assert_ok(json_read_end(&r));
			if (c < 0x80) {
				assert_true(span_eq(buf_span(&read), span_of(text, 17)));
				continue;
			}
			assert_int_equal(buf_len(&read), 19);
			assert_memory_equal(buf_str(&read) + place, "\xEF\xBF\xBD", 3);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(texts_refused),
		cmocka_unit_test(texts_read), cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(reading), cmocka_unit_test(wrong_types), cmocka_unit_test(misuse),
		cmocka_unit_test(writing), cmocka_unit_test(writer_misuse),
		cmocka_unit_test(bytes_at_each_place)};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
