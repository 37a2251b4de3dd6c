/*
 * fork, prepare, execve. Hard rule: between fork and execve only system calls, because another
 * thread of the parent may have held any lock at the moment of the fork.
 */
#include "sys/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/clock.h"

#include "base/banned.h"

#define PROGRAM_PATH_MAX   4096
#define DEFAULT_PATH       "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ENVIRONMENT_MAX    8
#define FAILED_BEFORE_EXEC 127

/* Where the program is: argv[0] itself or its first executable occurrence in PATH. */
static err find_program(const char *name, char ret[PROGRAM_PATH_MAX])
{
	const char *path = getenv("PATH");
	span rest = span_from(path != NULL && path[0] != '\0' ? path : DEFAULT_PATH), folder;
	struct buf candidate;
	bool plain = strchr(name, '/') == NULL;

	buf_init_fixed(&candidate, ret, PROGRAM_PATH_MAX);
	if (!plain) {
		buf_add_str(&candidate, name);
		return buf_error(&candidate);
	}
	while (span_cut(&rest, ':', &folder)) {
		buf_clear(&candidate);
		buf_add(&candidate, folder);
		buf_addf(&candidate, "/%s", name);
		if (folder.len > 0 && buf_error(&candidate) == OK && access(ret, X_OK) == 0)
			return OK;
	}
	return ERR_NOT_FOUND;
}

bool child_program_exists(const char *name)
{
	char path[PROGRAM_PATH_MAX];

	return find_program(name, path) == OK && access(path, X_OK) == 0;
}

/* The few variables any program may know; everything else could be a secret of ours. */
static void plain_environment(const char *ret[ENVIRONMENT_MAX])
{
	static const char *const names[] = {"PATH=", "LANG=", "HOME=", "TMPDIR=", "TZ="};
	size_t count = 0;

	for (char **e = environ; e != NULL && *e != NULL; e++)
		for (size_t i = 0; i < ARRAY_LEN(names) && count < ENVIRONMENT_MAX - 1; i++)
			if (strncmp(*e, names[i], strlen(names[i])) == 0)
				ret[count++] = *e;
	ret[count] = NULL;
}

/* What the parent ignores would stay ignored; what it catches is reset by execve(). */
static void default_signals(void)
{
	struct sigaction action;
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		if (sigaction(s, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
			action.sa_handler = SIG_DFL;
			(void)sigaction(s, &action, NULL); /* it could be read: it can be set */
		}
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: user, then the death signal (changing the user clears it), then the race. */
static err settle(const struct identity *user, int death_signal, pid_t parent)
{
	err e = user != NULL ? privilege_become(user) : OK;

	if (e != OK)
		return e;
	if (prctl(PR_SET_PDEATHSIG, death_signal != 0 ? death_signal : SIGTERM, 0, 0, 0) != 0)
		return err_from_errno(errno);
	return getppid() == parent ? OK : ERR_CANCELLED; /* the parent died before we asked */
}

static err limit(int resource, uint64_t value)
{
	struct rlimit l = {value, value};

	if (value == 0)
		return OK;
	return setrlimit((unsigned)resource, &l) == 0 ? OK : err_from_errno(errno);
}

static err set_limits(const struct child_plan *plan)
{
	err e = limit(RLIMIT_AS, plan->max_memory_bytes);

	if (e == OK)
		e = limit(RLIMIT_FSIZE, plan->max_file_bytes);
	if (e == OK)
		e = limit(RLIMIT_CPU, plan->max_cpu_s);
	return e;
}

/* dup2 that also works when both are the same (the descriptor must lose O_CLOEXEC). */
static err place(int from, int to)
{
	if (from == to)
		return fcntl(from, F_SETFD, 0) == 0 ? OK : err_from_errno(errno);
	return dup2(from, to) >= 0 ? OK : err_from_errno(errno);
}

static err place_standard_files(const struct child_plan *plan)
{
	int in = plan->stdin_fd != 0 ? plan->stdin_fd : open("/dev/null", O_RDONLY | O_CLOEXEC);
	err e;

	if (in < 0)
		return err_from_errno(errno);
	e = place(in, STDIN_FILENO);
	if (e == OK && plan->stdout_fd != 0)
		e = place(plan->stdout_fd, STDOUT_FILENO);
	if (e == OK && plan->stderr_fd != 0)
		e = place(plan->stderr_fd, STDERR_FILENO);
	return e;
}

/* Never returns; tells the parent by one byte, the error, why there is no program. */
static NORETURN void become_program(const struct child_plan *plan, const char *program,
	const char *const *environment, pid_t parent, int report)
{
	err e = settle(plan->user, plan->death_signal, parent);

	if (e == OK && plan->directory != NULL && chdir(plan->directory) != 0)
		e = err_from_errno(errno);
	if (e == OK)
		e = place_standard_files(plan);
	if (e == OK)
		e = set_limits(plan);
	if (e == OK) {
		/* execve takes them without const but does not change them (POSIX). */
		(void)execve(program, (char *const *)(uintptr_t)plan->argv,
			(char *const *)(uintptr_t)environment);
		e = err_from_errno(errno);
	}
	unsigned char code = (unsigned char)e;
	(void)!write(report, &code, 1); /* the exit code says it as well */
	_exit(FAILED_BEFORE_EXEC);
}

/* OK once the program runs (the pipe closed on exec), else the byte it wrote. */
static err read_report(int fd)
{
	unsigned char code = 0;
	ssize_t n;

	do
		n = read(fd, &code, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? (err)code : OK;
}

/* fork with all signals blocked, so that no handler of the parent runs in the child. */
static pid_t quiet_fork(void)
{
	sigset_t all, before;
	pid_t pid;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		default_signals();
	else
		(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

err child_start(const struct child_plan *plan, pid_t *ret_pid)
{
	char program[PROGRAM_PATH_MAX];
	const char *plain[ENVIRONMENT_MAX];
	int report[2];
	pid_t parent = getpid(), pid;
	err e = find_program(plan->argv[0], program);

	if (e != OK)
		return e;
	plain_environment(plain);
	if (pipe2(report, O_CLOEXEC) != 0)
		return err_from_errno(errno);
	pid = quiet_fork();
	if (pid == 0)
		become_program(plan, program, plan->environment != NULL ? plan->environment : plain,
			parent, report[1]);
	e = pid < 0 ? err_from_errno(errno) : OK;
	(void)close(report[1]);
	if (e == OK)
		e = read_report(report[0]);
	(void)close(report[0]);
	if (e == OK)
		*ret_pid = pid;
	else if (pid > 0)
		(void)waitpid(pid, NULL, 0); /* it has already exited */
	return e;
}

err child_fork(int (*body)(void *context), void *context, const struct identity *user,
	int death_signal, pid_t *ret_pid)
{
	pid_t parent = getpid(), pid = quiet_fork();

	if (pid < 0)
		return err_from_errno(errno);
	if (pid == 0)
		exit(settle(user, death_signal, parent) == OK ? body(context) : FAILED_BEFORE_EXEC);
	*ret_pid = pid;
	return OK;
}

/* One look, without waiting. */
static err reap(pid_t pid, int flags, int *ret_status)
{
	int status;
	pid_t got;

	do
		got = waitpid(pid, &status, flags);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return ERR_NOT_FOUND;
	if (got == 0)
		return ERR_BUSY;
	*ret_status = status;
	return OK;
}

err child_wait(pid_t pid, int64_t timeout_us, int *ret_status)
{
	int64_t until = clock_monotonic_us() + timeout_us, left;
	struct pollfd p = {.events = POLLIN};
	err e;

	if (timeout_us < 0)
		return reap(pid, 0, ret_status);
	e = reap(pid, WNOHANG, ret_status);
	if (e != ERR_BUSY || timeout_us == 0)
		return e;
	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p.fd < 0)
		return err_from_errno(errno);
	do {
		left = until - clock_monotonic_us();
		/* Readable when the process has ended; the upper bound keeps poll's int valid. */
		(void)poll(&p, 1, (int)MIN(MAX(left, 0) / 1000 + 1, 1000000));
		e = reap(pid, WNOHANG, ret_status);
	} while (e == ERR_BUSY && left > 0);
	(void)close(p.fd);
	return e;
}

/* Reads until the other side closes, the time is up or out is full. */
static err collect(int fd, int64_t until_us, struct buf *out)
{
	for (;;) {
		struct pollfd p = {fd, POLLIN, 0};
		int64_t left = until_us - clock_monotonic_us();
		char chunk[4096];

		if (left <= 0)
			return ERR_EXPIRED;
		if (poll(&p, 1, (int)MIN(left / 1000 + 1, 1000000)) <= 0)
			continue;
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n == 0)
			return OK;
		if (n < 0 && errno != EINTR)
			return err_from_errno(errno);
		if (n > 0)
			buf_add(out, span_of(chunk, (size_t)n));
		if (buf_error(out) != OK)
			return buf_error(out);
	}
}

err child_run(const struct child_plan *plan, int64_t timeout_us, struct buf *out, int *ret_status)
{
	struct child_plan mine = *plan;
	int64_t until = clock_monotonic_us() + timeout_us;
	int output[2];
	pid_t pid;
	err e, waited;

	if (pipe2(output, O_CLOEXEC) != 0)
		return err_from_errno(errno);
	mine.stdout_fd = mine.stderr_fd = output[1];
	e = child_start(&mine, &pid);
	(void)close(output[1]);
	if (e != OK) {
		(void)close(output[0]);
		return e;
	}
	e = collect(output[0], until, out);
	(void)close(output[0]);
	/* A program may close its output and go on: the time bounds that as well. */
	waited = e == OK ? child_wait(pid, MAX(until - clock_monotonic_us(), 0), ret_status) : e;
	if (waited == OK)
		return OK;
	(void)kill(pid, SIGKILL);
	(void)reap(pid, 0, ret_status);
	return e != OK ? e : ERR_EXPIRED;
}

void child_status_format(struct buf *out, int status)
{
	if (WIFEXITED(status))
		buf_addf(out, "exited with %d", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		buf_addf(out, "killed by signal %d", WTERMSIG(status));
	else
		buf_addf(out, "wait status %d", status);
}
