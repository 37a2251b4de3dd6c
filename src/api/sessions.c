/* One's own sessions and password; sessions of other accounts. */
#include "service/sessions.h"

#include "api/handlers.h"
#include "api/write_account.h"

#include "base/banned.h"

static void write_session(struct request *rq, const struct session *s)
{
	struct json_writer *w = &rq->out;

	json_begin_object(w, NULL);
	json_str(w, "id", s->id);
	json_bool(w, "current", span_eq(s->id, rq->caller.session));
	json_cstr(w, "transport", s->cookie ? "cookie" : "token");
	json_str(w, "client_id", s->client_id);
	answer_words(rq, "methods", s->methods);
	answer_text_or_null(rq, "user_agent", s->user_agent);
	answer_text_or_null(rq, "ip_prefix", s->ip_prefix);
	answer_text_or_null(rq, "device_id", s->device);
	answer_time(rq, "created_at", s->created_at_us);
	answer_time(rq, "last_used_at", s->last_used_at_us);
	answer_time(rq, "expires_at", s->expires_at_us);
	json_end(w);
}

/* list has one more than fits the page when there is another page. */
static void write_sessions(struct request *rq, const struct session *list, size_t count)
{
	size_t limit = (size_t)page_limit(rq);

	page_begin(rq);
	for (size_t i = 0; i < MIN(count, limit); i++)
		write_session(rq, &list[i]);
	page_end(rq, count > limit ? list[limit - 1].id : SPAN_EMPTY);
}

err list_own_sessions(struct request *rq)
{
	struct session *list;
	size_t count;
	err e = sessions_own(&rq->task, page_cursor(rq), (size_t)page_limit(rq) + 1, &list, &count);

	if (!e)
		write_sessions(rq, list, count);
	return e;
}

err delete_own_session(struct request *rq)
{
	return session_end_own(&rq->task, rq->params[0]);
}

err delete_other_sessions(struct request *rq)
{
	return sessions_end_others(&rq->task);
}

err post_password(struct request *rq)
{
	struct issued_tokens tokens;
	err e = password_change(&rq->task, request_text(rq, "current_password"),
		request_text(rq, "new_password"), &tokens);

	return e ? e : answer_session(rq, &tokens);
}

err list_account_sessions(struct request *rq)
{
	struct session *list;
	size_t count;
	err e = sessions_of(&rq->task, rq->params[0], page_cursor(rq), (size_t)page_limit(rq) + 1,
		&list, &count);

	if (!e)
		write_sessions(rq, list, count);
	return e;
}

err delete_account_sessions(struct request *rq)
{
	return sessions_end_of(&rq->task, rq->params[0]);
}
