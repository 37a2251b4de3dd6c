/*
 * A child process that can only compute. Hard rule: between fork and the filter only system calls
 * are made (other threads' locks are as they were at the fork), and without the filter no byte of
 * the file is looked at.
 */
#include "catalog/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/clock.h"

#include "base/banned.h"

#define FILE_FD   3
#define ANSWER_FD 4

#define EXIT_NO_SANDBOX 42

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "name the architecture of this machine for the system call filter"
#endif

/* ---- in the child ---- */

#define PERMIT(call)                                                                               \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1),                                         \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* Everything not named here fails with EPERM; a foreign calling convention kills. */
static const struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	PERMIT(SYS_read),
	PERMIT(SYS_pread64),
	PERMIT(SYS_write),
	PERMIT(SYS_lseek),
	PERMIT(SYS_fstat),
	PERMIT(SYS_newfstatat), /* fstat() of newer C libraries */
	PERMIT(SYS_close),
	PERMIT(SYS_mmap),
	PERMIT(SYS_munmap),
	PERMIT(SYS_mremap),
	PERMIT(SYS_mprotect),
	PERMIT(SYS_madvise),
	PERMIT(SYS_brk),
	PERMIT(SYS_futex),
	PERMIT(SYS_getrandom),
	PERMIT(SYS_clock_gettime),
	PERMIT(SYS_gettimeofday),
	PERMIT(SYS_rt_sigreturn),
	PERMIT(SYS_rt_sigprocmask),
	PERMIT(SYS_exit),
	PERMIT(SYS_exit_group),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
};

static bool install_filter(void)
{
	/* The kernel does not write through the pointer it takes without const. */
	struct sock_fprog program = {ARRAY_LEN(filter), (struct sock_filter *)(uintptr_t)filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Bytes of address space in use: the published state's map and what else the parent had. */
static uint64_t address_space(void)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	uint64_t pages = 0;

	if (n <= 0)
		return 0;
	for (ssize_t i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
		pages = pages * 10 + (uint64_t)(text[i] - '0');
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool limit(__rlimit_resource_t resource, uint64_t soft, uint64_t hard)
{
	struct rlimit l = {soft, hard};

	return setrlimit(resource, &l) == 0;
}

static bool set_limits(void)
{
	uint64_t in_use = address_space();

	return in_use && limit(RLIMIT_CORE, 0, 0) &&
	       limit(RLIMIT_CPU, SANDBOX_CPU_S, SANDBOX_CPU_S + 1) && limit(RLIMIT_FSIZE, 0, 0) &&
	       limit(RLIMIT_NPROC, 0, 0) && limit(RLIMIT_NOFILE, 0, 0) &&
	       limit(RLIMIT_AS, in_use + SANDBOX_MEMORY_BYTES, in_use + SANDBOX_MEMORY_BYTES);
}

/* Leaves the file as FILE_FD, the pipe as ANSWER_FD and nothing else. */
static bool keep_two_files(int fd, int answer)
{
	int high_fd = fcntl(fd, F_DUPFD, ANSWER_FD + 1),
	    high_answer = fcntl(answer, F_DUPFD, ANSWER_FD + 1);

	if (high_fd < 0 || high_answer < 0 || dup2(high_fd, FILE_FD) < 0 ||
		dup2(high_answer, ANSWER_FD) < 0)
		return false;
	return syscall(SYS_close_range, 0, FILE_FD - 1, 0) == 0 &&
	       syscall(SYS_close_range, ANSWER_FD + 1, ~0U, 0) == 0;
}

static void forget_signal_handlers(void)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL); /* fails for SIGKILL, SIGSTOP and the C library's own */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int sandbox_main(sandbox_work *work, size_t size)
{
	_Alignas(max_align_t) static char result[SANDBOX_RESULT_MAX];

	if (size > sizeof(result) || !set_limits())
		return EXIT_NO_SANDBOX;
	(void)prctl(PR_SET_DUMPABLE, 0);
	/* A second line behind the filter, where the system permits it to users. */
	(void)unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC);
	if (!install_filter())
		return EXIT_NO_SANDBOX;
	work(FILE_FD, result);
	return write(ANSWER_FD, result, size) == (ssize_t)size ? 0 : 1;
}

/* Set before there are threads, read by all. */
static const char *fresh_program;

void sandbox_use_fresh_program(const char *name)
{
	fresh_program = name;
}

static NORETURN void child(sandbox_work *work, int fd, int answer, pid_t parent, size_t size)
{
	char *const argv[] = {(char *)(uintptr_t)fresh_program, NULL}, *const environment[] = {
									       NULL};

	forget_signal_handlers();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* the limits would end it too */
	if (getppid() != parent || !keep_two_files(fd, answer))
		_exit(EXIT_NO_SANDBOX);
	if (!fresh_program)
		_exit(sandbox_main(work, size));
	(void)execve("/proc/self/exe", argv, environment);
	_exit(EXIT_NO_SANDBOX);
}

/* ---- in the parent ---- */

/* Reads the whole answer before the deadline. */
static bool read_answer(int fd, char *to, size_t size, int64_t deadline_us, bool *ret_late)
{
	size_t have = 0;

	*ret_late = false;
	while (have < size) {
		int64_t left_us = deadline_us - clock_monotonic_us();
		struct pollfd p = {fd, POLLIN, 0};
		int ready = left_us > 0 ? poll(&p, 1, (int)MIN(left_us / 1000 + 1, 60000)) : 0;

		if (left_us <= 0) {
			*ret_late = true;
			return false;
		}
		if (ready <= 0)
			continue; /* a signal, or a step of a long wait */
		ssize_t n = read(fd, to + have, size - have);

		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		have += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static int collect(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static err judge(bool answered, bool late, int status, const char **ret_why)
{
	if (answered)
		return OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_SANDBOX) {
		*ret_why = "no sandbox can be set up on this system";
		return ERR_UNAVAILABLE;
	}
	*ret_why = late ? "inspecting it took too long" : "inspecting it failed";
	return ERR_INVALID;
}

err sandbox_run(sandbox_work *work, int fd, void *result, size_t size, int64_t timeout_us,
	const char **ret_why)
{
	char answer[SANDBOX_RESULT_MAX];
	int ends[2];
	bool late;

	if (size > sizeof(answer))
		return ERR_BUG;
	*ret_why = "no process can be started";
	if (pipe2(ends, O_CLOEXEC))
		return ERR_UNAVAILABLE;
	pid_t self = getpid(), pid = fork();

	if (pid == 0)
		child(work, fd, ends[1], self, size);
	(void)close(ends[1]); /* so that the child's end is the only one */
	bool answered = pid > 0 && read_answer(ends[0], answer, size,
					   clock_monotonic_us() + timeout_us, &late);

	(void)close(ends[0]);
	if (pid < 0)
		return ERR_UNAVAILABLE;
	(void)kill(pid, SIGKILL); /* in vain when it has ended; it is not collected yet */
	err e = judge(answered, late, collect(pid), ret_why);

	if (!e)
		memcpy(result, answer, size);
	return e;
}
