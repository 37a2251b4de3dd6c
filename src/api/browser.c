/*
 * Hard rule: a cookie never counts for a change that was not asked for by a page of this server.
 */
#include "api/browser.h"

#include "api/authenticate.h"
#include "base/time.h"
#include "api/server_url.h"
#include "crypto/secret.h"
#include "service/issue_tokens.h"

#include "base/banned.h"

#define COOKIE_RULES "Path=/; Secure; HttpOnly; SameSite=Strict"

static bool method_is_safe(span method)
{
	return span_is(method, "GET") || span_is(method, "HEAD") || span_is(method, "OPTIONS");
}

bool request_is_same_origin(struct request *rq)
{
	span site = request_header(rq, "Sec-Fetch-Site");
	span origin = request_header(rq, "Origin");

	if (origin.len && !span_eq(origin, server_origin(rq)))
		return false;
	return site.len ? span_is(site, "same-origin") : origin.len > 0;
}

static bool change_is_ours(struct exchange *x)
{
	struct request *rq = &x->rq;

	/* A page of ours asks again, with the cookie it has by now. */
	return !rq->caller.old_cookie && request_is_same_origin(rq) &&
	       ct_equal(request_header(rq, "X-CSRF-Token"),
		       csrf_token(&rq->task, rq->caller.session));
}

/* The request goes on as if it had brought no cookie. */
static err without_cookie(struct exchange *x, const struct caller *before)
{
	x->rq.caller = *before;
	x->rq.task.reason = NULL;
	x->rq.task.detail = NULL;
	x->rq.task.log = NULL;
	return OK;
}

err browser_identify(struct exchange *x)
{
	struct request *rq = &x->rq;
	struct caller before = rq->caller;
	bool anyone = span_is(span_from(rq->route->permission), ALLOW_ANYONE);
	err e = authenticate_cookie(&rq->task, request_header(rq, "Cookie"));

	if (e == ERR_UNAUTHENTICATED) {
		answer_no_session_cookie(rq);
		return anyone ? without_cookie(x, &before) : e;
	}
	if (e || !rq->caller.cookie || method_is_safe(rq->method) || change_is_ours(x))
		return e;
	if (anyone)
		return without_cookie(x, &before);
	return fail(&rq->task, ERR_DENIED, "csrf",
		"A change made with a browser's session must come from a page of this server and "
		"carry its X-CSRF-Token (GET /api/v1/me says it).");
}

void answer_session_cookie(struct request *rq, span cookie, int64_t seconds)
{
	answer_header(rq, "Set-Cookie",
		span_from(arena_printf(rq->task.arena,
			SESSION_COOKIE "=%.*s; Max-Age=%lld; " COOKIE_RULES, SPAN_ARG(cookie),
			(long long)seconds)));
}

void browser_give_cookie(struct request *rq)
{
	const struct task *t = &rq->task;

	if (t->new_cookie.len)
		answer_session_cookie(
			rq, t->new_cookie, (t->new_cookie_ends_us - t->now_us) / TIME_SECOND);
}

void answer_no_session_cookie(struct request *rq)
{
	answer_header(rq, "Set-Cookie", SPAN(SESSION_COOKIE "=; Max-Age=0; " COOKIE_RULES));
}
