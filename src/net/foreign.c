/*
 * Hard rule: what is permitted is decided about the socket address, in the moment before it is
 * connected to; looking at the URL only keeps out what could never be right.
 */
#include "net/foreign.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/encode.h"
#include "net/answer.h"
#include "net/networks.h"
#include "sys/clock.h"

#include "base/banned.h"

#define WAIT_S          5
#define CREDENTIALS_MAX 2048
#define HEADERS_MAX     16

/* One of the HTTP clients, and the request it is at. */
struct slot {
	struct foreign *foreign;
	struct http *http;
	bool busy, plain;
};

struct foreign {
	struct networks allowed;
	bool insecure_loopback;
	pthread_mutex_t lock; /* guards waiting, and busy of all slots */
	pthread_cond_t freed;
	unsigned waiting;
	struct slot slots[FOREIGN_CLIENTS];
};

static bool permit(void *ctx, const struct sockaddr *address)
{
	const struct slot *s = ctx;
	const struct foreign *f = s->foreign;

	if (f->insecure_loopback && address_is_loopback(address))
		return true;
	return !s->plain && (address_is_public(address) || networks_contain(&f->allowed, address));
}

err foreign_new(const struct foreign_settings *settings, struct foreign **ret)
{
	struct foreign *f = calloc(1, sizeof(*f));
	pthread_condattr_t monotonic;
	err e;

	if (!f)
		return ERR_NOMEM;
	f->insecure_loopback = settings->insecure_loopback;
	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&f->freed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	e = networks_parse(settings->allowed, &f->allowed);
	for (size_t i = 0; !e && i < FOREIGN_CLIENTS; i++) {
		bool own = settings->ca_file && *settings->ca_file;

		f->slots[i].foreign = f;
		e = http_new(
			&(struct http_settings){
				.ca_file = own ? settings->ca_file : NULL,
				.plain = settings->insecure_loopback,
				.no_redirects = true,
				.connections = FOREIGN_KEPT_OPEN,
				.attempts = 1,
				.resolve = settings->resolve,
				.permit = permit,
				.ctx = &f->slots[i],
			},
			&f->slots[i].http);
	}
	if (e) {
		foreign_free(f);
		return e;
	}
	*ret = f;
	return OK;
}

void foreign_free(struct foreign *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < FOREIGN_CLIENTS; i++)
		http_free(f->slots[i].http);
	pthread_cond_destroy(&f->freed);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static bool is_empty(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	bool empty = curl_url_get(u, part, &text, 0) != CURLUE_OK || !*text;

	curl_free(text);
	return empty;
}

static bool has_value(CURLU *u, CURLUPart part, const char *value)
{
	char *text = NULL;
	bool same = curl_url_get(u, part, &text, 0) == CURLUE_OK &&
		    span_eq_nocase(span_from(text), span_from(value));

	curl_free(text);
	return same;
}

static const char *parsed_url_problem(const struct foreign *f, CURLU *u)
{
	if (!has_value(u, CURLUPART_SCHEME, "https") &&
		!(f->insecure_loopback && has_value(u, CURLUPART_SCHEME, "http")))
		return "must begin with https://";
	if (is_empty(u, CURLUPART_HOST))
		return "must name a host";
	if (!is_empty(u, CURLUPART_USER) || !is_empty(u, CURLUPART_PASSWORD))
		return "must not hold a user name or password";
	if (!is_empty(u, CURLUPART_FRAGMENT))
		return "must not have a part behind '#'";
	return NULL;
}

const char *foreign_url_problem(const struct foreign *f, const char *url)
{
	size_t length = strlen(url);
	const char *problem = "is not a URL";

	if (length > FOREIGN_URL_MAX)
		return "is too long";
	for (size_t i = 0; i < length; i++)
		if ((uint8_t)url[i] <= ' ' || (uint8_t)url[i] >= 0x7f)
			return "must not hold spaces, control characters or letters beyond ASCII";
	CURLU *u = curl_url();

	if (u && curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
		problem = parsed_url_problem(f, u);
	curl_url_cleanup(u);
	return problem;
}

static struct slot *free_slot_locked(struct foreign *f)
{
	for (size_t i = 0; i < FOREIGN_CLIENTS; i++)
		if (!f->slots[i].busy)
			return &f->slots[i];
	return NULL;
}

/*
 * Few wait: a thread that waits here is one of the API's, and strangers decide how many come at
 * once.
 */
static struct slot *wait_for_slot_locked(struct foreign *f)
{
	struct timespec until;
	struct slot *s;
	int r = 0;

	if (f->waiting >= FOREIGN_WAITING)
		return NULL;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WAIT_S;
	f->waiting++;
	while (!(s = free_slot_locked(f)) && r == 0)
		r = pthread_cond_timedwait(&f->freed, &f->lock, &until);
	f->waiting--;
	return s;
}

static struct slot *take_slot(struct foreign *f)
{
	pthread_mutex_lock(&f->lock);
	struct slot *s = free_slot_locked(f);

	if (!s)
		s = wait_for_slot_locked(f);
	if (s)
		s->busy = true;
	pthread_mutex_unlock(&f->lock);
	return s;
}

static void give_slot(struct slot *s)
{
	struct foreign *f = s->foreign;

	pthread_mutex_lock(&f->lock);
	s->busy = false;
	pthread_cond_signal(&f->freed);
	pthread_mutex_unlock(&f->lock);
}

/* "Basic dXNlcjpwYXNz"; the user name cannot hold a colon (RFC 7617, 2). */
static err basic(const struct foreign_request *rq, struct buf *out)
{
	AUTO(buf) pair = {0};

	buf_init(&pair, CREDENTIALS_MAX);
	if (strchr(rq->user, ':'))
		return ERR_INVALID;
	buf_addf(&pair, "%s:%s", rq->user, rq->password ? rq->password : "");
	buf_add_str(out, "Basic ");
	base64_encode(out, buf_span(&pair));
	err e = buf_error(&pair) ? buf_error(&pair) : buf_error(out);

	buf_wipe(&pair);
	return e;
}

static err refuse(struct http_answer *a, err e, const char *code, const char *why)
{
	answer_clear(a, 0);
	answer_set_problem(a, code, "%s", why);
	return e;
}

static err send_through(struct slot *s, const struct foreign_request *rq, struct http_answer *a)
{
	struct http_header headers[HEADERS_MAX];
	struct buf authorization;
	bool post = rq->body.ptr != NULL;
	struct http_request out = {
		.method = post ? "POST" : "GET",
		.url = rq->url,
		.headers = headers,
		.headers_count = rq->headers_count,
		.body = rq->body,
		.once = true,
		.answer_max = rq->body_max ? rq->body_max : FOREIGN_BODY_MAX,
		.timeout_us = rq->time_us ? rq->time_us : FOREIGN_TIME_US,
	};
	err e = OK;

	if (rq->headers_count >= HEADERS_MAX)
		return refuse(a, ERR_BUG, "bug", "Too many headers");
	if (post)
		out.content_type =
			rq->content_type ? rq->content_type : "application/x-www-form-urlencoded";
	if (rq->headers_count)
		memcpy(headers, rq->headers, rq->headers_count * sizeof(*headers));
	buf_init(&authorization, 2 * CREDENTIALS_MAX);
	if (rq->user) {
		e = basic(rq, &authorization);
		headers[out.headers_count++] =
			(struct http_header){"Authorization", buf_span(&authorization)};
	}
	if (e)
		e = refuse(a, e, "credentials", "The client's name or secret cannot be sent");
	else
		e = http_send(s->http, &out, a);
	buf_wipe(&authorization);
	return e;
}

err foreign_send(struct foreign *f, const struct foreign_request *rq, struct http_answer *a)
{
	const char *problem = foreign_url_problem(f, rq->url);

	if (problem)
		return refuse(a, ERR_INVALID, "url", problem);
	struct slot *s = take_slot(f);

	if (!s)
		return refuse(a, ERR_BUSY, "busy", "Too many requests to other servers at once");
	s->plain = span_eq_nocase(span_sub(span_from(rq->url), 0, 5), SPAN("http:"));
	err e = send_through(s, rq, a);

	give_slot(s);
	return e;
}
