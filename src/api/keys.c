/* API keys, administered. */
#include "api/handlers.h"

#include "service/api_keys.h"
#include "token/token.h"

#include "base/banned.h"

static void write_key(struct request *rq, const struct api_key *k)
{
	json_str(&rq->out, "id", k->id);
	json_str(&rq->out, "public_id", k->public_id);
	json_str(&rq->out, "account_id", k->account);
	json_str(&rq->out, "name", k->name);
	answer_words(rq, "permissions", k->permissions);
	json_time(&rq->out, "created_at", k->created_at_us);
	answer_time(rq, "expires_at", k->expires_at_us);
	answer_time(rq, "revoked_at", k->revoked_at_us);
	answer_time(rq, "last_used_at", k->last_used_at_us);
}

/* The array as space-separated words, each once. */
static span permissions_of(struct request *rq)
{
	size_t i;
	json_t *element;
	AUTO(buf) words = {0};

	buf_init(&words, TOKEN_DECODED_MAX);
	json_array_foreach(request_json(rq, "permissions"), i, element)
	{
		span word = span_of(json_string_value(element), json_string_length(element));

		if (!token_list_has(buf_span(&words), word))
			buf_addf(&words, "%s%.*s", i ? " " : "", SPAN_ARG(word));
	}
	return arena_span(rq->task.arena, buf_span(&words));
}

err post_key(struct request *rq)
{
	struct new_api_key n = {.name = request_text(rq, "name"),
		.permissions = permissions_of(rq),
		.expires_at_us = request_time(rq, "expires_at")};
	struct api_key key;
	span text;
	err e = api_key_create(&rq->task, &n, &key, &text);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	write_key(rq, &key);
	json_str(&rq->out, "key", text);
	json_end(&rq->out);
	return OK;
}

err list_keys(struct request *rq)
{
	size_t limit = (size_t)page_limit(rq), count;
	struct api_key *list;
	err e = api_key_page(&rq->task, page_cursor(rq), limit + 1, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(count, limit); i++) {
		json_begin_object(&rq->out, NULL);
		write_key(rq, &list[i]);
		json_end(&rq->out);
	}
	page_end(rq, count > limit ? list[limit - 1].id : SPAN_EMPTY);
	return OK;
}

err delete_key(struct request *rq)
{
	return api_key_remove(&rq->task, rq->params[0]);
}
