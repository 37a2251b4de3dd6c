#ifndef SLIPWAY_API_API_H
#define SLIPWAY_API_API_H

/*
 * The HTTP API: one table of routes (routes.c) that says for each method and path which permission
 * is needed, what the request may contain and what it answers. From the table come dispatch,
 * authentication, validation, limits, and the OpenAPI document; a route without a permission does
 * not start. Handlers live in one file per resource; each reads its validated request, calls one
 * use case of service/, and writes the answer.
 */

#include <jansson.h>

#include "base/json.h"
#include "service/service.h"

#define STRINGS_ELEMENT_MAX 200

enum field_type {
	FIELD_END,
	FIELD_STRING, /* least/most: bytes of UTF-8 */
	FIELD_INT,    /* least/most: value */
	FIELD_BOOL,
	FIELD_TIME,    /* RFC 3339 */
	FIELD_STRINGS, /* array of strings of at most STRINGS_ELEMENT_MAX bytes; least/most:
			  elements */
	FIELD_OBJECT,  /* fields: its members */
	FIELD_OBJECTS, /* array of objects; least/most: elements */
	FIELD_FOREIGN, /* an object that a standard defines for browsers, which may extend it; the
			  handler reads what it knows. least/most: members */
	FIELD_JSON,    /* any JSON value: in answers only */
};

/*
 * A member of a request body, a query parameter, or a member of an answer (schemas.h). Unknown body
 * members are refused; null is accepted for members that are not required and reads as absent,
 * except that request_has() is true: so that PATCH can clear a value. In an answer a member that is
 * not required may be null or absent.
 */
struct field {
	const char *name;
	enum field_type type;
	bool required;
	int64_t least, most;
	const char *choices;        /* space-separated values of a string, or NULL */
	const struct field *fields; /* FIELD_OBJECT(S) */
	const char *help;
};

struct request;
typedef err api_handler(struct request *rq);

/* Receives a body as it arrives instead of as parsed JSON. */
struct body_sink {
	/* Headers are in; may refuse. */
	err (*begin)(struct request *rq);
	err (*write)(struct request *rq, span bytes);
	/*
	 * Called exactly once after begin succeeded, also when the client went away (complete
	 * false). With complete it may write the answer as a handler does.
	 */
	err (*end)(struct request *rq, bool complete);
};

/* Permissions of routes that need none of POLICY_PERMISSIONS. */
#define ALLOW_ANYONE    "anyone"    /* with or without credentials; bad credentials are refused */
#define ALLOW_SIGNED_IN "signed_in" /* any account, device or API key */
#define ALLOW_INTERNAL  "internal"  /* a process of this node on the socket, not through nginx */

/*
 * A caller whose permissions are narrowed (policy.h) is refused by routes that do not say that they
 * keep to it, unless the permission is a personal one.
 */
enum { SCOPE_PRODUCT = 1, SCOPE_ORGANISATION = 2 };

struct route {
	const char *method;     /* "GET" … */
	const char *path;       /* "/api/v1/admin/products/{id}" */
	const char *permission; /* a name of POLICY_PERMISSIONS or ALLOW_…; NULL does not start */
	api_handler *handler;
	/* Ended by FIELD_END, or NULL. Unknown parameters are ignored, known ones may stand once.
	 */
	const struct field *query;
	const struct field *body;     /* JSON object, or NULL: a body is refused */
	const struct body_sink *sink; /* instead of body */
	int status;                   /* of success: 200, 201, 202, 204, 303 */
	const char *summary;          /* one line for the OpenAPI document */
	/* "package": a schema of schemas.c; "package[]": a page of them; with '/': a media type. */
	const char *answer; /* NULL: nothing */
	bool device;        /* device tokens are accepted too (DESIGN section 3) */
	bool step_up;       /* a session must have been proved a short time ago */
	/* How far this route keeps to words that narrow permissions; SCOPE_…, or 0: not at all. */
	unsigned scopes;
	/* The body is form-encoded and errors are those of RFC 6749 (form.c), not problem
	 * documents. */
	bool form;
};

/* One request, owned by the thread of its connection. */
struct request {
	struct task task;
	struct caller caller;
	const struct route *route;
	span method, path;
	span params[4];         /* values of {…} in the path, in order, percent-decoded */
	json_t *body;           /* validated members of body and query, or NULL */
	struct json_writer out; /* the answer */
	struct buf out_text;
	/* Preset to route->status. A failing handler may set 4xx or 5xx to overrule its err's
	 * status. */
	int status;
	void *sink_data;   /* the sink's own */
	void *connection_; /* private to api/server.c */
};

/*
 * Members of the body and query parameters, by name. Absent: empty, 0, false, NULL. Spans and JSON
 * values live as long as the request.
 */
span request_text(struct request *rq, const char *name);
int64_t request_int(struct request *rq, const char *name, int64_t absent);
bool request_bool(struct request *rq, const char *name);
int64_t request_time(struct request *rq, const char *name); /* µs, 0 when absent */
bool request_has(struct request *rq, const char *name);
json_t *request_json(struct request *rq, const char *name);
/*
 * An array of strings as words with one space between, each once. ERR_INVALID for one with a space
 * in it.
 */
err request_words(struct request *rq, const char *name, span *ret) MUST_USE;
/* A request header, empty when absent. Cookie and Authorization are not for handlers. */
span request_header(struct request *rq, const char *name);
/*
 * Adds a header to the answer. Values from outside are checked for control characters: a bad one
 * turns the answer into ERR_BUG. The last value of a name counts, of Set-Cookie that of a cookie.
 * `Cache-Control: no-store` stands unless set otherwise.
 */
void answer_header(struct request *rq, const char *name, span value);
/* More members of the problem document, when the handler goes on to fail. */
void problem_text(struct request *rq, const char *name, span value);
void problem_words(struct request *rq, const char *name, span words);
/* Instead of JSON: the answer's body as it is, of this type. */
void answer_text(struct request *rq, const char *content_type, span text);

/*
 * Instead of JSON: a body of any length, in pieces. After the handler, `next` is called for one
 * after the other, each into an emptied out of at most ANSWER_PIECE_MAX bytes, until it sets
 * *ret_end. An error cuts the connection, so that the client sees that something is missing. data
 * lives as long as the request.
 */
#define ANSWER_PIECE_MAX (16 << 20)
typedef err answer_piece(struct request *rq, void *data, struct buf *out, bool *ret_end);
void answer_pieces(struct request *rq, const char *content_type, answer_piece *next, void *data);

/*
 * Cursor paging for lists: `limit` (1–200, default 50) and `cursor` of the query; a page ends with
 * `next_cursor` when there is more. The cursor is the last id, opaque to clients.
 */
#define PAGE_QUERY                                                                                 \
	{"limit", FIELD_INT, false, 1, 200, NULL, NULL, "Entries per page"},                       \
	{                                                                                          \
		"cursor", FIELD_STRING, false, 0, 128, NULL, NULL, "Where the page before ended"   \
	}
int64_t page_limit(struct request *rq);
span page_cursor(struct request *rq);
/* A time member, null for 0; words as an array of strings. */
void answer_time(struct request *rq, const char *name, int64_t time_us);
void answer_words(struct request *rq, const char *name, span words);
/* A text member, null when empty. */
void answer_text_or_null(struct request *rq, const char *name, span text);
/* Writes {"items":[ … ],"next_cursor":…}; next is empty on the last page. */
void page_begin(struct request *rq);
void page_end(struct request *rq, span next);

extern const struct route routes[];
extern const size_t routes_count;

/*
 * The HTTP server on a unix socket (libmicrohttpd, one bounded thread per connection). Keeps
 * service. ERR_INVALID when a row of the table is not complete; the log says which. Gives.
 */
struct api_server;
err api_server_start(
	struct service *service, const char *socket_path, struct api_server **ret) MUST_USE;
/* Stops taking requests, lets running ones finish (at most timeout_us), frees. Accepts NULL. */
void api_server_stop(struct api_server *s, int64_t timeout_us);

#endif
