/*
 * One question to each server: do you answer? nginx's certificate is not checked, as this is a
 * question to a port of our own; what matters is that TLS and the configuration work at all.
 */
#include "server/probe.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/buf.h"
#include "server/ports.h"
#include "sys/files.h"

#include "base/banned.h"

#define TIMEOUT_S 3
#define GOOD      "HTTP/1.1 200 "

static int connect_to(const struct sockaddr *address, socklen_t len)
{
	struct timeval timeout = {.tv_sec = TIMEOUT_S};
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
		(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0 ||
			connect(fd, address, len) != 0)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static err ask_control(const char *path)
{
	static const char question[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n"
				       "Connection: close\r\n\r\n";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char answer[sizeof(GOOD)] = "";
	size_t len = strlen(path);
	err e = ERR_UNAVAILABLE;
	int fd;

	if (len >= sizeof(address.sun_path))
		return ERR_INVALID;
	memcpy(address.sun_path, path, len + 1);
	fd = connect_to((const struct sockaddr *)(const void *)&address, sizeof(address));
	if (fd < 0)
		return ERR_UNAVAILABLE;
	if (fd_write_all(fd, SPAN(question)) == OK &&
		recv(fd, answer, sizeof(GOOD) - 1, MSG_WAITALL) == sizeof(GOOD) - 1 &&
		strcmp(answer, GOOD) == 0)
		e = OK;
	(void)close(fd);
	return e;
}

/* One request over TLS on a connected socket. */
static err ask_over_tls(SSL_CTX *context, int fd)
{
	static const char question[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
				       "Connection: close\r\n\r\n";
	char answer[sizeof(GOOD)] = "";
	SSL *ssl = SSL_new(context);
	err e = ERR_UNAVAILABLE;

	if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1 &&
		SSL_write(ssl, question, sizeof(question) - 1) == sizeof(question) - 1 &&
		SSL_read(ssl, answer, sizeof(GOOD) - 1) == sizeof(GOOD) - 1 &&
		strcmp(answer, GOOD) == 0)
		e = OK;
	SSL_free(ssl);
	return e;
}

/* "Any address" as a destination is this machine. */
static void make_reachable(struct sockaddr_storage *address)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)address;

	if (address->ss_family == AF_INET && v4->sin_addr.s_addr == htonl(INADDR_ANY))
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (address->ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
		v6->sin6_addr = in6addr_loopback;
}

static err ask_nginx(span https_address)
{
	struct sockaddr_storage address;
	SSL_CTX *context;
	socklen_t len;
	int fd;
	err e = address_parse(https_address, &address, &len);

	if (e != OK)
		return e;
	make_reachable(&address);
	fd = connect_to((const struct sockaddr *)(const void *)&address, len);
	if (fd < 0)
		return ERR_UNAVAILABLE;
	context = SSL_CTX_new(TLS_client_method());
	e = context != NULL ? ask_over_tls(context, fd) : ERR_NOMEM;
	SSL_CTX_free(context);
	(void)close(fd);
	return e;
}

err probe(const char *socket_path, span https_address)
{
	err e = ask_control(socket_path);

	return e == OK ? ask_nginx(https_address) : e;
}
