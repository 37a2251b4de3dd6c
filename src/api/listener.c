/*
 * Hard rule: a connection is accepted only when there is room for it, so that overload is waiting
 * and not failure.
 */
#include "api/listener.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sys/log.h"

#include "base/banned.h"

#define BACKLOG 512

struct listener {
	pthread_mutex_t lock;
	pthread_cond_t room; /* connections < most, or closing */
	unsigned most, connections;
	bool closing;
	int socket;
	char *path;
	on_connection *handler;
	void *ctx;
	pthread_t thread;
};

/* Waits for room and takes it; false when closing. */
static bool take_room(struct listener *l)
{
	bool open;

	pthread_mutex_lock(&l->lock);
	while (!l->closing && l->connections >= l->most)
		pthread_cond_wait(&l->room, &l->lock);
	open = !l->closing;
	l->connections += open;
	pthread_mutex_unlock(&l->lock);
	return open;
}

void listener_release(struct listener *l)
{
	pthread_mutex_lock(&l->lock);
	l->connections--;
	pthread_cond_signal(&l->room);
	pthread_mutex_unlock(&l->lock);
}

static void *accept_all(void *arg)
{
	const struct timespec pause = {0, 50000000};
	struct listener *l = arg;

	while (take_room(l)) {
		int fd = accept4(l->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			l->handler(l->ctx, fd);
			continue;
		}
		listener_release(l);
		/* Out of descriptors or memory: others give some back. Else: aborted, or closing.
		 */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			log_warn("no connection can be taken", LOG_INT("errno", errno));
			(void)nanosleep(&pause, NULL); /* woken early is fine */
		}
	}
	return NULL;
}

static err bind_socket(const char *path, int *ret)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	err e = OK;

	if (strlen(path) >= sizeof(address.sun_path)) {
		log_error("socket path is too long", LOG_STR("path", path),
			LOG_INT("most", (int64_t)sizeof(address.sun_path) - 1));
		return ERR_INVALID;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_from_errno(errno);
	(void)unlink(path); /* of a process that died; the data directory's lock is ours */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || chmod(path, 0660) ||
		listen(fd, BACKLOG))
		e = err_from_errno(errno);
	if (e)
		(void)close(fd); /* nothing was written to it */
	else
		*ret = fd;
	return e;
}

err listener_open(const char *path, unsigned most, struct listener **ret)
{
	struct listener *l = calloc(1, sizeof(*l));
	err e;

	if (!l)
		return ERR_NOMEM;
	*l = (struct listener){.most = most, .socket = -1};
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->room, NULL);
	l->path = strdup(path);
	e = l->path ? bind_socket(path, &l->socket) : ERR_NOMEM;
	if (e)
		listener_free(l);
	else
		*ret = l;
	return e;
}

err listener_run(struct listener *l, on_connection *handler, void *ctx)
{
	l->handler = handler;
	l->ctx = ctx;
	return pthread_create(&l->thread, NULL, accept_all, l) ? ERR_NOMEM : OK;
}

void listener_close(struct listener *l)
{
	pthread_mutex_lock(&l->lock);
	l->closing = true;
	pthread_cond_signal(&l->room);
	pthread_mutex_unlock(&l->lock);
	(void)shutdown(l->socket, SHUT_RDWR); /* wakes accept4 */
	pthread_join(l->thread, NULL);
	(void)unlink(l->path); /* a new start would do it as well */
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	if (l->socket >= 0)
		(void)close(l->socket); /* nothing was written to it */
	pthread_cond_destroy(&l->room);
	pthread_mutex_destroy(&l->lock);
	free(l->path);
	free(l);
}
