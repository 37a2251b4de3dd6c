/* Products and the keys of their publishers. */
#include "api/handlers.h"

#include "service/products.h"

#include "base/banned.h"

static void write_product(struct request *rq, const struct product *p)
{
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "id", p->id);
	json_str(&rq->out, "name", p->name);
	json_str(&rq->out, "title", p->title);
	json_str(&rq->out, "description", p->description);
	answer_words(rq, "countries_denied", p->countries_denied);
	answer_words(rq, "countries_allowed", p->countries_allowed);
	json_time(&rq->out, "created_at", p->created_at);
	json_end(&rq->out);
}

err post_product(struct request *rq)
{
	struct product_input in = {
		.name = request_text(rq, "name"),
		.title = request_text(rq, "title"),
		.description = request_text(rq, "description"),
	};
	struct product p;
	err e = request_words(rq, "countries_denied", &in.countries_denied);

	if (!e)
		e = request_words(rq, "countries_allowed", &in.countries_allowed);
	if (!e)
		e = product_create(&rq->task, &in, &p);
	if (!e)
		write_product(rq, &p);
	return e;
}

err list_products(struct request *rq)
{
	int64_t limit = page_limit(rq);
	struct product_list list;
	err e = product_page_of(&rq->task, page_cursor(rq), limit + 1, &list);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(list.count, (size_t)limit); i++)
		write_product(rq, &list.items[i]);
	page_end(rq, list.count > (size_t)limit ? list.items[limit - 1].id : SPAN_EMPTY);
	return OK;
}

err get_product(struct request *rq)
{
	struct product p;
	err e = product_show(&rq->task, rq->params[0], &p);

	if (!e)
		write_product(rq, &p);
	return e;
}

err patch_product(struct request *rq)
{
	span title = request_text(rq, "title"), description = request_text(rq, "description");
	span denied, allowed;
	struct product p;
	err e = request_words(rq, "countries_denied", &denied);

	if (!e)
		e = request_words(rq, "countries_allowed", &allowed);
	if (e)
		return e;
	struct product_change c = {
		.title = request_has(rq, "title") ? &title : NULL,
		.description = request_has(rq, "description") ? &description : NULL,
		.countries_denied = request_has(rq, "countries_denied") ? &denied : NULL,
		.countries_allowed = request_has(rq, "countries_allowed") ? &allowed : NULL,
	};

	e = product_edit(&rq->task, rq->params[0], &c, &p);
	if (!e)
		write_product(rq, &p);
	return e;
}

static void write_key(struct request *rq, const struct publisher_key *k)
{
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "id", k->id);
	json_str(&rq->out, "product_id", k->product_id);
	json_str(&rq->out, "key_id", k->key_id);
	json_str(&rq->out, "public_key", k->public_key);
	json_time(&rq->out, "created_at", k->created_at);
	json_end(&rq->out);
}

err post_publisher_key(struct request *rq)
{
	struct publisher_key k;
	err e = publisher_key_create(&rq->task, rq->params[0], request_text(rq, "public_key"), &k);

	if (!e)
		write_key(rq, &k);
	return e;
}

/* All of them: a product has few. */
err list_publisher_keys(struct request *rq)
{
	struct publisher_key_list list;
	err e = publisher_keys_show(&rq->task, rq->params[0], &list);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < list.count; i++)
		write_key(rq, &list.items[i]);
	page_end(rq, SPAN_EMPTY);
	return OK;
}

err delete_publisher_key(struct request *rq)
{
	return publisher_key_remove_from(&rq->task, rq->params[0], rq->params[1]);
}
