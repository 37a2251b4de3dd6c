#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/rules.h"
#include "sys/files.h"

static char folder[] = "/tmp/slipway-conf-XXXXXX";

static int enter_folder(void **state UNUSED)
{
	return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int leave_folder(void **state UNUSED)
{
	(void)unlink("slipway.conf");
	return chdir("/") != 0 || rmdir(folder) != 0;
}

/* The problem of a file with this content, "" when there is none. */
static const char *problem_of(struct arena *a, const char *content)
{
	AUTO_PTR(conf) c = NULL;
	const char *problem = "";

	assert_ok(file_write_atomic("slipway.conf", span_from(content), 0600));
	if (conf_load(a, "./slipway.conf", NULL, 0, &c, &problem) == OK)
		return "";
	assert_null(c);
	return problem;
}

static void problems_say_where_and_what(void **state UNUSED)
{
	static const struct {
		const char *content, *problem;
	} rows[] = {
		{"# c\n\napi.threads = 0\n",
			"slipway.conf:3: \"api.threads\" is 0, expected a number from 4 to 4096"},
		{"api.threads = 4x",
			"slipway.conf:1: \"api.threads\" is 4x, expected a number from 4 to 4096"},
		{"api.threads = 99999999999999999999",
			"slipway.conf:1: \"api.threads\" is 99999999999999999999, expected a "
			"number from 4 "
			"to 4096"},
		{"api.threads =",
			"slipway.conf:1: \"api.threads\" is , expected a number from 4 to 4096"},
		{"api.thread = 5\n", "slipway.conf:1: there is no setting \"api.thread\"; did you "
				     "mean \"api.threads\"?"},
		{"zzz = 5\n", "slipway.conf:1: there is no setting \"zzz\""},
		{"log.level\n", "slipway.conf:1: expected `name = value`"},
		{"log.level = warn\nlog.level = warn\n",
			"slipway.conf:2: \"log.level\" is already set at slipway.conf:1"},
		{"log.level = loud", "slipway.conf:1: \"log.level\" is loud, expected debug, info, "
				     "warn or error"},
		{"tls.hsts_preload = yes",
			"slipway.conf:1: \"tls.hsts_preload\" is yes, expected true or false"},
		{"token.access_ttl = 5s", "slipway.conf:1: \"token.access_ttl\" is 5s, expected a "
					  "duration from 1m "
					  "to 1h"},
		{"upload.max_size = 1k", "slipway.conf:1: \"upload.max_size\" is 1k, expected a "
					 "size of at least 1m"},
		{"upload.max_size = 99999999999t", "slipway.conf:1: \"upload.max_size\" is "
						   "99999999999t, expected a size of "
						   "at least 1m"},
		{"listen.https = 127.0.0.1", "slipway.conf:1: \"listen.https\" is 127.0.0.1, "
					     "expected addresses with ports "
					     "separated by spaces, such as 0.0.0.0:443 [::]:443"},
		{"database = mysql://u:secret@h", "slipway.conf:1: \"database\" is not valid, "
						  "expected `sqlite` or a postgresql:// URL"},
		{"redis.url = redis://u:secret@h:x",
			"slipway.conf:1: \"redis.url\" is not valid, expected "
			"redis://[USER[:PASSWORD]@]HOST[:PORT][/DB] or "
			"redis+unix://[USER[:PASSWORD]@]/PATH[?db=DB], or nothing"},
		{"tls.certificate = /a.pem",
			"slipway.conf:1: \"tls.certificate\" is set but \"tls.key\" is not"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_PTR(arena) a = arena_new();
		assert_string_equal(problem_of(a, rows[i].content), rows[i].problem);
	}
}

static void values_that_would_break_nginx(void **state UNUSED)
{
	static const char *const rows[] = {"server_name = a;b", "server_name = a{",
		"server_name =", "server_name = a\"b", "server_name = $host",
		"listen.https = 1.2.3.4:443;", "listen.https =", "listen.https = example.org:443",
		"listen.https = 1.2.3.4:0", "listen.https = 1.2.3.4:65536",
		"listen.https = ::1:443", "listen.http = [1.2.3.4]:80", "nginx.program = nginx",
		"nginx.program =", "geoip.database = /a\"b", "nginx.module = /a;b",
		"tls.key = rel/path\ntls.certificate = /c", "listen.trusted_proxies = 10.0.0.0/33",
		"metrics.allow = all", "public_url = http://x", "public_url = https://x/",
		"public_url = https://x y", "geoip.database = /a\x01", "geoip.database = /a\xff",
		"login.window = \t", "auth.step_up_channels = stable nightly"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_PTR(arena) a = arena_new();
		assert_row(problem_of(a, rows[i])[0] != '\0', rows[i]);
	}
}

static void good_values(void **state UNUSED)
{
	static const char *const rows[] = {"", "\n\n#\n", "  log.level=debug  # why\r\n",
		"listen.https = 0.0.0.0:443  [::]:443", "listen.http =", "server_name = *.a.org b",
		"listen.trusted_proxies = 10.0.0.0/8 ::1 2001:db8::/32",
		"public_url = https://x:8443/y", "tls.certificate = /c\ntls.key = /k",
		"database = postgresql://u:p#1@h/d", "scrub.interval = 0",
		"auth.step_up_channels = stable beta"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_PTR(arena) a = arena_new();
		assert_string_equal(problem_of(a, rows[i]), "");
	}
}

static void later_layers_win(void **state UNUSED)
{
	static const char *const overrides[] = {"login.attempts=9", "listen.http="};
	AUTO_PTR(arena) a = arena_new();
	AUTO_PTR(conf) c = NULL;
	const char *problem = "";

	assert_ok(file_write_atomic("slipway.conf",
		SPAN("login.attempts = 6\nlogin.window = 20m\nupload.max_size = 3g\n"
		     "database = postgresql://u:p#1@h/d # note\n"),
		0600));
	(void)setenv("SLIPWAY_LOGIN_ATTEMPTS", "7", 1);
	(void)setenv("SLIPWAY_LOGIN_WINDOW", "1h", 1);
	assert_ok(conf_load(a, "slipway.conf", overrides, 2, &c, &problem));
	assert_int_equal(conf_int(c, CONF_LOGIN_ATTEMPTS), 9);
	assert_int_equal(conf_int(c, CONF_LOGIN_WINDOW), INT64_C(3600000000));
	assert_int_equal(conf_int(c, CONF_UPLOAD_MAX), INT64_C(3) << 30);
	assert_int_equal(conf_int(c, CONF_DB_SLOW), 200000);
	assert_false(conf_bool(c, CONF_HSTS_PRELOAD));
	assert_string_equal(conf_str(c, CONF_DATABASE), "postgresql://u:p#1@h/d");
	assert_string_equal(conf_str(c, CONF_HTTP), "");
	assert_string_equal(conf_source(c, CONF_LOGIN_ATTEMPTS), "command line");
	assert_string_equal(conf_source(c, CONF_LOGIN_WINDOW), "SLIPWAY_LOGIN_WINDOW");
	assert_string_equal(conf_source(c, CONF_UPLOAD_MAX), "slipway.conf:3");
	assert_string_equal(conf_source(c, CONF_DB_SLOW), "default");
	(void)unsetenv("SLIPWAY_LOGIN_ATTEMPTS");
	(void)setenv("SLIPWAY_LOGIN_WINDOW", "soon", 1);
	AUTO_PTR(conf) bad = NULL;
	assert_int_equal(conf_load(a, NULL, NULL, 0, &bad, &problem), ERR_INVALID);
	assert_true(span_starts_with(
		span_from(problem), SPAN("SLIPWAY_LOGIN_WINDOW: \"login.window\"")));
	(void)unsetenv("SLIPWAY_LOGIN_WINDOW");
	assert_int_equal(
		conf_load(a, NULL, (const char *const[]){"x"}, 1, &bad, &problem), ERR_INVALID);
	assert_string_equal(problem, "command line: \"x\": expected name=value");
}

static void absent_file_is_all_defaults(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	AUTO_PTR(conf) c = NULL;
	const char *problem = "";

	(void)unlink("slipway.conf");
	assert_ok(conf_load(a, "slipway.conf", NULL, 0, &c, &problem));
	assert_int_equal(conf_int(c, CONF_HSTS), INT64_C(63072000) * 1000000);
	assert_int_equal(conf_load(a, "/", NULL, 0, &c, &problem), ERR_IO);
}

static void the_template_is_a_valid_file(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	AUTO(buf) text = {0};
	span rest, line;
	AUTO(buf) active = {0};

	buf_init(&text, 100000);
	buf_init(&active, 100000);
	conf_write_template(&text);
	assert_ok(buf_error(&text));
	assert_string_equal(problem_of(a, buf_str(&text)), "");
	/* With every setting switched on it says the same as the defaults. */
	for (rest = buf_span(&text); span_cut(&rest, '\n', &line);) {
		if (span_starts_with(line, SPAN("#")) && !span_starts_with(line, SPAN("# ")))
			line = span_from_offset(line, 1);
		buf_add(&active, line);
		buf_add_byte(&active, '\n');
	}
	assert_string_equal(problem_of(a, buf_str(&active)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(problems_say_where_and_what),
		cmocka_unit_test(values_that_would_break_nginx),
		cmocka_unit_test(good_values),
		cmocka_unit_test(later_layers_win),
		cmocka_unit_test(absent_file_is_all_defaults),
		cmocka_unit_test(the_template_is_a_valid_file),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
