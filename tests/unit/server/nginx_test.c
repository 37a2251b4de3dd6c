#include "test.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "server/data_layout.h"
#include "server/nginx.h"
#include "server/ports.h"
#include "sys/child.h"
#include "sys/files.h"

static char folder[] = "/tmp/slipway-nginx-XXXXXX";

static int enter_folder(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	const char *problem;

	return mkdtemp(folder) == NULL || chdir(folder) != 0 || chmod(".", 0755) != 0 ||
	       data_layout_make(a, ".", &problem) != OK;
}

static int leave_folder(void **state UNUSED)
{
	struct child_plan plan = {.argv = (const char *const[]){"rm", "-rf", folder, NULL}};
	int status;
	AUTO(buf) said = {0};

	buf_init(&said, 1000);
	return child_run(&plan, 5000000, &said, &status) != OK;
}

/* A program that says this on standard error and exits with 1, in the place of nginx. */
static const char *problem_of(struct arena *a, const char *says)
{
	const char *program = arena_printf(a, "nginx.program=%s/fake", folder);
	const char *script = arena_printf(a, "#!/bin/sh\ncat >&2 <<'END'\n%s\nEND\nexit 1\n", says);
	AUTO_PTR(conf) conf = NULL;
	const char *problem = "";

	assert_ok(file_write_atomic("fake", span_from(script), 0755));
	assert_ok(conf_load(a, NULL, &program, 1, &conf, &problem));
	assert_int_equal(nginx_configure(a, conf, NULL, &problem), ERR_INVALID);
	assert_false(path_exists(NGINX_CONF)); /* what was refused is not put in place */
	return problem;
}

static void a_module_for_another_nginx_is_explained(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	const char *fake = arena_printf(a, "%s/fake", folder);

	assert_string_equal(
		problem_of(a, "nginx: [emerg] module \"./run/ngx_http_slipway_module.so\" version "
			      "1026000 instead of 1022001 in ./nginx.conf:6\n"
			      "nginx: configuration file ./nginx.conf test failed"),
		arena_printf(a,
			"ngx_http_slipway_module.so was built for nginx 1.26.0, but %s is nginx "
			"1.22.1: build Slipway for this nginx, or install that one",
			fake));
	assert_string_equal(
		problem_of(a, "nginx: [emerg] module \"./run/ngx_http_slipway_module.so\" is not "
			      "binary compatible in ./nginx.conf:6"),
		arena_printf(a,
			"ngx_http_slipway_module.so was built for an nginx with other options than "
			"%s: build Slipway with the nginx-dev package of this nginx",
			fake));
	assert_string_equal(problem_of(a, "nginx: [warn] first\nnginx: [emerg] second\nthird"),
		"nginx refuses its configuration: second");
	assert_string_equal(
		problem_of(a, ""), "nginx refuses its configuration: it gave no reason");
}

static void missing_programs_and_modules(void **state UNUSED)
{
	static const char *const overrides[] = {
		"nginx.program=/nonexistent/nginx", "nginx.module=/nonexistent/module.so"};
	AUTO_PTR(arena) a = arena_new();
	AUTO_PTR(conf) conf = NULL;
	const char *problem = "";

	assert_ok(conf_load(a, NULL, overrides, 2, &conf, &problem));
	assert_int_equal(nginx_configure(a, conf, NULL, &problem), ERR_NOT_FOUND);
	assert_string_equal(
		problem, "there is no nginx at /nonexistent/nginx (setting nginx.program)");
	assert_int_equal(nginx_module_install(a, conf, &problem), ERR_NOT_FOUND);
	assert_string_equal(problem, "nginx.module: /nonexistent/module.so: Not found");
}

static void addresses(void **state UNUSED)
{
	static const char *const bad[] = {"", "1.2.3.4", ":1", "1.2.3.4:65536", "[1.2.3.4]:1",
		"::1:1", "[::1]", "localhost:1", "[::1:1"};
	struct sockaddr_storage address;
	socklen_t len;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(address_parse(span_from(bad[i]), &address, &len) == ERR_INVALID, bad[i]);
	assert_ok(address_parse(SPAN("127.0.0.1:80"), &address, &len));
	assert_int_equal(address.ss_family, AF_INET);
	assert_ok(address_parse(SPAN("[::1]:80"), &address, &len));
	assert_int_equal(address.ss_family, AF_INET6);
}

static void ports_in_use_are_named(void **state UNUSED)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	AUTO_PTR(arena) a = arena_new();
	const char *problem = "", *text;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	text = arena_printf(a, "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
	assert_int_equal(ports_check(a, span_from(text), 0, &problem), ERR_CONFLICT);
	assert_string_equal(
		problem, arena_printf(a, "cannot listen on %s: another program uses it", text));
	(void)close(fd);
	assert_ok(ports_check(a, span_from(text), 0, &problem));
	assert_int_equal(ports_check(a, SPAN("192.0.2.1:8080"), 0, &problem), ERR_INVALID);
	assert_string_equal(
		problem, "cannot listen on 192.0.2.1:8080: Cannot assign requested address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_module_for_another_nginx_is_explained),
		cmocka_unit_test(missing_programs_and_modules),
		cmocka_unit_test(addresses),
		cmocka_unit_test(ports_in_use_are_named),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
