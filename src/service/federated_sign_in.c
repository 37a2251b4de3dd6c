/*
 * Hard rule: nothing the browser brings back is acted on before its state was found to have been
 * begun in this browser, and is used up.
 */
#include "service/federated_sign_in.h"

#include <jansson.h>

#include "account/throttle.h"
#include "account/ticket.h"
#include "base/encode.h"
#include "base/json.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "crypto/secret.h"
#include "federation/ask.h"
#include "federation/strict_json.h"
#include "keyring/keyring.h"
#include "service/audit.h"
#include "service/federated_account.h"
#include "service/identity_providers.h"
#include "service/open_session.h"
#include "service/second_factor.h"
#include "service/sessions.h"
#include "sys/metrics.h"

#include "base/banned.h"

#define COOKIE_BYTES 32
#define DATA_MAX     4096
#define ID_TOKEN_MAX 3072 /* a longer one makes a URL that servers refuse */

/* Times login.attempts: people of an office or behind a carrier's gateway share a network. */
#define BEGUN_FACTOR    100
#define FINISHED_FACTOR 10

static struct asking asking(struct task *t)
{
	return (struct asking){.issuers = t->service->issuers,
		.foreign = t->service->foreign,
		.arena = t->arena,
		.now_us = t->now_us};
}

/* What went wrong with the provider: the reason for people, the rest for the log. */
static err tell(struct task *t, const struct asking *ask, err e)
{
	t->log = ask->failure.problem;
	return fail(t, e, ask->failure.reason, "The identity provider could not be used: %s.",
		e == ERR_UNAVAILABLE ? "it does not answer as it should"
				     : "what it answered was refused");
}

/* Strangers make us write rows when they begin, and ask a provider when they come back. */
static struct throttle_subject network(struct task *t, const char *kind, unsigned factor)
{
	return (struct throttle_subject){
		kind, address_network(t->arena, t->caller->address), factor};
}

static struct throttle_subject beginners(struct task *t)
{
	return network(t, "federation begun", BEGUN_FACTOR);
}

static err count_attempt(struct task *t, const struct throttle_subject *who)
{
	if (!throttle_try(t->service->sign_ins, who, t->now_us, &t->retry_after_us))
		return OK;
	metric_add(METRIC_LOGINS, "throttled", 1);
	return fail(t, ERR_LIMIT, "sign_in_throttled",
		"Too many sign-ins from this network were begun, or failed. Wait as long as "
		"Retry-After says.");
}

static span encoded(struct arena *a, const void *bytes, size_t size)
{
	char memory[64];
	struct buf text;

	buf_init_fixed(&text, memory, sizeof(memory));
	base64url_encode(&text, span_of(bytes, size));
	return arena_span(a, buf_span(&text));
}

/* Bound to the browser by its cookie and to the round trip by state; stored nowhere. */
static span derived(struct task *t, span cookie, const char *purpose, span state)
{
	uint8_t tag[SHA256_SIZE];
	const char *what = arena_printf(t->arena, "%s:%.*s", purpose, SPAN_ARG(state));

	hmac_sha256(cookie, span_from(what), tag);
	return encoded(t->arena, tag, sizeof(tag));
}

static span hash_of(struct task *t, span cookie)
{
	uint8_t hash[SHA256_SIZE];

	sha256(cookie, hash);
	return encoded(t->arena, hash, sizeof(hash));
}

/*
 * A path of this server: browsers read "//host", "/\host" and "/<tab>/host" as other servers.
 */
static bool is_local_path(span path)
{
	if (path.len == 0 || path.len > RETURN_TO_MAX || path.ptr[0] != '/')
		return false;
	if (path.len > 1 && path.ptr[1] == '/')
		return false;
	for (size_t i = 0; i < path.len; i++)
		if ((uint8_t)path.ptr[i] <= ' ' || (uint8_t)path.ptr[i] >= 0x7f ||
			path.ptr[i] == '\\')
			return false;
	return true;
}

/* Begin -----------------------------------------------------------------------------------------
 */

struct beginning {
	struct task *task;
	const struct departing *departing;
	struct provider provider;
	span cookie, return_to, redirect_uri, state;
};

static void write_data(struct beginning *b, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w, NULL);
	json_str(&w, "provider", b->provider.id);
	json_str(&w, "cookie", hash_of(b->task, b->cookie));
	json_str(&w, "return_to", b->return_to);
	json_str(&w, "redirect_uri", b->redirect_uri);
	if (b->departing->link)
		json_str(&w, "session", b->task->caller->session);
	json_end(&w);
}

static err begin_body(struct db_tx *tx, void *arg)
{
	struct beginning *b = arg;
	struct task *t = b->task;
	char text[TICKET_TEXT_SIZE];
	AUTO(buf) data = {0};
	err e = provider_get_active(tx, t, b->departing->provider, &b->provider);

	if (e)
		return e;
	b->redirect_uri = span_from(arena_printf(t->arena, "%.*s/api/v1/auth/oidc/%.*s/callback",
		SPAN_ARG(b->departing->base_url), SPAN_ARG(b->provider.name)));
	buf_init(&data, DATA_MAX);
	write_data(b, &data);
	e = buf_error(&data);
	if (!e)
		e = ticket_issue(tx,
			&(struct ticket){.purpose = TICKET_FEDERATION,
				.account = b->departing->link ? t->caller->account : SPAN_EMPTY,
				.data = buf_span(&data),
				.expires_at_us = t->now_us + ROUND_TRIP_US},
			t->now_us, text);
	b->state = span_from(arena_strdup(t->arena, text));
	return e;
}

static struct round_trip trip_of(
	struct task *t, const struct provider *p, span redirect_uri, span cookie, span state)
{
	return (struct round_trip){.provider = p,
		.redirect_uri = redirect_uri,
		.state = state,
		.nonce = derived(t, cookie, "nonce", state),
		.verifier = derived(t, cookie, "verifier", state)};
}

err federation_begin(struct task *t, const struct departing *d, struct departure *ret)
{
	struct beginning b = {.task = t, .departing = d};
	struct asking ask = asking(t);
	uint8_t secret[COOKIE_BYTES];
	struct departure out;
	err e;

	b.return_to = d->return_to.len ? d->return_to : SPAN("/account");
	if (!is_local_path(b.return_to))
		return fail(t, ERR_INVALID, "invalid_return",
			"'return_to' must be a path of this server.");
	if (d->link && !t->caller->session.len)
		return fail(t, ERR_DENIED, "session_required",
			"An identity is linked from a session: sign in first.");
	if (!d->link) {
		struct throttle_subject who = beginners(t);

		e = count_attempt(t, &who);
		if (e)
			return e;
	}
	random_bytes(secret, sizeof(secret));
	b.cookie = out.cookie = encoded(t->arena, secret, sizeof(secret));
	e = db_transact(t->service->db, DB_WRITE, begin_body, &b);
	if (e)
		return e;
	struct round_trip trip = trip_of(t, &b.provider, b.redirect_uri, b.cookie, b.state);

	e = ask_authorization_url(&ask, &trip, &out.url);
	if (e)
		return tell(t, &ask, e);
	*ret = out;
	return OK;
}

/* Finish ----------------------------------------------------------------------------------------
 */

struct finishing {
	struct task *task;
	const struct arrival *in;
	struct arrived *out;
	struct provider provider;
	span account, session, redirect_uri; /* account, session: who wants to link */
	struct vouched vouched;
	const char *refused;
	struct opened_session opened;
	uint64_t seq;
};

static err too_late(struct task *t)
{
	return fail(t, ERR_DENIED, "sign_in_expired",
		"The sign-in took too long, was finished already, or was begun in another "
		"browser. Begin again.");
}

/* Takes the ticket; when it is not this browser's it stays for the one whose it is. */
static err take_body(struct db_tx *tx, void *arg)
{
	struct finishing *f = arg;
	struct task *t = f->task;
	struct ticket ticket;
	bool found;
	err e = ticket_redeem(
		tx, t->arena, TICKET_FEDERATION, f->in->state, t->now_us, &ticket, &found);

	if (e || !found)
		return e ? e : too_late(t);
	const json_t *data = strict_object(t->arena, ticket.data);

	if (!f->in->cookie.len || !ct_equal(member_text(data, "cookie"), hash_of(t, f->in->cookie)))
		return too_late(t);
	e = provider_get_active(tx, t, f->in->provider, &f->provider);
	if (!e && !span_eq(f->provider.id, member_text(data, "provider")))
		return too_late(t);
	f->account = ticket.account;
	f->session = member_text(data, "session");
	f->redirect_uri = member_text(data, "redirect_uri");
	f->out->return_to = member_text(data, "return_to");
	f->out->link = ticket.account.len > 0;
	return e;
}

/* RFC 9207: a code of one provider must not be handed to another (mix-up). */
static err check_issuer(struct finishing *f, struct asking *ask)
{
	const struct provider *p = &f->provider;
	struct task *t = f->task;
	const char *problem = NULL;
	struct discovery d = {0};
	err e = OK;

	if (!f->in->issuer.len && !p->oauth)
		e = issuer_discover(
			ask->issuers, t->arena, p->issuer, false, t->now_us, &d, &problem);
	if (e) {
		ask->failure = (struct ask_failure){"provider_unavailable", problem};
		return tell(t, ask, e);
	}
	if (f->in->issuer.len ? !span_eq(f->in->issuer, p->issuer) : d.names_itself)
		return fail(t, ERR_DENIED, "issuer_mismatch",
			"The answer does not come from the provider that was asked.");
	return OK;
}

static err ask_provider(struct finishing *f)
{
	struct task *t = f->task;
	struct asking ask = asking(t);
	struct round_trip trip =
		trip_of(t, &f->provider, f->redirect_uri, f->in->cookie, f->in->state);
	AUTO(buf) secret = {0};
	err e = check_issuer(f, &ask);

	if (e)
		return e;
	if (f->in->error.len || !f->in->code.len)
		return fail(t, ERR_DENIED,
			span_is(f->in->error, "access_denied") ? "access_denied"
							       : "provider_refused",
			"The identity provider did not sign you in.");
	e = provider_secret(t, &f->provider, &secret);
	if (!e) {
		e = ask_who(&ask, &trip, buf_span(&secret), f->in->code, &f->vouched);
		if (e)
			e = tell(t, &ask, e);
	}
	buf_wipe(&secret);
	return e;
}

/*
 * Each code that is brought makes us ask the provider, in a thread of the API, and a made-up one
 * costs its bringer nothing. A provider that is down is no fault of who comes back from it: those
 * attempts are taken back, or a network would stay locked out after the provider is there again.
 * While they last they count, so that a provider that hangs is no way to hold all threads. Who
 * changed their mind there brings no code, and none is asked about.
 */
static err ask_provider_if_permitted(struct finishing *f)
{
	struct task *t = f->task;
	struct throttle_subject who = network(t, "federation", FINISHED_FACTOR);
	err e = count_attempt(t, &who);

	if (e)
		return e;
	e = ask_provider(f);
	if (e == OK || e == ERR_UNAVAILABLE || f->in->code.len == 0)
		throttle_undo(t->service->sign_ins, &who);
	return e;
}

static void id_token_key(struct task *t, uint8_t ret[SEAL_KEY_SIZE])
{
	keyring_derive(t->service->keys, "id-token", ret);
}

/* Bound to its account. Empty when it is not to be kept: signing out there is then a little less
 * smooth. */
static err seal_id_token(struct task *t, const struct account *account, span token, span *ret)
{
	uint8_t key[SEAL_KEY_SIZE];
	AUTO(buf) sealed = {0};
	err e;

	*ret = SPAN_EMPTY;
	if (!token.len || token.len > ID_TOKEN_MAX)
		return OK;
	buf_init(&sealed, ID_TOKEN_MAX + SEAL_OVERHEAD);
	id_token_key(t, key);
	e = seal(key, account->id, token, &sealed);
	wipe(key, sizeof(key));
	if (!e)
		*ret = arena_span(t->arena, buf_span(&sealed));
	return e;
}

static const char *methods_of(const struct finishing *f)
{
	return f->vouched.second_factor || f->provider.settings.trusted_factor ? "fed mfa" : "fed";
}

static err open(struct db_tx *tx, struct finishing *f, struct feed_batch *feed,
	const struct account *account)
{
	struct proof proof = {.methods = span_from(methods_of(f)),
		.cookie = true,
		.provider = f->provider.id,
		.provider_session = f->vouched.session};
	struct task *t = f->task;
	err e = seal_id_token(t, account, f->vouched.id_token, &proof.id_token);

	if (e)
		return e;
	if (account->disabled)
		return fail_policy(t, POLICY_ACCOUNT_DISABLED);
	if (!account->factors || f->provider.settings.trusted_factor)
		return session_open(
			tx, t, feed, account, SPAN(CLIENT_PASSWORD), &proof, &f->opened);
	e = second_factor_ways(tx, t, account, &f->out->ways);
	return e ? e
		 : second_factor_wait(
			   tx, t, account, SPAN(CLIENT_PASSWORD), &proof, &f->out->mfa_token);
}

static err enter_body(struct db_tx *tx, void *arg)
{
	struct finishing *f = arg;
	struct task *t = f->task;
	struct feed_batch feed;
	struct account account;
	err e;

	f->out->mfa_token = f->out->ways = SPAN_EMPTY;
	feed_begin(&feed, tx);
	e = federated_account(tx, t, &feed, &f->provider, &f->vouched, &account, &f->refused);
	if (!e && !f->refused)
		e = open(tx, f, &feed, &account);
	return e ? e : feed_seal(&feed, &f->seq);
}

/* The session that asked for it must be the same and alive: the round trip took a while. */
static err link_body(struct db_tx *tx, void *arg)
{
	struct finishing *f = arg;
	struct task *t = f->task;
	struct session_idle idle = session_idle(t->service);
	struct session s;
	bool found;
	err e = session_find(tx, t->arena, f->session, &s, &found);

	if (e)
		return e;
	if (!found || !span_eq(s.account, f->account) || !session_is_alive(&s, &idle, t->now_us))
		return too_late(t);
	t->caller->kind = CALLER_ACCOUNT;
	t->caller->account = f->account;
	return federated_link(tx, t, &f->provider, &f->vouched, f->account, false);
}

static err enter(struct finishing *f)
{
	struct task *t = f->task;
	err e = db_transact(t->service->db, DB_WRITE, enter_body, f);

	if (e)
		return e;
	if (f->refused) {
		e = published(t, f->seq);
		return e ? e
			 : fail(t, ERR_DENIED, f->refused,
				   "The identity provider no longer gives you access.");
	}
	if (f->out->mfa_token.len)
		return published(t, f->seq);
	f->opened.seq = f->seq;
	return session_opened(t, &f->opened, &f->out->tokens);
}

err federation_finish(struct task *t, const struct arrival *in, struct arrived *ret)
{
	struct finishing f = {.task = t, .in = in, .out = ret};
	err e;

	*ret = (struct arrived){0};
	e = db_transact(t->service->db, DB_WRITE, take_body, &f);
	if (!e)
		e = ask_provider_if_permitted(&f);
	if (!e)
		e = ret->link ? db_transact(t->service->db, DB_WRITE, link_body, &f) : enter(&f);
	if (!e && !ret->link) {
		struct throttle_subject who = beginners(t);

		throttle_undo(t->service->sign_ins, &who);
	}
	if (e == ERR_DENIED || e == ERR_CONFLICT) {
		metric_add(METRIC_LOGINS, "refused", 1);
		audit_refused(t, ret->link ? "identity.link" : "auth.login",
			f.provider.id.len ? f.provider.id : SPAN("unknown"),
			t->reason ? t->reason : err_name(e));
	}
	return e;
}

/* Logout ----------------------------------------------------------------------------------------
 */

struct signing_out {
	struct task *task;
	span provider_name, token;
	struct provider provider;
	const json_t *claims;
	struct session session;
	span id_token; /* sealed */
	bool found;
	uint64_t seq;
};

static err load_provider_body(struct db_tx *tx, void *arg)
{
	struct signing_out *s = arg;

	return provider_get_active(tx, s->task, s->provider_name, &s->provider);
}

static err logout_invalid(struct task *t, const char *log)
{
	t->log = log;
	return fail(t, ERR_INVALID, "logout_token_invalid", "The logout token is not valid.");
}

/* By the provider's session; where it names only a person, all that person's through it. */
static err end_body(struct db_tx *tx, void *arg)
{
	struct signing_out *s = arg;
	struct task *t = s->task;
	span sid = member_text(s->claims, "sid"), sub = member_text(s->claims, "sub");
	struct identity identity = {0};
	struct feed_batch feed;
	int64_t exp = 0;
	bool fresh = false, found = false;
	err e = member_time(s->claims, "exp", &exp)
			? logout_token_note(tx, s->provider.id, member_text(s->claims, "jti"),
				  (exp + 2 * FOREIGN_TOKEN_LEEWAY_S) * TIME_SECOND, &fresh)
			: ERR_BUG;

	if (!e && !fresh)
		return logout_invalid(t, "the logout token was used before");
	if (!e && !sid.len)
		e = identity_find(tx, t->arena, s->provider.id, sub, &identity, &found);
	feed_begin(&feed, tx);
	if (!e && (sid.len || found))
		e = session_end_of_provider(tx, &feed, t->arena, s->provider.id, sid,
			identity.account, "provider", t->now_us);
	if (!e)
		e = audit_add(tx, t, "auth.provider_logout", s->provider.id,
			sid.len ? "{\"by\":\"session\"}" : "{\"by\":\"subject\"}");
	return e ? e : feed_seal(&feed, &s->seq);
}

err federation_logout(struct task *t, span provider, span logout_token)
{
	struct signing_out s = {.task = t, .provider_name = provider, .token = logout_token};
	struct asking ask = asking(t);
	json_t *claims;
	err e = db_transact(t->service->db, DB_READ, load_provider_body, &s);

	if (e)
		return e;
	e = ask_logout(&ask, &s.provider, logout_token, &claims);
	if (e == ERR_DENIED) {
		audit_refused(t, "auth.provider_logout", s.provider.id, "logout_token_invalid");
		return logout_invalid(t, ask.failure.problem);
	}
	if (e)
		return tell(t, &ask, e);
	s.claims = claims;
	e = db_transact(t->service->db, DB_WRITE, end_body, &s);
	return e ? e : published(t, s.seq);
}

static err load_session_body(struct db_tx *tx, void *arg)
{
	struct signing_out *s = arg;
	struct arena *a = s->task->arena;
	err e = session_find(tx, a, s->task->caller->session, &s->session, &s->found);

	if (!e && s->found && s->session.provider.len)
		e = provider_find(tx, a, s->session.provider, &s->provider, &s->found);
	else
		s->found = false;
	return e ? e : id_token_find(tx, a, s->session.id, &s->id_token);
}

/* RP-Initiated Logout 1.0, section 2: many providers ask "really?" without it, some refuse. */
static void add_id_token_hint(const struct signing_out *s, struct buf *url)
{
	uint8_t key[SEAL_KEY_SIZE];
	AUTO(buf) token = {0};

	buf_init(&token, ID_TOKEN_MAX);
	id_token_key(s->task, key);
	if (s->id_token.len && !unseal(key, s->session.account, s->id_token, &token)) {
		buf_add_str(url, "&id_token_hint=");
		percent_encode(url, buf_span(&token));
	}
	wipe(key, sizeof(key));
	buf_wipe(&token);
}

err federation_logout_url(struct task *t, span base_url, const char **ret)
{
	struct signing_out s = {.task = t};
	const char *problem = NULL;
	struct discovery d;
	AUTO(buf) url = {0};
	err e = db_transact(t->service->db, DB_READ, load_session_body, &s);

	*ret = NULL;
	if (e || !s.found || s.provider.oauth || s.provider.disabled)
		return e;
	/* Signing out here must not fail because the provider does. */
	if (issuer_discover(t->service->issuers, t->arena, s.provider.issuer, false, t->now_us, &d,
		    &problem) ||
		!d.end_session_endpoint.len)
		return OK;
	buf_init(&url, 2 * DISCOVERY_URL_MAX + ID_TOKEN_MAX);
	buf_addf(&url, "%.*s%cclient_id=", SPAN_ARG(d.end_session_endpoint),
		span_contains(d.end_session_endpoint, SPAN("?")) ? '&' : '?');
	percent_encode(&url, s.provider.client_id);
	buf_add_str(&url, "&post_logout_redirect_uri=");
	percent_encode(&url, span_from(arena_printf(t->arena, "%.*s/sign-in", SPAN_ARG(base_url))));
	add_id_token_hint(&s, &url);
	if (!buf_error(&url))
		*ret = arena_strdup(t->arena, buf_str(&url));
	return buf_error(&url);
}
