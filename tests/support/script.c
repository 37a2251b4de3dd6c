#include "support/script.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/child.h"

static struct script *running;

static void die(const struct script *s, const char *what)
{
	(void)fprintf(stderr, "tests/support/%s: %s\n", s->name, what);
	abort();
}

static bool read_line(struct script *s, char *ret, size_t size)
{
	if (!fgets(ret, (int)size, s->from_))
		return false;
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

/* The end of its input is the script's sign to clean up. */
static void stop_script(struct script *s)
{
	int status;

	(void)fclose(s->to_);
	(void)fclose(s->from_);
	err e = child_wait(s->pid_, 30000000, &status);

	if (e == ERR_BUSY)
		(void)kill(s->pid_, SIGTERM);
	else if (e) /* under valgrind, which knows no pidfd_open: cut short, it would leave its
		       server */
		(void)waitpid(s->pid_, &status, 0);
}

static void stop_all(void)
{
	for (; running; running = running->next_)
		stop_script(running);
}

static void start(struct script *s)
{
	char path[512];
	const char *const argv[] = {path, NULL};
	int to[2], from[2], status;

	s->tried_ = true;
	(void)snprintf(path, sizeof(path), "%s/tests/support/%s", SOURCE_ROOT, s->name);
	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		die(s, "no pipe");
	if (child_start(&(struct child_plan){.argv = argv, .stdin_fd = to[0], .stdout_fd = from[1]},
		    &s->pid_))
		die(s, "does not start");
	(void)close(to[0]);
	(void)close(from[1]);
	(void)signal(SIGPIPE, SIG_IGN);
	s->to_ = fdopen(to[1], "w");
	s->from_ = fdopen(from[0], "r");
	if (read_line(s, s->url_, sizeof(s->url_))) {
		s->available_ = true;
		s->next_ = running;
		if (!running)
			(void)atexit(stop_all);
		running = s;
	} else if (child_wait(s->pid_, -1, &status) || !WIFEXITED(status) ||
		   WEXITSTATUS(status) != 77) {
		die(s, "failed");
	}
}

const char *script_url(struct script *s)
{
	if (!s->tried_)
		start(s);
	return s->available_ ? s->url_ : NULL;
}

void script_tell(struct script *s, const char *word)
{
	char answer[64];

	(void)fprintf(s->to_, "%s\n", word);
	(void)fflush(s->to_);
	if (!read_line(s, answer, sizeof(answer)) || strcmp(answer, word) != 0)
		die(s, word);
}
