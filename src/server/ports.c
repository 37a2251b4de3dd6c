/*
 * A look at the ports before nginx is started, because nginx tries for seconds and says it in its
 * own log.
 */
#include "server/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "sys/clock.h"

#include "base/banned.h"

#define RETRY_US 50000

err address_parse(span text, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	size_t colon = span_rfind(text, ':');
	span host = span_sub(text, 0, colon);
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	char name[INET6_ADDRSTRLEN];
	uint64_t port;
	bool brackets = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';

	if (span_to_u64(span_from_offset(text, colon + 1), 65535, &port) != OK)
		return ERR_INVALID;
	if (brackets)
		host = span_sub(host, 1, host.len - 2);
	if (host.len == 0 || host.len >= sizeof(name))
		return ERR_INVALID;
	memcpy(name, host.ptr, host.len);
	name[host.len] = '\0';
	v4.sin_port = v6.sin6_port = htons((uint16_t)port);
	*ret = (struct sockaddr_storage){0};
	if (brackets && inet_pton(AF_INET6, name, &v6.sin6_addr) == 1) {
		memcpy(ret, &v6, sizeof(v6));
		*ret_len = sizeof(v6);
		return OK;
	}
	if (!brackets && inet_pton(AF_INET, name, &v4.sin_addr) == 1) {
		memcpy(ret, &v4, sizeof(v4));
		*ret_len = sizeof(v4);
		return OK;
	}
	return ERR_INVALID;
}

/* 0 or the errno with which listening fails; the options are nginx's. */
static int try_listen(const struct sockaddr_storage *address, socklen_t len)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, problem = 0;

	if (fd < 0)
		return errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		(address->ss_family == AF_INET6 &&
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) ||
		bind(fd, (const struct sockaddr *)(const void *)address, len) != 0 ||
		listen(fd, 1) != 0)
		problem = errno;
	(void)close(fd);
	return problem;
}

static err check_one(struct arena *a, span text, int64_t until_us, const char **ret_problem)
{
	struct sockaddr_storage address;
	socklen_t len;
	int problem;

	if (address_parse(text, &address, &len) != OK) {
		*ret_problem = arena_printf(a, "%.*s: not an address with a port", SPAN_ARG(text));
		return ERR_INVALID;
	}
	while ((problem = try_listen(&address, len)) == EADDRINUSE &&
		clock_monotonic_us() < until_us)
		(void)usleep(RETRY_US);
	if (problem == 0)
		return OK;
	*ret_problem = arena_printf(a, "cannot listen on %.*s: %s%s", SPAN_ARG(text),
		problem == EADDRINUSE ? "another program uses it" : strerror(problem),
		problem == EACCES ? "; ports below 1024 need a start as root" : "");
	if (problem == EADDRINUSE)
		return ERR_CONFLICT;
	return problem == EADDRNOTAVAIL ? ERR_INVALID : err_from_errno(problem);
}

err ports_check(struct arena *a, span addresses, int64_t timeout_us, const char **ret_problem)
{
	int64_t until = clock_monotonic_us() + timeout_us;
	span word;
	err e = OK;

	while (e == OK && span_cut(&addresses, ' ', &word))
		if (word.len > 0)
			e = check_one(a, word, until, ret_problem);
	return e;
}
