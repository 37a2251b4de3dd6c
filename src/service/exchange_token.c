/*
 * Hard rule: before the signature is right nothing in a token decides but which of the issuers that
 * are trusted anyway is asked for its keys, and which of their audiences is expected.
 */
#include "service/exchange_token.h"

#include "account/throttle.h"
#include "base/json.h"
#include "base/time.h"
#include "crypto/random.h"
#include "federation/issuers.h"
#include "federation/strict_json.h"
#include "federation/workload_identity.h"
#include "service/audit.h"
#include "service/issue_tokens.h"
#include "service/roles.h"
#include "service/workload_identities.h"

#include "base/banned.h"

#define TOKEN_TYPE     "urn:ietf:params:oauth:token-type:"
#define AGE_MAX_S      3600 /* since it was issued */
#define SKEW           (2 * TIME_MINUTE)
#define ADDRESS_FACTOR 10  /* runners of many share an address */
#define VALUE_MAX      200 /* of a claim that is kept or shown */
#define JOB_MAX        4096

struct work {
	struct task *task;
	const struct token_exchange *asked;
	span issuer; /* as the token claims */
	struct workload *list;
	size_t count;
	json_t *claims; /* verified */
	struct workload chosen;
	span permissions, scope, job;
	struct exchanged_token row;
	bool usable, fresh, there;
};

static err invalid_grant(struct task *t, const char *text)
{
	return fail(t, ERR_INVALID, "invalid_grant", "%s", text);
}

/* What is asked ---------------------------------------------------------------------------------
 */

static err check_request(struct task *t, const struct token_exchange *x)
{
	const char *problem = NULL;

	if (!x->subject_token.len)
		problem = "'subject_token' is missing.";
	else if (!span_is(x->subject_token_type, TOKEN_TYPE "jwt") &&
		 !span_is(x->subject_token_type, TOKEN_TYPE "id_token"))
		problem = "'subject_token_type' must be " TOKEN_TYPE "jwt (or id_token).";
	else if (x->requested_token_type.len &&
		 !span_is(x->requested_token_type, TOKEN_TYPE "access_token"))
		problem = "'requested_token_type' can only be " TOKEN_TYPE "access_token.";
	else if (x->actor)
		problem = "'actor_token' is not understood here: nobody acts for another.";
	return problem ? fail(t, ERR_INVALID, "invalid_request", "%s", problem) : OK;
}

static err check_target(struct work *w)
{
	const struct token_exchange *x = w->asked;
	struct task *t = w->task;
	bool audience = !x->audience.len || span_eq(x->audience, x->base_url) ||
			span_eq(x->audience, w->chosen.audience);
	bool resource = !x->resource.len || span_eq(x->resource, x->base_url) ||
			(span_starts_with(x->resource, x->base_url) &&
				x->resource.ptr[x->base_url.len] == '/');

	return audience && resource
		       ? OK
		       : fail(t, ERR_INVALID, "invalid_target",
				 "Tokens are for this server only, %.*s.", SPAN_ARG(x->base_url));
}

static err check_scope(struct task *t, span scope)
{
	span word;

	while (span_cut(&scope, ' ', &word))
		if (word.len && !permission_exists(word) &&
			!span_starts_with(word, SPAN("product:")))
			return fail(t, ERR_INVALID, "invalid_scope",
				"There is no permission '%.*s'.",
				SPAN_ARG(span_sub(word, 0, VALUE_MAX)));
	return OK;
}

/* Whose token it is -----------------------------------------------------------------------------
 */

static err candidates_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;

	return workload_list_of_issuer(tx, w->task->arena, w->issuer, &w->list, &w->count);
}

/* Leaves the one that was asked for by name or id. */
static void keep_named(struct work *w)
{
	span name = w->asked->identity;
	size_t kept = 0;

	if (!name.len)
		return;
	for (size_t i = 0; i < w->count; i++)
		if (span_eq(w->list[i].name, name) || span_eq(w->list[i].id, name))
			w->list[kept++] = w->list[i];
	w->count = kept;
}

static err find_candidates(struct work *w)
{
	struct task *t = w->task;
	err e;

	w->issuer = foreign_token_issuer(t->arena, w->asked->subject_token);
	if (!w->issuer.len)
		return invalid_grant(t, "The subject token is no signed JSON Web Token.");
	e = db_transact(t->service->db, DB_READ, candidates_body, w);
	if (e)
		return e;
	keep_named(w);
	if (w->count)
		return OK;
	t->log = "no workload identity of the token's issuer";
	return fail(t, ERR_INVALID, "invalid_grant",
		"No workload identity%s trusts the issuer '%.*s'.",
		w->asked->identity.len ? " of this name" : "",
		SPAN_ARG(span_sub(w->issuer, 0, VALUE_MAX)));
}

/* The audience to verify with: the first of ours that the token claims. */
static span expected_audience(const struct work *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (foreign_token_is_for(
			    w->task->arena, w->asked->subject_token, w->list[i].audience))
			return w->list[i].audience;
	return w->list[0].audience;
}

/* Refused, though the issuer signed it: whoever watches the audit log wants to know. */
static err refuse(struct work *w, const char *reason, const char *text)
{
	span who = w->claims ? member_text(w->claims, "sub") : w->issuer;

	audit_refused(w->task, "workload.exchange", who, reason);
	w->task->log = reason;
	return invalid_grant(w->task, text);
}

static err refuse_verdict(struct work *w, enum foreign_verdict v)
{
	struct arena *a = w->task->arena;
	const char *text =
		arena_printf(a, "The subject token is refused. %s.", foreign_verdict_text(v));

	if (v == FOREIGN_WRONG_AUDIENCE)
		text = arena_printf(a,
			"The subject token is for another audience. Ask the provider for one for "
			"%.*s, or what the workload identity says.",
			SPAN_ARG(w->asked->base_url));
	if (v >= FOREIGN_WRONG_ISSUER) /* what is looked at after the signature */
		return refuse(w, foreign_verdict_name(v), text);
	w->task->log = foreign_verdict_name(v);
	return invalid_grant(w->task, text);
}

static err verify(struct work *w)
{
	struct task *t = w->task;
	const struct foreign_expected expected = {
		.issuer = w->issuer, .audience = expected_audience(w), .types = "JWT"};
	enum foreign_verdict v = FOREIGN_OK;
	const char *problem = NULL;
	err e = issuer_verify(t->service->issuers, t->arena, w->asked->subject_token, &expected,
		t->now_us, &w->claims, &v, &problem);

	if (e == ERR_DENIED)
		return refuse_verdict(w, v);
	if (!e)
		return OK;
	t->log = problem;
	return fail(t, e, "issuer_unavailable", "The keys of the issuer cannot be had just now.");
}

static err check_claims(struct work *w)
{
	int64_t iat = 0, now_s = w->task->now_us / TIME_SECOND;

	/* Whoever else it is for could have brought it here. */
	if (json_array_size(json_object_get(w->claims, "aud")) > 1)
		return refuse(w, "several_audiences",
			"The subject token is for several audiences. Ask for one for this server "
			"alone.");
	if (!member_time(w->claims, "iat", &iat) ||
		iat < now_s - AGE_MAX_S - FOREIGN_TOKEN_LEEWAY_S)
		return refuse(w, "too_old",
			"The subject token was issued more than an hour ago. Ask the provider for "
			"a new one.");
	return OK;
}

/* Says what is wrong for the identity that comes nearest: at strangers' tokens, only whose. */
static err refuse_misfit(struct work *w, const struct condition *c)
{
	struct arena *a = w->task->arena;
	span value;
	const char *text;

	if (!c)
		return refuse(w, "audience",
			"No workload identity fits this job: the audience is another one's.");
	if (claim_as_text(a, w->claims, c->claim, &value))
		text = arena_printf(a, "No workload identity fits this job: its '%.*s' is '%.*s'.",
			SPAN_ARG(c->claim), SPAN_ARG(span_sub(value, 0, VALUE_MAX)));
	else
		text = arena_printf(a, "No workload identity fits this job: it has no '%.*s'.",
			SPAN_ARG(c->claim));
	return refuse(w, arena_printf(a, "claim:%.*s", SPAN_ARG(c->claim)), text);
}

static err choose(struct work *w)
{
	const struct condition *nearest = NULL;
	size_t most = 0;

	for (size_t i = 0; i < w->count; i++) {
		const struct workload *one = &w->list[i];
		size_t fits;

		if (!member_has(w->claims, "aud", one->audience))
			continue;
		fits = conditions_misfit(w->task->arena, &one->conditions, w->claims);
		if (fits == one->conditions.count) {
			w->chosen = *one;
			return OK;
		}
		if (!nearest || fits > most) {
			nearest = &one->conditions.list[fits];
			most = fits;
		}
	}
	return refuse_misfit(w, nearest);
}

/* What is kept of it ----------------------------------------------------------------------------
 */

/* What tells one run of a job from others, as providers call it. */
static const char *const job_claims[] = {"sub", "repository", "ref", "sha", "workflow", "run_id",
	"run_attempt", "event_name", "actor", "environment", "project_path", "ref_path",
	"pipeline_id", "pipeline_source", "job_id", "user_login"};

static span cut(span text)
{
	text = span_sub(text, 0, VALUE_MAX);
	while (text.len && !span_is_utf8(text)) /* not within a character */
		text.len--;
	return text;
}

static span job_of(struct work *w)
{
	struct arena *a = w->task->arena;
	AUTO(buf) text = {0};
	struct json_writer out;
	span value;

	buf_init(&text, JOB_MAX);
	json_writer_init(&out, &text);
	json_begin_object(&out, NULL);
	for (size_t i = 0; i < ARRAY_LEN(job_claims); i++)
		if (claim_as_text(a, w->claims, span_from(job_claims[i]), &value) && value.len)
			json_str(&out, job_claims[i], cut(value));
	json_end(&out);
	return buf_error(&text) ? SPAN("{}") : arena_span(a, buf_span(&text));
}

/*
 * The token without its signature: some signatures can be made into another one that is right as
 * well (ECDSA), which would be another token.
 */
static span signed_part(span token)
{
	return span_sub(token, 0, span_rfind(token, '.'));
}

static void describe(struct work *w)
{
	struct task *t = w->task;
	char jti[TYPEID_SIZE];
	int64_t exp = 0, iat = 0, last_s, ends_us;

	random_id("jti", t->now_us, jti);
	(void)member_time(w->claims, "exp", &exp); /* both were verified */
	(void)member_time(w->claims, "iat", &iat);
	last_s = MIN(exp, iat + AGE_MAX_S) + FOREIGN_TOKEN_LEEWAY_S;
	ends_us = MAX(last_s * TIME_SECOND, t->now_us + w->chosen.lifetime_s * TIME_SECOND);
	w->row = (struct exchanged_token){.jti = span_from(arena_strdup(t->arena, jti)),
		.workload = w->chosen.id,
		.claims = w->job,
		.expires_at_us = ends_us + SKEW};
	sha256(signed_part(w->asked->subject_token), w->row.hash);
}

/* The exchange ----------------------------------------------------------------------------------
 */

static err narrow(struct work *w)
{
	struct task *t = w->task;
	span names, ignored;
	bool own;

	w->scope = scoped_permissions(t->arena, w->permissions, w->asked->scope);
	permissions_split(t->arena, w->scope, &names, &ignored, &own);
	return names.len ? OK
			 : fail(t, ERR_INVALID, "invalid_scope",
				   "The workload identity permits nothing of this.");
}

/* From here on the identity acts. */
static void become(struct work *w)
{
	struct caller *c = w->task->caller;

	c->kind = CALLER_WORKLOAD;
	c->workload = c->client_id = w->chosen.id;
	c->job = w->job;
}

static err exchange_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	struct workload now;
	err e = workload_find(tx, t->arena, w->chosen.id, &now, &w->there);

	/* Changed since it was looked at: it may be for other jobs now. */
	w->there = !e && w->there && now.epoch == w->chosen.epoch;
	w->usable = w->fresh = false;
	if (e || !w->there)
		return e;
	e = workload_standing(tx, t, &now, &w->permissions, &w->usable);
	if (e || !w->usable)
		return e;
	e = narrow(w);
	if (!e)
		e = exchanged_token_add(tx, &w->row, &w->fresh);
	if (e || !w->fresh)
		return e;
	e = workload_used(tx, now.id, t->now_us);
	return e ? e
		 : audit_add(tx, t, "workload.exchange", now.id,
			   arena_printf(t->arena, "{\"jti\":\"%.*s\"}", SPAN_ARG(w->row.jti)));
}

static err enter(struct work *w)
{
	struct task *t = w->task;
	err e;

	w->job = job_of(w);
	describe(w);
	become(w);
	e = db_transact(t->service->db, DB_WRITE, exchange_body, w);
	if (e)
		return e;
	if (!w->there)
		return refuse(w, "changed",
			"The workload identity was changed at this moment. Try again with a new "
			"token.");
	if (!w->usable)
		return refuse(w, "owner",
			"The workload identity cannot be used: the account it is of is disabled or "
			"gone. An administrator takes it over by changing it.");
	return w->fresh ? OK
			: refuse(w, "replay",
				  "The subject token was exchanged already, and each is good once. "
				  "Ask the provider for another one, or use the access token you "
				  "have.");
}

static err try_token(struct work *w)
{
	err e = find_candidates(w);

	if (!e)
		e = verify(w);
	if (!e)
		e = check_claims(w);
	if (!e)
		e = choose(w);
	if (!e)
		e = check_target(w);
	return e ? e : enter(w);
}

/* Strangers make us verify signatures and ask for keys: not as often as they like. */
static err throttled(struct work *w)
{
	struct task *t = w->task;
	struct throttle_subject subject = {
		"exchange", address_network(t->arena, t->caller->address), ADDRESS_FACTOR};
	int64_t wait_us = 0;
	err e = throttle_try(t->service->sign_ins, &subject, t->now_us, &wait_us);

	if (e) {
		t->retry_after_us = wait_us;
		return fail(t, ERR_LIMIT, "exchange_throttled",
			"Too many tokens from this network were refused. Wait as long as "
			"Retry-After says.");
	}
	e = try_token(w);
	if (e != ERR_INVALID)
		throttle_undo(t->service->sign_ins, &subject);
	return e;
}

err exchange_token(struct task *t, const struct token_exchange *x, struct token_exchanged *ret)
{
	struct work w = {.task = t, .asked = x};
	err e = check_request(t, x);

	if (!e)
		e = check_scope(t, x->scope);
	if (!e)
		e = throttled(&w);
	if (e)
		return e;
	const struct workload_token token = {.workload = w.chosen.id,
		.jti = w.row.jti,
		.permissions = w.scope,
		.epoch = w.chosen.epoch,
		.lifetime_s = w.chosen.lifetime_s};
	struct token_exchanged out = {.scope = w.scope, .expires_in_s = w.chosen.lifetime_s};

	e = issue_workload_token(t, &token, &out.access_token);
	if (!e)
		*ret = out;
	return e;
}
