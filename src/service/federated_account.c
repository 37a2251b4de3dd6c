/* Hard rule: an e-mail address alone never leads into an account that exists. */
#include "service/federated_account.h"

#include "account/role.h"
#include "crypto/random.h"
#include "service/audit.h"
#include "service/changes.h"
#include "service/notices.h"

#include "base/banned.h"

/* What is left to an account that no rule fits any more. */
#define ROLE_OF_NOBODY SPAN("guest")

struct arrival_of {
	struct db_tx *tx;
	struct task *task;
	struct feed_batch *feed;
	const struct provider *provider;
	const struct vouched *vouched;
};

err federated_link(struct db_tx *tx, struct task *t, const struct provider *p,
	const struct vouched *v, span account, bool managed)
{
	char id[TYPEID_SIZE];
	struct identity existing;
	bool found;
	err e = identity_find(tx, t->arena, p->id, v->subject, &existing, &found);

	if (e)
		return e;
	if (found && span_eq(existing.account, account))
		return identity_used(tx, existing.id, v->email, t->now_us);
	if (found)
		return fail(t, ERR_CONFLICT, "identity_taken",
			"This identity belongs to another account.");
	random_id("idn", t->now_us, id);
	e = identity_insert(tx, &(struct identity){.id = span_from(id),
					.provider = p->id,
					.subject = v->subject,
					.account = account,
					.email = v->email,
					.managed = managed,
					.created_at_us = t->now_us});
	/* A new account needs no mail about how it came to be. */
	if (!e && !managed)
		e = notice_account(tx, t, MAIL_ACCOUNT_CHANGED, account,
			arena_printf(t->arena, "an identity at \"%.*s\" signs in to it from now on",
				SPAN_ARG(p->title)));
	return e ? e
		 : audit_add(tx, t, "identity.link", account,
			   arena_printf(t->arena, "{\"identity\":\"%s\",\"provider\":\"%.*s\"}", id,
				   SPAN_ARG(p->id)));
}

/* The rule that fits and whose role exists; *ret stays NULL else. */
static err find_rule(const struct arrival_of *a, const struct mapping_rule **ret)
{
	const struct mapping_rule *rule = provider_rule_for(&a->provider->settings, a->vouched);
	struct role role;
	bool found = false;
	err e = rule ? role_find(a->tx, a->task->arena, rule->role, &role, &found) : OK;

	*ret = found ? rule : NULL;
	return e;
}

static err reload(const struct arrival_of *a, span id, struct account *ret)
{
	bool found;
	err e = account_find(a->tx, a->task->arena, id, ret, &found);

	return e ? e : found ? OK : ERR_CORRUPT;
}

/* A new account -------------------------------------------------------------------------------- */

static err insert_account(
	const struct arrival_of *a, const struct mapping_rule *rule, struct account *ret)
{
	struct task *t = a->task;
	char text[TYPEID_SIZE];
	struct account account = {.email = a->vouched->email,
		.role = rule->role,
		.org = rule->organisation,
		.epoch = 1,
		.created_at_us = t->now_us,
		.verified_at_us = domains_have(a->provider->settings.domains, a->vouched->email)
					  ? t->now_us
					  : 0};

	random_id("acc", t->now_us, text);
	account.id = span_from(arena_strdup(t->arena, text));
	err e = account_insert(a->tx, t->arena, &account);

	if (!e)
		e = audit_add(a->tx, t, "account.create", account.id,
			arena_printf(t->arena, "{\"role\":\"%.*s\",\"provider\":\"%.*s\"}",
				SPAN_ARG(rule->role), SPAN_ARG(a->provider->id)));
	if (!e)
		e = federated_link(a->tx, t, a->provider, a->vouched, account.id, true);
	return e ? e : reload(a, account.id, ret);
}

static err make_account(const struct arrival_of *a, struct account *ret)
{
	const struct mapping_rule *rule;
	struct task *t = a->task;
	err e = find_rule(a, &rule);

	if (e)
		return e;
	if (!a->vouched->email_verified)
		return fail(t, ERR_DENIED, "email_unverified",
			"The provider does not say that this address was verified.");
	if (!rule)
		return fail(t, ERR_DENIED, "no_account",
			"There is no account for this identity, and no rule makes one.");
	return insert_account(a, rule, ret);
}

/* The first time ------------------------------------------------------------------------------- */

static err first_sign_in(const struct arrival_of *a, struct account *ret)
{
	const struct vouched *v = a->vouched;
	struct task *t = a->task;
	bool found;

	if (!email_is_valid(v->email))
		return fail(
			t, ERR_DENIED, "email_unverified", "The provider tells no e-mail address.");
	err e = account_find_by_email(a->tx, t->arena, v->email, ret, &found);

	if (e || !found)
		return e ? e : make_account(a, ret);
	/*
	 * Who administers an organisation can write any address into its accounts, and a provider
	 * can say any: until its holder has shown that it is theirs, such an account may be a trap
	 * laid for them. Those a provider made have no password.
	 */
	bool holders = ret->verified_at_us || (!ret->org.len && ret->password_hash.len);

	if (!v->email_verified || !holders ||
		!domains_have(a->provider->settings.domains, v->email))
		return fail(t, ERR_DENIED, "account_exists",
			"There is an account with this address. Sign in to it and link the "
			"identity there.");
	return federated_link(a->tx, t, a->provider, v, ret->id, false);
}

/* Each time ------------------------------------------------------------------------------------ */

static err last_administrator(const struct arrival_of *a, const struct account *now, bool *ret)
{
	int64_t others = 1;
	err e = span_is(now->role, "admin") && !now->disabled
			? account_count_other_admins(a->tx, now->id, &others)
			: OK;

	*ret = others == 0;
	return e;
}

static err change_account(
	const struct arrival_of *a, const struct account *before, struct account *after, bool ends)
{
	struct task *t = a->task;
	struct changes c;
	err e = account_update(a->tx, t->arena, after);

	if (!e && ends)
		e = account_end_credentials(a->tx, a->feed, after->id, "rules", t->now_us);
	else if (!e)
		e = account_make_tokens_stale(a->tx, a->feed, after->id, t->now_us);
	if (e)
		return e;
	changes_begin(&c);
	changes_text(&c, "role", before->role, after->role);
	changes_text(&c, "organisation", before->org, after->org);
	changes_text(&c, "provider", SPAN_EMPTY, a->provider->id);
	return audit_add(a->tx, t, "account.change", after->id, changes_end(&c, t->arena));
}

static err follow_rules(
	const struct arrival_of *a, struct account *account, const char **ret_refused)
{
	const struct account before = *account;
	const struct mapping_rule *rule;
	bool last = false;
	err e = find_rule(a, &rule);

	if (e)
		return e;
	account->role = rule ? rule->role : ROLE_OF_NOBODY;
	account->org = rule ? rule->organisation : SPAN_EMPTY;
	if (!rule)
		*ret_refused = "not_permitted";
	if (span_eq(account->role, before.role) && span_eq(account->org, before.org) && rule)
		return OK;
	if (!span_is(account->role, "admin"))
		e = last_administrator(a, &before, &last);
	if (!e && last) {
		*account = before;
		*ret_refused = NULL;
		a->task->log = "the rules would take the role from the last administrator";
		return OK;
	}
	if (!e)
		e = change_account(a, &before, account, !rule);
	return e ? e : reload(a, before.id, account);
}

err federated_account(struct db_tx *tx, struct task *t, struct feed_batch *feed,
	const struct provider *p, const struct vouched *v, struct account *ret,
	const char **ret_refused)
{
	const struct arrival_of a = {tx, t, feed, p, v};
	struct identity identity;
	bool found;
	err e = identity_find(tx, t->arena, p->id, v->subject, &identity, &found);

	*ret_refused = NULL;
	if (e)
		return e;
	if (!found)
		return first_sign_in(&a, ret);
	e = reload(&a, identity.account, ret);
	if (!e)
		e = identity_used(tx, identity.id, v->email, t->now_us);
	/* Whatever the rules say, a disabled account is not let in. */
	if (e || !identity.managed || ret->disabled)
		return e;
	return follow_rules(&a, ret, ret_refused);
}
