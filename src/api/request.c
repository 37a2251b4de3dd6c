/* What handlers read from a request and write to an answer. */
#include <string.h>

#include "api/exchange.h"

#include "base/time.h"
#include "token/token.h"

#include "base/banned.h"

#define ANSWER_HEADER_MAX 2000
#define PAGE_DEFAULT      50
#define WORDS_MAX         3072

static struct exchange *exchange_of(struct request *rq)
{
	return rq->connection_;
}

json_t *request_json(struct request *rq, const char *name)
{
	json_t *value = json_object_get(rq->body, name);

	return json_is_null(value) ? NULL : value;
}

err request_words(struct request *rq, const char *name, span *ret)
{
	AUTO(buf) words = {0};
	json_t *element;
	size_t i;

	buf_init(&words, WORDS_MAX);
	json_array_foreach(request_json(rq, name), i, element)
	{
		span word = span_of(json_string_value(element), json_string_length(element));

		if (span_find(word, ' ') < word.len)
			return fail(&rq->task, ERR_INVALID, "invalid_member",
				"'%s' has strings without spaces.", name);
		if (!token_list_has(buf_span(&words), word))
			buf_addf(&words, "%s%.*s", buf_len(&words) ? " " : "", SPAN_ARG(word));
	}
	if (buf_error(&words))
		return fail(&rq->task, ERR_INVALID, "invalid_member", "'%s' is too long.", name);
	*ret = arena_span(rq->task.arena, buf_span(&words));
	return OK;
}

bool request_has(struct request *rq, const char *name)
{
	return json_object_get(rq->body, name) != NULL;
}

span request_text(struct request *rq, const char *name)
{
	const json_t *value = json_object_get(rq->body, name);

	return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
				     : SPAN_EMPTY;
}

int64_t request_int(struct request *rq, const char *name, int64_t absent)
{
	const json_t *value = json_object_get(rq->body, name);

	return json_is_integer(value) ? json_integer_value(value) : absent;
}

bool request_bool(struct request *rq, const char *name)
{
	return json_is_true(json_object_get(rq->body, name));
}

int64_t request_time(struct request *rq, const char *name)
{
	int64_t t = 0;

	/* Validated before; absent reads as 0. */
	return time_parse(request_text(rq, name), &t) ? 0 : t;
}

span request_header(struct request *rq, const char *name)
{
	const char *value = NULL;
	size_t len = 0;

	if (MHD_lookup_connection_value_n(exchange_of(rq)->connection, MHD_HEADER_KIND, name,
		    strlen(name), &value, &len) != MHD_YES ||
		!value)
		return SPAN_EMPTY;
	return span_of(value, len);
}

static bool header_value_is_clean(span value)
{
	if (value.len > ANSWER_HEADER_MAX)
		return false;
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.ptr[i] < 0x20 || value.ptr[i] == 0x7f)
			return false;
	return true;
}

/* Headers stand once; of Set-Cookie each cookie does (RFC 6265, 4.1.1). */
static bool takes_place_of(const struct answer_header *h, span name, span value)
{
	span one, other, old = span_from(h->value);

	if (!span_eq_nocase(span_from(h->name), name))
		return false;
	if (!span_eq_nocase(name, SPAN("Set-Cookie")))
		return true;
	return span_cut(&old, '=', &one) && span_cut(&value, '=', &other) && span_eq(one, other);
}

void answer_header(struct request *rq, const char *name, span value)
{
	struct exchange *x = exchange_of(rq);
	struct answer_header *h;

	/* A line break in a value would let its author write headers of his own. */
	if (!header_value_is_clean(value)) {
		rq->task.log = arena_printf(rq->task.arena, "bad value for the header %s", name);
		buf_fail(&rq->out_text, ERR_BUG);
		return;
	}
	for (h = x->headers; h; h = h->next)
		if (takes_place_of(h, span_from(name), value))
			break;
	if (!h) {
		h = arena_alloc(rq->task.arena, sizeof(*h));
		h->next = x->headers;
		x->headers = h;
	}
	h->name = arena_strdup(rq->task.arena, name);
	h->value = arena_str(rq->task.arena, value);
}

static void add_problem_member(struct request *rq, const char *name, span value, bool words)
{
	struct exchange *x = exchange_of(rq);
	struct problem_member *m = arena_alloc(rq->task.arena, sizeof(*m));

	*m = (struct problem_member){x->problem_members, name, value, words};
	x->problem_members = m;
}

void problem_text(struct request *rq, const char *name, span value)
{
	add_problem_member(rq, name, value, false);
}

void problem_words(struct request *rq, const char *name, span words)
{
	add_problem_member(rq, name, words, true);
}

void answer_text(struct request *rq, const char *content_type, span text)
{
	exchange_of(rq)->content_type = arena_strdup(rq->task.arena, content_type);
	buf_clear(&rq->out_text);
	buf_add(&rq->out_text, text);
}

void answer_pieces(struct request *rq, const char *content_type, answer_piece *next, void *data)
{
	struct exchange *x = exchange_of(rq);

	x->content_type = content_type;
	x->next_piece = next;
	x->pieces_data = data;
}

int64_t page_limit(struct request *rq)
{
	return request_int(rq, "limit", PAGE_DEFAULT);
}

span page_cursor(struct request *rq)
{
	return request_text(rq, "cursor");
}

void page_begin(struct request *rq)
{
	json_begin_object(&rq->out, NULL);
	json_begin_array(&rq->out, "items");
}

void page_end(struct request *rq, span next)
{
	json_end(&rq->out);
	if (next.len)
		json_str(&rq->out, "next_cursor", next);
	else
		json_nil(&rq->out, "next_cursor");
	json_end(&rq->out);
}

void answer_time(struct request *rq, const char *name, int64_t time_us)
{
	if (time_us)
		json_time(&rq->out, name, time_us);
	else
		json_nil(&rq->out, name);
}

void answer_text_or_null(struct request *rq, const char *name, span text)
{
	if (text.len)
		json_str(&rq->out, name, text);
	else
		json_nil(&rq->out, name);
}

void answer_words(struct request *rq, const char *name, span words)
{
	span word;

	json_begin_array(&rq->out, name);
	while (span_cut(&words, ' ', &word))
		if (word.len)
			json_str(&rq->out, NULL, word);
	json_end(&rq->out);
}
