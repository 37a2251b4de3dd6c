/*
 * Hard rule: whoever builds an absolute URL of this server begins here, so that a forged Host is
 * seen in one place.
 */
#include "api/server_url.h"

#include <string.h>

#include "base/banned.h"

#define HOST_MAX 261 /* 253 of a name, and ":" with a port and some */
#define SCHEME   "https://"

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr(".-_:[]", c));
}

err host_check(struct request *rq)
{
	span host = request_header(rq, "Host");
	bool valid = host.len <= HOST_MAX;

	for (size_t i = 0; valid && i < host.len; i++)
		valid = is_host_char(host.ptr[i]);
	return valid ? OK
		     : fail(&rq->task, ERR_INVALID, "host_invalid",
			       "The Host header is not valid.");
}

span server_base_url(struct request *rq)
{
	const struct service *s = rq->task.service;
	span host = request_header(rq, "Host");

	if (*conf_str(s->conf, CONF_PUBLIC_URL) || host.len == 0)
		return service_url(s, rq->task.arena, "");
	return span_from(arena_printf(rq->task.arena, SCHEME "%.*s", SPAN_ARG(host)));
}

span server_origin(struct request *rq)
{
	span url = server_base_url(rq), rest = span_from_offset(url, strlen(SCHEME));

	return span_sub(url, 0, strlen(SCHEME) + span_find(rest, '/'));
}
