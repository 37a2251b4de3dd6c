/* Hard rule: taking the ticket, deleting the invitation and making the account are one transaction.
 */
#include "service/invitations.h"

#include "account/role.h"
#include "account/ticket.h"
#include "base/time.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "service/accounts.h"
#include "service/notices.h"
#include "service/open_session.h"
#include "service/passwords.h"

#include "base/banned.h"

#define LIFE_US (7 * TIME_DAY)

/* Inviting ------------------------------------------------------------------------------------- */

struct inviting {
	struct task *task;
	const struct new_invitation *new_one;
	struct invitation invitation;
	span link;
};

/* Who withdraws or replaces an invitation could have sent it. */
static err within_reach(struct db_tx *tx, struct task *t, const struct invitation *i)
{
	struct role role;
	bool found;
	err e = role_find(tx, t->arena, i->role, &role, &found);

	return e || !found ? e : role_within_reach(t, i->role, role.permissions);
}

static err check_free(struct db_tx *tx, struct task *t, span email)
{
	struct invitation there;
	struct account a;
	bool found;
	err e = account_find_by_email(tx, t->arena, email, &a, &found);

	if (!e && found)
		return fail(
			t, ERR_CONFLICT, "email_taken", "There is an account with this address.");
	if (!e)
		e = invitation_find_to(tx, t->arena, email, &there, &found);
	if (e || !found || there.expires_at_us <= t->now_us)
		return e;
	if (!reaches_organisation(t, there.org))
		return fail(
			t, ERR_CONFLICT, "email_taken", "Somebody else has invited this address.");
	return within_reach(tx, t, &there);
}

static err send(struct db_tx *tx, struct inviting *v)
{
	struct task *t = v->task;
	const struct invitation *i = &v->invitation;
	struct mail_facts facts = {.expires_at_us = i->expires_at_us, .at_us = t->now_us};
	struct account inviter;
	char text[TICKET_TEXT_SIZE];
	bool found = false, mailed = mail_is_on(t->service);
	struct ticket ticket = {.purpose = TICKET_INVITATION,
		.account = i->id,
		.data = mailed ? SPAN("{\"mailed\":true}") : SPAN("{\"mailed\":false}"),
		.expires_at_us = i->expires_at_us};
	err e = ticket_issue(tx, &ticket, t->now_us, text);

	if (!e)
		e = account_find(tx, t->arena, t->caller->account, &inviter, &found);
	if (e)
		return e;
	facts.by = found ? inviter.email : SPAN_EMPTY;
	facts.link = notice_link(t, "/invitation", text);
	wipe(text, sizeof(text));
	v->link = mailed ? SPAN_EMPTY : facts.link;
	e = mail_enqueue(tx, t, MAIL_INVITATION, i->email, &facts);
	return e == ERR_INVALID ? fail(t, e, "invalid_member", "No mail can be sent to 'email'.")
				: e;
}

static err create_body(struct db_tx *tx, void *arg)
{
	struct inviting *v = arg;
	struct task *t = v->task;
	span permissions;
	bool found;
	err e;

	v->invitation.org = v->new_one->organisation;
	e = account_admit(tx, t, v->new_one->role, &v->invitation.org, &permissions);
	if (!e)
		e = check_free(tx, t, v->new_one->email);
	if (!e)
		e = invitation_insert(tx, t->arena, &v->invitation);
	if (!e)
		e = send(tx, v);
	if (!e) /* with the names that belong to it */
		e = invitation_find(tx, t->arena, v->invitation.id, &v->invitation, &found);
	return e ? e
		 : audit_add(tx, t, "invitation.create", v->invitation.id,
			   arena_printf(
				   t->arena, "{\"role\":\"%.*s\"}", SPAN_ARG(v->invitation.role)));
}

err invitation_create(
	struct task *t, const struct new_invitation *n, struct invitation *ret, span *ret_link)
{
	struct inviting v = {.task = t, .new_one = n};
	char id[TYPEID_SIZE];
	err e = account_check_email(t, n->email);

	if (e)
		return e;
	random_id("inv", t->now_us, id);
	v.invitation = (struct invitation){.id = span_from(arena_strdup(t->arena, id)),
		.email = n->email,
		.role = n->role,
		.invited_by = caller_owner(t->caller),
		.created_at_us = t->now_us,
		.expires_at_us = t->now_us + LIFE_US};
	e = db_transact(t->service->db, DB_WRITE, create_body, &v);
	if (e)
		return e;
	*ret = v.invitation;
	*ret_link = v.link;
	return OK;
}

/* Those that stand ----------------------------------------------------------------------------- */

struct listing {
	struct task *task;
	span after, org, id;
	size_t limit;
	struct invitation *list;
	size_t count;
};

static err list_body(struct db_tx *tx, void *arg)
{
	struct listing *l = arg;

	return invitation_list(tx, l->task->arena, l->after, l->org, l->limit, l->task->now_us,
		&l->list, &l->count);
}

err invitation_page(
	struct task *t, span after, size_t limit, struct invitation **ret, size_t *ret_count)
{
	struct listing l = {.task = t, .after = after, .limit = limit};
	err e = account_own_organisation(t, &l.org);

	if (!e)
		e = db_transact(t->service->db, DB_READ, list_body, &l);
	if (e)
		return e;
	*ret = l.list;
	*ret_count = l.count;
	return OK;
}

static err withdraw_body(struct db_tx *tx, void *arg)
{
	struct listing *l = arg;
	struct task *t = l->task;
	struct invitation i;
	bool found;
	err e = invitation_find(tx, t->arena, l->id, &i, &found);

	if (!e && (!found || !reaches_organisation(t, i.org)))
		return fail(
			t, ERR_NOT_FOUND, "invitation_not_found", "There is no such invitation.");
	if (!e)
		e = within_reach(tx, t, &i);
	if (!e)
		e = invitation_delete(tx, i.id);
	return e ? e : audit_add(tx, t, "invitation.delete", i.id, "{}");
}

err invitation_withdraw(struct task *t, span id)
{
	struct listing l = {.task = t, .id = id};

	return db_transact(t->service->db, DB_WRITE, withdraw_body, &l);
}

/* Accepting ------------------------------------------------------------------------------------ */

struct accepting {
	struct task *task;
	span token, id, password_hash;
	bool cookie;
	struct ticket ticket;
	struct invitation invitation;
	struct account account;
	struct opened_session opened;
};

static err invalid(struct task *t)
{
	return fail(t, ERR_DENIED, "invitation_invalid",
		"The invitation was used, withdrawn or is too old. Ask for another one.");
}

static err open_ticket(struct db_tx *tx, struct accepting *x, bool take)
{
	struct task *t = x->task;
	bool found = false;
	err e = (take ? ticket_redeem : ticket_peek)(
		tx, t->arena, TICKET_INVITATION, x->token, t->now_us, &x->ticket, &found);

	if (!e && found)
		e = invitation_find(tx, t->arena, x->ticket.account, &x->invitation, &found);
	return e ? e : found ? OK : invalid(t);
}

/* Before the costly hash: is this an invitation at all? The body decides. */
static err peek_body(struct db_tx *tx, void *arg)
{
	return open_ticket(tx, arg, false);
}

/* An invitation is worth what its sender could still give: it ends with them. */
static err sender_may(
	struct db_tx *tx, struct task *t, const struct invitation *i, span permissions, bool *ret)
{
	struct account sender;
	bool found;
	span beyond;
	err e = account_find(tx, t->arena, i->invited_by, &sender, &found);

	*ret = !e && found && !sender.disabled &&
	       permissions_cover(sender.permissions, permissions, &beyond) &&
	       (!permissions_are_for_organisation(sender.permissions) ||
		       (i->org.len && span_eq(sender.org, i->org)));
	return e;
}

static err make_account(struct db_tx *tx, struct accepting *x)
{
	struct task *t = x->task;
	const struct invitation *i = &x->invitation;
	bool mailed = span_contains(x->ticket.data, SPAN("true")), found, may = false;
	struct role role;
	err e = role_find(tx, t->arena, i->role, &role, &found);

	if (!e && found)
		e = sender_may(tx, t, i, role.permissions, &may);
	if (e)
		return e;
	if (!may)
		return invalid(t);
	x->account = (struct account){.id = x->id,
		.email = i->email,
		.role = i->role,
		.org = i->org,
		.password_hash = x->password_hash,
		.factor_required = !permissions_are_personal(role.permissions),
		.created_at_us = t->now_us,
		.verified_at_us = mailed ? t->now_us : 0};
	e = account_insert(tx, t->arena, &x->account);
	if (e == ERR_CONFLICT)
		return fail(t, e, "email_taken", "There is an account with this address.");
	if (!e)
		e = invitation_delete(tx, i->id);
	/* The row has what the role permits. */
	return e ? e : account_find(tx, t->arena, x->id, &x->account, &found);
}

static err accept_body(struct db_tx *tx, void *arg)
{
	struct accepting *x = arg;
	struct task *t = x->task;
	struct proof proof = {.methods = SPAN("pwd"), .cookie = x->cookie};
	struct feed_batch feed;
	err e = open_ticket(tx, x, true);

	if (!e)
		e = make_account(tx, x);
	if (e)
		return e;
	feed_begin(&feed, tx);
	e = session_open(tx, t, &feed, &x->account, SPAN(CLIENT_PASSWORD), &proof, &x->opened);
	if (!e)
		e = audit_add(tx, t, "invitation.accept", x->invitation.id, "{}");
	return e ? e : feed_seal(&feed, &x->opened.seq);
}

err invitation_accept(
	struct task *t, span token, span password, bool cookie, struct issued_tokens *ret)
{
	struct accepting x = {.task = t, .token = token, .cookie = cookie};
	char id[TYPEID_SIZE];
	err e = db_transact(t->service->db, DB_READ, peek_body, &x);

	if (!e)
		e = password_accept(t, password, x.invitation.email, &x.password_hash);
	if (e)
		return e;
	random_id("acc", t->now_us, id);
	x.id = span_from(arena_strdup(t->arena, id));
	e = db_transact(t->service->db, DB_WRITE, accept_body, &x);
	return e ? e : session_opened(t, &x.opened, ret);
}
