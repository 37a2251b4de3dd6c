/*
 * Preparing and starting nginx. Hard rule: a configuration is put in place only after nginx itself
 * has accepted it, so that a restart never meets a broken one.
 */
#include "server/nginx.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "server/data_layout.h"
#include "server/geoip.h"
#include "server/nginx_conf.h"
#include "server/program.h"
#include "sys/child.h"
#include "sys/files.h"

#include "base/banned.h"

#define MODULE_MAX      (INT64_C(64) << 20)
#define CONF_TEXT_MAX   (INT64_C(1) << 20)
#define OUTPUT_MAX      65536
#define TEST_TIMEOUT_US INT64_C(30000000)

static err fail_with(const char **ret_problem, const char *problem, err e)
{
	*ret_problem = problem;
	return e;
}

err nginx_module_install(struct arena *a, const struct conf *conf, const char **ret_problem)
{
	const char *set = conf_str(conf, CONF_MODULE);
	const char *own = program_directory(a);
	const char *const places[] = {arena_printf(a, "%s" NGINX_MODULE, own),
		arena_printf(a, "%s../lib/slipway/" NGINX_MODULE, own), NGINX_MODULES NGINX_MODULE};
	AUTO(buf) module = {0};
	err e = ERR_NOT_FOUND;

	buf_init(&module, MODULE_MAX);
	if (set[0] != '\0') {
		e = file_read(set, &module);
		if (e != OK)
			return fail_with(ret_problem,
				arena_printf(a, "nginx.module: %s: %s", set, err_title(e)), e);
	}
	for (size_t i = 0; i < ARRAY_LEN(places) && e == ERR_NOT_FOUND; i++)
		e = file_read(places[i], &module);
	if (e != OK)
		return fail_with(ret_problem,
			arena_printf(a, "nginx's module is neither %s nor %s nor %s", places[0],
				places[1], places[2]),
			e);
	e = file_write_atomic(DATA_RUN "/" NGINX_MODULE, buf_span(&module), 0644);
	if (e != OK)
		*ret_problem = arena_printf(a, DATA_RUN "/" NGINX_MODULE ": %s", err_title(e));
	return e;
}

const char *nginx_complaint(struct arena *a, span output)
{
	span line, best = SPAN_EMPTY;

	while (span_cut(&output, '\n', &line)) {
		bool summary = span_starts_with(line, SPAN("nginx: configuration file "));

		if (line.len > 0 && !summary &&
			(best.len == 0 || span_starts_with(line, SPAN("nginx: [emerg]"))))
			best = line;
	}
	if (span_starts_with(best, SPAN("nginx: [emerg] ")))
		best = span_from_offset(best, sizeof("nginx: [emerg] ") - 1);
	return best.len > 0 ? arena_str(a, best) : "it gave no reason";
}

/* "1022001" is 1.22.1 (nginx.h, nginx_version). */
static const char *version_text(struct arena *a, span number)
{
	uint64_t n;

	if (span_to_u64(number, 999999999, &n) != OK)
		return arena_str(a, number);
	return arena_printf(a, "%u.%u.%u", (unsigned)(n / 1000000), (unsigned)(n / 1000 % 1000),
		(unsigned)(n % 1000));
}

/* The word after `before` in text, empty where there is none. */
static span word_after(span text, span before)
{
	for (size_t i = 0; i + before.len <= text.len; i++) {
		span rest = span_from_offset(text, i);

		if (span_starts_with(rest, before)) {
			size_t end = before.len;
			while (end < rest.len && rest.ptr[end] != ' ' && rest.ptr[end] != '\n')
				end++;
			return span_sub(rest, before.len, end - before.len);
		}
	}
	return SPAN_EMPTY;
}

/* In words for people where the module and nginx do not fit (ngx_module.c, ngx_add_module). */
static const char *explain(struct arena *a, const char *program, const char *complaint)
{
	span text = span_from(complaint);
	span built = word_after(text, SPAN(NGINX_MODULE "\" version "));
	span runs = word_after(text, SPAN(" instead of "));

	if (built.len > 0 && runs.len > 0)
		return arena_printf(a,
			NGINX_MODULE " was built for nginx %s, but %s is nginx %s: build Slipway "
				     "for this nginx, or install that one",
			version_text(a, built), program, version_text(a, runs));
	if (span_contains(text, SPAN("is not binary compatible")))
		return arena_printf(a,
			NGINX_MODULE " was built for an nginx with other options than %s: build "
				     "Slipway with the nginx-dev package of this nginx",
			program);
	return arena_printf(a, "nginx refuses its configuration: %s", complaint);
}

static err render(struct arena *a, const struct conf *conf, const char **ret_problem)
{
	struct nginx_machine machine = {0};
	struct rlimit files = {1024, 1024};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	AUTO(buf) text = {0};
	err e;

	(void)getrlimit(RLIMIT_NOFILE, &files); /* keeps the usual limit when it fails */
	machine.cores = cores > 0 ? (unsigned)cores : 1;
	machine.max_files = files.rlim_max;
	machine.geoip_module = path_exists(NGINX_GEOIP_MODULE) && path_exists(DATA_COUNTRIES)
				       ? NGINX_GEOIP_MODULE
				       : NULL;
	buf_init(&text, CONF_TEXT_MAX);
	e = nginx_conf_render(a, conf, &machine, &text);
	if (e == OK)
		e = file_write_atomic(NGINX_CONF_NEW, buf_span(&text), 0644);
	if (e != OK)
		*ret_problem = arena_printf(a, NGINX_CONF_NEW ": %s", err_title(e));
	return e;
}

static err test(struct arena *a, const struct conf *conf, const struct identity *user,
	const char **ret_problem)
{
	const char *program = conf_str(conf, CONF_NGINX);
	struct child_plan plan = {.user = user,
		.argv = (const char *const[]){program, "-p", "./", "-c", NGINX_CONF_NEW, "-e",
			DATA_ERROR_LOG, "-t", NULL}};
	AUTO(buf) output = {0};
	int status = 0;
	err e;

	buf_init(&output, OUTPUT_MAX);
	e = child_run(&plan, TEST_TIMEOUT_US, &output, &status);
	if (e == ERR_NOT_FOUND)
		return fail_with(ret_problem,
			arena_printf(a, "there is no nginx at %s (setting nginx.program)", program),
			e);
	if (e != OK)
		return fail_with(ret_problem,
			arena_printf(a, "%s -t cannot be run: %s", program, err_title(e)), e);
	if (status != 0)
		return fail_with(ret_problem,
			explain(a, program, nginx_complaint(a, buf_span(&output))), ERR_INVALID);
	return OK;
}

err nginx_configure(struct arena *a, const struct conf *conf, const struct identity *user,
	const char **ret_problem)
{
	err e = render(a, conf, ret_problem);

	if (e == OK)
		e = test(a, conf, user, ret_problem);
	if (e != OK)
		return e;
	if (rename(NGINX_CONF_NEW, NGINX_CONF) != 0)
		return fail_with(
			ret_problem, NGINX_CONF " cannot be written", err_from_errno(errno));
	return OK;
}

err nginx_start(
	const struct conf *conf, const struct identity *user, pid_t *ret_pid, int *ret_errors)
{
	struct child_plan plan = {.user = user,
		.death_signal = SIGQUIT,
		.argv = (const char *const[]){conf_str(conf, CONF_NGINX), "-p", "./", "-c",
			NGINX_CONF, "-e", DATA_ERROR_LOG, "-g", "daemon off;", NULL}};
	int ends[2];
	err e;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_from_errno(errno);
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK); /* without it reads would wait for nginx's end */
	plan.stdout_fd = plan.stderr_fd = ends[1];
	e = child_start(&plan, ret_pid);
	(void)close(ends[1]);
	if (e != OK)
		(void)close(ends[0]);
	else
		*ret_errors = ends[0];
	return e;
}
