/* Hard rule: every rule is checked in the transaction that makes the change. */
#include "service/accounts.h"

#include "account/role.h"
#include "account/ticket.h"
#include "crypto/random.h"
#include "service/changes.h"
#include "service/mailbox.h"
#include "service/notices.h"
#include "service/passwords.h"
#include "service/publish_epochs.h"
#include "token/token.h"

#include "base/banned.h"

static err no_account(struct task *t)
{
	return fail(t, ERR_NOT_FOUND, "account_not_found", "There is no such account.");
}

static err email_taken(struct task *t)
{
	return fail(t, ERR_CONFLICT, "email_taken", "There is an account with this address.");
}

err role_within_reach(struct task *t, span role, span permissions)
{
	span beyond;

	return permissions_cover(t->caller->permissions, permissions, &beyond)
		       ? OK
		       : fail(t, ERR_DENIED, "role_beyond_yours",
				 "The role '%.*s' reaches further than you do: %.*s.",
				 SPAN_ARG(role), SPAN_ARG(beyond));
}

/* The role's permissions, once it is clear that the caller may give it. */
static err resolve_role(struct db_tx *tx, struct task *t, span name, span *ret_permissions)
{
	struct role role;
	bool found;
	err e = role_find(tx, t->arena, name, &role, &found);

	if (e)
		return e;
	if (!found)
		return fail(
			t, ERR_INVALID, "unknown_role", "There is no role '%.*s'.", SPAN_ARG(name));
	*ret_permissions = role.permissions;
	return role_within_reach(t, name, role.permissions);
}

static err beyond_organisation(struct task *t)
{
	return fail(t, ERR_DENIED, "beyond_your_organisation",
		"You administer your own organisation only.");
}

err account_own_organisation(struct task *t, span *organisation)
{
	if (!permissions_are_for_organisation(t->caller->permissions))
		return OK;
	*organisation = t->caller->org;
	return organisation->len ? OK
				 : fail(t, ERR_DENIED, "beyond_your_organisation",
					   "You belong to no organisation.");
}

err account_check_email(struct task *t, span email)
{
	return email_is_valid(email) ? OK
				     : fail(t, ERR_INVALID, "invalid_member",
					       "'email' must be an e-mail address.");
}

err account_organisation(struct db_tx *tx, struct task *t, span *organisation)
{
	struct organisation o;
	bool found;

	if (organisation->len == 0)
		return account_own_organisation(t, organisation);
	err e = organisation_find(tx, t->arena, *organisation, &o, &found);

	if (e)
		return e;
	/* To who may not deal with it, one that exists is as one that does not. */
	if (permissions_are_for_organisation(t->caller->permissions) &&
		(!found || !reaches_organisation(t, o.id)))
		return beyond_organisation(t);
	if (!found)
		return fail(t, ERR_INVALID, "unknown_organisation",
			"There is no organisation '%.*s'.", SPAN_ARG(*organisation));
	*organisation = o.id;
	return OK;
}

err account_admit(
	struct db_tx *tx, struct task *t, span role, span *organisation, span *ret_permissions)
{
	err e = account_organisation(tx, t, organisation);

	return e ? e : resolve_role(tx, t, role, ret_permissions);
}

err account_resolve(struct db_tx *tx, struct task *t, span id_or_email, struct account *ret)
{
	bool found;
	err e = span_contains(id_or_email, SPAN("@"))
			? account_find_by_email(tx, t->arena, id_or_email, ret, &found)
			: account_find(tx, t->arena, id_or_email, ret, &found);

	return e ? e : found && reaches_organisation(t, ret->org) ? OK : no_account(t);
}

/* Create --------------------------------------------------------------------------------------- */

struct creation {
	struct task *task;
	span organisation;
	struct account account;
};

static err create_body(struct db_tx *tx, void *arg)
{
	struct creation *c = arg;
	struct task *t = c->task;
	bool found;
	err e;

	c->account.org = c->organisation;
	e = account_admit(tx, t, c->account.role, &c->account.org, &c->account.permissions);
	if (!e)
		e = account_insert(tx, t->arena, &c->account);
	if (e == ERR_CONFLICT)
		return email_taken(t);
	if (!e) /* with the names that belong to it */
		e = account_find(tx, t->arena, c->account.id, &c->account, &found);
	if (e)
		return e;
	return audit_add(tx, t, "account.create", c->account.id,
		arena_printf(t->arena, "{\"role\":\"%.*s\"}", SPAN_ARG(c->account.role)));
}

err account_create(struct task *t, const struct new_account *n, struct account *ret)
{
	struct creation c = {.task = t, .organisation = n->organisation};
	char id[TYPEID_SIZE];
	err e = account_check_email(t, n->email);

	if (!e)
		e = password_accept(t, n->password, n->email, &c.account.password_hash);
	if (e)
		return e;
	random_id("acc", t->now_us, id);
	c.account.id = span_from(arena_strdup(t->arena, id));
	c.account.email = n->email;
	c.account.role = n->role;
	c.account.epoch = 1;
	c.account.created_at_us = t->now_us;
	e = db_transact(t->service->db, DB_WRITE, create_body, &c);
	if (!e)
		*ret = c.account;
	return e;
}

/* Change --------------------------------------------------------------------------------------- */

struct changing {
	struct task *task;
	span id_or_email;
	const struct account_change *change;
	span password_hash;
	struct account account;
	uint64_t seq;
};

err account_check_last_admin(
	struct db_tx *tx, struct task *t, const struct account *before, const struct account *after)
{
	int64_t others = 0;
	bool was = span_is(before->role, "admin") && !before->disabled;
	bool stays = after && span_is(after->role, "admin") && !after->disabled;

	if (!was || stays)
		return OK;
	err e = account_count_other_admins(tx, before->id, &others);

	if (e)
		return e;
	return others > 0 ? OK
			  : fail(t, ERR_CONFLICT, "last_admin",
				    "This is the last active administrator. Make another one "
				    "first.");
}

static const char *changes_of(
	struct task *t, const struct account *before, const struct account *after, bool password)
{
	struct changes c;

	changes_begin(&c);
	if (!span_eq(before->email, after->email))
		changes_secret(&c, "email"); /* the log cannot forget what is deleted */
	changes_text(&c, "role", before->role, after->role);
	changes_text(&c, "organisation", before->org, after->org);
	changes_text(&c, "state", before->disabled ? SPAN("disabled") : SPAN("active"),
		after->disabled ? SPAN("disabled") : SPAN("active"));
	if (password)
		changes_secret(&c, "password");
	return changes_end(&c, t->arena);
}

/* A new address is the administrator's word until its holder has confirmed it. */
static err tell_email(struct db_tx *tx, struct changing *c, const struct account *before)
{
	struct task *t = c->task;
	const struct account *after = &c->account;
	err e = ticket_withdraw(tx, TICKET_PASSWORD_RESET, after->id);

	if (!e)
		e = notice(tx, t, MAIL_ACCOUNT_CHANGED, before->email,
			"an administrator changed the e-mail address");
	return e ? e : email_verification_send(tx, t, after, after->email);
}

static err tell(struct db_tx *tx, struct changing *c, const struct account *before)
{
	struct task *t = c->task;
	const struct account *after = &c->account;
	err e = OK;

	if (!span_eq(before->email, after->email))
		e = tell_email(tx, c, before);
	if (!e && c->change->set_password)
		e = notice(tx, t, MAIL_ACCOUNT_CHANGED, after->email,
			"an administrator set a new password");
	if (!e && after->disabled && !before->disabled)
		e = notice(tx, t, MAIL_ACCOUNT_DISABLED, after->email, NULL);
	return e;
}

static err apply(struct db_tx *tx, struct changing *c, const struct account *before)
{
	const struct account_change *change = c->change;
	struct task *t = c->task;
	struct account *after = &c->account;
	struct feed_batch feed;
	bool kills = change->set_password || (after->disabled && !before->disabled);
	bool says_else = !span_eq(before->role, after->role) || !span_eq(before->org, after->org);
	err e = account_update(tx, t->arena, after);

	if (e == ERR_CONFLICT)
		return email_taken(t);
	feed_begin(&feed, tx);
	if (!e && change->set_password)
		e = account_set_password(tx, after->id, c->password_hash);
	if (!e && kills)
		e = account_end_credentials(
			tx, &feed, after->id, after->disabled ? "disabled" : "password", t->now_us);
	else if (!e && says_else)
		e = account_make_tokens_stale(tx, &feed, after->id, t->now_us);
	if (!e && after->disabled && !before->disabled)
		e = publish_workload_epochs_of(tx, &feed, t, after->id);
	if (!e)
		e = tell(tx, c, before);
	if (!e)
		e = audit_add(tx, t, "account.change", after->id,
			changes_of(t, before, after, change->set_password));
	return e ? e : feed_seal(&feed, &c->seq);
}

/*
 * A password that was enough for personal things is not enough for a role that reaches others. Of
 * who has none the identity provider proves who they are.
 */
static bool outgrows_password(const struct changing *c, const struct account *before)
{
	bool password = c->password_hash.len || c->account.password_hash.len;

	return password && permissions_are_personal(before->permissions) &&
	       !permissions_are_personal(c->account.permissions);
}

static err change_body(struct db_tx *tx, void *arg)
{
	struct changing *c = arg;
	const struct account_change *change = c->change;
	struct account before, *after = &c->account;
	bool found;
	err e = account_resolve(tx, c->task, c->id_or_email, &before);

	if (!e)
		e = role_within_reach(c->task, before.role, before.permissions);
	if (e)
		return e;
	*after = before;
	c->seq = 0;
	if (change->set_email && !span_eq(change->email, before.email)) {
		after->email = change->email;
		after->verified_at_us = 0;
	}
	if (change->set_role) {
		after->role = change->role;
		e = resolve_role(tx, c->task, after->role, &after->permissions);
		after->factor_required |= outgrows_password(c, &before);
	}
	if (change->set_state)
		after->disabled = change->disabled;
	if (!e && change->set_organisation) {
		after->org = change->organisation;
		e = account_organisation(tx, c->task, &after->org);
	}
	if (!e && change->set_password && span_eq_nocase(change->password, after->email))
		e = fail(c->task, ERR_INVALID, "password_refused",
			"The password must not be the e-mail address.");
	if (!e)
		e = account_check_last_admin(tx, c->task, &before, after);
	if (!e)
		e = apply(tx, c, &before);
	return e ? e : account_find(tx, c->task->arena, after->id, after, &found);
}

err account_change(
	struct task *t, span id_or_email, const struct account_change *change, struct account *ret)
{
	struct changing c = {.task = t, .id_or_email = id_or_email, .change = change};
	err e = OK;

	if (change->set_email)
		e = account_check_email(t, change->email);
	if (!e && change->set_password)
		e = password_accept(t, change->password, change->email, &c.password_hash);
	if (!e)
		e = db_transact(t->service->db, DB_WRITE, change_body, &c);
	if (!e)
		e = published(t, c.seq);
	if (!e)
		*ret = c.account;
	return e;
}

/* Read ----------------------------------------------------------------------------------------- */

static err get_body(struct db_tx *tx, void *arg)
{
	struct changing *c = arg;

	return account_resolve(tx, c->task, c->id_or_email, &c->account);
}

err account_get(struct task *t, span id_or_email, struct account *ret)
{
	struct changing c = {.task = t, .id_or_email = id_or_email};
	err e = db_transact(t->service->db, DB_READ, get_body, &c);

	if (!e)
		*ret = c.account;
	return e;
}

struct paging {
	struct task *task;
	span after, org;
	size_t limit;
	struct account *accounts;
	size_t count;
};

static err page_body(struct db_tx *tx, void *arg)
{
	struct paging *p = arg;

	return account_list(
		tx, p->task->arena, p->after, p->org, p->limit, &p->accounts, &p->count);
}

err account_page(struct task *t, span after, size_t limit, struct account **ret, size_t *ret_count)
{
	struct paging p = {.task = t, .after = after, .limit = limit};
	err e = account_own_organisation(t, &p.org);

	if (!e)
		e = db_transact(t->service->db, DB_READ, page_body, &p);

	if (e)
		return e;
	*ret = p.accounts;
	*ret_count = p.count;
	return OK;
}
