/*
 * The life of the caller's own factors. Hard rule: a factor counts only after its holder has shown
 * it, and a change of factors ends every other session.
 */
#include "account/passkey.h"
#include "account/ticket.h"
#include "account/totp.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "crypto/secret.h"
#include "keyring/keyring.h"
#include "service/accounts.h"
#include "service/audit.h"
#include "service/mailbox.h"
#include "service/notices.h"
#include "service/passkeys.h"
#include "service/second_factor.h"
#include "service/second_factor_totp.h"
#include "service/sessions.h"

#include "base/banned.h"

#define ISSUER "Slipway"

struct work {
	struct task *task;
	struct account account;
	struct factor factor;
	struct factors factors;
	span id, otp;
	enum factor_kind kind;
	uint8_t hashes[RECOVERY_CODES][SHA256_SIZE];
	bool renew; /* recovery codes, although there are some */
	bool renewed;
	uint64_t seq;
};

static err load(struct db_tx *tx, struct work *w)
{
	struct task *t = w->task;
	bool found;

	if (t->caller->session.len == 0)
		return fail(t, ERR_DENIED, "session_required",
			"Factors are managed from a session: sign in first.");
	err e = account_find(tx, t->arena, t->caller->account, &w->account, &found);

	return e ? e : found ? OK : ERR_NOT_FOUND;
}

/* A change of factors: whoever else is signed in as this account has to do it again. */
static err end_others(struct db_tx *tx, struct work *w)
{
	struct task *t = w->task;
	struct feed_batch feed;
	err e;

	feed_begin(&feed, tx);
	e = session_end_others(
		tx, &feed, t->arena, w->account.id, t->caller->session, "factor", t->now_us);
	if (!e)
		e = mailbox_withdraw(tx, t, w->account.id);
	return e ? e : feed_seal(&feed, &w->seq);
}

static err change(struct work *w, db_body *body)
{
	err e = db_transact(w->task->service->db, DB_WRITE, body, w);

	return e ? e : published(w->task, w->seq);
}

/* Seeing ----------------------------------------------------------------------------------------
 */

static err list_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct factors *f = &w->factors;
	size_t active = 0;
	err e = load(tx, w);

	if (!e)
		e = factor_list(tx, w->task->arena, w->account.id, &f->list, &f->count);
	if (!e)
		e = recovery_codes_count(tx, w->account.id, &f->recovery_codes);
	for (size_t i = 0; !e && i < f->count; i++)
		if (f->list[i].active)
			f->list[active++] = f->list[i];
	f->count = active;
	f->required = !e && account_must_enrol(w->task->service, &w->account, SPAN_EMPTY);
	return e;
}

err factors_own(struct task *t, struct factors *ret)
{
	struct work w = {.task = t};
	err e = db_transact(t->service->db, DB_READ, list_body, &w);

	if (!e)
		*ret = w.factors;
	return e;
}

/* TOTP ------------------------------------------------------------------------------------------
 */

static err begin_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	err e = list_body(tx, w);

	for (size_t i = 0; !e && i < w->factors.count; i++)
		if (w->factors.list[i].kind == FACTOR_TOTP)
			return fail(w->task, ERR_CONFLICT, "totp_exists",
				"There is an authenticator app already. Remove it first.");
	if (!e)
		e = factor_delete_pending(tx, w->account.id, FACTOR_TOTP);
	w->factor.account = w->account.id;
	return e ? e : factor_insert(tx, &w->factor);
}

static err seal_seed(struct task *t, span id, const uint8_t seed[TOTP_SEED_SIZE], struct buf *out)
{
	uint8_t key[SEAL_KEY_SIZE];
	err e;

	keyring_derive(t->service->keys, "totp-seed", key);
	e = seal(key, id, span_of(seed, TOTP_SEED_SIZE), out);
	wipe(key, sizeof(key));
	return e;
}

err totp_begin(struct task *t, struct totp_enrolment *ret)
{
	struct work w = {.task = t};
	uint8_t seed[TOTP_SEED_SIZE];
	char id[TYPEID_SIZE];
	AUTO(buf) sealed = {0};
	AUTO(buf) text = {0};

	buf_init(&sealed, SEAL_MAX);
	buf_init(&text, 1024);
	random_id("fac", t->now_us, id);
	random_bytes(seed, sizeof(seed));
	err e = seal_seed(t, span_from(id), seed, &sealed);

	w.factor = (struct factor){.id = span_from(id),
		.name = SPAN("Authenticator app"),
		.kind = FACTOR_TOTP,
		.secret = buf_span(&sealed),
		.created_at_us = t->now_us};
	if (!e)
		e = db_transact(t->service->db, DB_WRITE, begin_body, &w);
	if (!e) {
		totp_write_secret(&text, seed);
		ret->id = span_from(arena_strdup(t->arena, id));
		ret->secret = arena_span(t->arena, buf_span(&text));
		buf_clear(&text);
		totp_write_uri(&text, seed, SPAN(ISSUER), w.account.email);
		ret->uri = arena_span(t->arena, buf_span(&text));
		e = buf_error(&text);
	}
	wipe(seed, sizeof(seed));
	buf_wipe(&text);
	return e;
}

static err find_pending(struct db_tx *tx, struct work *w)
{
	struct task *t = w->task;
	struct factor *list;
	size_t count;
	err e = factor_list(tx, t->arena, w->account.id, &list, &count);

	for (size_t i = 0; !e && i < count; i++)
		if (list[i].kind == FACTOR_TOTP && !list[i].active) {
			w->factor = list[i];
			return OK;
		}
	return e ? e
		 : fail(t, ERR_NOT_FOUND, "not_found",
			   "No authenticator app waits to be confirmed. Begin again.");
}

/* Codes are made with the first factor, and when the owner asks for new ones. */
static err set_codes(struct db_tx *tx, struct work *w)
{
	int64_t left = 0;
	err e = recovery_codes_count(tx, w->account.id, &left);

	w->renewed = w->renew || left == 0;
	return e || !w->renewed ? e
				: recovery_codes_set(tx, w->account.id, w->hashes, RECOVERY_CODES);
}

/* The session that enrolled the factor has shown it. */
static err prove_session(struct db_tx *tx, struct work *w, const char *method)
{
	struct task *t = w->task;
	struct session s;
	bool found;

	err e = session_find(tx, t->arena, t->caller->session, &s, &found);

	if (e || !found)
		return e;
	return session_proved(tx, t, &s,
		span_from(arena_printf(t->arena, "%.*s %s", SPAN_ARG(s.methods), method)));
}

static err tell(struct db_tx *tx, const struct work *w, const char *what)
{
	return notice(tx, w->task, MAIL_FACTOR_CHANGED, w->account.email, what);
}

static err confirm_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	err e = load(tx, w);

	if (!e)
		e = find_pending(tx, w);
	if (!e)
		e = totp_use(tx, w->task, &w->factor, w->otp);
	if (!e)
		e = factor_activate(tx, w->factor.id);
	if (!e)
		e = set_codes(tx, w);
	if (!e)
		e = prove_session(tx, w, "otp");
	if (!e)
		e = audit_add(tx, w->task, "factor.create", w->factor.id, "{\"kind\":\"totp\"}");
	if (!e)
		e = tell(tx, w, "an authenticator app was added");
	return e ? e : end_others(tx, w);
}

static err make_codes(struct recovery_codes *ret, uint8_t hashes[][SHA256_SIZE])
{
	err e = OK;

	for (size_t i = 0; i < RECOVERY_CODES && !e; i++) {
		e = recovery_code_make(ret->text[i]);
		if (!e)
			e = recovery_code_hash(span_from(ret->text[i]), hashes[i]);
	}
	return e;
}

err totp_confirm(struct task *t, span otp, struct recovery_codes *ret)
{
	struct work w = {.task = t, .otp = otp};
	struct account who = {.id = t->caller->account};
	err e = make_codes(ret, w.hashes);

	if (!e)
		e = second_factor_try(t, &who);
	if (e)
		return e;
	e = change(&w, confirm_body);
	second_factor_tried(t, &who, e);
	ret->count = w.renewed ? RECOVERY_CODES : 0;
	return e == ERR_UNAUTHENTICATED ? ERR_DENIED : e;
}

/* Passkeys --------------------------------------------------------------------------------------
 */

static err add_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	struct factor other;
	bool found = false;
	err e = list_body(tx, w);

	if (!e && w->factors.count >= FACTORS_MAX)
		return fail(t, ERR_CONFLICT, "too_many_factors",
			"An account has at most %d factors. Remove one first.", FACTORS_MAX);
	if (!e)
		e = factor_find_by_credential(
			tx, t->arena, w->factor.credential_id, &other, &found);
	if (!e && !found)
		e = factor_insert(tx, &w->factor);
	if (found || e == ERR_CONFLICT)
		return fail(
			t, ERR_CONFLICT, "passkey_exists", "This passkey is registered already.");
	if (!e)
		e = set_codes(tx, w);
	if (!e)
		e = prove_session(tx, w, "hwk");
	if (!e)
		e = audit_add(tx, t, "factor.create", w->factor.id, "{\"kind\":\"passkey\"}");
	if (!e)
		e = tell(tx, w, "a passkey was added");
	return e ? e : end_others(tx, w);
}

static err read_new_passkey(struct task *t, const struct new_passkey *n, struct passkey *ret)
{
	struct passkey_expected x = {.challenge = ticket_secret(n->ticket), .origin = n->origin};
	const char *why = "";
	err e = passkey_take_challenge(t, PASSKEY_ENROL, n->ticket, t->caller->account);

	/* The caller is known; what is wrong is the answer. */
	if (e)
		return e == ERR_UNAUTHENTICATED ? ERR_DENIED : e;
	e = passkey_register(&x, n->client_data, n->attestation_object, ret, &why);
	return e != ERR_DENIED ? e
			       : fail(t, ERR_INVALID, "invalid_passkey",
					 "The passkey cannot be registered: %s.", why);
}

err passkey_add(struct task *t, const struct new_passkey *n, struct factor *ret,
	struct recovery_codes *ret_codes)
{
	struct work w = {.task = t};
	struct passkey key;
	char id[TYPEID_SIZE];
	err e = read_new_passkey(t, n, &key);

	if (!e)
		e = make_codes(ret_codes, w.hashes);
	if (e)
		return e;
	random_id("fac", t->now_us, id);
	w.factor = (struct factor){.id = span_from(arena_strdup(t->arena, id)),
		.account = t->caller->account,
		.name = n->name,
		.kind = FACTOR_PASSKEY,
		.active = true,
		.secret = key.key,
		.credential_id = key.credential_id,
		.counter = key.counter,
		.created_at_us = t->now_us};
	e = change(&w, add_body);
	*ret = w.factor;
	ret_codes->count = w.renewed ? RECOVERY_CODES : 0;
	return e;
}

static err renew_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	err e = load(tx, w);

	if (!e && !w->account.factors)
		return fail(w->task, ERR_DENIED, "factor_needed",
			"Recovery codes stand in for a second factor: enrol one first.");
	if (!e)
		e = set_codes(tx, w);
	if (!e)
		e = tell(tx, w, "new recovery codes replace the old ones");
	return e ? e : audit_add(tx, w->task, "factor.recovery_codes", w->account.id, "{}");
}

err recovery_codes_renew(struct task *t, struct recovery_codes *ret)
{
	struct work w = {.task = t, .renew = true};
	err e = make_codes(ret, w.hashes);

	if (!e)
		e = change(&w, renew_body);
	ret->count = e ? 0 : RECOVERY_CODES;
	return e;
}

/* Removing --------------------------------------------------------------------------------------
 */

static err remove_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	bool found = false;
	err e = load(tx, w);

	if (!e)
		e = factor_delete(tx, w->account.id, w->id, w->kind, &found);
	if (!e && !found)
		return fail(t, ERR_NOT_FOUND, "not_found", "You have no such factor.");
	if (!e)
		e = load(tx, w);
	if (!e && !w->account.factors && account_must_enrol(t->service, &w->account, SPAN_EMPTY))
		return fail(t, ERR_DENIED, "factor_required",
			"This account must have a second factor: enrol another one first.");
	if (!e && !w->account.factors)
		e = factor_delete_all(tx, w->account.id); /* codes without a factor are no use */
	if (!e)
		e = audit_add(tx, t, "factor.delete", w->id, "{}");
	if (!e)
		e = tell(tx, w, "a second factor was removed");
	return e ? e : end_others(tx, w);
}

err factor_remove(struct task *t, enum factor_kind kind, span id)
{
	struct work w = {.task = t, .kind = kind, .id = id};

	return change(&w, remove_body);
}

static err reset_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	struct feed_batch feed;
	err e = account_resolve(tx, t, w->id, &w->account);

	if (!e)
		e = role_within_reach(t, w->account.role, w->account.permissions);
	if (!e)
		e = factor_delete_all(tx, w->account.id);
	feed_begin(&feed, tx);
	if (!e)
		e = account_end_credentials(tx, &feed, w->account.id, "factor", t->now_us);
	if (!e)
		e = audit_add(tx, t, "factor.reset", w->account.id, "{}");
	if (!e)
		e = tell(tx, w, "an administrator took the second factors away");
	return e ? e : feed_seal(&feed, &w->seq);
}

err factors_reset(struct task *t, span account)
{
	struct work w = {.task = t, .id = account};

	return change(&w, reset_body);
}
