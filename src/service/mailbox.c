/*
 * Hard rule: nothing that is answered, or done before the answer, depends on whether an address
 * has an account, but to who reads its mail.
 */
#include "service/mailbox.h"

#include <jansson.h>

#include "account/invitation.h"
#include "account/throttle.h"
#include "account/ticket.h"
#include "base/json.h"
#include "base/time.h"
#include "crypto/secret.h"
#include "service/audit.h"
#include "service/notices.h"
#include "service/passwords.h"

#include "base/banned.h"

#define VERIFICATION_US TIME_DAY
#define RESET_US        TIME_HOUR
#define ADDRESS_FACTOR  10 /* an office or a carrier's gateway */

static err mail_off(struct task *t)
{
	return fail(t, ERR_UNAVAILABLE, "mail_off",
		"This server sends no mail. Ask your administrator.");
}

static err slow_down(struct task *t)
{
	return fail(t, ERR_LIMIT, "mail_throttled",
		"Too many mails were asked for. Wait as long as Retry-After says.");
}

/* A ticket's data: the address it was mailed to. */
static span address_data(struct task *t, span email)
{
	struct json_writer w;
	AUTO(buf) data = {0};

	buf_init(&data, 2048);
	json_writer_init(&w, &data);
	json_begin_object(&w, NULL);
	json_str(&w, "email", email);
	json_end(&w);
	return arena_span(t->arena, buf_span(&data));
}

static span address_of(struct task *t, const struct ticket *ticket)
{
	json_t *data = json_loadb(ticket->data.ptr, ticket->data.len, 0, NULL);
	const char *text = json_string_value(json_object_get(data, "email"));
	span email = text ? span_from(arena_strdup(t->arena, text)) : SPAN_EMPTY;

	json_decref(data);
	return email;
}

/* Issues a ticket for account (empty: nobody's) and gives the facts of the mail with its link. */
static err issue(struct db_tx *tx, struct task *t, const struct ticket *ticket, const char *path,
	struct mail_facts *ret)
{
	char text[TICKET_TEXT_SIZE];
	err e = ticket_issue(tx, ticket, t->now_us, text);

	if (!e)
		*ret = (struct mail_facts){.link = notice_link(t, path, text),
			.expires_at_us = ticket->expires_at_us,
			.at_us = t->now_us};
	wipe(text, sizeof(text));
	return e;
}

/* The address ---------------------------------------------------------------------------------- */

struct verifying {
	struct task *task;
	span email; /* asked for */
	span token;
	struct account account;
};

err email_verification_send(
	struct db_tx *tx, struct task *t, const struct account *account, span email)
{
	struct ticket ticket = {.purpose = TICKET_EMAIL_VERIFICATION,
		.account = account->id,
		.data = address_data(t, email),
		.expires_at_us = t->now_us + VERIFICATION_US};
	struct mail_facts facts;
	/* Where mail is off now, links of before must not outlive what replaces them. */
	err e = ticket_withdraw(tx, TICKET_EMAIL_VERIFICATION, account->id);

	if (e || !mail_is_on(t->service))
		return e;
	e = issue(tx, t, &ticket, "/verify-email", &facts);
	if (!e)
		e = mail_enqueue(tx, t, MAIL_VERIFICATION, email, &facts);
	return e == ERR_INVALID ? fail(t, e, "invalid_member", "No mail can be sent to 'email'.")
				: e;
}

static err begin_body(struct db_tx *tx, void *arg)
{
	struct verifying *v = arg;
	struct task *t = v->task;
	bool found = false;
	err e = account_find(tx, t->arena, t->caller->account, &v->account, &found);

	if (!e && found)
		e = email_verification_send(tx, t, &v->account, v->email);
	/* Its holder can still end the session that asked, and with it the link. */
	if (!e && found && !span_eq(v->account.email, v->email))
		e = notice(tx, t, MAIL_ACCOUNT_CHANGED, v->account.email,
			"a change of the e-mail address was begun");
	return e ? e : audit_add(tx, t, "account.email_request", t->caller->account, "{}");
}

err email_change_begin(struct task *t, span email)
{
	struct verifying v = {.task = t, .email = email};
	struct throttle_subject who = {"email", t->caller->account, 1};

	if (!email_is_valid(email))
		return fail(t, ERR_INVALID, "invalid_member", "'email' must be an e-mail address.");
	if (t->caller->session.len == 0)
		return fail(t, ERR_DENIED, "session_required",
			"One's own address is changed from a session: sign in first.");
	if (!mail_is_on(t->service))
		return mail_off(t);
	if (throttle_try(t->service->sign_ins, &who, t->now_us, &t->retry_after_us))
		return slow_down(t);
	return db_transact(t->service->db, DB_WRITE, begin_body, &v);
}

err mailbox_withdraw(struct db_tx *tx, struct task *t, span account)
{
	struct account a;
	bool found = false;
	err e = account_find(tx, t->arena, account, &a, &found);

	if (e || !found)
		return e;
	/* A link to the present address takes nothing over: it only says who reads its mail. */
	e = ticket_withdraw_but(tx, TICKET_EMAIL_VERIFICATION, a.id, address_data(t, a.email));
	return e ? e : ticket_withdraw(tx, TICKET_PASSWORD_RESET, a.id);
}

static err verification_invalid(struct task *t)
{
	return fail(t, ERR_DENIED, "verification_invalid",
		"The link was used, replaced or is too old. Ask for another one.");
}

/* The address before is told: it may not have been its holder who changed it. */
static err note_change(struct db_tx *tx, struct task *t, const struct account *a, span before)
{
	err e = ticket_withdraw(tx, TICKET_PASSWORD_RESET, a->id);

	if (!e)
		e = notice(tx, t, MAIL_ACCOUNT_CHANGED, before, "the e-mail address was changed");
	return e ? e : audit_add(tx, t, "account.change", a->id, "{\"email\":\"changed\"}");
}

static err verify_body(struct db_tx *tx, void *arg)
{
	struct verifying *v = arg;
	struct task *t = v->task;
	struct account *a = &v->account;
	struct ticket ticket;
	bool found = false;
	err e = ticket_redeem(
		tx, t->arena, TICKET_EMAIL_VERIFICATION, v->token, t->now_us, &ticket, &found);

	if (!e && found)
		e = account_find(tx, t->arena, ticket.account, a, &found);
	if (e)
		return e;
	v->email = found && !a->disabled ? address_of(t, &ticket) : SPAN_EMPTY;
	if (v->email.len == 0)
		return verification_invalid(t);
	span before = a->email;

	a->email = v->email;
	a->verified_at_us = t->now_us;
	e = account_update(tx, t->arena, a);
	if (e == ERR_CONFLICT)
		return fail(t, e, "email_taken", "There is another account with this address.");
	if (!e)
		e = invitation_delete_to(tx, t->arena, v->email);
	if (!e && !span_eq(before, v->email))
		return note_change(tx, t, a, before);
	return e ? e : audit_add(tx, t, "account.email_verified", a->id, "{}");
}

err email_verify(struct task *t, span token, span *ret_email)
{
	struct verifying v = {.task = t, .token = token};
	err e = db_transact(t->service->db, DB_WRITE, verify_body, &v);

	if (!e)
		*ret_email = v.email;
	return e;
}

/* The password --------------------------------------------------------------------------------- */

struct resetting {
	struct task *task;
	span email, token, hash;
	struct ticket ticket;
	struct account account;
	uint64_t seq;
};

/* For an address without an account a ticket is written as well, whose text nobody gets. */
static err begin_reset_body(struct db_tx *tx, void *arg)
{
	struct resetting *r = arg;
	struct task *t = r->task;
	struct ticket ticket = {.purpose = TICKET_PASSWORD_RESET,
		.data = address_data(t, r->email),
		.expires_at_us = t->now_us + RESET_US};
	struct mail_facts facts;
	bool found = false;
	err e = account_find_by_email(tx, t->arena, r->email, &r->account, &found);

	found = found && !r->account.disabled && r->account.password_hash.len;
	if (found) {
		ticket.account = r->account.id;
		ticket.data = address_data(t, r->account.email);
	}
	if (!e)
		e = issue(tx, t, &ticket, "/reset-password", &facts);
	/* To the address as it is stored: what was typed may only look the same. */
	if (!e && found)
		e = mail_enqueue(tx, t, MAIL_PASSWORD_RESET, r->account.email, &facts);
	if (e && e != ERR_INVALID)
		return e;
	return audit_add(tx, t, "auth.password_reset_request",
		found ? r->account.id : SPAN("unknown"), "{}");
}

static err count_request(struct task *t, span email)
{
	struct throttle_subject address = {
		"reset address", address_network(t->arena, t->caller->address), ADDRESS_FACTOR};
	struct throttle_subject account = {"reset account", email_key(t->arena, email), 1};

	if (throttle_try(t->service->sign_ins, &address, t->now_us, &t->retry_after_us))
		return slow_down(t);
	if (!throttle_try(t->service->sign_ins, &account, t->now_us, &t->retry_after_us))
		return OK;
	throttle_undo(t->service->sign_ins, &address);
	return slow_down(t);
}

err password_reset_begin(struct task *t, span email)
{
	struct resetting r = {.task = t, .email = email};
	err e;

	if (!mail_is_on(t->service))
		return mail_off(t);
	e = count_request(t, email);
	return e ? e : db_transact(t->service->db, DB_WRITE, begin_reset_body, &r);
}

static err open_reset(struct db_tx *tx, struct resetting *r, bool take)
{
	struct task *t = r->task;
	bool found = false;
	err e = (take ? ticket_redeem : ticket_peek)(
		tx, t->arena, TICKET_PASSWORD_RESET, r->token, t->now_us, &r->ticket, &found);

	if (!e && found)
		e = account_find(tx, t->arena, r->ticket.account, &r->account, &found);
	if (e || (found && !r->account.disabled))
		return e;
	return fail(t, ERR_DENIED, "reset_invalid",
		"The link was used or is too old. Ask for another one.");
}

static err peek_reset_body(struct db_tx *tx, void *arg)
{
	return open_reset(tx, arg, false);
}

static err reset_body(struct db_tx *tx, void *arg)
{
	struct resetting *r = arg;
	struct task *t = r->task;
	struct account *a = &r->account;
	struct feed_batch feed;
	err e = open_reset(tx, r, true);

	if (!e)
		e = account_set_password(tx, a->id, r->hash);
	if (!e)
		e = ticket_withdraw(tx, TICKET_PASSWORD_RESET, a->id); /* other links, too */
	/* Who read the mail has the mailbox. */
	if (!e && !a->verified_at_us && span_eq(address_of(t, &r->ticket), a->email)) {
		a->verified_at_us = t->now_us;
		e = account_update(tx, t->arena, a);
	}
	feed_begin(&feed, tx);
	if (!e)
		e = account_end_credentials(tx, &feed, a->id, "password", t->now_us);
	if (!e)
		e = notice(tx, t, MAIL_ACCOUNT_CHANGED, a->email,
			"the password was reset by a link in a mail");
	if (!e)
		e = audit_add(tx, t, "account.password_reset", a->id, "{}");
	return e ? e : feed_seal(&feed, &r->seq);
}

err password_reset(struct task *t, span token, span password)
{
	struct resetting r = {.task = t, .token = token};
	err e = db_transact(t->service->db, DB_READ, peek_reset_body, &r);

	if (!e)
		e = password_accept(t, password, r.account.email, &r.hash);
	if (!e)
		e = db_transact(t->service->db, DB_WRITE, reset_body, &r);
	return e ? e : published(t, r.seq);
}
