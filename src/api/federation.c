/*
 * Browsers on their way to an identity provider and back, and providers that sign somebody out.
 * Hard rule: a browser that comes back is always sent on to a page of this server, whatever it
 * brought.
 */
#include "api/handlers.h"

#include "api/authenticate.h"
#include "api/browser.h"
#include "api/server_url.h"
#include "base/encode.h"
#include "base/time.h"
#include "service/federated_sign_in.h"
#include "sys/log.h"

#include "base/banned.h"

#define ROUND_TRIP_COOKIE       "__Host-oidc"
#define ROUND_TRIP_COOKIE_RULES "Path=/; Secure; HttpOnly; SameSite=Lax"
#define LOGOUT_FORM_MAX         20480

static void set_cookie(struct request *rq, span value, int64_t seconds)
{
	answer_header(rq, "Set-Cookie",
		span_from(arena_printf(rq->task.arena,
			ROUND_TRIP_COOKIE "=%.*s; Max-Age=%lld; " ROUND_TRIP_COOKIE_RULES,
			SPAN_ARG(value), (long long)seconds)));
}

static err begin(struct request *rq, span return_to, bool link, struct departure *ret)
{
	struct departing d = {.provider = rq->params[0],
		.return_to = return_to,
		.base_url = server_base_url(rq),
		.link = link};
	err e = federation_begin(&rq->task, &d, ret);

	if (!e)
		set_cookie(rq, ret->cookie, ROUND_TRIP_US / TIME_SECOND);
	return e;
}

/* 303: whatever the method was, the browser goes on with GET (RFC 9700, 4.12). */
static err go_to(struct request *rq, const char *url)
{
	answer_header(rq, "Location", span_from(url));
	return OK;
}

/* The reason is one of ours: no text of others gets into the URL. */
static err go_to_sign_in(struct request *rq, err e, bool link)
{
	struct task *t = &rq->task;
	const char *reason = t->reason ? t->reason : err_name(e);

	bool ours = e != ERR_DENIED && e != ERR_CONFLICT && e != ERR_NOT_FOUND && e != ERR_LIMIT;
	const struct log_field fields[] = {LOG_SPAN("request_id", rq->caller.request_id),
		LOG_STR("reason", reason), LOG_STR("problem", t->log ? t->log : ""), {0}};

	log_write(ours ? LOG_WARN_LEVEL : LOG_INFO_LEVEL,
		"sign-in through an identity provider failed", fields);
	return go_to(rq, arena_printf(t->arena, "%s?error=%s",
				 link ? "/account/identities" : "/sign-in", reason));
}

err get_federation_start(struct request *rq)
{
	struct departure d;
	err e = begin(rq, request_text(rq, "return_to"), false, &d);

	/* A wrong parameter is for who wrote the link, not for who follows it. */
	if (e == ERR_INVALID)
		return e;
	return e ? go_to_sign_in(rq, e, false) : go_to(rq, d.url);
}

err post_identity_start(struct request *rq)
{
	struct departure d;
	err e = begin(rq, request_text(rq, "return_to"), true, &d);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_cstr(&rq->out, "authorization_url", d.url);
	json_end(&rq->out);
	return OK;
}

/* The ticket goes behind '#': no server and no log sees it, and pages read it once. */
static err go_to_second_factor(struct request *rq, const struct arrived *a)
{
	AUTO(buf) url = {0};

	buf_init(&url, 4096);
	buf_addf(&url, "/second-factor?return_to=");
	percent_encode(&url, a->return_to);
	buf_addf(&url, "#mfa_token=%.*s&methods=", SPAN_ARG(a->mfa_token));
	percent_encode(&url, a->ways);
	return buf_error(&url) ? buf_error(&url)
			       : go_to(rq, arena_strdup(rq->task.arena, buf_str(&url)));
}

err get_federation_callback(struct request *rq)
{
	struct arrival in = {.provider = rq->params[0],
		.state = request_text(rq, "state"),
		.code = request_text(rq, "code"),
		.issuer = request_text(rq, "iss"),
		.error = request_text(rq, "error"),
		.cookie = find_cookie(request_header(rq, "Cookie"), ROUND_TRIP_COOKIE)};
	struct arrived a;
	err e = federation_finish(&rq->task, &in, &a);

	set_cookie(rq, SPAN_EMPTY, 0);
	if (e)
		return go_to_sign_in(rq, e, a.link);
	if (a.mfa_token.len)
		return go_to_second_factor(rq, &a);
	if (!a.link)
		answer_session_cookie(
			rq, a.tokens.cookie, (a.tokens.ends_at_us - rq->task.now_us) / TIME_SECOND);
	return go_to(rq, arena_str(rq->task.arena, a.return_to));
}

/* Back-channel logout ----------------------------------------------------------------------------
 */

static void free_form(void *object)
{
	struct buf *form = object;

	buf_done(form);
}

static err logout_begin(struct request *rq)
{
	struct buf *form = arena_alloc(rq->task.arena, sizeof(*form));
	span type = request_header(rq, "Content-Type"), media;

	if (!span_cut(&type, ';', &media) ||
		!span_eq_nocase(span_trim(media), SPAN("application/x-www-form-urlencoded"))) {
		rq->status = 415;
		return fail(&rq->task, ERR_INVALID, "content_type",
			"The body must be application/x-www-form-urlencoded.");
	}
	buf_init(form, LOGOUT_FORM_MAX);
	arena_on_free(rq->task.arena, free_form, form);
	rq->sink_data = form;
	return OK;
}

static err logout_write(struct request *rq, span bytes)
{
	struct buf *form = rq->sink_data;

	buf_add(form, bytes);
	return buf_error(form) ? fail(&rq->task, ERR_TOO_LARGE, "body_too_large",
					 "The body may have %d bytes.", LOGOUT_FORM_MAX)
			       : OK;
}

/* The one logout_token of the form; a token has no character that would have to be encoded. */
static span logout_token(span form)
{
	span pair, name, found = SPAN_EMPTY;

	while (span_cut(&form, '&', &pair)) {
		if (!span_cut(&pair, '=', &name) || !span_is(name, "logout_token"))
			continue;
		if (found.len)
			return SPAN_EMPTY;
		found = pair;
	}
	return found;
}

static err logout_end(struct request *rq, bool complete)
{
	struct buf *form = rq->sink_data;

	if (!complete)
		return ERR_CANCELLED;
	return federation_logout(&rq->task, rq->params[0], logout_token(buf_span(form)));
}

const struct body_sink provider_logout_sink = {logout_begin, logout_write, logout_end};
