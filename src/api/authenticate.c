/*
 * Bearer credentials: access tokens of accounts and of jobs, device tokens where a route takes
 * them, API keys; and the cookies of browser sessions. Hard rule: there is no way out of here with
 * a caller filled in but OK.
 */
#include "api/authenticate.h"

#include "base/time.h"
#include "keyring/keyring.h"
#include "service/admit_workload.h"
#include "service/api_keys.h"
#include "service/sessions.h"
#include "state/records.h"
#include "state/state.h"

#include "base/banned.h"

static err refuse(struct task *t, const char *reason, const char *text, const char **ret_problem)
{
	*ret_problem = text;
	return fail(t, ERR_UNAUTHENTICATED, reason, "%s.", text);
}

static err refuse_verdict(struct task *t, enum token_verdict v, const char **ret_problem)
{
	t->log = token_verdict_name(v);
	if (v == TOKEN_EXPIRED)
		return refuse(t, "token_expired", "The token has expired", ret_problem);
	if (v == TOKEN_WRONG_KIND)
		return refuse(t, "token_wrong_kind", "This kind of token is not for this endpoint",
			ret_problem);
	return refuse(t, "token_invalid", "The token is not valid", ret_problem);
}

/* Minimum epochs and revocations of one verified token, in one view of the published state. */
struct standing {
	const struct state_view *view;
	struct buf key;
	bool revoked, stale, corrupt;
};

static void check_epoch(struct standing *s, uint64_t epoch)
{
	uint64_t least;
	span value;

	if (!state_find(s->view, buf_span(&s->key), &value))
		return;
	if (state_unpack_u64(value, &least))
		s->corrupt = true;
	else if (epoch < least)
		s->stale = true;
}

static void check_subject(struct standing *s, span subject, uint64_t epoch)
{
	buf_clear(&s->key);
	state_key_epoch(&s->key, subject);
	check_epoch(s, epoch);
}

static void check_revoked(struct standing *s, span id)
{
	span value;

	if (id.len == 0)
		return;
	buf_clear(&s->key);
	state_key_revoked(&s->key, id);
	s->revoked |= state_find(s->view, buf_span(&s->key), &value);
}

/*
 * A token's subject is its account or workload identity (access) or its device; a session's end
 * revokes by its id.
 */
static err check_standing(struct task *t, const struct token_claims *c, const char **ret_problem)
{
	char memory[STATE_KEY_MAX + 1];
	struct state_view view;
	struct standing s = {.view = &view};
	err e = state_begin(t->service->state, &view);

	if (e)
		return e;
	buf_init_fixed(&s.key, memory, sizeof(memory));
	state_key_global_epoch(&s.key);
	check_epoch(&s, c->global_epoch);
	check_subject(&s, c->sub, c->subject_epoch);
	check_revoked(&s, c->jti);
	check_revoked(&s, c->session);
	state_end(&view);
	if (s.corrupt || buf_error(&s.key))
		return ERR_CORRUPT;
	if (s.revoked)
		return refuse(t, "token_revoked", "The token was revoked", ret_problem);
	if (s.stale)
		return refuse(t, policy_reason_name(POLICY_CREDENTIALS_STALE),
			policy_reason_text(POLICY_CREDENTIALS_STALE), ret_problem);
	return OK;
}

static void become(struct task *t, const struct token_claims *c)
{
	struct caller *caller = t->caller;

	caller->kind = c->kind == TOKEN_DEVICE ? CALLER_DEVICE : CALLER_ACCOUNT;
	caller->account = c->kind == TOKEN_DEVICE ? c->account : c->sub;
	caller->device = c->kind == TOKEN_DEVICE ? c->sub : c->device;
	caller->role = c->role;
	caller->org = c->org;
	caller->session = c->session;
	caller->licence = c->licence;
	caller->permissions = c->permissions;
	caller->entitlements = c->entitlements;
	caller->client_id = c->client_id;
}

static err verify(
	struct task *t, span token, bool device, struct token_claims *ret, const char **ret_problem)
{
	const struct service *s = t->service;
	struct token_verifier verifier = {.lookup = keyring_lookup,
		.check = keyring_check,
		.ctx = s->keys,
		.issuer = span_from(s->issuer),
		.audience = span_from(s->issuer)};
	char *scratch = arena_alloc(t->arena, TOKEN_DECODED_MAX);
	int64_t now_s = t->now_us / TIME_SECOND;
	enum token_verdict v = token_verify(TOKEN_ACCESS, token, &verifier, now_s, scratch, ret);

	if (v == TOKEN_WRONG_KIND && device)
		v = token_verify(TOKEN_DEVICE, token, &verifier, now_s, scratch, ret);
	return v ? refuse_verdict(t, v, ret_problem) : check_standing(t, ret, ret_problem);
}

/* Which says less than the identity may give up meanwhile: c->permissions become what is left. */
static err admit(struct task *t, struct token_claims *c, struct workload_holder *ret,
	const char **ret_problem)
{
	err e = workload_admit(t, c, ret);

	if (e == ERR_UNAUTHENTICATED)
		*ret_problem = policy_reason_text(POLICY_CREDENTIALS_STALE);
	if (!e)
		c->permissions = ret->permissions;
	return e;
}

static void become_job(struct task *t, const struct workload_holder *holder)
{
	struct caller *caller = t->caller;

	caller->kind = CALLER_WORKLOAD;
	caller->workload = caller->client_id = holder->workload;
	caller->permissions = holder->permissions;
	caller->job = holder->job;
}

static err authenticate_token(struct task *t, span token, bool device, const char **ret_problem)
{
	struct workload_holder holder;
	struct token_claims c;
	err e = verify(t, token, device, &c, ret_problem);
	bool job = !e && token_is_of_workload(&c);

	if (job)
		e = admit(t, &c, &holder, ret_problem);
	if (e)
		return e;
	if (job)
		become_job(t, &holder);
	else
		become(t, &c);
	return OK;
}

err token_inspect(struct task *t, span token, struct token_claims *ret, bool *ret_active)
{
	struct task inner = *t; /* what is wrong with the token is no failure of t */
	struct workload_holder holder;
	const char *ignored;
	err e = verify(&inner, token, true, ret, &ignored);

	if (!e && token_is_of_workload(ret))
		e = admit(&inner, ret, &holder, &ignored);

	if (e && e != ERR_UNAUTHENTICATED)
		return e;
	*ret_active = !e;
	return OK;
}

static err authenticate_key(struct task *t, span key, const char **ret_problem)
{
	err e = api_key_authenticate(t, key);

	if (e == ERR_UNAUTHENTICATED)
		*ret_problem = "The API key is not valid";
	return e;
}

err authenticate(struct task *t, span authorization, bool device, const char **ret_problem)
{
	span scheme, rest = authorization;

	if (authorization.len == 0)
		return OK;
	if (!span_cut(&rest, ' ', &scheme) || !span_eq_nocase(scheme, SPAN("Bearer")) ||
		span_trim(rest).len == 0)
		return refuse(t, "credentials_unsupported",
			"Authorization must be: Bearer, a space, a token or an API key",
			ret_problem);
	rest = span_trim(rest);
	if (span_starts_with(rest, SPAN("slk_")))
		return authenticate_key(t, rest, ret_problem);
	return authenticate_token(t, rest, device, ret_problem);
}

span find_cookie(span cookies, const char *wanted)
{
	span pair, name, value = SPAN_EMPTY;
	bool found = false;

	while (span_cut(&cookies, ';', &pair)) {
		pair = span_trim(pair);
		if (!span_cut(&pair, '=', &name) || !span_is(name, wanted))
			continue;
		value = found ? SPAN("twice") : pair;
		found = true;
	}
	return value;
}

err authenticate_cookie(struct task *t, span cookies)
{
	span cookie = find_cookie(cookies, SESSION_COOKIE);

	return cookie.len ? session_cookie_authenticate(t, cookie) : OK;
}
