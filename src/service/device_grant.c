/*
 * The device authorisation grant. Hard rule: the code of an approved device is deleted in the
 * transaction that opens its session, so that it opens one.
 */
#include "service/device_grant.h"

#include <string.h>

#include "account/throttle.h"
#include "base/encode.h"
#include "base/time.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "keyring/keyring.h"
#include "service/audit.h"
#include "service/open_session.h"
#include "service/second_factor.h"
#include "service/sessions.h"
#include "token/token.h"

#include "base/banned.h"

#define PREFIX         "sld_"
#define SECRET_BYTES   32
#define CODE_TEXT_MAX  64
#define SLOW_DOWN_S    5 /* RFC 8628, 3.5 */
#define INTERVAL_MAX_S 60
#define BEGUN_FACTOR   100 /* people of an office share a network */

/* A client on somebody's machine is no tool for administrators, whoever signs it in. */
#define CUSTOMER                                                                                   \
	"self.read product.read download.request package.read.licensed package.read.enterprise"

static const struct oauth_client clients[] = {
	{"slipway-cli", "Slipway command line", NULL},
	{"slipway-client", "VPN client", CUSTOMER},
};

const struct oauth_client *oauth_client_find(span id)
{
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		if (span_is(id, clients[i].id))
			return &clients[i];
	return NULL;
}

struct work {
	struct task *task;
	struct device_code code;
	bool approve, found;
	span client_id;
	enum {
		POLL_OPENED,
		POLL_UNKNOWN,
		POLL_PENDING,
		POLL_TOO_FAST,
		POLL_EXPIRED,
		POLL_DENIED
	} outcome;
	struct session approving;
	struct opened_session opened;
};

static void hash_code(struct task *t, const char *purpose, span code, uint8_t ret[SHA256_SIZE])
{
	uint8_t key[32];

	keyring_derive(t->service->keys, purpose, key);
	hmac_sha256(span_of(key, sizeof(key)), code, ret);
	wipe(key, sizeof(key));
}

/* Beginning ------------------------------------------------------------------------------------ */

static err invalid_scope(struct task *t, span word)
{
	return fail(t, ERR_INVALID, "invalid_scope", "There is no permission '%.100s'.",
		arena_str(t->arena, word));
}

/* What the client may have of what it asks for; empty stays empty where there is no limit. */
static err limit_scope(struct task *t, const struct oauth_client *client, span scope, span *ret)
{
	span rest = scope, word;

	while (span_cut(&rest, ' ', &word))
		if (word.len && !permission_exists(word) &&
			!span_starts_with(word, SPAN("product:")))
			return invalid_scope(t, word);
	if (!client->most)
		*ret = arena_span(t->arena, scope);
	else
		*ret = scope.len ? scoped_permissions(t->arena, scope, span_from(client->most))
				 : span_from(client->most);
	return scope.len && ret->len == 0
		       ? fail(t, ERR_INVALID, "invalid_scope",
				 "%s gets nothing of what it asks for.", client->title)
		       : OK;
}

static err begin_body(struct db_tx *tx, void *arg)
{
	const struct work *w = arg;

	return device_code_insert(tx, &w->code);
}

static span make_device_code(struct task *t)
{
	uint8_t secret[SECRET_BYTES];
	char text[CODE_TEXT_MAX];
	struct buf out;

	random_bytes(secret, sizeof(secret));
	buf_init_fixed(&out, text, sizeof(text));
	buf_add_str(&out, PREFIX);
	base64url_encode(&out, span_of(secret, sizeof(secret)));
	wipe(secret, sizeof(secret));
	return arena_span(t->arena, buf_span(&out));
}

/* Strangers make us write rows: not as often as they like. */
static struct throttle_subject beginners(struct task *t)
{
	return (struct throttle_subject){
		"device code", address_network(t->arena, t->caller->address), BEGUN_FACTOR};
}

err device_grant_begin(struct task *t, span client_id, span scope, struct device_grant *ret)
{
	const struct oauth_client *client = oauth_client_find(client_id);
	struct work w = {.task = t};
	char user_code[USER_CODE_SIZE];
	struct device_grant out;
	err e;

	if (!client)
		return fail(t, ERR_INVALID, "invalid_client", "There is no such client.");
	w.code = (struct device_code){.client_id = span_from(client->id),
		.ip_prefix = address_prefix(t->arena, t->caller->address),
		.country = t->caller->country,
		.interval_s = DEVICE_GRANT_INTERVAL_S,
		.created_at_us = t->now_us,
		.expires_at_us = t->now_us + DEVICE_GRANT_LIFE_S * TIME_SECOND};
	e = limit_scope(t, client, scope, &w.code.scope);
	if (e)
		return e;
	struct throttle_subject who = beginners(t);

	if (throttle_try(t->service->sign_ins, &who, t->now_us, &t->retry_after_us))
		return fail(t, ERR_LIMIT, "sign_in_throttled",
			"Too many sign-ins were begun. Wait as long as Retry-After says.");
	user_code_make(user_code);
	out.user_code = span_from(arena_strdup(t->arena, user_code));
	out.device_code = make_device_code(t);
	hash_code(t, "user-code", out.user_code, w.code.user_hash);
	hash_code(t, "device-code", out.device_code, w.code.device_hash);
	e = db_transact(t->service->db, DB_WRITE, begin_body, &w);
	if (!e)
		*ret = out;
	return e;
}

/* Deciding ------------------------------------------------------------------------------------- */

static err waiting_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	uint8_t hash[SHA256_SIZE];

	memcpy(hash, w->code.user_hash, sizeof(hash));
	err e = device_code_find_waiting(
		tx, w->task->arena, hash, w->task->now_us, &w->code, &w->found);

	memcpy(w->code.user_hash, hash, sizeof(hash));
	return e;
}

static err unknown(struct task *t)
{
	return fail(t, ERR_NOT_FOUND, "user_code_unknown",
		"Nothing waits under this code. It may have expired: begin again.");
}

/*
 * A wrong code counts against who typed it: of 20^8 codes a few are alive, and a guessed one would
 * sign a stranger's device in.
 */
static err find_waiting(struct work *w, span user_code)
{
	struct task *t = w->task;
	struct throttle_subject guesser = {"user code", t->caller->account, 2};
	char text[USER_CODE_SIZE];
	int64_t wait_us = 0;
	err e = throttle_try(t->service->sign_ins, &guesser, t->now_us, &wait_us);

	if (t->caller->kind != CALLER_ACCOUNT || t->caller->session.len == 0)
		return fail(t, ERR_DENIED, "session_needed",
			"Only who is signed in can sign a device in.");
	if (e) {
		t->retry_after_us = wait_us;
		return fail(t, ERR_LIMIT, "user_code_throttled",
			"Too many wrong codes. Wait as long as Retry-After says.");
	}
	if (user_code_parse(user_code, text))
		return unknown(t);
	hash_code(t, "user-code", span_from(text), w->code.user_hash);
	e = db_transact(t->service->db, DB_READ, waiting_body, w);
	if (e)
		return e;
	if (!w->found)
		return unknown(t);
	throttle_undo(t->service->sign_ins, &guesser);
	return OK;
}

err device_grant_show(struct task *t, span user_code, struct device_code *ret)
{
	struct work w = {.task = t};
	err e = find_waiting(&w, user_code);

	if (!e)
		*ret = w.code;
	return e;
}

static err decide_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	/*
	 * A session begins that lives as long as any: whoever has stolen one, or a browser that was
	 * left open, must not make a longer one of it.
	 */
	err e = w->approve ? step_up_check_in(tx, t) : OK;

	if (!e)
		e = device_code_decide(tx, w->code.user_hash,
			w->approve ? DEVICE_CODE_APPROVED : DEVICE_CODE_DENIED, t->caller->account,
			t->caller->session, t->now_us, &w->found);

	if (e || !w->found)
		return e;
	return audit_add_outcome(tx, t, "auth.device", t->caller->account,
		w->approve ? "ok" : "denied",
		arena_printf(t->arena, "{\"client_id\":\"%.*s\",\"network\":\"%.*s\"}",
			SPAN_ARG(w->code.client_id), SPAN_ARG(w->code.ip_prefix)));
}

err device_grant_decide(struct task *t, span user_code, bool approve)
{
	struct work w = {.task = t, .approve = approve};
	err e = find_waiting(&w, user_code);

	if (!e)
		e = db_transact(t->service->db, DB_WRITE, decide_body, &w);
	return e ? e : w.found ? OK : unknown(t);
}

/* Polling -------------------------------------------------------------------------------------- */

static err wait_longer(struct db_tx *tx, struct work *w, const uint8_t hash[SHA256_SIZE])
{
	int64_t now_us = w->task->now_us, interval_s = w->code.interval_s;
	bool first = w->code.polled_at_us == w->code.created_at_us;
	bool fast = !first && now_us < w->code.polled_at_us + interval_s * TIME_SECOND;

	w->outcome = fast ? POLL_TOO_FAST : POLL_PENDING;
	if (fast)
		interval_s = MIN(interval_s + SLOW_DOWN_S, INTERVAL_MAX_S);
	return device_code_polled(tx, hash, interval_s, now_us);
}

/* With the proof of the session that approved, which must still stand. */
static err open_session(struct db_tx *tx, struct work *w)
{
	struct task *t = w->task;
	struct session_idle idle = session_idle(t->service);
	struct account account;
	struct feed_batch feed;
	bool found;
	err e = session_find(tx, t->arena, w->code.session, &w->approving, &found);

	w->outcome = POLL_DENIED;
	if (e || !found || !session_is_alive(&w->approving, &idle, t->now_us))
		return e;
	e = account_find(tx, t->arena, w->code.account, &account, &found);
	if (e || !found || account.disabled)
		return e;
	struct proof proof = {.methods = w->approving.methods,
		.provider = w->approving.provider,
		.provider_session = w->approving.provider_session,
		.scope = w->approving.scope};

	if (w->code.scope.len)
		proof.scope = scoped_permissions(t->arena, w->code.scope, w->approving.scope);
	if (w->code.scope.len && proof.scope.len == 0)
		return OK; /* nothing in common; an empty scope would mean everything */

	feed_begin(&feed, tx);
	e = session_open(tx, t, &feed, &account, w->code.client_id, &proof, &w->opened);
	if (!e)
		e = session_set_proof(tx, w->opened.subject.session, proof.methods,
			w->approving.authenticated_at_us);
	w->outcome = POLL_OPENED;
	return e ? e : feed_seal(&feed, &w->opened.seq);
}

static err poll_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	uint8_t hash[SHA256_SIZE];
	bool mine;
	err e;

	memcpy(hash, w->code.device_hash, sizeof(hash));
	w->outcome = POLL_UNKNOWN;
	e = device_code_find(tx, t->arena, hash, &w->code, &w->found);
	memcpy(w->code.device_hash, hash, sizeof(hash)); /* the body may run again */
	if (e || !w->found || !span_eq(w->code.client_id, w->client_id))
		return e;
	if (w->code.expires_at_us <= t->now_us) {
		w->outcome = POLL_EXPIRED;
		return OK;
	}
	if (w->code.state == DEVICE_CODE_PENDING)
		return wait_longer(tx, w, hash);
	e = device_code_delete(tx, hash, &mine);
	if (e || !mine)
		return e;
	w->outcome = POLL_DENIED;
	return w->code.state == DEVICE_CODE_APPROVED ? open_session(tx, w) : OK;
}

static err explain(struct task *t, const struct work *w)
{
	switch (w->outcome) {
	case POLL_PENDING:
		return fail(t, ERR_INVALID, "authorization_pending",
			"Nobody has decided yet. Ask again later.");
	case POLL_TOO_FAST:
		return fail(
			t, ERR_INVALID, "slow_down", "Wait five seconds longer between questions.");
	case POLL_EXPIRED:
		return fail(t, ERR_INVALID, "expired_token", "The code has expired. Begin again.");
	case POLL_DENIED:
		return fail(t, ERR_DENIED, "access_denied", "The sign-in was refused.");
	default:
		return fail(t, ERR_INVALID, "invalid_grant",
			"There is no such device code for this client, or it was used.");
	}
}

err device_grant_poll(struct task *t, span client_id, span device_code, struct issued_tokens *ret,
	span *ret_scope)
{
	struct work w = {.task = t, .client_id = client_id};
	err e;

	hash_code(t, "device-code", device_code, w.code.device_hash);
	e = db_transact(t->service->db, DB_WRITE, poll_body, &w);
	if (!e && w.outcome != POLL_OPENED)
		return explain(t, &w);
	if (!e) {
		struct throttle_subject who = beginners(t);

		throttle_undo(t->service->sign_ins, &who);
	}
	if (!e)
		e = session_opened(t, &w.opened, ret);
	if (!e)
		*ret_scope = w.opened.subject.permissions;
	return e;
}
