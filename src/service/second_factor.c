/*
 * Second factors at sign-in and as fresh proof. Hard rule: an answer is used up in the transaction
 * that lets somebody in because of it.
 */
#include "service/second_factor.h"

#include <jansson.h>

#include "account/throttle.h"
#include "account/ticket.h"
#include "account/totp.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/time.h"
#include "crypto/seal.h"
#include "crypto/secret.h"
#include "keyring/keyring.h"
#include "service/audit.h"
#include "service/open_session.h"
#include "service/passkeys.h"
#include "service/passwords.h"
#include "service/second_factor_totp.h"
#include "service/sessions.h"
#include "sys/metrics.h"
#include "token/token.h"

#include "base/banned.h"

#define WAIT_US         (5 * TIME_MINUTE)
#define TICKET_DATA_MAX 8192

/* What one may do who still has to enrol a factor. */
#define ENROLLING SPAN("self.read self.write")

static const span second_factors[] = {SPAN_INIT("otp"), SPAN_INIT("rc"), SPAN_INIT("hwk"),
	SPAN_INIT("passkey"), SPAN_INIT("mfa")};

bool methods_have_second_factor(span methods)
{
	for (size_t i = 0; i < ARRAY_LEN(second_factors); i++)
		if (token_list_has(methods, second_factors[i]))
			return true;
	return false;
}

bool account_must_enrol(const struct service *s, const struct account *a, span methods)
{
	bool required = a->factor_required ||
			token_list_has(span_from(conf_str(s->conf, CONF_FACTOR_ROLES)), a->role);

	return required && !methods_have_second_factor(methods);
}

span session_permissions(const struct service *s, const struct account *a, span methods)
{
	return account_must_enrol(s, a, methods) ? ENROLLING : a->permissions;
}

/* Answers ----------------------------------------------------------------------------------------
 */

static err wrong(struct task *t)
{
	return fail(t, ERR_UNAUTHENTICATED, "invalid_factor",
		"The code is wrong, too old, or was used before.");
}

static struct throttle_subject guesses(const struct account *a)
{
	return (struct throttle_subject){"factor", a->id, 1};
}

err second_factor_try(struct task *t, const struct account *account)
{
	struct throttle_subject who = guesses(account);

	if (!throttle_try(t->service->sign_ins, &who, t->now_us, &t->retry_after_us))
		return OK;
	metric_add(METRIC_LOGINS, "throttled", 1);
	return fail(t, ERR_LIMIT, "sign_in_throttled",
		"Too many wrong codes. Wait as long as Retry-After says.");
}

void second_factor_tried(struct task *t, const struct account *account, err outcome)
{
	struct throttle_subject who = guesses(account);

	if (!outcome)
		throttle_forget(t->service->sign_ins, &who);
	else if (outcome != ERR_UNAUTHENTICATED)
		throttle_undo(t->service->sign_ins, &who);
}

static err totp_unseal(struct task *t, const struct factor *f, uint8_t ret_seed[TOTP_SEED_SIZE])
{
	uint8_t key[SEAL_KEY_SIZE];
	char memory[TOTP_SEED_SIZE + 1];
	struct buf seed;

	buf_init_fixed(&seed, memory, sizeof(memory));
	keyring_derive(t->service->keys, "totp-seed", key);
	err e = unseal(key, f->id, f->secret, &seed);

	wipe(key, sizeof(key));
	if (!e && buf_len(&seed) != TOTP_SEED_SIZE)
		e = ERR_CORRUPT;
	for (size_t i = 0; !e && i < TOTP_SEED_SIZE; i++)
		ret_seed[i] = (uint8_t)memory[i];
	wipe(memory, sizeof(memory));
	return e;
}

err totp_use(struct db_tx *tx, struct task *t, const struct factor *f, span otp)
{
	uint8_t seed[TOTP_SEED_SIZE];
	int64_t step = 0;
	bool fresh = false;
	err e = totp_unseal(t, f, seed);

	if (e)
		return e;
	e = totp_check(seed, otp, t->now_us, f->counter, &step);
	wipe(seed, sizeof(seed));
	if (!e)
		e = factor_use(tx, f->id, step, t->now_us, &fresh);
	return e == ERR_DENIED || (!e && !fresh) ? wrong(t) : e;
}

static err use_otp(struct db_tx *tx, struct task *t, span account, span otp)
{
	struct factor *list;
	size_t count;
	err e = factor_list(tx, t->arena, account, &list, &count);

	for (size_t i = 0; i < count && !e; i++)
		if (list[i].kind == FACTOR_TOTP && list[i].active)
			return totp_use(tx, t, &list[i], otp);
	return e ? e : wrong(t);
}

static err use_recovery_code(struct db_tx *tx, struct task *t, span account, span code)
{
	uint8_t hash[SHA256_SIZE];
	bool found = false;

	if (recovery_code_hash(code, hash))
		return wrong(t);
	err e = recovery_code_take(tx, account, hash, &found);

	if (!e && !found)
		return wrong(t);
	return e ? e : audit_add(tx, t, "auth.recovery_code", account, "{}");
}

err second_factor_use(struct db_tx *tx, struct task *t, const struct account *account,
	const struct factor_answer *answer, span *ret_method)
{
	struct factor used;

	*ret_method = answer->passkey ? SPAN("hwk") : answer->otp.len ? SPAN("otp") : SPAN("rc");
	if (answer->passkey)
		return passkey_judge(tx, t, answer->passkey, account->id, &used);
	return answer->otp.len ? use_otp(tx, t, account->id, answer->otp)
			       : use_recovery_code(tx, t, account->id, answer->recovery_code);
}

/* Counts the attempt; a passkey's challenge is gone with it. */
static err begin_answer(struct task *t, const struct account *account,
	const struct factor_answer *answer, enum passkey_use use)
{
	err e = second_factor_try(t, account);

	if (e || !answer->passkey)
		return e;
	e = passkey_take_challenge(t, use, answer->passkey->ticket, account->id);
	if (e)
		second_factor_tried(t, account, e);
	return e;
}

static void end_answer(struct task *t, const struct account *account,
	const struct factor_answer *answer, err outcome)
{
	second_factor_tried(t, account, outcome);
	if (answer->passkey)
		passkey_judged(t, answer->passkey, outcome);
}

/* Sign-in that waits -----------------------------------------------------------------------------
 */

err second_factor_ways(struct db_tx *tx, struct task *t, const struct account *account, span *ret)
{
	bool totp = false, passkey = false;
	struct factor *list;
	size_t count;
	int64_t codes = 0;
	err e = factor_list(tx, t->arena, account->id, &list, &count);

	for (size_t i = 0; !e && i < count; i++) {
		totp |= list[i].active && list[i].kind == FACTOR_TOTP;
		passkey |= list[i].active && list[i].kind == FACTOR_PASSKEY;
	}
	if (!e)
		e = recovery_codes_count(tx, account->id, &codes);
	*ret = span_from(arena_printf(t->arena, "%s%s%s", totp ? "totp " : "",
		passkey ? "passkey " : "", codes ? "recovery_code " : ""));
	*ret = span_trim(*ret);
	return e;
}

err second_factor_wait(struct db_tx *tx, struct task *t, const struct account *account,
	span client_id, const struct proof *proof, span *ret_ticket)
{
	char text[TICKET_TEXT_SIZE];
	struct json_writer w;
	AUTO(buf) id_token = {0};
	AUTO(buf) data = {0};

	buf_init(&id_token, TICKET_DATA_MAX);
	base64url_encode(&id_token, proof->id_token);
	buf_init(&data, TICKET_DATA_MAX);
	json_writer_init(&w, &data);
	json_begin_object(&w, NULL);
	json_str(&w, "client_id", client_id);
	json_str(&w, "methods", proof->methods);
	json_bool(&w, "cookie", proof->cookie);
	json_str(&w, "provider", proof->provider);
	json_str(&w, "provider_session", proof->provider_session);
	json_str(&w, "id_token", buf_span(&id_token));
	json_end(&w);
	struct ticket ticket = {.purpose = TICKET_SECOND_FACTOR,
		.account = account->id,
		.data = buf_span(&data),
		.expires_at_us = t->now_us + WAIT_US};
	err e = buf_error(&id_token) ? buf_error(&id_token) : buf_error(&data);

	if (!e)
		e = ticket_issue(tx, &ticket, t->now_us, text);
	if (!e)
		*ret_ticket = span_from(arena_strdup(t->arena, text));
	wipe(text, sizeof(text));
	return e;
}

struct waiting {
	struct task *task;
	span ticket;
	const struct factor_answer *answer;
	struct account account;
	struct opened_session opened;
};

static err no_ticket(struct task *t)
{
	return fail(t, ERR_UNAUTHENTICATED, "mfa_token_invalid",
		"The sign-in took too long or was finished already. Begin again.");
}

/* Finds the account of a ticket that stands; take: it is used up. */
static err open_ticket(
	struct db_tx *tx, struct waiting *w, bool take, struct ticket *ret, bool *ret_found)
{
	struct task *t = w->task;
	err e = (take ? ticket_redeem : ticket_peek)(
		tx, t->arena, TICKET_SECOND_FACTOR, w->ticket, t->now_us, ret, ret_found);

	if (!e && *ret_found)
		e = account_find(tx, t->arena, ret->account, &w->account, ret_found);
	return e ? e : *ret_found ? OK : no_ticket(t);
}

static err peek_body(struct db_tx *tx, void *arg)
{
	struct ticket ticket;
	bool found;

	return open_ticket(tx, arg, false, &ticket, &found);
}

static span text_of(struct arena *a, const json_t *data, const char *name)
{
	const char *text = json_string_value(json_object_get(data, name));

	return text ? span_from(arena_strdup(a, text)) : SPAN_EMPTY;
}

static span bytes_of(struct arena *a, span text)
{
	size_t size = base64url_decoded_len(text.len);
	void *bytes = arena_try_array(a, size + 1, 1);

	return bytes && base64url_decode(text, bytes, size, &size) == OK ? span_of(bytes, size)
									 : SPAN_EMPTY;
}

static err finish_body(struct db_tx *tx, void *arg)
{
	struct waiting *w = arg;
	struct task *t = w->task;
	struct feed_batch feed;
	struct ticket ticket;
	span method;
	bool found;
	err e = open_ticket(tx, w, true, &ticket, &found);

	if (!e)
		e = second_factor_use(tx, t, &w->account, w->answer, &method);
	if (e)
		return e;
	json_t *data = json_loadb(ticket.data.ptr, ticket.data.len, 0, NULL);
	struct proof proof = {.cookie = json_is_true(json_object_get(data, "cookie")),
		.provider = text_of(t->arena, data, "provider"),
		.provider_session = text_of(t->arena, data, "provider_session"),
		.id_token = bytes_of(t->arena, text_of(t->arena, data, "id_token"))};
	span client_id = text_of(t->arena, data, "client_id");

	proof.methods = span_from(arena_printf(t->arena, "%.*s %.*s",
		SPAN_ARG(text_of(t->arena, data, "methods")), SPAN_ARG(method)));
	json_decref(data);
	feed_begin(&feed, tx);
	e = session_open(tx, t, &feed, &w->account, client_id, &proof, &w->opened);
	return e ? e : feed_seal(&feed, &w->opened.seq);
}

static err note_refusal(struct db_tx *tx, void *arg)
{
	struct waiting *w = arg;

	return audit_add_outcome(tx, w->task, "auth.second_factor", w->account.id, "refused", "{}");
}

err second_factor_sign_in(
	struct task *t, span ticket, const struct factor_answer *answer, struct issued_tokens *ret)
{
	struct waiting w = {.task = t, .ticket = ticket, .answer = answer};
	err e = db_transact(t->service->db, DB_READ, peek_body, &w);

	if (!e)
		e = begin_answer(t, &w.account, answer, PASSKEY_SECOND_FACTOR);
	if (e)
		return e;
	e = db_transact(t->service->db, DB_WRITE, finish_body, &w);
	end_answer(t, &w.account, answer, e);
	if (e == ERR_UNAUTHENTICATED) {
		metric_add(METRIC_LOGINS, "refused", 1);
		if (db_transact(t->service->db, DB_WRITE, note_refusal, &w))
			t->log = "the refusal could not be recorded";
	}
	return e ? e : session_opened(t, &w.opened, ret);
}

/* Step-up ----------------------------------------------------------------------------------------
 */

struct proving {
	struct task *task;
	span password;
	const struct factor_answer *answer;
	struct session session;
	struct account account;
	bool found;
	span method;
};

static err load_body(struct db_tx *tx, void *arg)
{
	struct proving *p = arg;
	struct arena *a = p->task->arena;
	err e = session_find(tx, a, p->task->caller->session, &p->session, &p->found);

	return e || !p->found ? e : account_find(tx, a, p->session.account, &p->account, &p->found);
}

static err prove_body(struct db_tx *tx, void *arg)
{
	struct proving *p = arg;
	struct task *t = p->task;
	span methods = p->session.methods;
	err e = OK;

	p->method = SPAN("pwd");
	if (p->password.len == 0)
		e = second_factor_use(tx, t, &p->account, p->answer, &p->method);
	if (e)
		return e;
	if (!token_list_has(methods, p->method))
		methods = span_from(arena_printf(
			t->arena, "%.*s %.*s", SPAN_ARG(methods), SPAN_ARG(p->method)));
	e = session_proved(tx, t, &p->session, methods);
	return e ? e : audit_add(tx, t, "auth.step_up", p->session.id, "{}");
}

static err check_password(struct proving *p)
{
	struct task *t = p->task;

	if (p->account.factors)
		return fail(t, ERR_DENIED, "factor_needed",
			"This account has a second factor: prove it with that.");
	err e = password_ask_again(t, p->password, &p->account);

	return e == ERR_DENIED ? fail(t, e, "wrong_password", "The password is wrong.") : e;
}

err step_up(struct task *t, span password, const struct factor_answer *answer)
{
	struct proving p = {.task = t, .password = password, .answer = answer};
	err e = db_transact(t->service->db, DB_READ, load_body, &p);

	if (!e && !p.found)
		return fail(
			t, ERR_DENIED, "session_required", "Only sessions can be proved again.");
	if (!e)
		e = password.len ? check_password(&p)
				 : begin_answer(t, &p.account, answer, PASSKEY_STEP_UP);
	if (e)
		return e == ERR_UNAUTHENTICATED ? ERR_DENIED : e;
	e = db_transact(t->service->db, DB_WRITE, prove_body, &p);
	if (!password.len)
		end_answer(t, &p.account, answer, e);
	/* The caller is known; what is wrong is the answer. */
	return e == ERR_UNAUTHENTICATED ? ERR_DENIED : e;
}

err step_up_check_in(struct db_tx *tx, struct task *t)
{
	struct proving p = {.task = t};

	if (t->caller->kind == CALLER_API_KEY)
		return OK;
	if (t->caller->kind == CALLER_WORKLOAD)
		return fail(t, ERR_DENIED, "person_needed",
			"Only people do this, and show that it is them: sign in.");
	err e = load_body(tx, &p);

	if (e)
		return e;
	if (p.found && t->now_us - p.session.authenticated_at_us <
			       conf_int(t->service->conf, CONF_STEP_UP))
		return OK;
	return fail(t, ERR_DENIED, "step_up_required",
		"This needs a fresh proof of who you are: POST /api/v1/auth/step-up, or sign in "
		"again.");
}

static err check_body(struct db_tx *tx, void *arg)
{
	return step_up_check_in(tx, arg);
}

err step_up_check(struct task *t)
{
	return t->caller->kind == CALLER_API_KEY
		       ? OK
		       : db_transact(t->service->db, DB_READ, check_body, t);
}
