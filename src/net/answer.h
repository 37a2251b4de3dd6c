#ifndef SLIPWAY_NET_ANSWER_H
#define SLIPWAY_NET_ANSWER_H

/* The parts of an answer that need no network; private to net/. */

#include "net/http.h"

/* Empties everything, for another attempt whose body may have so many bytes. */
void answer_clear(struct http_answer *a, size_t body_max);
/* A line of the answer's head, as it came. A new status line forgets what was before. */
void answer_add_header(struct http_answer *a, span line);
/* Sets code, detail, request_id and retry_after_us of an answer that is no success. */
void answer_explain(struct http_answer *a);
void answer_set_problem(struct http_answer *a, const char *code, const char *format, ...)
	PRINTF_LIKE(3, 4);

#endif
