/*
 * The JSON reader, three ways over the same text: skipping it, walking it value by value, and by
 * jansson. What the walk accepts the skip accepts, and jansson too where its rules are the same.
 */
#include "fuzz.h"

#include <jansson.h>

#include "base/json.h"

#define STEPS_MAX 100000

/* Reads the value at the cursor by its type; containers are entered, and left by the caller. */
static void read_value(struct json_reader *r, struct buf *s)
{
	switch (json_peek(r)) {
	case JSON_TYPE_OBJECT:
		json_enter_object(r);
		break;
	case JSON_TYPE_ARRAY:
		json_enter_array(r);
		break;
	case JSON_TYPE_STRING:
		buf_clear(s);
		json_get_string(r, s);
		check(json_read_error(r) || span_is_utf8(buf_span(s)));
		break;
	case JSON_TYPE_BOOL:
		(void)json_get_bool(r);
		break;
	default:
		json_skip(r);
	}
}

static err walk(span text)
{
	bool is_object[JSON_MAX_DEPTH];
	size_t depth = 0;
	struct json_reader r;
	span key;
	AUTO(buf) s = {0};

	buf_init(&s, text.len + 1);
	json_reader_init(&r, text);
	for (int steps = 0; steps < STEPS_MAX; steps++) {
		enum json_type type = json_peek(&r);

		read_value(&r, &s);
		if (json_read_error(&r))
			break;
		if (type == JSON_TYPE_OBJECT || type == JSON_TYPE_ARRAY) {
			check(depth < JSON_MAX_DEPTH);
			is_object[depth++] = type == JSON_TYPE_OBJECT;
		}
		while (depth && !(is_object[depth - 1] ? json_next_member(&r, &key)
						       : json_next_element(&r))) {
			if (json_read_error(&r))
				break;
			depth--;
		}
		if (depth == 0 || json_read_error(&r))
			break;
	}
	return json_read_end(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	span text = fuzz_input(data, size);
	struct json_reader r;

	json_reader_init(&r, text);
	json_skip(&r);
	err skipped = json_read_end(&r);

	check((walk(text) == OK) == (skipped == OK));
	json_reader_init(&r, text);
	span whole = json_get_value_text(&r);

	check(!skipped == !json_read_end(&r));
	check(skipped || span_eq(whole, span_trim(text)));
	if (skipped == OK) {
		/* jansson refuses integers beyond 64 bits and reals beyond a double; nothing else.
		 */
		json_error_t error;
		json_t *value = json_loadb(text.ptr, text.len,
			JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);

		check(value || json_error_code(&error) == json_error_numeric_overflow);
		json_decref(value);
	}
	fuzz_free(text);
	return 0;
}
