/* The keys that sign tokens, administered. */
#include "api/handlers.h"

#include "service/signing_keys.h"

#include "base/banned.h"

static void write_signing_key(struct request *rq, const struct signing_key_view *v)
{
	json_begin_object(&rq->out, NULL);
	json_cstr(&rq->out, "kid", v->key.kid);
	json_cstr(&rq->out, "kind", signing_key_kind_name(v->key.kind));
	json_cstr(&rq->out, "state", signing_key_state_name(v->state));
	answer_text_or_null(rq, "pkcs11_uri", span_from(v->key.pkcs11_uri));
	json_time(&rq->out, "created_at", v->key.created_at_us);
	json_time(&rq->out, "active_at", v->key.active_at_us);
	answer_time(rq, "accepted_until", v->accepted_until_us);
	json_end(&rq->out);
}

/* All of them: there are never many. */
err list_signing_keys(struct request *rq)
{
	struct signing_key_view *list;
	size_t count;
	err e = signing_keys_list(&rq->task, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < count; i++)
		write_signing_key(rq, &list[i]);
	page_end(rq, SPAN_EMPTY);
	return OK;
}

err post_signing_key(struct request *rq)
{
	struct signing_key_view v;
	struct rotation_wish w = {
		.soon = request_bool(rq, "soon"), .pkcs11_uri = request_text(rq, "pkcs11_uri")};

	if (!signing_key_kind(request_text(rq, "kind"), &w.kind))
		return ERR_BUG; /* the route's table names the kinds */
	err e = signing_key_rotate(&rq->task, &w, &v);

	if (!e)
		write_signing_key(rq, &v);
	return e;
}

err delete_signing_key(struct request *rq)
{
	return signing_key_revoke(&rq->task, rq->params[0]);
}
