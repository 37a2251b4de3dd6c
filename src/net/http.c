/*
 * The HTTP client over libcurl's easy interface. One rule: credentials go where the caller's URL
 * says and nowhere else: no redirect leaves scheme, host and port.
 */
#include "net/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "net/answer.h"
#include "net/origin.h"
#include "sys/clock.h"

#include "base/banned.h"

#define CONNECT_TIMEOUT_US (10 * TIME_SECOND)
#define STALL_TIMEOUT_US   (30 * TIME_SECOND)
#define RETRY_AFTER_MAX_US (60 * TIME_SECOND)
#define ATTEMPTS           4
#define FIRST_PAUSE_US     (250 * TIME_MS)
#define LONGEST_PAUSE_US   (8 * TIME_SECOND)
#define REDIRECTS_MAX      3
#define NAP_US             (50 * TIME_MS)
#define URL_MAX            8192
#define HEADERS_MAX        32
#define ANSWER_MAX         (1 << 20)
#define ERROR_BODY_MAX     (256 * 1024)

struct http {
	struct http_settings settings; /* strings are ours */
	struct curl_slist *resolve;    /* settings.resolve */
	CURL *curl;
};

/* One attempt; what the callbacks share. */
struct exchange {
	struct http *http;
	const struct http_request *rq;
	struct http_answer *answer;
	uint64_t sent, received;
	int64_t started_us; /* monotonic, for max_bytes_per_second */
	bool head_given;    /* on_head was called for this attempt */
	bool refused;       /* permit() said no */
	err error;          /* of a callback of the caller */
};

static void init_curl(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort(); /* libcurl without its TLS library: nothing can work */
}

static char *copy_or_null(const char *text, bool *failed)
{
	char *copy = text ? strdup(text) : NULL;

	*failed |= text && !copy;
	return copy;
}

err http_new(const struct http_settings *settings, struct http **ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http *h;
	bool failed = false;

	(void)pthread_once(&once, init_curl); /* fails only for a bad argument */
	if (settings->ca_file && access(settings->ca_file, R_OK) != 0)
		return ERR_NOT_FOUND;
	h = calloc(1, sizeof(*h));
	if (!h)
		return ERR_NOMEM;
	h->settings = *settings;
	h->settings.ca_file = copy_or_null(settings->ca_file, &failed);
	h->settings.unix_socket = copy_or_null(settings->unix_socket, &failed);
	h->settings.user_agent =
		copy_or_null(settings->user_agent ? settings->user_agent : "slipway", &failed);
	h->settings.resolve = NULL; /* lives on in the list */
	if (settings->resolve) {
		h->resolve = curl_slist_append(NULL, settings->resolve);
		failed |= !h->resolve;
	}
	h->curl = curl_easy_init();
	if (failed || !h->curl) {
		http_free(h);
		return ERR_NOMEM;
	}
	*ret = h;
	return OK;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	curl_slist_free_all(h->resolve);
	free((void *)(uintptr_t)h->settings.ca_file);
	free((void *)(uintptr_t)h->settings.unix_socket);
	free((void *)(uintptr_t)h->settings.user_agent);
	free(h);
}

static bool is_cancelled(const struct http *h)
{
	return h->settings.cancelled && h->settings.cancelled(h->settings.ctx);
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
	struct exchange *x = ctx;
	span text = span_of(line, size * count);
	long status = 0;

	answer_add_header(x->answer, text);
	x->error = buf_error(&x->answer->headers_);
	if (x->error != OK)
		return 0;
	if (span_trim(text).len > 0) /* the head ends with an empty line */
		return size * count;
	curl_easy_getinfo(x->http->curl, CURLINFO_RESPONSE_CODE, &status);
	x->answer->status = (int)status;
	if (status >= 300) { /* the caller's ceiling is for what it asked for */
		buf_done(&x->answer->body);
		buf_init(&x->answer->body, ERROR_BODY_MAX);
	}
	if (status >= 200 && status < 300 && !x->head_given && x->rq->on_head) {
		x->head_given = true;
		x->error = x->rq->on_head(x->rq->ctx, x->answer);
		if (x->error != OK)
			return 0;
	}
	return size * count;
}

/*
 * Waits until this much may have arrived. Not left to libcurl: what 7.88 reads in one go from a
 * fast connection goes past its CURLOPT_MAX_RECV_SPEED_LARGE unhindered (seen with 600 kB).
 */
static void keep_pace(const struct exchange *x)
{
	const int64_t step_us = 50 * TIME_MS;
	uint64_t limit = x->rq->max_bytes_per_second;

	while (limit && !is_cancelled(x->http)) {
		double due_us = (double)x->received * (double)TIME_SECOND / (double)limit;
		int64_t ahead_us = (int64_t)due_us - (clock_monotonic_us() - x->started_us);

		if (ahead_us <= 0)
			return;
		(void)nanosleep(&(struct timespec){0, MIN(ahead_us, step_us) * 1000}, NULL);
	}
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
	struct exchange *x = ctx;
	struct http_answer *a = x->answer;
	span text = span_of(bytes, size * count);
	bool good = a->status >= 200 && a->status < 300;

	x->received += text.len;
	keep_pace(x);
	if (good && x->rq->on_body) {
		x->error = x->rq->on_body(x->rq->ctx, text);
		return x->error == OK ? text.len : 0;
	}
	buf_add(&a->body, text);
	if (!good) /* what does not fit of an error's body is dropped */
		return text.len;
	x->error = buf_error(&a->body);
	return x->error == OK ? text.len : 0;
}

static size_t on_read(char *ret, size_t size, size_t count, void *ctx)
{
	struct exchange *x = ctx;
	const struct http_file *f = x->rq->file;
	size_t room = size * count;
	ssize_t n;

	if (!f) {
		span rest = span_from_offset(x->rq->body, x->sent);

		room = MIN(room, rest.len);
		if (room)
			memcpy(ret, rest.ptr, room);
		x->sent += room;
		return room;
	}
	room = (size_t)MIN((uint64_t)room, f->size - x->sent);
	n = room ? pread(f->fd, ret, room, (off_t)(f->offset + x->sent)) : 0;
	if (n < 0 || (n == 0 && room)) { /* cut while we send it */
		x->error = ERR_IO;
		return CURL_READFUNC_ABORT;
	}
	x->sent += (uint64_t)n;
	if (x->rq->on_sent)
		x->rq->on_sent(x->rq->ctx, x->sent);
	return (size_t)n;
}

/* libcurl rewinds when a reused connection turns out to be dead. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
	struct exchange *x = ctx;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	x->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct exchange *x = ctx;

	(void)a, (void)b, (void)c, (void)d; /* only the chance to say stop is wanted */
	return is_cancelled(x->http);
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct exchange *x = ctx;

	if (purpose == CURLSOCKTYPE_IPCXN &&
		!x->http->settings.permit(x->http->settings.ctx, &address->addr)) {
		x->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_connection(struct http *h, struct exchange *x)
{
	const struct http_settings *s = &h->settings;
	CURL *c = h->curl;
	int64_t connect_us = s->connect_timeout_us ? s->connect_timeout_us : CONNECT_TIMEOUT_US;
	int64_t stall_us = s->stall_timeout_us ? s->stall_timeout_us : STALL_TIMEOUT_US;

	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, s->plain ? "https,http" : "https");
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_us / TIME_MS));
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)MAX(stall_us / TIME_SECOND, 1));
	curl_easy_setopt(c, CURLOPT_USERAGENT, s->user_agent);
	if (s->ca_file) {
		curl_easy_setopt(c, CURLOPT_CAINFO, s->ca_file);
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	}
	if (s->unix_socket) {
		curl_easy_setopt(c, CURLOPT_PROXY, "");
		curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, s->unix_socket);
	}
	if (s->permit) {
		curl_easy_setopt(c, CURLOPT_PROXY, "");
		curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
		curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, x);
	}
	if (s->connections)
		curl_easy_setopt(c, CURLOPT_MAXCONNECTS, (long)s->connections);
	if (h->resolve)
		curl_easy_setopt(c, CURLOPT_RESOLVE, h->resolve);
	if (x->rq->timeout_us)
		curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(x->rq->timeout_us / TIME_MS));
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
}

static void set_body(struct http *h, struct exchange *x)
{
	const struct http_request *rq = x->rq;
	CURL *c = h->curl;
	uint64_t size = rq->file ? rq->file->size : rq->body.len;

	if (!rq->file && !rq->body.ptr) {
		if (!strcmp(rq->method, "HEAD"))
			curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
		else if (!strcmp(rq->method, "POST") || !strcmp(rq->method, "PUT") ||
			 !strcmp(rq->method, "PATCH"))
			curl_easy_setopt(c, CURLOPT_POSTFIELDS, ""); /* Content-Length: 0 */
		return;
	}
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(c, CURLOPT_READDATA, x);
	curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(c, CURLOPT_SEEKDATA, x);
}

static bool header_is_safe(span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((uint8_t)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return false;
	return true;
}

static err add_header(struct curl_slist **list, const char *name, span value)
{
	char line[URL_MAX];
	AUTO(buf) out = {0};
	struct curl_slist *longer;

	buf_init_fixed(&out, line, sizeof(line));
	if (!header_is_safe(value))
		return ERR_INVALID;
	/* "Name;" is libcurl's way to send a header without a value. */
	buf_addf(&out, value.len ? "%s: %.*s" : "%s;", name, SPAN_ARG(value));
	if (buf_error(&out) != OK)
		return ERR_TOO_LARGE;
	longer = curl_slist_append(*list, line);
	wipe(line, sizeof(line)); /* may be a credential */
	if (!longer)
		return ERR_NOMEM;
	*list = longer;
	return OK;
}

/* libcurl would call an empty body a form. */
static struct curl_slist *without_content_type(struct curl_slist *list)
{
	struct curl_slist *longer = curl_slist_append(list, "Content-Type:");

	return longer ? longer : list;
}

static err make_headers(const struct http_request *rq, struct curl_slist **ret)
{
	struct curl_slist *list = NULL;
	err e = rq->headers_count > HEADERS_MAX ? ERR_INVALID : OK;

	for (size_t i = 0; e == OK && i < rq->headers_count; i++)
		e = add_header(&list, rq->headers[i].name, rq->headers[i].value);
	if (e == OK && rq->content_type)
		e = add_header(&list, "Content-Type", span_from(rq->content_type));
	else if (e == OK)
		list = without_content_type(list);
	if (e != OK) {
		curl_slist_free_all(list);
		return e;
	}
	*ret = list;
	return OK;
}

static bool was_connected(const struct http *h)
{
	const char *address = NULL;

	return curl_easy_getinfo(h->curl, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address &&
	       *address;
}

/* Our words for libcurl's failure, with libcurl's own behind them. */
static err transport_failure(struct exchange *x, CURLcode code, const char *words)
{
	struct http_answer *a = x->answer;
	const char *why = *words ? words : curl_easy_strerror(code);

	a->status = 0;
	if (code == CURLE_UNSUPPORTED_PROTOCOL && was_connected(x->http))
		code = CURLE_WEIRD_SERVER_REPLY; /* libcurl's word for an answer that is not HTTP */
	if (x->refused) {
		answer_set_problem(
			a, "address_refused", "Requests to this network address are not permitted");
		return ERR_DENIED;
	}
	switch (code) {
	case CURLE_ABORTED_BY_CALLBACK:
		answer_set_problem(a, "cancelled", "Cancelled");
		return ERR_CANCELLED;
	case CURLE_OUT_OF_MEMORY:
		answer_set_problem(a, "nomem", "Out of memory");
		return ERR_NOMEM;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		answer_set_problem(a, "url", "The URL cannot be used: %s", why);
		return ERR_INVALID;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		answer_set_problem(
			a, "certificate", "The server's certificate is not trusted: %s", why);
		return ERR_UNAVAILABLE;
	case CURLE_SSL_CONNECT_ERROR:
		answer_set_problem(a, "tls", "No secure connection: %s", why);
		return ERR_UNAVAILABLE;
	case CURLE_OPERATION_TIMEDOUT:
		answer_set_problem(a, "timeout", "The server does not answer in time: %s", why);
		return ERR_UNAVAILABLE;
	default:
		answer_set_problem(a, "network", "The server cannot be reached: %s", why);
		return ERR_UNAVAILABLE;
	}
}

static err callback_failure(struct exchange *x)
{
	if (x->error == ERR_TOO_LARGE && !x->rq->on_body)
		answer_set_problem(x->answer, "answer_too_large", "The answer is too large");
	else
		answer_set_problem(x->answer, err_name(x->error), "%s", err_title(x->error));
	return x->error;
}

static err attempt(
	struct http *h, const struct http_request *rq, const char *url, struct http_answer *a)
{
	struct exchange x = {.http = h, .rq = rq, .answer = a};
	struct curl_slist *headers = NULL;
	char words[CURL_ERROR_SIZE] = "";
	CURLcode code;
	err e;

	answer_clear(a, rq->answer_max ? rq->answer_max : ANSWER_MAX);
	e = make_headers(rq, &headers);
	if (e != OK) {
		answer_set_problem(a, "header", "A header cannot be sent: %s", err_title(e));
		return e;
	}
	curl_easy_reset(h->curl);
	set_connection(h, &x);
	set_body(h, &x);
	curl_easy_setopt(h->curl, CURLOPT_URL, url);
	curl_easy_setopt(h->curl, CURLOPT_CUSTOMREQUEST, rq->method);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, words);
	x.started_us = clock_monotonic_us();
	code = curl_easy_perform(h->curl);
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, NULL);
	curl_slist_free_all(headers);
	if (x.error != OK)
		return callback_failure(&x);
	if (code != CURLE_OK)
		return transport_failure(&x, code, words);
	if (a->status == 304)
		return OK;
	e = err_from_http_status(a->status);
	if (e != OK)
		answer_explain(a);
	return e;
}

/* One request with the redirects that are allowed. */
static err follow(struct http *h, const struct http_request *rq, struct http_answer *a)
{
	bool may = !strcmp(rq->method, "GET") || !strcmp(rq->method, "HEAD");
	char url[URL_MAX];
	AUTO(buf) copy = {0};

	buf_init_fixed(&copy, url, sizeof(url));
	buf_add_str(&copy, rq->url);
	if (buf_error(&copy) != OK) {
		answer_set_problem(a, "url", "The URL is too long");
		return ERR_TOO_LARGE;
	}
	for (unsigned hops = 0;; hops++) {
		const char *next = NULL;
		err e = attempt(h, rq, url, a);

		if (a->status < 300 || a->status >= 400 || a->status == 304)
			return e;
		(void)curl_easy_getinfo(h->curl, CURLINFO_REDIRECT_URL, &next);
		if (!may || !next || h->settings.no_redirects || hops == REDIRECTS_MAX ||
			!url_same_origin(url, next)) {
			answer_set_problem(a, "redirect",
				"The server wants to send us elsewhere (HTTP status %d%s%s)",
				a->status, next ? ", " : "", next ? next : "");
			return ERR_UNAVAILABLE;
		}
		buf_clear(&copy);
		buf_add_str(&copy, next);
	}
}

static bool may_repeat(const struct http_request *rq, const struct http_answer *a, err e)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
	static const char *const lasting[] = {"certificate", "tls", "redirect"};
	bool idempotent = rq->idempotent;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		idempotent |= !strcmp(rq->method, methods[i]);
	if (!idempotent || rq->once)
		return false;
	if (a->status)
		return a->status == 429 || (a->status >= 502 && a->status <= 504);
	for (size_t i = 0; i < ARRAY_LEN(lasting); i++)
		if (!strcmp(a->code, lasting[i]))
			return false;
	return e == ERR_UNAVAILABLE;
}

/* Half of the pause is fixed, half is drawn: clients that failed together return apart. */
static int64_t pause_before(unsigned tries, int64_t retry_after_us)
{
	int64_t pause = MIN(FIRST_PAUSE_US << MIN(tries, 10), LONGEST_PAUSE_US);
	int64_t jitter = (int64_t)random_below((uint32_t)(pause / TIME_MS / 2 + 1)) * TIME_MS;

	return MAX(pause / 2, retry_after_us) + jitter;
}

static bool nap(const struct http *h, int64_t us)
{
	int64_t until = clock_monotonic_us() + us;

	while (clock_monotonic_us() < until) {
		struct timespec t = {.tv_nsec = NAP_US * 1000};

		if (is_cancelled(h))
			return false;
		(void)nanosleep(&t, NULL); /* woken early is no harm: the clock decides */
	}
	return true;
}

err http_send(struct http *h, const struct http_request *rq, struct http_answer *a)
{
	unsigned attempts = h->settings.attempts ? h->settings.attempts : ATTEMPTS;
	int64_t longest = h->settings.retry_after_max_us ? h->settings.retry_after_max_us
							 : RETRY_AFTER_MAX_US;

	for (unsigned tries = 1;; tries++) {
		err e = follow(h, rq, a);

		if (e == OK || tries >= attempts || !may_repeat(rq, a, e) ||
			a->retry_after_us > longest)
			return e;
		if (!nap(h, pause_before(tries - 1, a->retry_after_us))) {
			answer_set_problem(a, "cancelled", "Cancelled");
			return ERR_CANCELLED;
		}
	}
}
