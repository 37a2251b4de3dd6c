#include "test.h"

#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "sys/log.h"

static int pipe_ends[2];
static char line[16384];

/* What was logged since the last call. */
static span logged(void)
{
	ssize_t n = read(pipe_ends[0], line, sizeof(line));

	assert_true(n > 0);
	return span_of(line, (size_t)n);
}

static void assert_is_one_json_line(span text)
{
	struct json_reader r;

	assert_true(span_ends_with(text, SPAN("\n")));
	assert_int_equal(span_find(text, '\n'), text.len - 1);
	json_reader_init(&r, span_sub(text, 0, text.len - 1));
	json_skip(&r);
	assert_ok(json_read_end(&r));
}

static void a_line_cannot_be_forged(void **state UNUSED)
{
	log_warn("hm", LOG_STR("who", "x\"}\n{\"level\":\"error\""));
	span text = logged();
	assert_is_one_json_line(text);
	assert_true(span_contains(text, SPAN("\"who\":\"x\\\"}\\n{\\\"level\\\"")));
}

static void fields_and_levels(void **state UNUSED)
{
	log_debug("not this one");
	log_info("m", LOG_INT("n", -5), LOG_FLAG("b", true), LOG_ERR(ERR_LIMIT),
		LOG_SPAN("s", SPAN("part")));
	span text = logged();
	assert_is_one_json_line(text);
	assert_true(span_contains(text, SPAN("\"level\":\"info\",\"component\":\"test\","
					     "\"message\":\"m\",\"n\":-5,\"b\":true,"
					     "\"error\":\"limit\",\"s\":\"part\"}")));
}

static void request_id_of_the_thread(void **state UNUSED)
{
	log_set_request(SPAN("req-1"));
	log_error("with");
	assert_true(span_contains(logged(), SPAN("\"request_id\":\"req-1\"")));
	span own = log_request();

	log_borrow_request(SPAN("req-2"));
	log_error("for another");
	assert_true(span_contains(logged(), SPAN("\"request_id\":\"req-2\"")));
	log_borrow_request(own);
	log_error("with");
	assert_true(span_contains(logged(), SPAN("\"request_id\":\"req-1\"")));
	log_set_request(SPAN_EMPTY);
	log_error("without");
	assert_false(span_contains(logged(), SPAN("request_id")));
}

static void too_long_is_cut_but_whole(void **state UNUSED)
{
	static char big[4000];

	memset(big, 1, sizeof(big) - 1); /* each byte is written as \u0001 */
	log_info("one long field", LOG_STR("a", big));
	assert_is_one_json_line(logged());
	log_info("two long fields", LOG_STR("a", big), LOG_STR("b", big));
	span text = logged();
	assert_is_one_json_line(text);
	assert_true(span_contains(text, SPAN("two long fields")));
	assert_true(span_contains(text, SPAN("\"truncated\":true")));
}

static void level_names(void **state UNUSED)
{
	enum log_level level = LOG_ERROR_LEVEL;

	assert_false(log_level_from_name(SPAN("INFO"), &level));
	assert_false(log_level_from_name(SPAN(""), &level));
	assert_int_equal(level, LOG_ERROR_LEVEL);
	assert_true(log_level_from_name(SPAN("debug"), &level));
	assert_int_equal(level, LOG_DEBUG_LEVEL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_cannot_be_forged),
		cmocka_unit_test(fields_and_levels),
		cmocka_unit_test(request_id_of_the_thread),
		cmocka_unit_test(too_long_is_cut_but_whole),
		cmocka_unit_test(level_names),
	};

	if (pipe(pipe_ends) != 0)
		return 1;
	log_init("test", LOG_INFO_LEVEL, pipe_ends[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
