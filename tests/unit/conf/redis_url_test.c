#include "test.h"

#include "conf/redis_url.h"

static void good_ones(void **state UNUSED)
{
	static const struct {
		const char *text, *host, *path, *user, *password;
		unsigned port, database;
		const char *shown;
	} rows[] = {
		{"redis://localhost", "localhost", "", "", "", 6379, 0, "redis://localhost:6379/0"},
		{"redis://10.0.0.7:7000/", "10.0.0.7", "", "", "", 7000, 0,
			"redis://10.0.0.7:7000/0"},
		{"redis://[fd00::1]/15", "fd00::1", "", "", "", 6379, 15,
			"redis://[fd00::1]:6379/15"},
		{"redis://app@r-1.example.com:1/3", "r-1.example.com", "", "app", "", 1, 3,
			"redis://app@r-1.example.com:1/3"},
		{"redis://app:s3cret@r:65535", "r", "", "app", "s3cret", 65535, 0,
			"redis://app@r:65535/0"},
		{"redis://:s3cret@r", "r", "", "", "s3cret", 6379, 0, "redis://r:6379/0"},
		{"redis://a%40b:%2f%3A@@r", "r", "", "a@b", "/:@", 6379, 0,
			"redis://a%40b@r:6379/0"},
		{"redis://app:a:b@r", "r", "", "app", "a:b", 6379, 0, "redis://app@r:6379/0"},
		{"redis+unix:///run/redis/redis.sock", "", "/run/redis/redis.sock", "", "", 6379, 0,
			"redis+unix:///run/redis/redis.sock"},
		{"redis+unix://app:s3cret@/r.sock?db=2", "", "/r.sock", "app", "s3cret", 6379, 2,
			"redis+unix://app@/r.sock?db=2"},
	};
	char memory[600];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct redis_url u;
		struct buf shown;

		assert_row(redis_url_parse(span_from(rows[i].text), &u) == OK, rows[i].text);
		assert_string_equal(u.host, rows[i].host);
		assert_string_equal(u.path, rows[i].path);
		assert_string_equal(u.user, rows[i].user);
		assert_string_equal(u.password, rows[i].password);
		assert_int_equal(u.port, rows[i].port);
		assert_int_equal(u.database, rows[i].database);
		buf_init_fixed(&shown, memory, sizeof(memory));
		redis_url_show(&u, &shown);
		assert_span(buf_span(&shown), rows[i].shown);
	}
}

static void bad_ones(void **state UNUSED)
{
	static const char *const rows[] = {"", "redis", "redis:", "redis://", "rediss://r",
		"http://r", "redis:///0", "redis://r:", "redis://r:0", "redis://r:65536",
		"redis://r:x", "redis://r:+1", "redis://r/x", "redis://r/-1", "redis://r/65536",
		"redis://r/0/", "redis://r?db=1", "redis://r#", "redis://r r", "redis://[::1",
		"redis://::1", "redis://[::1]6379", "redis://[]", "redis://[r]", "redis://u:p%@r",
		"redis://u:p%zz@r", "redis://u:%00@r", "redis://u:pa/ss@r", "redis+unix://",
		"redis+unix://r.sock", "redis+unix://r/r.sock",
		"redis+unix:///r?db=", "redis+unix:///r?db=x", "redis+unix:///r?DB=1", "REDIS://r"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct redis_url u;

		assert_row(redis_url_parse(span_from(rows[i]), &u) != OK, rows[i]);
	}
}

static void parts_end_at_their_size(void **state UNUSED)
{
	struct redis_url u;
	char text[400], long_text[301];

	memset(long_text, 'a', sizeof(long_text));
	long_text[300] = '\0';
	for (int len = 250; len <= 260; len++) {
		err want = len <= REDIS_URL_PART_MAX ? OK : ERR_TOO_LARGE;

		(void)snprintf(text, sizeof(text), "redis://%.*s", len, long_text);
		assert_int_equal(redis_url_parse(span_from(text), &u), want);
		(void)snprintf(text, sizeof(text), "redis://%.*s@r", len, long_text);
		assert_int_equal(redis_url_parse(span_from(text), &u), want);
		(void)snprintf(text, sizeof(text), "redis://:%.*s@r", len, long_text);
		assert_int_equal(redis_url_parse(span_from(text), &u), want);
	}
	(void)snprintf(text, sizeof(text), "redis+unix:///%.*s", REDIS_URL_PATH_MAX - 1, long_text);
	assert_ok(redis_url_parse(span_from(text), &u));
	(void)snprintf(text, sizeof(text), "redis+unix:///%.*s", REDIS_URL_PATH_MAX, long_text);
	assert_int_equal(redis_url_parse(span_from(text), &u), ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones),
		cmocka_unit_test(bad_ones),
		cmocka_unit_test(parts_end_at_their_size),
	};

	return cmocka_run_group_tests_name("redis_url", tests, NULL, NULL);
}
