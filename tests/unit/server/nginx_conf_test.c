#include "test.h"

#include <string.h>

#include "conf/conf.h"
#include "server/nginx_conf.h"

static const struct nginx_machine machine = {.cores = 4, .max_files = 20000};

static const char *render(
	struct arena *a, const char *const *overrides, size_t count, const struct nginx_machine *m)
{
	AUTO_PTR(conf) conf = NULL;
	const char *problem = "";
	AUTO(buf) out = {0};

	buf_init(&out, 200000);
	if (conf_load(a, NULL, overrides, count, &conf, &problem) != OK)
		fail_msg("%s", problem);
	assert_ok(nginx_conf_render(a, conf, m, &out));
	return arena_str(a, buf_span(&out));
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static void nothing_of_the_template_is_left(void **state UNUSED)
{
	static const char *const overrides[] = {
		"geoip.database=/g.mmdb", "listen.trusted_proxies=10.0.0.1 fd00::/8"};
	struct nginx_machine with_geoip = {
		.cores = 1, .max_files = 100000, .geoip_module = "/g.so"};
	AUTO_PTR(arena) a = arena_new();
	const char *text = render(a, overrides, 2, &with_geoip);

	assert_false(has(text, "{{") || has(text, "}}") || has(text, "#if") || has(text, "#end"));
	assert_true(has(text, "\nload_module /g.so;\n"));
	assert_true(has(text, "\tset_real_ip_from 10.0.0.1;\n\tset_real_ip_from fd00::/8;\n"));
	assert_false(has(text, "is rendered"));
	text = render(a, NULL, 0, &machine);
	assert_false(has(text, "geoip2") || has(text, "real_ip"));
}

static void capacity_follows_the_machine(void **state UNUSED)
{
	static const char *const big[] = {"nginx.connections=100000", "api.threads=10"};
	AUTO_PTR(arena) a = arena_new();
	const char *text = render(a, NULL, 0, &machine);

	assert_true(has(text, "\nworker_processes 4;"));
	assert_true(has(text, "\nworker_rlimit_nofile 16896;"));
	assert_true(has(text, "\tworker_connections 8192;"));
	assert_true(has(text, "max_conns=64;"));
	assert_true(has(text, "keepalive 16;"));
	text = render(a, big, 2, &machine);
	assert_true(has(text, "\nworker_rlimit_nofile 20000;"));
	assert_true(has(text, "\tworker_connections 20000;"));
	assert_true(has(text, "keepalive 1;"));
}

static void addresses_and_redirect(void **state UNUSED)
{
	static const char *const standard[] = {
		"listen.https=0.0.0.0:443 [::]:443", "listen.http=0.0.0.0:80"};
	static const char *const public[] = {"public_url=https://dl.example.org/x"};
	static const char *const no_http[] = {"listen.http=", "metrics.allow="};
	AUTO_PTR(arena) a = arena_new();
	const char *text = render(a, standard, 2, &machine);

	assert_true(
		has(text, "\t\tlisten 0.0.0.0:443 ssl http2;\n\t\tlisten [::]:443 ssl http2;\n"));
	assert_true(has(text, "return 308 https://$host$request_uri;"));
	assert_true(has(text, "allow 127.0.0.1;\n\t\t\tallow ::1;\n\t\t\tdeny all;"));
	assert_true(
		has(render(a, NULL, 0, &machine), "return 308 https://$host:8443$request_uri;"));
	assert_true(has(render(a, public, 1, &machine),
		"return 308 https://dl.example.org/x$request_uri;"));
	text = render(a, no_http, 2, &machine);
	assert_false(has(text, "return 308"));
	assert_true(has(text, "location = /metrics {\n\t\t\tdeny all;"));
}

static void transport_security(void **state UNUSED)
{
	static const char *const preload[] = {"tls.hsts_preload=true", "tls.hsts=1d"};
	AUTO_PTR(arena) a = arena_new();

	assert_true(has(
		render(a, NULL, 0, &machine), "https \"max-age=63072000; includeSubDomains\";"));
	assert_true(has(render(a, preload, 2, &machine),
		"https \"max-age=86400; includeSubDomains; preload\";"));
}

static void ports(void **state UNUSED)
{
	assert_span(first_port(SPAN("[::1]:443 0.0.0.0:1")), "443");
	assert_span(first_port(SPAN("  127.0.0.1:8443")), "8443");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_of_the_template_is_left),
		cmocka_unit_test(capacity_follows_the_machine),
		cmocka_unit_test(addresses_and_redirect),
		cmocka_unit_test(transport_security),
		cmocka_unit_test(ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
