#include "event/client_class.h"

#include "test.h"

#include <string.h>

static void classes(void **state UNUSED)
{
	static const struct {
		const char *agent, *os, *device, *version;
	} rows[] = {
		{"", "", "", ""},
		{"/1.0", "", "tool", ""},
		{"\xff\xff/1", "", "tool", ""},
		{"Mozilla/5.0", "", "", ""},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
			"windows", "desktop", "Firefox/128"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
		 "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
			"windows", "desktop", "Edg/126"},
		{"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
		 "Chrome/126.0.0.0 Mobile Safari/537.36",
			"android", "mobile", "Chrome/126"},
		{"Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) "
		 "Chrome/126.0.0.0 Safari/537.36",
			"android", "tablet", "Chrome/126"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
		 "(KHTML, "
		 "like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
			"ios", "mobile", "Safari/17"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, "
		 "like "
		 "Gecko) Version/17.5 Safari/605.1.15",
			"macos", "desktop", "Safari/17"},
		{"curl/7.88.1", "", "tool", "curl/7.88.1"},
		{"Debian APT-HTTP/1.3 (2.6.1)", "linux", "tool", "Debian"},
		{"slipway-update/0.1.0 (linux; amd64)", "linux", "tool", "slipway-update/0.1.0"},
		{"Mozilla/5.0 Firefox/9999999999", "", "", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct client_class c;

		client_classify(span_from(rows[i].agent), &c);
		assert_row(!strcmp(c.os, rows[i].os), rows[i].agent);
		assert_row(!strcmp(c.device, rows[i].device), rows[i].agent);
		assert_row(!strcmp(c.version, rows[i].version), rows[i].agent);
	}
}

static void a_long_name_is_left_out(void **state UNUSED)
{
	char agent[4096];
	struct client_class c;

	memset(agent, 'a', sizeof(agent));
	client_classify(span_of(agent, sizeof(agent)), &c);
	assert_string_equal(c.version, "");
	agent[10] = '/';
	client_classify(span_of(agent, sizeof(agent)), &c);
	assert_string_equal(c.version, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes),
		cmocka_unit_test(a_long_name_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
