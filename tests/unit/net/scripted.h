#ifndef SLIPWAY_TESTS_UNIT_NET_SCRIPTED_H
#define SLIPWAY_TESTS_UNIT_NET_SCRIPTED_H

/*
 * A server on the loopback that answers each connection with the next line of its script, so that
 * every kind of misbehaviour of a network can be shown to a client.
 */
#include "test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SCRIPT_MAX 32

struct server {
	int fd;
	unsigned port;
	const char *answers[SCRIPT_MAX]; /* NULL ends; "" closes without a word */
	struct buf seen;                 /* all requests */
	unsigned served;
	pthread_t thread;
};

/* Reads a head and, when it says so, the body. */
static void read_request(struct server *s, int fd)
{
	size_t begun = buf_len(&s->seen), want = SIZE_MAX;
	char chunk[4096];

	while (buf_len(&s->seen) - begun < want) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		span head;
		const char *end, *length;

		if (n <= 0)
			return;
		buf_add(&s->seen, span_of(chunk, (size_t)n));
		head = span_from_offset(buf_span(&s->seen), begun);
		end = strstr(head.ptr, "\r\n\r\n");
		if (!end || want != SIZE_MAX)
			continue;
		want = (size_t)(end - head.ptr) + 4;
		length = strstr(head.ptr, "Content-Length: ");
		if (length && length < end)
			want += (size_t)strtoul(length + 16, NULL, 10);
		if (strstr(head.ptr, "Expect: 100-continue"))
			(void)!write(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	}
}

static void *serve(void *ctx)
{
	struct server *s = ctx;

	for (size_t i = 0; s->answers[i]; i++) {
		int fd = accept(s->fd, NULL, NULL);

		if (fd < 0)
			break;
		read_request(s, fd);
		(void)!write(fd, s->answers[i], strlen(s->answers[i]));
		shutdown(fd, SHUT_RDWR);
		close(fd);
		s->served++;
	}
	return NULL;
}

/* Connections come about; nobody is answered until serving begins. */
static void open_port(struct server *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);

	buf_init(&s->seen, 1 << 22);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &size), 0);
	s->port = ntohs(a.sin_port);
}

static void begin_serving(struct server *s)
{
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static UNUSED void start(struct server *s)
{
	open_port(s);
	begin_serving(s);
}

static void stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR); /* wakes accept() */
	pthread_join(s->thread, NULL);
	close(s->fd);
	buf_done(&s->seen);
}

#endif
