#ifndef SLIPWAY_NET_FOREIGN_H
#define SLIPWAY_NET_FOREIGN_H

/*
 * The client for URLs that others chose: an identity provider's documents and keys, webhooks. Such
 * a URL must not become a way into our own network (server-side request forgery):
 *
 *   - https only, certificate verified, TLS 1.2 or newer, no proxy;
 *   - the address that is connected to, after the name was resolved, must be public or in
 *     `allowed`; a name that resolves differently the second time gains nothing;
 *   - redirects are refused, not followed;
 *   - time, body and head of the answer have ceilings; answers are not decompressed.
 *
 * Thread-safe: at most FOREIGN_CLIENTS requests at once; FOREIGN_WAITING more wait for a moment
 * (then ERR_BUSY), the rest is ERR_BUSY at once.
 */

#include "net/http.h"

#define FOREIGN_CLIENTS   8
#define FOREIGN_WAITING   8
#define FOREIGN_URL_MAX   2048
#define FOREIGN_BODY_MAX  (256 * 1024)
#define FOREIGN_TIME_US   (10 * INT64_C(1000000))
#define FOREIGN_KEPT_OPEN 4 /* connections kept open by each client */

struct foreign_settings {
	/* Networks that may be asked though they are not public, as networks_parse() reads them. */
	span allowed;
	/* Loopback addresses may be asked, there also by http://. For tests and development. */
	bool insecure_loopback;
	const char *ca_file; /* PEM, instead of the system's authorities; NULL or "": those */
	/* For tests: "HOST:PORT:ADDRESS" is taken instead of what the name resolves to. */
	const char *resolve;
};

struct foreign;

/* Copies the settings. ERR_INVALID (allowed), ERR_NOT_FOUND (ca_file), ERR_NOMEM. Gives. */
err foreign_new(const struct foreign_settings *settings, struct foreign **ret) MUST_USE;
void foreign_free(struct foreign *f); /* accepts NULL; no request may be running */
DEFINE_AUTO_PTR(foreign)

struct foreign_request {
	const char *url;
	const struct http_header *headers;
	size_t headers_count;
	/* ptr NULL: a GET; else a POST of this body, sent once. */
	span body;
	const char *content_type; /* of body; NULL: application/x-www-form-urlencoded */
	/*
	 * HTTP Basic (RFC 7617); NULL: none. An OAuth client percent-encodes both before (RFC 6749,
	 * 2.3.1).
	 */
	const char *user, *password;
	size_t body_max; /* 0: FOREIGN_BODY_MAX */
	int64_t time_us; /* all together; 0: FOREIGN_TIME_US */
};

/*
 * Sends and receives, as http_send(). Besides its codes, a->code is "url" (ERR_INVALID: not a URL
 * that may be asked), "address_refused" (ERR_DENIED), "redirect", "timeout", "answer_too_large".
 * a->body holds the body of an error answer too (at most 256 KiB).
 */
err foreign_send(
	struct foreign *f, const struct foreign_request *rq, struct http_answer *a) MUST_USE;

/*
 * Whether url has the form of one that may be asked: for checking it when it is configured. NULL
 * when it has, else why not ("must begin with https://").
 */
const char *foreign_url_problem(const struct foreign *f, const char *url);

#endif
