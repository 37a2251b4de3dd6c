/*
 * The HTTP server: libmicrohttpd on a unix socket, one bounded thread per connection. Hard rule:
 * this file knows of connections and nothing of what they ask for.
 *
 * libmicrohttpd answers some malformed requests itself, in HTML; nginx, which stands before the
 * socket, has refused those already: its header limits are below CONNECTION_MEMORY.
 */
#include <malloc.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "api/exchange.h"
#include "api/router.h"
#include "crypto/secret.h"
#include "sys/clock.h"
#include "sys/log.h"

#include "base/banned.h"

#define BACKLOG           512
#define CONNECTION_MEMORY 65536
#define THREAD_STACK      (1024 * 1024)
/* Above the time nginx keeps an idle upstream connection, so that it is never closed under it. */
#define IDLE_TIMEOUT_S 120
/* How long bytes nobody wants are taken after an early answer. */
#define LINGER_US INT64_C(5000000)
/* Health checks and the tailer get in beside a full house. */
#define RESERVED_CONNECTIONS 4

struct api_server {
	struct MHD_Daemon *daemon;
	struct service *service;
	char *socket_path;
	int socket;
	atomic_uint running; /* exchanges */
	atomic_bool stopping;
};

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version UNUSED, const char *upload_data,
	size_t *upload_data_size, void **request)
{
	struct api_server *s = ctx;
	struct exchange *x = *request;
	bool last = atomic_load(&s->stopping);

	if (!x) {
		x = exchange_open(s->service, connection, method, url);
		if (!x)
			return MHD_NO;
		atomic_fetch_add(&s->running, 1);
		*request = x;
		/*
		 * An answer given now closes the connection with the body unread; otherwise it is
		 * given in the next call, and the connection stays.
		 */
		return exchange_is_decided(x) ? exchange_send(x, true) : MHD_YES;
	}
	if (*upload_data_size) {
		exchange_receive(x, span_of(upload_data, *upload_data_size));
		*upload_data_size = 0;
		return MHD_YES;
	}
	if (x->sent)
		return MHD_YES;
	exchange_finish(x);
	return exchange_send(x, last);
}

/*
 * An answer that was given before the body had arrived is lost when the socket is closed while the
 * client still sends: it sees its write fail and never reads. So its bytes are taken until it
 * stops.
 */
static void linger(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	int64_t deadline = clock_monotonic_us() + LINGER_US;
	char scrap[16384];

	if (!info || shutdown(info->connect_fd, SHUT_WR))
		return;
	for (;;) {
		int64_t left_us = deadline - clock_monotonic_us();
		struct pollfd p = {.fd = info->connect_fd, .events = POLLIN};

		if (left_us <= 0 || poll(&p, 1, (int)(left_us / 1000) + 1) <= 0)
			return;
		if (recv(info->connect_fd, scrap, sizeof(scrap), MSG_DONTWAIT) <= 0)
			return;
	}
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **request,
	enum MHD_RequestTerminationCode how UNUSED)
{
	struct api_server *s = ctx;

	if (!*request)
		return;
	if (exchange_is_decided(*request))
		linger(connection);
	exchange_close(*request);
	*request = NULL;
	atomic_fetch_sub(&s->running, 1);
}

/* Paths and queries are decoded by us, once, after they were taken apart. */
static size_t keep_escapes(void *ctx UNUSED, struct MHD_Connection *connection UNUSED, char *text)
{
	return strlen(text);
}

static void on_library_message(void *ctx UNUSED, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
static void on_library_message(void *ctx UNUSED, const char *format, va_list args)
{
	char text[300];

	(void)vsnprintf(text, sizeof(text), format, args); /* cut is fine */
	log_warn("http library", LOG_SPAN("detail", span_trim(span_from(text))));
}

/* Request bodies hold passwords and tokens: what the JSON parser frees is overwritten. */
static void wiping_free(void *memory)
{
	if (memory)
		wipe(memory, malloc_usable_size(memory));
	free(memory);
}

static err listen_on(const char *path, int *ret)
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
		return ERR_IO;
	(void)unlink(path); /* of a process that died; the data directory's lock is ours */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || chmod(path, 0660) ||
		listen(fd, BACKLOG))
		e = ERR_IO;
	if (e)
		(void)close(fd); /* nothing was written to it */
	else
		*ret = fd;
	return e;
}

static err check_table(void)
{
	AUTO(buf) problems = {0};
	err e;

	buf_init(&problems, 65536);
	e = route_table_check(routes, routes_count, &problems);
	if (e)
		log_error("route table is not complete", LOG_SPAN("problems", buf_span(&problems)));
	return e;
}

static err start_daemon(struct api_server *s)
{
	const struct conf *conf = s->service->conf;
	unsigned most = (unsigned)(conf_int(conf, CONF_API_THREADS) +
				   conf_int(conf, CONF_UPLOAD_SLOTS) + RESERVED_CONNECTIONS);

	s->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD |
					     MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
					     MHD_USE_ITC | MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_library_message, NULL,
		MHD_OPTION_LISTEN_SOCKET, s->socket, MHD_OPTION_CONNECTION_LIMIT, most,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, s, MHD_OPTION_END);
	return s->daemon ? OK : ERR_IO;
}

static void server_free(struct api_server *s)
{
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	else if (s->socket >= 0)
		(void)close(s->socket); /* nothing was written to it */
	if (s->socket_path)
		(void)unlink(s->socket_path); /* a new start would do it as well */
	free(s->socket_path);
	free(s);
}

err api_server_start(struct service *service, const char *socket_path, struct api_server **ret)
{
	struct api_server *s;
	err e = check_table();

	if (e)
		return e;
	s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	json_set_alloc_funcs(malloc, wiping_free);
	s->service = service;
	s->socket = -1;
	e = listen_on(socket_path, &s->socket);
	if (!e) {
		s->socket_path = strdup(socket_path);
		e = s->socket_path ? start_daemon(s) : ERR_NOMEM;
	}
	if (e)
		server_free(s);
	else
		*ret = s;
	return e;
}

void api_server_stop(struct api_server *s, int64_t timeout_us)
{
	const struct timespec pause = {0, 5000000};
	int64_t deadline = clock_monotonic_us() + timeout_us;

	if (!s)
		return;
	atomic_store(&s->stopping, true);
	MHD_socket listening = MHD_quiesce_daemon(s->daemon);

	while (atomic_load(&s->running) > 0 && clock_monotonic_us() < deadline)
		(void)nanosleep(&pause, NULL); /* woken early is fine */
	if (listening != MHD_INVALID_SOCKET)
		(void)close(listening); /* nothing was written to it */
	server_free(s);
}
