/*
 * The start of `slipway serve`: everything that can be wrong is found here, before anything runs,
 * and said in one line. Hard rule: rights are given up before anything from outside is served.
 */
#include "server/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/data_layout.h"
#include "server/nginx.h"
#include "server/pages.h"
#include "server/ports.h"
#include "server/source.h"
#include "server/tls.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/log.h"

#include "base/banned.h"

#define PORTS_WAIT_US INT64_C(3000000)
/* A former supervisor that was killed: its children are ending and still hold the lock. */
#define LOCK_WAIT_US  INT64_C(15000000)
#define LOCK_RETRY_US 50000

struct start {
	struct serving serving;
	struct arena *arena;
	const char *problem;
};

static err fail_start(struct start *s, err e, const char *problem)
{
	s->problem = problem;
	return e;
}

static err enter_data_directory(struct start *s)
{
	const char *dir = s->serving.plan->data_dir;
	err e;

	if (chdir(dir) != 0) {
		e = err_from_errno(errno);
		return fail_start(s, e,
			arena_printf(s->arena, "%s: %s%s", dir, strerror(errno),
				e == ERR_NOT_FOUND ? "; make a data directory with `slipway init`"
						   : ""));
	}
	if (access(DATA_CONF, F_OK) != 0 && errno == ENOENT)
		return fail_start(s, ERR_NOT_FOUND,
			arena_printf(s->arena,
				"%s is not a data directory (it has no %s); make one with "
				"`slipway init`",
				dir, DATA_CONF));
	return OK;
}

/* The process id in the lock file, 0 when there is none or it is gone. */
static int64_t lock_holder(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	int64_t pid = 0;

	if (n <= 0 || span_to_i64(span_trim(span_of(text, (size_t)n)), &pid) != OK || pid <= 0)
		return 0;
	return kill((pid_t)pid, 0) == 0 || errno == EPERM ? pid : 0;
}

/* Takes the lock of the data directory; it is held until the last of our processes has ended. */
static err take_lock(struct start *s)
{
	int64_t until = clock_monotonic_us() + LOCK_WAIT_US;
	int fd = open(DATA_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
	char text[24];
	struct buf pid;

	if (fd < 0)
		return fail_start(s, err_from_errno(errno),
			arena_printf(s->arena, "%s/" DATA_LOCK ": %s", s->serving.plan->data_dir,
				strerror(errno)));
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int64_t holder = lock_holder(fd);

		if (holder > 0)
			return fail_start(s, ERR_CONFLICT,
				arena_printf(s->arena, "%s is in use by process %lld",
					s->serving.plan->data_dir, (long long)holder));
		if (clock_monotonic_us() > until)
			return fail_start(s, ERR_CONFLICT,
				arena_printf(s->arena,
					"%s is still in use by processes of a server that was "
					"killed",
					s->serving.plan->data_dir));
		(void)usleep(LOCK_RETRY_US);
	}
	buf_init_fixed(&pid, text, sizeof(text));
	buf_addf(&pid, "%d\n", (int)getpid());
	/* Only for the message above; without it the lock holds as well. */
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, buf_str(&pid), buf_len(&pid), 0);
	return OK;
}

static err load_settings(struct start *s)
{
	const struct serve_plan *plan = s->serving.plan;
	enum log_level level = LOG_INFO_LEVEL;
	err e = conf_load(s->arena, DATA_CONF, plan->overrides, plan->overrides_count,
		&s->serving.conf, &s->problem);

	if (e != OK)
		return e;
	(void)log_level_from_name(span_from(conf_str(s->serving.conf, CONF_LOG_LEVEL)), &level);
	log_init("supervisor", level, STDERR_FILENO);
	return OK;
}

static err check_ports(struct start *s)
{
	const struct conf *conf = s->serving.conf;
	err e = ports_check(
		s->arena, span_from(conf_str(conf, CONF_HTTPS)), PORTS_WAIT_US, &s->problem);

	if (e == OK)
		e = ports_check(
			s->arena, span_from(conf_str(conf, CONF_HTTP)), PORTS_WAIT_US, &s->problem);
	return e;
}

/* All descriptors the hard limit allows, for nginx and the control plane alike. */
static void raise_file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files); /* raising to the hard limit is always allowed */
}

static err give_up_rights(struct start *s)
{
	const struct identity *self = &s->serving.accounts.supervisor;
	err e;

	privilege_bound(self->keep);
	e = privilege_become(self);
	if (e != OK)
		return fail_start(s, e, "cannot give up root's rights");
	/* Workers of a killed nginx come to us, to be told to go. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		return fail_start(s, err_from_errno(errno), "cannot become subreaper");
	if (!s->serving.accounts.separate)
		log_warn("all processes run as one user: for development only; started as root, "
			 "accounts of their own are used");
	return OK;
}

static void warn_of_missing_geoip(const struct start *s)
{
	if (conf_str(s->serving.conf, CONF_GEOIP)[0] != '\0' && !path_exists(NGINX_GEOIP_MODULE))
		log_warn("geoip.database has no effect without nginx's geoip2 module (Debian: "
			 "libnginx-mod-http-geoip2): countries are unknown");
}

static err read_source(void *context, const char *path, struct buf *out)
{
	const struct serving *s = context;

	return source_read(path, s->accounts.separate, out);
}

err serving_certificates(
	struct serving *s, struct arena *a, bool *ret_changed, const char **ret_problem)
{
	struct tls_source source = {.conf = s->conf, .read = read_source, .context = s};

	return tls_update(a, &source, clock_wall_us(), ret_changed, ret_problem);
}

static err prepare(struct start *s)
{
	bool changed;
	err e = enter_data_directory(s);

	if (e == OK)
		e = load_settings(s);
	if (e == OK)
		e = take_lock(s);
	if (e == OK)
		e = accounts_find(s->arena, &s->serving.accounts, &s->problem);
	if (e == OK)
		e = data_layout_fix(s->arena, &s->serving.accounts, &s->problem);
	if (e == OK)
		e = check_ports(s);
	if (e == OK)
		e = nginx_module_install(s->arena, s->serving.conf, &s->problem);
	if (e == OK)
		e = pages_install(s->arena, &s->problem);
	if (e != OK)
		return e;
	warn_of_missing_geoip(s);
	raise_file_limit();
	e = give_up_rights(s);
	if (e == OK)
		e = serving_certificates(&s->serving, s->arena, &changed, &s->problem);
	if (e == OK)
		e = geoip_update(
			s->arena, s->serving.conf, &s->serving.geoip, &changed, &s->problem);
	if (e == OK)
		e = nginx_configure(
			s->arena, s->serving.conf, &s->serving.accounts.web, &s->problem);
	return e;
}

err serve(struct arena *a, const struct serve_plan *plan, const char **ret_problem)
{
	struct start s = {.serving = {.plan = plan}, .arena = a};
	err e;

	/* Shared directories are shared by group; what others may read is made so by chmod. */
	(void)umask(0007);
	(void)signal(SIGPIPE, SIG_IGN);
	e = prepare(&s);
	if (e == OK)
		e = supervise(&s.serving, a, &s.problem);
	conf_free(s.serving.conf);
	if (e != OK)
		*ret_problem = s.problem != NULL ? s.problem : err_title(e);
	return e;
}
