#include "event/event_line.h"

#include "test.h"

#include <string.h>

#define ID "dl_01h455vb4pex5vsknk084sn02q"
#define HEAD                                                                                       \
	"{\"event\":\"download\",\"time\":1700000000.123,\"duration\":1.5,\"download\":\"" ID "\"" \
	","

static void refuses(void **state UNUSED)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"null",
		"{\"event\":\"download\"}",
		"{\"event\":\"unheard\",\"time\":1}",
		/* the kind comes first, so that a glued line can be told */
		"{\"time\":1700000000.123,\"event\":\"download\",\"download\":\"" ID
		"\",\"status\":200}",
		HEAD "\"status\":200",
		HEAD "\"status\":200}}",
		HEAD "\"status\":200} x",
		HEAD "\"status\":1000}",
		HEAD "\"status\":-1}",
		HEAD "\"status\":0}",
		HEAD "\"status\":200,\"sent\":-5}",
		HEAD "\"status\":200,\"sent\":1.5}",
		HEAD "\"status\":200,\"sent\":99999999999999999999}",
		HEAD "\"status\":200,\"event\":\"download\"}",
		HEAD "\"status\":200,\"download\":\"dl_\\u0041\"}",
		"{\"event\":\"download\",\"time\":12.1234567,\"download\":\"x\",\"status\":200}",
		"{\"event\":\"download\",\"time\":\"\",\"download\":\"x\",\"status\":200}",
		"{\"event\":\"download\",\"time\":0,\"download\":\"x\",\"status\":200}",
		"{\"event\":\"download\",\"time\":99999999999999,\"download\":\"x\",\"status\":200}",
		"{\"event\":\"check\",\"time\":1.0,\"platform\":\"any-any\"}",
		"{\"event\":\"check\",\"time\":1.0,\"product\":\"a\\nb\"}",
	};
	struct event_line l;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(event_line_parse(span_from(bad[i]), &l) == ERR_INVALID, bad[i]);
}

static void too_long(void **state UNUSED)
{
	AUTO(buf) text = {0};
	struct event_line l;

	buf_init(&text, 2 * EVENT_LINE_MAX);
	buf_add_str(&text, HEAD "\"status\":200,\"agent\":\"");
	while (buf_len(&text) < EVENT_LINE_MAX)
		buf_add_byte(&text, 'x');
	buf_add_str(&text, "\"}");
	assert_int_equal(event_line_parse(buf_span(&text), &l), ERR_INVALID);
}

static void reads(void **state UNUSED)
{
	struct event_line l;

	assert_ok(event_line_parse(
		SPAN(HEAD "\"file\":\"a.deb\",\"method\":\"GET\",\"status\":206,\"sent\":100,"
			  "\"size\":\"2000\",\"complete\":\"OK\",\"content_range\":\"bytes "
			  "5-104/2000\","
			  "\"agent\":\"a\\\"b\\\\c\",\"country\":\"DE\",\"later\":{\"x\":[1]}}"),
		&l));
	assert_int_equal(l.kind, EVENT_DOWNLOAD);
	assert_int_equal(l.at_us, 1700000000123000);
	assert_int_equal(l.duration_us, 1500000);
	assert_span(l.download, ID);
	assert_span(l.filename, "a.deb");
	assert_int_equal(l.status, 206);
	assert_int_equal(l.sent, 100);
	assert_int_equal(l.size, 2000);
	assert_true(l.complete);
	assert_span(l.agent, "a\\\"b\\\\c");
	assert_span(l.country, "DE");

	assert_ok(event_line_parse(
		SPAN("{\"event\":\"check\",\"time\":1700000000,\"product\":\"vpn\","
		     "\"platform\":\"linux-amd64\",\"channel\":\"stable\",\"installed\":\"1.0.0\","
		     "\"offered\":\"\",\"reason\":\"up_to_date\",\"counted\":\"day\",\"size\":"
		     "\"\"}"),
		&l));
	assert_int_equal(l.kind, EVENT_CHECK);
	assert_span(l.product, "vpn");
	assert_span(l.installed, "1.0.0");
	assert_int_equal(l.offered.len, 0);
	assert_string_equal(event_kind_name(l.kind), "check");
}

static void torn_line_with_the_next_glued_to_it(void **state UNUSED)
{
	struct event_line l;

	assert_ok(event_line_parse(
		SPAN("{\"event\":\"download\",\"time\":170" HEAD "\"status\":200,\"sent\":7}"),
		&l));
	assert_int_equal(l.sent, 7);
	assert_int_equal(event_line_parse(SPAN(HEAD "\"status\":200" HEAD "\"status\":20"), &l),
		ERR_INVALID);
}

static void foreign_bytes(void **state UNUSED)
{
	char line[] = HEAD "\"status\":200,\"sent\":1,\"agent\":\"caf\xe9 \xc3\xa9 \xff\"}";
	struct event_line l;

	assert_int_equal(event_line_parse(span_from(line), &l), ERR_INVALID);
	event_line_clean(line, strlen(line));
	assert_ok(event_line_parse(span_from(line), &l));
	assert_span(l.agent, "caf? \xc3\xa9 ?");
}

/* Which bytes of the file the line stands for. */
static void bytes_sent(void **state UNUSED)
{
	static const struct {
		const char *members, *want;
	} rows[] = {
		{"\"method\":\"GET\",\"status\":200,\"sent\":1000,\"size\":1000", "0-999"},
		{"\"method\":\"GET\",\"status\":200,\"sent\":400,\"size\":1000", "0-399"},
		{"\"method\":\"GET\",\"status\":200,\"sent\":4000,\"size\":1000", "0-999"},
		{"\"method\":\"GET\",\"status\":200,\"sent\":0,\"size\":1000", ""},
		{"\"method\":\"HEAD\",\"status\":200,\"sent\":1000,\"size\":1000", ""},
		{"\"method\":\"GET\",\"status\":304,\"sent\":10,\"size\":1000", ""},
		{"\"method\":\"GET\",\"status\":403,\"sent\":150", ""},
		{"\"method\":\"GET\",\"status\":416,\"sent\":150", ""},
		{"\"method\":\"GET\",\"status\":206,\"sent\":10,\"content_range\":\"bytes "
		 "90-99/1000\"",
			"90-99"},
		{"\"method\":\"GET\",\"status\":206,\"sent\":4,\"content_range\":\"bytes "
		 "90-99/1000\"",
			"90-93"},
		{"\"method\":\"GET\",\"status\":206,\"sent\":50,\"content_range\":\"bytes "
		 "90-99/1000\"",
			"90-99"},
		{"\"method\":\"GET\",\"status\":206,\"sent\":10,\"content_range\":\"bytes */1000\"",
			""},
		{"\"method\":\"GET\",\"status\":206,\"sent\":10,\"content_range\":\"lines 1-2/3\"",
			""},
		/* several ranges */
		{"\"method\":\"GET\",\"status\":206,\"sent\":500,\"size\":1000,\"complete\":\"OK\","
		 "\"range\":\"bytes=0-9, 20-29,990-,-3,5000-\"",
			"0-9,20-29,990-999,997-999"},
		{"\"method\":\"GET\",\"status\":206,\"sent\":500,\"size\":1000,\"complete\":\"\","
		 "\"range\":\"bytes=0-9,20-29\"",
			"0-9"},
		{"\"method\":\"GET\",\"status\":206,\"sent\":300,\"size\":1000,\"complete\":\"\","
		 "\"range\":\"bytes=0-99,200-\"",
			"0-43"},
		{"\"method\":\"GET\",\"status\":206,\"sent\":500,\"size\":1000,\"range\":\"\"", ""},
		{"\"method\":\"GET\",\"status\":206,\"sent\":500,\"size\":0,\"complete\":\"OK\","
		 "\"range\":\"bytes=0-9,20-29\"",
			""},
		{"\"method\":\"GET\",\"status\":206,\"sent\":500,\"size\":1000,\"complete\":\"OK\","
		 "\"range\":\"bytes=9-0,x-y,--,5\"",
			""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf) line = {0};
		AUTO(buf) got = {0};
		struct event_line l;
		struct byte_range ranges[EVENT_RANGES_MAX];

		buf_init(&line, 4096);
		buf_init(&got, 4096);
		buf_addf(&line, "%s%s}", HEAD, rows[i].members);
		assert_ok(event_line_parse(buf_span(&line), &l));
		size_t count = event_line_ranges(&l, ranges);

		for (size_t j = 0; j < count; j++)
			buf_addf(&got, "%s%llu-%llu", j ? "," : "",
				(unsigned long long)ranges[j].from,
				(unsigned long long)ranges[j].to);
		assert_row(span_is(buf_span(&got), rows[i].want), rows[i].members);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),
		cmocka_unit_test(too_long),
		cmocka_unit_test(reads),
		cmocka_unit_test(torn_line_with_the_next_glued_to_it),
		cmocka_unit_test(foreign_bytes),
		cmocka_unit_test(bytes_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
