/*
 * Reading as root from an unprivileged supervisor. Hard rule: the child reads this one file, writes
 * it to a pipe and exits; nothing it read is interpreted while it is root.
 */
#include "server/source.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/child.h"
#include "sys/files.h"

#include "base/banned.h"

#define READ_STEP 4096
#define READ_MAX  1048576

struct errand {
	const char *path;
	int pipe;
};

static int read_and_pass_on(void *context)
{
	const struct errand *errand = context;
	AUTO(buf) content = {0};
	err e;

	buf_init(&content, READ_MAX);
	e = file_read(errand->path, &content);
	if (e == OK)
		e = fd_write_all(errand->pipe, buf_span(&content));
	buf_wipe(&content);
	return (int)e;
}

/* Until the child closes the pipe: it exits by itself, as reading a file is bounded. */
static err collect(int fd, struct buf *out)
{
	for (;;) {
		char chunk[READ_STEP];
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n > 0)
			buf_add(out, span_of(chunk, (size_t)n));
		else if (n == 0)
			return buf_error(out);
		else if (errno != EINTR)
			return err_from_errno(errno);
	}
}

static err read_as_root(const char *path, struct buf *out)
{
	static const struct identity root = {.uid = 0, .gid = 0};
	struct errand errand = {.path = path};
	int ends[2], status = 0;
	pid_t pid;
	err e;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_from_errno(errno);
	errand.pipe = ends[1];
	e = child_fork(read_and_pass_on, &errand, &root, SIGKILL, &pid);
	(void)close(ends[1]);
	if (e == OK) {
		e = collect(ends[0], out);
		if (child_wait(pid, -1, &status) != OK)
			e = ERR_BUG; /* it is our child and has closed the pipe */
	}
	(void)close(ends[0]);
	if (e == OK && status != 0)
		e = WIFEXITED(status) && WEXITSTATUS(status) < ERR_COUNT ? (err)WEXITSTATUS(status)
									 : ERR_DENIED;
	return e;
}

err source_read(const char *path, bool may_be_root, struct buf *out)
{
	err e = file_read(path, out);

	if (e != ERR_DENIED || !may_be_root)
		return e;
	buf_clear(out);
	return read_as_root(path, out);
}
