#include "support/postgres.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/child.h"

static struct {
	bool tried, available;
	pid_t pid;
	FILE *to, *from;
	char url[256];
} server;

static void die(const char *what)
{
	(void)fprintf(stderr, "tests/support/postgres.sh: %s\n", what);
	abort();
}

static bool read_line(char *ret, size_t size)
{
	if (!fgets(ret, (int)size, server.from))
		return false;
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

/* The end of its input is the script's sign to clean up. */
static void stop_server(void)
{
	int status;

	(void)fclose(server.to);
	(void)fclose(server.from);
	err e = child_wait(server.pid, 30000000, &status);

	if (e == ERR_BUSY)
		(void)kill(server.pid, SIGTERM);
	else if (e) /* under valgrind, which knows no pidfd_open: cut short, it would leave
		       PostgreSQL */
		(void)waitpid(server.pid, &status, 0);
}

static void start_server(void)
{
	const char *const argv[] = {SOURCE_ROOT "/tests/support/postgres.sh", NULL};
	int to[2], from[2], status;

	server.tried = true;
	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		die("no pipe");
	if (child_start(&(struct child_plan){.argv = argv, .stdin_fd = to[0], .stdout_fd = from[1]},
		    &server.pid))
		die("does not start");
	(void)close(to[0]);
	(void)close(from[1]);
	(void)signal(SIGPIPE, SIG_IGN);
	server.to = fdopen(to[1], "w");
	server.from = fdopen(from[0], "r");
	if (read_line(server.url, sizeof(server.url))) {
		server.available = true;
		(void)atexit(stop_server);
	} else if (child_wait(server.pid, -1, &status) || !WIFEXITED(status) ||
		   WEXITSTATUS(status) != 77) {
		die("failed");
	}
}

bool postgres_available(void)
{
	if (!server.tried)
		start_server();
	return server.available;
}

void postgres_tell(const char *word)
{
	char answer[64];

	(void)fprintf(server.to, "%s\n", word);
	(void)fflush(server.to);
	if (!read_line(answer, sizeof(answer)) || strcmp(answer, word) != 0)
		die(word);
}

void postgres_new_database(char *ret_url, size_t size)
{
	static unsigned count;
	char create[64];

	if (!postgres_available())
		die("no PostgreSQL");
	(void)snprintf(create, sizeof(create), "CREATE DATABASE test_%u", ++count);
	PGconn *connection = PQconnectdb(server.url);
	PGresult *result = PQexec(connection, create);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		die(PQerrorMessage(connection));
	PQclear(result);
	PQfinish(connection);
	(void)snprintf(
		ret_url, size, "postgresql://slipway@/test_%u%s", count, strchr(server.url, '?'));
}
