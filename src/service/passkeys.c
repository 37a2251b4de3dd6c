/* Hard rule: a challenge is gone before the answer to it is looked at. */
#include "service/passkeys.h"

#include "account/passkey.h"
#include "account/throttle.h"
#include "account/ticket.h"
#include "service/audit.h"
#include "service/open_session.h"
#include "sys/metrics.h"

#include "base/banned.h"

#define COPIED "passkey_copied"

/* Whoever opens a sign-in page asks for one, so many are free (in units of login.attempts). */
#define CHALLENGES_FACTOR 100

static const char *const uses[] = {
	[PASSKEY_ENROL] = "{\"use\":\"enrol\"}",
	[PASSKEY_SIGN_IN] = "{\"use\":\"sign_in\"}",
	[PASSKEY_SECOND_FACTOR] = "{\"use\":\"second_factor\"}",
	[PASSKEY_STEP_UP] = "{\"use\":\"step_up\"}",
};

/* Challenges -------------------------------------------------------------------------------------
 */

struct beginning {
	struct task *task;
	enum passkey_use use;
	span mfa_token;
	struct passkey_challenge out;
};

static err find_whom(struct db_tx *tx, struct beginning *b)
{
	struct task *t = b->task;
	struct account account;
	struct ticket ticket;
	bool found = true;
	err e = OK;

	b->out = (struct passkey_challenge){.count = 0};
	if (b->use == PASSKEY_SIGN_IN)
		return OK;
	b->out.account = t->caller->account;
	if (b->use == PASSKEY_SECOND_FACTOR) {
		e = ticket_peek(tx, t->arena, TICKET_SECOND_FACTOR, b->mfa_token, t->now_us,
			&ticket, &found);
		if (!e && !found)
			return fail(t, ERR_UNAUTHENTICATED, "mfa_token_invalid",
				"The sign-in took too long or was finished already. Begin again.");
		if (!e)
			b->out.account = ticket.account;
	} else if (t->caller->session.len == 0) {
		return fail(t, ERR_DENIED, "session_required",
			"Factors are used and managed from a session: sign in first.");
	}
	if (!e)
		e = account_find(tx, t->arena, b->out.account, &account, &found);
	if (!e && !found)
		return ERR_NOT_FOUND;
	b->out.email = account.email;
	return e;
}

/* The account's passkeys, of all its factors. */
static err find_known(struct db_tx *tx, struct beginning *b)
{
	struct passkey_challenge *c = &b->out;
	size_t all = 0;
	err e = c->account.len ? factor_list(tx, b->task->arena, c->account, &c->known, &all) : OK;

	for (size_t i = 0; !e && i < all; i++)
		if (c->known[i].kind == FACTOR_PASSKEY && c->known[i].active)
			c->known[c->count++] = c->known[i];
	if (!e && b->use == PASSKEY_ENROL && all >= FACTORS_MAX)
		return fail(b->task, ERR_CONFLICT, "too_many_factors",
			"An account has at most %d factors. Remove one first.", FACTORS_MAX);
	return e;
}

static err begin_body(struct db_tx *tx, void *arg)
{
	struct beginning *b = arg;
	struct task *t = b->task;
	char text[TICKET_TEXT_SIZE];
	err e = find_whom(tx, b);

	if (!e)
		e = find_known(tx, b);
	if (e)
		return e;
	struct ticket ticket = {.purpose = TICKET_PASSKEY,
		.account = b->out.account,
		.data = span_from(uses[b->use]),
		.expires_at_us = t->now_us + PASSKEY_CHALLENGE_US};

	e = ticket_issue(tx, &ticket, t->now_us, text);
	if (!e) {
		b->out.ticket = span_from(arena_strdup(t->arena, text));
		b->out.challenge = ticket_secret(b->out.ticket);
	}
	return e;
}

static struct throttle_subject network(struct task *t)
{
	return (struct throttle_subject){
		"passkey", address_network(t->arena, t->caller->address), CHALLENGES_FACTOR};
}

err passkey_begin(
	struct task *t, enum passkey_use use, span mfa_token, struct passkey_challenge *ret)
{
	struct beginning b = {.task = t, .use = use, .mfa_token = mfa_token};
	struct throttle_subject who = network(t);

	if (use == PASSKEY_SIGN_IN &&
		throttle_try(t->service->sign_ins, &who, t->now_us, &t->retry_after_us))
		return fail(t, ERR_LIMIT, "sign_in_throttled",
			"Too many sign-ins were begun. Wait as long as Retry-After says.");
	err e = db_transact(t->service->db, DB_WRITE, begin_body, &b);

	if (!e)
		*ret = b.out;
	return e;
}

struct taking {
	struct task *task;
	span text;
	struct ticket ticket;
	bool found;
};

static err take_body(struct db_tx *tx, void *arg)
{
	struct taking *k = arg;
	struct task *t = k->task;

	return ticket_redeem(
		tx, t->arena, TICKET_PASSKEY, k->text, t->now_us, &k->ticket, &k->found);
}

err passkey_take_challenge(struct task *t, enum passkey_use use, span ticket, span account)
{
	struct taking k = {.task = t, .text = ticket};
	err e = db_transact(t->service->db, DB_WRITE, take_body, &k);

	if (e)
		return e;
	if (k.found && span_is(k.ticket.data, uses[use]) && span_eq(k.ticket.account, account))
		return OK;
	return fail(t, ERR_UNAUTHENTICATED, "challenge_invalid",
		"The challenge is older than five minutes, was answered before, or was for "
		"something else. Begin again.");
}

/* Answers ----------------------------------------------------------------------------------------
 */

static err invalid(struct task *t, const char *why)
{
	return fail(
		t, ERR_UNAUTHENTICATED, "invalid_passkey", "The passkey does not count: %s.", why);
}

/* Whose it is, and whom it says it is of (section 7.2, steps 5 to 7). */
static err check_owner(struct task *t, const struct passkey_answer *answer, span account,
	const struct factor *f, bool found)
{
	if (!found || (account.len && !span_eq(f->account, account)))
		return invalid(t, "it is not registered here");
	if (answer->user.len ? !span_eq(answer->user, f->account) : account.len == 0)
		return invalid(t, "it names another account");
	return OK;
}

err passkey_judge(struct db_tx *tx, struct task *t, const struct passkey_answer *answer,
	span account, struct factor *ret)
{
	struct passkey_expected x = {.challenge = ticket_secret(answer->ticket),
		.origin = answer->origin,
		.verified = account.len == 0};
	struct passkey_assertion a = {
		answer->client_data, answer->authenticator_data, answer->signature};
	const char *why = "";
	uint32_t counter = 0;
	bool found = false, fresh = false;
	err e = factor_find_by_credential(tx, t->arena, answer->credential_id, ret, &found);

	if (!e)
		e = check_owner(t, answer, account, ret, found);
	if (!e)
		e = passkey_verify(&x, ret->secret, &a, &counter, &why);
	if (e == ERR_DENIED)
		return invalid(t, why);
	if (!e)
		e = factor_use(tx, ret->id, counter, t->now_us, &fresh);
	if (!e && !fresh)
		return fail(t, ERR_UNAUTHENTICATED, COPIED,
			"The authenticator counts less than it did before: there may be a copy of "
			"it. Remove this passkey, and sign in another way.");
	return e;
}

struct judged {
	struct task *task;
	const struct passkey_answer *answer;
};

static err note_copy(struct db_tx *tx, void *arg)
{
	struct judged *j = arg;
	struct task *t = j->task;
	struct factor f;
	bool found = false;
	err e = factor_find_by_credential(tx, t->arena, j->answer->credential_id, &f, &found);

	return e || !found ? e
			   : audit_add_outcome(tx, t, "auth.passkey", f.id, "refused",
				     "{\"reason\":\"" COPIED "\"}");
}

void passkey_judged(struct task *t, const struct passkey_answer *answer, err outcome)
{
	struct judged j = {t, answer};

	if (outcome != ERR_UNAUTHENTICATED || !span_is(span_from(t->reason), COPIED))
		return;
	if (db_transact(t->service->db, DB_WRITE, note_copy, &j))
		t->log = "a copied passkey could not be recorded";
}

/* Signing in ------------------------------------------------------------------------------------
 */

struct entering {
	struct task *task;
	const struct passkey_answer *answer;
	bool cookie;
	struct factor factor;
	struct opened_session opened;
};

static err enter_body(struct db_tx *tx, void *arg)
{
	struct entering *n = arg;
	struct task *t = n->task;
	struct proof proof = {.methods = SPAN("passkey"), .cookie = n->cookie};
	struct account account;
	struct feed_batch feed;
	bool found = false;
	err e = passkey_judge(tx, t, n->answer, SPAN_EMPTY, &n->factor);

	if (!e)
		e = account_find(tx, t->arena, n->factor.account, &account, &found);
	if (e || !found)
		return e ? e : invalid(t, "it is not registered here");
	feed_begin(&feed, tx);
	e = session_open(tx, t, &feed, &account, SPAN(CLIENT_PASSWORD), &proof, &n->opened);
	return e ? e : feed_seal(&feed, &n->opened.seq);
}

err passkey_sign_in(
	struct task *t, const struct passkey_answer *answer, bool cookie, struct issued_tokens *ret)
{
	struct entering n = {.task = t, .answer = answer, .cookie = cookie};
	struct throttle_subject who = network(t);
	err e = passkey_take_challenge(t, PASSKEY_SIGN_IN, answer->ticket, SPAN_EMPTY);

	if (!e)
		e = db_transact(t->service->db, DB_WRITE, enter_body, &n);
	passkey_judged(t, answer, e);
	if (e == ERR_UNAUTHENTICATED) {
		metric_add(METRIC_LOGINS, "refused", 1);
		audit_refused(t, "auth.login",
			n.factor.account.len ? n.factor.account : SPAN("unknown"), t->reason);
	}
	if (e)
		return e;
	throttle_undo(t->service->sign_ins, &who);
	return session_opened(t, &n.opened, ret);
}
