/* API keys: everybody's for administrators, and one's own. */
#include "api/handlers.h"

#include "service/api_keys.h"
#include "service/roles.h"

#include "base/banned.h"

static void write_key(struct request *rq, const struct api_key *k)
{
	span names, products;
	bool ignored;

	permissions_split(rq->task.arena, k->permissions, &names, &products, &ignored);
	json_str(&rq->out, "id", k->id);
	json_str(&rq->out, "public_id", k->public_id);
	json_str(&rq->out, "account_id", k->account);
	json_str(&rq->out, "owner", k->owner_email);
	answer_text_or_null(rq, "parent_id", k->parent);
	json_str(&rq->out, "name", k->name);
	answer_words(rq, "permissions", names);
	answer_words(rq, "products", products);
	answer_words(rq, "addresses", k->addresses);
	json_time(&rq->out, "created_at", k->created_at_us);
	answer_time(rq, "expires_at", k->expires_at_us);
	answer_time(rq, "revoked_at", k->revoked_at_us);
	answer_time(rq, "last_used_at", k->last_used_at_us);
	answer_time(rq, "previous_until",
		k->previous_until_us > rq->task.now_us ? k->previous_until_us : 0);
}

/* With the key itself, this once. */
static err answer_new(struct request *rq, const struct api_key *k, span text)
{
	json_begin_object(&rq->out, NULL);
	write_key(rq, k);
	json_str(&rq->out, "key", text);
	json_end(&rq->out);
	return OK;
}

err post_key(struct request *rq)
{
	struct new_api_key n = {
		.name = request_text(rq, "name"), .expires_at_us = request_time(rq, "expires_at")};
	struct api_key key;
	span text;
	err e = request_words(rq, "permissions", &n.permissions);

	if (!e)
		e = request_words(rq, "products", &n.products);
	if (!e)
		e = request_words(rq, "addresses", &n.addresses);
	if (!e)
		e = api_key_create(&rq->task, &n, &key, &text);
	return e ? e : answer_new(rq, &key, text);
}

static err rotate(struct request *rq, bool own)
{
	struct api_key key;
	span text;
	err e = api_key_renew(&rq->task, own, rq->params[0], request_time(rq, "previous_until"),
		request_time(rq, "expires_at"), &key, &text);

	return e ? e : answer_new(rq, &key, text);
}

err rotate_key(struct request *rq)
{
	return rotate(rq, false);
}

err rotate_own_key(struct request *rq)
{
	return rotate(rq, true);
}

static err list(struct request *rq, bool own)
{
	size_t limit = (size_t)page_limit(rq), count;
	struct api_key *keys;
	err e = api_key_page(&rq->task, own, page_cursor(rq), limit + 1, &keys, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(count, limit); i++) {
		json_begin_object(&rq->out, NULL);
		write_key(rq, &keys[i]);
		json_end(&rq->out);
	}
	page_end(rq, count > limit ? keys[limit - 1].id : SPAN_EMPTY);
	return OK;
}

err list_keys(struct request *rq)
{
	return list(rq, false);
}

err list_own_keys(struct request *rq)
{
	return list(rq, true);
}

err delete_key(struct request *rq)
{
	return api_key_remove(&rq->task, false, rq->params[0]);
}

err delete_own_key(struct request *rq)
{
	return api_key_remove(&rq->task, true, rq->params[0]);
}
