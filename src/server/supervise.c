/*
 * The loop of the supervisor: signals, children, time. Hard rule: it never waits for anything but
 * poll(), except for `nginx -t`, which is bounded; and every child it has is known or an orphan.
 *
 *   RUNNING ──SIGTERM──> DRAINING ──nginx gone──> STOPPING ──all gone──> end
 *                        nginx finishes downloads; control and tailer still serve it
 */
#include "server/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/data_layout.h"
#include "server/nginx.h"
#include "server/nginx_conf.h"
#include "server/ports.h"
#include "server/probe.h"
#include "server/rotate.h"
#include "server/unit.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/log.h"

#include "base/banned.h"

#define TICK_US         INT64_C(5000000) /* certificates and log sizes are looked at */
#define PROBE_PAUSE_US  INT64_C(50000)
#define START_US        INT64_C(5000000) /* nginx ending sooner is a failed start */
#define DRAIN_US        INT64_C(10000000)
#define STOP_US         INT64_C(12000000) /* the control plane gives its requests 10 s */
#define LAST_WARNING_US INT64_C(2000000)  /* between SIGTERM and SIGKILL of nginx */
#define OUTPUT_MAX      16384

enum unit_id { NGINX, CONTROL, TAILER, UNITS };
enum phase { RUNNING, DRAINING, DRAINING_HARD, STOPPING, STOPPING_HARD };

struct supervisor {
	struct serving *serving;
	struct unit units[UNITS];
	enum phase phase;
	int64_t deadline_us; /* of the phase */
	int64_t tick_at_us;
	int signals;      /* signalfd */
	int nginx_errors; /* what nginx says while it starts, -1: closed */
	char output_memory[OUTPUT_MAX];
	struct buf output; /* … and said */
	pid_t probe;       /* the child that asks whether we are ready, 0: none */
	int64_t probe_at_us;
	bool ready;
	struct arena *arena; /* of the answer */
	const char *problem; /* why the start failed, NULL: it did not */
};

/* ---- orphans: workers of an nginx master that was killed ------------------------------------- */

static bool is_known(const struct supervisor *s, pid_t pid)
{
	for (size_t i = 0; i < UNITS; i++)
		if (s->units[i].pid == pid)
			return true;
	return s->probe == pid;
}

/* Sends signal_number (0: none) to each child that is no unit; gives how many there are. */
static size_t signal_orphans(const struct supervisor *s, int signal_number)
{
	char path[64], text[4096];
	struct buf name, children;
	size_t count = 0;
	span rest, word;
	int64_t pid;

	buf_init_fixed(&name, path, sizeof(path));
	buf_addf(&name, "/proc/self/task/%d/children", (int)getpid());
	buf_init_fixed(&children, text, sizeof(text));
	if (file_read(path, &children) != OK)
		return 0;
	for (rest = buf_span(&children); span_cut(&rest, ' ', &word);) {
		if (span_to_i64(span_trim(word), &pid) != OK || is_known(s, (pid_t)pid))
			continue;
		count++;
		if (signal_number != 0)
			(void)kill((pid_t)pid, signal_number); /* it may have just ended */
	}
	return count;
}

/* ---- starting ---------------------------------------------------------------------------------
 */

struct body {
	const struct supervisor *s;
	const char *name;
	int (*run)(const struct conf *conf);
};

/* In the child: its own log name, none of our descriptors, standard output out of the way. */
static int run_body(void *context)
{
	const struct body *b = context;
	const struct conf *conf = b->s->serving->conf;
	enum log_level level = LOG_INFO_LEVEL;
	char name[16]; /* what the kernel keeps */

	(void)log_level_from_name(span_from(conf_str(conf, CONF_LOG_LEVEL)), &level);
	log_init(b->name, level, STDERR_FILENO);
	(void)snprintf(name, sizeof(name), "slipway-%s", b->name);
	(void)prctl(PR_SET_NAME, name, 0, 0, 0); /* for ps and top */
	(void)close(b->s->signals);
	if (b->s->nginx_errors >= 0)
		(void)close(b->s->nginx_errors);
	if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return err_exit_code(ERR_IO);
	return b->run(conf);
}

static bool is_used(const struct supervisor *s, enum unit_id id)
{
	return id != TAILER || s->serving->plan->tailer != NULL;
}

static err start_nginx(struct supervisor *s, pid_t *ret_pid)
{
	struct serving *v = s->serving;

	buf_clear(&s->output);
	if (s->nginx_errors >= 0)
		(void)close(s->nginx_errors);
	s->nginx_errors = -1;
	return nginx_start(v->conf, &v->accounts.web, ret_pid, &s->nginx_errors);
}

/* nginx may have been upgraded or its files removed since it started: ask it again. */
static err check_nginx_again(struct supervisor *s)
{
	AUTO_PTR(arena) a = arena_new();
	const char *problem = "";
	err e = nginx_configure(a, s->serving->conf, &s->serving->accounts.web, &problem);

	if (e != OK)
		log_error("nginx cannot be started", LOG_STR("reason", problem));
	return e;
}

static err start_process(struct supervisor *s, enum unit_id id, pid_t *ret_pid)
{
	const struct serve_plan *plan = s->serving->plan;
	struct body body = {.s = s,
		.name = s->units[id].name,
		.run = id == CONTROL ? plan->control : plan->tailer};
	err e;

	if (id != NGINX)
		return child_fork(run_body, &body, &s->serving->accounts.control, SIGTERM, ret_pid);
	e = s->units[NGINX].restart_at_us > 0 ? check_nginx_again(s) : OK;
	return e == OK ? start_nginx(s, ret_pid) : e;
}

static void start_unit(struct supervisor *s, enum unit_id id)
{
	struct unit *u = &s->units[id];
	pid_t pid = 0;
	err e = start_process(s, id, &pid);
	int64_t now = clock_monotonic_us();

	if (e == OK) {
		unit_started(u, pid, now);
		log_info("started", LOG_STR("process", u->name), LOG_INT("pid", pid));
	} else {
		log_error("cannot be started", LOG_STR("process", u->name), LOG_ERR(e),
			LOG_INT("retry_ms", unit_ended(u, now) / 1000));
	}
}

/* ---- stopping ---------------------------------------------------------------------------------
 */

static void signal_unit(const struct supervisor *s, enum unit_id id, int signal_number)
{
	if (s->units[id].pid != 0)
		(void)kill(s->units[id].pid, signal_number); /* it may have just ended */
}

static void enter_phase(struct supervisor *s, enum phase phase, int64_t lasting_us)
{
	s->phase = phase;
	s->deadline_us = clock_monotonic_us() + lasting_us;
}

static void begin_stop(struct supervisor *s)
{
	log_info("stopping");
	enter_phase(s, DRAINING, DRAIN_US);
	signal_unit(s, NGINX, SIGQUIT);
	(void)signal_orphans(s, SIGQUIT);
}

static void end_downloads(struct supervisor *s)
{
	log_warn("downloads are cut to stop");
	enter_phase(s, DRAINING_HARD, LAST_WARNING_US);
	signal_unit(s, NGINX, SIGTERM);
	(void)signal_orphans(s, SIGTERM);
}

/* True when everything has ended. */
static bool advance_stop(struct supervisor *s)
{
	bool late = clock_monotonic_us() >= s->deadline_us;
	bool draining = s->phase == DRAINING || s->phase == DRAINING_HARD;

	if (draining && s->units[NGINX].pid == 0 && signal_orphans(s, 0) == 0) {
		enter_phase(s, STOPPING, STOP_US);
		signal_unit(s, CONTROL, SIGTERM);
		signal_unit(s, TAILER, SIGTERM);
	} else if (s->phase == DRAINING && late) {
		end_downloads(s);
	} else if (s->phase == DRAINING_HARD && late) {
		signal_unit(s, NGINX, SIGKILL);
		(void)signal_orphans(s, SIGKILL);
		enter_phase(s, DRAINING_HARD, LAST_WARNING_US);
	} else if (s->phase >= STOPPING && late) {
		log_error("killed what did not stop");
		signal_unit(s, CONTROL, SIGKILL);
		signal_unit(s, TAILER, SIGKILL);
		enter_phase(s, STOPPING_HARD, LAST_WARNING_US);
	}
	return s->phase >= STOPPING && s->units[CONTROL].pid == 0 && s->units[TAILER].pid == 0 &&
	       s->probe == 0;
}

/* Before anything was served, an early end of nginx is a failed start, and said plainly. */
static void fail_start(struct supervisor *s)
{
	s->problem = arena_printf(s->arena, "nginx did not start: %s",
		nginx_complaint(s->arena, buf_span(&s->output)));
	begin_stop(s);
}

/* ---- children that ended ----------------------------------------------------------------------
 */

static void on_ready(struct supervisor *s)
{
	span first = span_trim(span_from(conf_str(s->serving->conf, CONF_HTTPS)));

	first = span_sub(first, 0, span_find(first, ' '));
	s->ready = true;
	log_info("ready");
	(void)printf("ready https://%.*s\n", SPAN_ARG(first));
	(void)fflush(stdout); /* nobody may be listening: no reason to stop */
}

static void on_unit_end(struct supervisor *s, enum unit_id id, int status)
{
	struct unit *u = &s->units[id];
	char text[64];
	struct buf words;
	int64_t now = clock_monotonic_us();
	bool at_start = u->restart_at_us == 0 && now - u->started_us < START_US;
	int64_t delay = unit_ended(u, now);

	buf_init_fixed(&words, text, sizeof(text));
	child_status_format(&words, status);
	if (s->phase != RUNNING) {
		log_info("ended", LOG_STR("process", u->name), LOG_STR("how", text));
		return;
	}
	log_error("ended unexpectedly", LOG_STR("process", u->name), LOG_STR("how", text),
		LOG_INT("restart_ms", delay / 1000));
	if (id != NGINX)
		return;
	/* Its workers, if it was killed, keep the ports until they are told to go. */
	(void)signal_orphans(s, SIGQUIT);
	if (at_start && !s->ready)
		fail_start(s);
}

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (enum unit_id id = 0; id < UNITS; id++)
			if (s->units[id].pid == pid)
				on_unit_end(s, id, status);
		if (pid == s->probe) {
			s->probe = 0;
			s->probe_at_us = clock_monotonic_us() + PROBE_PAUSE_US;
			if (status == 0 && s->phase == RUNNING)
				on_ready(s);
		}
	}
}

/* ---- settings, certificates, logs -------------------------------------------------------------
 */

/* False: nginx goes on as it is. */
static bool reload_nginx(struct supervisor *s)
{
	AUTO_PTR(arena) a = arena_new();
	const char *problem = "";

	if (nginx_configure(a, s->serving->conf, &s->serving->accounts.web, &problem) != OK) {
		log_error("nginx keeps its old configuration", LOG_STR("reason", problem));
		return false;
	}
	signal_unit(s, NGINX, SIGHUP);
	log_info("nginx reloads");
	return true;
}

static bool refresh_certificates(struct supervisor *s)
{
	AUTO_PTR(arena) a = arena_new();
	const char *problem = "";
	bool changed = false;

	if (serving_certificates(s->serving, a, &changed, &problem) != OK)
		log_error("the old certificate stays", LOG_STR("reason", problem));
	else if (changed)
		log_info("the certificate has changed");
	return changed;
}

static bool refresh_countries(struct supervisor *s)
{
	AUTO_PTR(arena) a = arena_new();
	const char *problem = "";
	bool changed = false;

	if (geoip_update(a, s->serving->conf, &s->serving->geoip, &changed, &problem) != OK)
		log_error("the old country database stays", LOG_STR("reason", problem));
	else if (changed)
		log_info("the country database has changed");
	return changed;
}

static bool has_word(span list, span word)
{
	span one;

	while (span_cut(&list, ' ', &one))
		if (span_eq(one, word))
			return true;
	return false;
}

/*
 * nginx's own test passes over ports that are taken, and its reload would then only write to its
 * log. Addresses that it has already are its own.
 */
static err check_new_ports(struct arena *a, const struct conf *before, const struct conf *fresh,
	enum setting list, const char **ret_problem)
{
	span addresses = span_from(conf_str(fresh, list)), word;
	err e = OK;

	while (e == OK && span_cut(&addresses, ' ', &word)) {
		span https = span_from(conf_str(before, CONF_HTTPS));
		span http = span_from(conf_str(before, CONF_HTTP));

		if (word.len > 0 && !has_word(https, word) && !has_word(http, word))
			e = ports_check(a, word, 0, ret_problem);
	}
	return e;
}

static err load_fresh(
	struct supervisor *s, struct arena *a, struct conf **ret, const char **problem)
{
	const struct serve_plan *plan = s->serving->plan;
	AUTO_PTR(conf) fresh = NULL;
	err e = conf_load(a, DATA_CONF, plan->overrides, plan->overrides_count, &fresh, problem);

	if (e == OK)
		e = check_new_ports(a, s->serving->conf, fresh, CONF_HTTPS, problem);
	if (e == OK)
		e = check_new_ports(a, s->serving->conf, fresh, CONF_HTTP, problem);
	if (e == OK) {
		*ret = fresh;
		fresh = NULL;
	}
	return e;
}

static void reload(struct supervisor *s)
{
	AUTO_PTR(arena) a = arena_new();
	struct conf *before = s->serving->conf, *fresh = NULL;
	const char *problem = "";

	if (load_fresh(s, a, &fresh, &problem) != OK) {
		log_error("the old settings stay", LOG_STR("reason", problem));
		return;
	}
	s->serving->conf = fresh;
	(void)refresh_certificates(s);
	geoip_forget(&s->serving->geoip);
	(void)refresh_countries(s);
	if (reload_nginx(s)) {
		conf_free(before);
		return;
	}
	/* Else nginx, once it dies, could not be started again. */
	s->serving->conf = before;
	conf_free(fresh);
}

static void tick(struct supervisor *s)
{
	s->tick_at_us = clock_monotonic_us() + TICK_US;
	if (s->units[NGINX].pid == 0)
		return;
	bool changed = refresh_certificates(s);

	changed |= refresh_countries(s);
	if (changed)
		(void)reload_nginx(s); /* tried again with the next change */
	if (logs_rotate(clock_wall_us()))
		signal_unit(s, NGINX, SIGUSR1);
}

/* ---- readiness --------------------------------------------------------------------------------
 */

static int run_probe(void *context)
{
	const struct supervisor *s = context;
	span first = span_trim(span_from(conf_str(s->serving->conf, CONF_HTTPS)));

	return probe(DATA_SOCKET, span_sub(first, 0, span_find(first, ' '))) != OK;
}

static void start_probe(struct supervisor *s)
{
	err e = child_fork(run_probe, s, &s->serving->accounts.control, SIGKILL, &s->probe);

	if (e != OK) {
		s->probe = 0;
		s->probe_at_us = clock_monotonic_us() + PROBE_PAUSE_US;
	}
}

/* ---- the loop ---------------------------------------------------------------------------------
 */

static void on_signal(struct supervisor *s, uint32_t number)
{
	if (number == SIGHUP && s->phase == RUNNING)
		reload(s);
	else if (number == SIGTERM || number == SIGINT) {
		if (s->phase == RUNNING)
			begin_stop(s);
		else if (s->phase == DRAINING)
			end_downloads(s);
	}
	/* SIGCHLD only wakes the loop: signals are merged, children are not. */
}

static void read_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info))
		on_signal(s, info.ssi_signo);
}

/* What nginx says before it has opened its own log: kept for the reason, and logged. */
static void read_nginx_errors(struct supervisor *s)
{
	char chunk[1024];
	ssize_t n = 0;

	while (s->nginx_errors >= 0 && (n = read(s->nginx_errors, chunk, sizeof(chunk))) > 0) {
		span text = span_of(chunk, (size_t)n), line;

		if (buf_len(&s->output) + text.len < OUTPUT_MAX)
			buf_add(&s->output, text);
		while (span_cut(&text, '\n', &line))
			if (line.len > 0)
				log_warn("nginx says", LOG_SPAN("line", line));
	}
	if (s->nginx_errors >= 0 && (n == 0 || errno != EAGAIN)) {
		(void)close(s->nginx_errors);
		s->nginx_errors = -1;
	}
}

static int64_t next_deadline(const struct supervisor *s)
{
	int64_t next = s->tick_at_us;

	if (s->phase != RUNNING)
		return s->deadline_us;
	for (enum unit_id i = 0; i < UNITS; i++)
		if (is_used(s, i) && s->units[i].pid == 0)
			next = MIN(next, s->units[i].restart_at_us);
	if (!s->ready && s->probe == 0)
		next = MIN(next, s->probe_at_us);
	return next;
}

static void wait_for_something(struct supervisor *s)
{
	struct pollfd fds[] = {{s->signals, POLLIN, 0}, {s->nginx_errors, POLLIN, 0}};
	int64_t left_us = MAX(next_deadline(s) - clock_monotonic_us(), 0);

	/* A negative descriptor is ignored. The loop looks at everything whatever woke it. */
	(void)poll(fds, 2, (int)((left_us + 999) / 1000));
}

static void act_while_running(struct supervisor *s)
{
	int64_t now = clock_monotonic_us();

	for (enum unit_id id = 0; id < UNITS && s->phase == RUNNING; id++)
		if (is_used(s, id) && unit_is_due(&s->units[id], now))
			start_unit(s, id);
	if (!s->ready && s->probe == 0 && now >= s->probe_at_us)
		start_probe(s);
	if (now >= s->tick_at_us)
		tick(s);
}

static err open_signals(int *ret_fd)
{
	static const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		(void)sigaddset(&set, wanted[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return err_from_errno(errno);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_from_errno(errno);
	*ret_fd = fd;
	return OK;
}

err supervise(struct serving *serving, struct arena *a, const char **ret_problem)
{
	struct supervisor s = {.serving = serving,
		.units = {[NGINX] = {.name = "nginx"},
			[CONTROL] = {.name = "control"},
			[TAILER] = {.name = "tailer"}},
		.nginx_errors = -1,
		.tick_at_us = clock_monotonic_us() + TICK_US,
		.arena = a};
	err e = open_signals(&s.signals);

	if (e != OK)
		return e;
	buf_init_fixed(&s.output, s.output_memory, sizeof(s.output_memory));
	for (;;) {
		read_signals(&s);
		read_nginx_errors(&s);
		reap(&s);
		if (s.phase == RUNNING)
			act_while_running(&s);
		if (s.phase != RUNNING && advance_stop(&s))
			break;
		wait_for_something(&s);
	}
	log_info("stopped");
	(void)close(s.signals);
	if (s.problem == NULL)
		return OK;
	*ret_problem = s.problem;
	return ERR_UNAVAILABLE;
}
