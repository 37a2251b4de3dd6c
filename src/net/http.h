#ifndef SLIPWAY_NET_HTTP_H
#define SLIPWAY_NET_HTTP_H

/*
 * A small HTTP client over libcurl: one request, one answer, and when it fails the words why. TLS
 * 1.2 or newer, certificates always checked. Redirects are followed to the same scheme, host and
 * port only, and only for GET and HEAD: credentials never travel anywhere else. The head of an
 * answer has at most 64 KiB.
 *
 * Requests that may be repeated (GET, HEAD, PUT, DELETE, OPTIONS, or `idempotent`) are tried again
 * after a lost connection and after 429, 502, 503 and 504, with growing, jittered pauses; the
 * server's Retry-After is kept to.
 *
 * A client keeps its connections open; one thread at a time.
 */

#include "base/buf.h"

struct sockaddr;

struct http_settings {
	const char *ca_file;     /* PEM, trusted instead of the system's authorities; NULL: those */
	const char *user_agent;  /* NULL: "slipway" */
	bool plain;              /* http:// URLs are accepted too */
	const char *unix_socket; /* connect to this instead of the URL's host; NULL: no */
	int64_t connect_timeout_us; /* 0: 10 s */
	int64_t stall_timeout_us;   /* without a byte either way; 0: 30 s */
	unsigned attempts;          /* of a request that may be repeated; 0: 4 */
	int64_t retry_after_max_us; /* a server that wants us to wait longer: fail; 0: 60 s */
	/* Asked often; true ends what is going on with ERR_CANCELLED. May be NULL. */
	bool (*cancelled)(void *ctx);
	/*
	 * Asked before each connection with the address the name resolved to; false refuses it with
	 * ERR_DENIED. The place for a guard against requests into private networks: it sees what is
	 * connected to, so a name that resolves differently the second time does not slip through.
	 * Proxies of the environment are not used while it is set. May be NULL.
	 */
	bool (*permit)(void *ctx, const struct sockaddr *address);
	bool no_redirects;    /* not even at home */
	unsigned connections; /* kept open at most; 0: 5 */
	const char *resolve;  /* "HOST:PORT:ADDRESS" instead of asking the resolver; NULL: no */
	void *ctx;
};

struct http;

/* Copies the settings' strings, keeps ctx. ERR_NOMEM, ERR_NOT_FOUND for a missing CA file. Gives.
 */
err http_new(const struct http_settings *settings, struct http **ret) MUST_USE;
void http_free(struct http *h); /* accepts NULL */
DEFINE_AUTO_PTR(http)

struct http_header {
	const char *name;
	span value; /* refused with ERR_INVALID when it has control characters */
};

/* A part of an open file as request body. */
struct http_file {
	int fd;
	uint64_t offset, size;
};

struct http_answer;

struct http_request {
	const char *method; /* "GET" … */
	const char *url;
	const struct http_header *headers;
	size_t headers_count;
	const char *content_type;
	span body;                     /* ptr NULL: none */
	const struct http_file *file;  /* instead of body */
	bool once;                     /* never repeated */
	bool idempotent;               /* a POST or PATCH that may be repeated */
	size_t answer_max;             /* ceiling of answer->body; 0: 1 MiB */
	int64_t timeout_us;            /* of each attempt, from resolving to the end; 0: none */
	uint64_t max_bytes_per_second; /* of the answer; 0: no limit */
	/*
	 * The body of a 2xx answer piece by piece, instead of in answer->body. Any error ends the
	 * request with it. on_head comes first, once per attempt that is answered with 2xx.
	 */
	err (*on_head)(void *ctx, const struct http_answer *answer);
	err (*on_body)(void *ctx, span bytes);
	/* Bytes of the request body handed to the network so far. */
	void (*on_sent)(void *ctx, uint64_t bytes);
	void *ctx;
};

#define HTTP_CODE_SIZE       64
#define HTTP_REQUEST_ID_SIZE 128

struct http_answer {
	int status; /* 0: there was none */
	struct buf body;
	struct buf headers_;
	/* Why it failed: from the problem document (RFC 9457) or in our own words. */
	char code[HTTP_CODE_SIZE]; /* "version_exists"; "network", "timeout", "certificate" … */
	char request_id[HTTP_REQUEST_ID_SIZE];
	struct buf detail;
	int64_t retry_after_us; /* what the server asked for; 0: nothing */
};

void http_answer_init(struct http_answer *a);
void http_answer_done(struct http_answer *a); /* accepts a zeroed struct */

/*
 * Sends and receives. OK for 2xx and 304; else an error with code and detail set in *a: the error
 * of the status (err_from_http_status), or ERR_UNAVAILABLE when there was no answer. a must be
 * initialised and is overwritten.
 */
err http_send(struct http *h, const struct http_request *rq, struct http_answer *a) MUST_USE;

/* Value of a header of the answer (case-insensitive name, the first of several), or empty. */
span http_answer_header(const struct http_answer *a, const char *name);

#endif
