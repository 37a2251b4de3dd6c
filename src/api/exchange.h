#ifndef SLIPWAY_API_EXCHANGE_H
#define SLIPWAY_API_EXCHANGE_H

/*
 * One request and its answer, from the header to the last byte sent; all on the thread of its
 * connection. Private to api/: handlers see only its `rq`.
 *
 *   exchange_open     headers are in: route, authenticate, permit, read the query, open the sink
 *   exchange_receive  a piece of the body (0 or more times)
 *   exchange_finish   the body is complete: validate, run the handler
 *   exchange_send     queue the answer
 *   exchange_close    after the last byte, or when the client went away: log, count, free
 */

#include <microhttpd.h>

#include "api/api.h"

struct answer_header {
	struct answer_header *next;
	const char *name, *value;
};

struct problem_member {
	struct problem_member *next;
	const char *name;
	span value;
	bool words; /* an array of strings */
};

struct exchange {
	struct request rq;
	struct MHD_Connection *connection;
	int64_t started_us; /* monotonic */
	err outcome;        /* the first failure; decided before the handler runs or by it */
	bool has_body, body_is_long, body_is_streamed, decided_early, sink_is_open, sent,
		presented_credentials;
	struct buf body;
	struct answer_header *headers;
	struct problem_member *problem_members;
	/* An answer in pieces: the one being sent, how much of it is, whether it is the last. */
	answer_piece *next_piece;
	void *pieces_data;
	struct buf piece;
	size_t piece_sent;
	bool pieces_end;
	const char *content_type; /* NULL: JSON, or a problem document */
	const char *bearer_error; /* error of WWW-Authenticate, when credentials were presented */
};

struct exchange *exchange_open(struct service *service, struct MHD_Connection *connection,
	const char *method, const char *path);
/* True when the answer stood with the header, and waiting for the body would be a waste. */
bool exchange_is_decided(const struct exchange *x);
void exchange_receive(struct exchange *x, span bytes);
void exchange_finish(struct exchange *x);
enum MHD_Result exchange_send(struct exchange *x, bool last_of_connection);
void exchange_close(struct exchange *x);

/* Replaces whatever was written so far by the problem document of x->outcome (problem.c). */
void problem_write(struct exchange *x);
int problem_status(const struct exchange *x);

#endif
