/*
 * The HTTP server: libmicrohttpd over the connections of a listener, one thread each. Hard rule:
 * this file knows of connections and nothing of what they ask for.
 *
 * The library's own messages are off: it does not know that the socket is no TCP socket and would
 * complain with each answer that it cannot be tuned as one.
 *
 * libmicrohttpd answers some malformed requests itself, in HTML; nginx, which stands before the
 * socket, has refused those already: its header limits are below CONNECTION_MEMORY.
 */
#include <malloc.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/exchange.h"
#include "api/listener.h"
#include "api/router.h"
#include "crypto/secret.h"
#include "sys/clock.h"
#include "sys/log.h"

#include "base/banned.h"

#define CONNECTION_MEMORY 65536
#define THREAD_STACK      (1024 * 1024)
/* Above the time nginx keeps an idle upstream connection, so that it is never closed under it. */
#define IDLE_TIMEOUT_S 120
/* How long bytes nobody wants are taken after an early answer. */
#define LINGER_US INT64_C(5000000)
/* Health checks, the tailer and questions about uploads get in beside a full house. */
#define RESERVED_CONNECTIONS 8

struct api_server {
	struct MHD_Daemon *daemon;
	struct service *service;
	struct listener *listener;
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

/* Request bodies hold passwords and tokens: what the JSON parser frees is overwritten. */
static void wiping_free(void *memory)
{
	if (memory)
		wipe(memory, malloc_usable_size(memory));
	free(memory);
}

static void on_accepted(void *ctx, int fd)
{
	struct api_server *s = ctx;

	/* On failure the library has closed fd and will not tell of it again. */
	if (MHD_add_connection(s->daemon, fd, NULL, 0) == MHD_YES)
		return;
	log_error("no thread for a connection");
	listener_release(s->listener);
}

static void on_connection_change(void *ctx, struct MHD_Connection *connection UNUSED,
	void **socket_context UNUSED, enum MHD_ConnectionNotificationCode what)
{
	struct api_server *s = ctx;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED)
		listener_release(s->listener);
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

static err start_daemon(struct api_server *s, unsigned most)
{
	s->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD |
					     MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
					     MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET,
		0, NULL, NULL, on_request, s,
		/* The listener's limit is the one that counts. */
		MHD_OPTION_CONNECTION_LIMIT, 2 * most, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection_change, s, MHD_OPTION_END);
	return s->daemon ? OK : ERR_IO;
}

err api_server_start(struct service *service, const char *socket_path, struct api_server **ret)
{
	const struct conf *conf = service->conf;
	unsigned most = (unsigned)(conf_int(conf, CONF_API_THREADS) +
				   conf_int(conf, CONF_UPLOAD_SLOTS) + RESERVED_CONNECTIONS);
	struct api_server *s;
	err e = check_table();

	if (e)
		return e;
	s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	json_set_alloc_funcs(malloc, wiping_free);
	s->service = service;
	e = listener_open(socket_path, most, &s->listener);
	if (!e)
		e = start_daemon(s, most);
	if (!e)
		e = listener_run(s->listener, on_accepted, s);
	if (!e) {
		*ret = s;
		return OK;
	}
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	listener_free(s->listener);
	free(s);
	return e;
}

void api_server_stop(struct api_server *s, int64_t timeout_us)
{
	const struct timespec pause = {0, 5000000};
	int64_t deadline = clock_monotonic_us() + timeout_us;

	if (!s)
		return;
	atomic_store(&s->stopping, true);
	listener_close(s->listener);
	while (atomic_load(&s->running) > 0 && clock_monotonic_us() < deadline)
		(void)nanosleep(&pause, NULL); /* woken early is fine */
	MHD_stop_daemon(s->daemon);
	listener_free(s->listener);
	free(s);
}
