/* Hard rule: what is not understood is refused, so that no part of a password passes as a host. */
#include "conf/redis_url.h"

#include <arpa/inet.h>

#include "base/encode.h"

#include "base/banned.h"

#define DATABASE_MAX 65535

static const span tcp = SPAN_INIT("redis://"), unix_socket = SPAN_INIT("redis+unix://");

/* Into an array of size bytes, as a string. */
static err copy_decoded(span text, char *ret, size_t size)
{
	struct buf out;

	buf_init_fixed(&out, ret, size);
	err e = percent_decode(&out, text);

	return e ? e : buf_error(&out);
}

static err copy(span text, char *ret, size_t size)
{
	if (text.len >= size)
		return ERR_TOO_LARGE;
	memcpy(ret, text.ptr, text.len);
	ret[text.len] = '\0';
	return OK;
}

/* Takes "USER:PASSWORD@" off the start of *rest; up to `end` there may be one. */
static err take_credentials(span *rest, char end, struct redis_url *u)
{
	span authority = span_sub(*rest, 0, span_find(*rest, end));
	size_t at = span_rfind(authority, '@');
	span user, password = span_sub(authority, 0, at);
	err e;

	if (at == authority.len)
		return OK;
	*rest = span_from_offset(*rest, at + 1);
	(void)span_cut(&password, ':', &user);
	e = copy_decoded(user, u->user, sizeof(u->user));
	return e ? e : copy_decoded(password, u->password, sizeof(u->password));
}

static err parse_number(span text, uint64_t most, unsigned *ret)
{
	uint64_t n = 0;
	err e = span_to_u64(text, most, &n);

	if (!e)
		*ret = (unsigned)n;
	return e;
}

static bool is_host(span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_')
			return false;
	}
	return text.len > 0;
}

/* "HOST", "HOST:PORT", "[IPV6]:PORT" */
static err parse_host(span text, struct redis_url *u)
{
	unsigned char address[sizeof(struct in6_addr)];
	bool bracket = span_starts_with(text, SPAN("["));
	size_t end = bracket ? span_find(text, ']') : span_find(text, ':');
	span host = bracket ? span_sub(text, 1, end - 1) : span_sub(text, 0, end);
	span rest = span_from_offset(text, bracket ? end + 1 : end);

	if ((bracket && end == text.len) || (!bracket && !is_host(host)))
		return ERR_INVALID;
	err e = copy(host, u->host, sizeof(u->host));

	if (!e && bracket && inet_pton(AF_INET6, u->host, address) != 1)
		e = ERR_INVALID;
	if (e || !rest.len)
		return e;
	if (!span_starts_with(rest, SPAN(":")))
		return ERR_INVALID;
	e = parse_number(span_from_offset(rest, 1), 65535, &u->port);
	return e || u->port ? e : ERR_INVALID;
}

static err parse_tcp(span rest, struct redis_url *u)
{
	err e = take_credentials(&rest, '/', u);
	size_t slash = span_find(rest, '/');
	span database = span_from_offset(rest, slash + 1);

	if (!e)
		e = parse_host(span_sub(rest, 0, slash), u);
	if (!e && database.len)
		e = parse_number(database, DATABASE_MAX, &u->database);
	return e;
}

static err parse_unix(span rest, struct redis_url *u)
{
	err e = take_credentials(&rest, '/', u);
	size_t question = span_find(rest, '?');
	span path = span_sub(rest, 0, question), query = span_from_offset(rest, question);

	if (e)
		return e;
	if (!span_starts_with(path, SPAN("/")) || memchr(path.ptr, '\0', path.len))
		return ERR_INVALID;
	e = copy(path, u->path, sizeof(u->path));
	if (e || !query.len)
		return e;
	if (!span_starts_with(query, SPAN("?db=")))
		return ERR_INVALID;
	return parse_number(span_from_offset(query, 4), DATABASE_MAX, &u->database);
}

err redis_url_parse(span text, struct redis_url *ret)
{
	struct redis_url u = {.port = REDIS_PORT};
	err e = ERR_INVALID;

	if (span_starts_with(text, tcp))
		e = parse_tcp(span_from_offset(text, tcp.len), &u);
	else if (span_starts_with(text, unix_socket))
		e = parse_unix(span_from_offset(text, unix_socket.len), &u);
	if (!e)
		*ret = u;
	return e;
}

void redis_url_show(const struct redis_url *u, struct buf *out)
{
	bool v6 = span_find(span_from(u->host), ':') < strlen(u->host);

	buf_add(out, u->host[0] ? tcp : unix_socket);
	if (u->user[0]) {
		percent_encode(out, span_from(u->user));
		buf_add_byte(out, '@');
	}
	if (u->host[0]) {
		buf_addf(out, v6 ? "[%s]:%u/%u" : "%s:%u/%u", u->host, u->port, u->database);
		return;
	}
	buf_add_str(out, u->path);
	if (u->database)
		buf_addf(out, "?db=%u", u->database);
}
