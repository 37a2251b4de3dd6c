/* Hard rule: a client secret leaves this file only as provider_secret(), for one request. */
#include "service/identity_providers.h"

#include "account/account.h"
#include "account/factor.h"
#include "account/role.h"
#include "account/session.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "crypto/secret.h"
#include "federation/ask.h"
#include "federation/strict_json.h"
#include "keyring/keyring.h"
#include "service/accounts.h"
#include "service/changes.h"
#include "service/notices.h"
#include "service/provider_members.h"

#include "base/banned.h"

static err not_there(struct task *t)
{
	return fail(t, ERR_NOT_FOUND, "provider_not_found", "There is no such identity provider.");
}

static err find(struct db_tx *tx, struct task *t, span id_or_name, struct provider *ret)
{
	bool found;
	err e = provider_find(tx, t->arena, id_or_name, ret, &found);

	return e ? e : found ? OK : not_there(t);
}

err provider_get_active(struct db_tx *tx, struct task *t, span id_or_name, struct provider *ret)
{
	err e = find(tx, t, id_or_name, ret);

	return e ? e : ret->disabled ? not_there(t) : OK;
}

/* Secrets ---------------------------------------------------------------------------------------
 */

static err seal_secret(struct task *t, const json_t *members, struct provider *p)
{
	span plain = member_text(members, "client_secret");
	uint8_t key[SEAL_KEY_SIZE];
	AUTO(buf) sealed = {0};
	err e;

	if (!json_object_get(members, "client_secret"))
		return OK;
	p->client_secret = SPAN_EMPTY;
	if (!plain.len)
		return OK;
	buf_init(&sealed, SEAL_MAX + SEAL_OVERHEAD);
	keyring_derive(t->service->keys, "provider-secret", key);
	e = seal(key, p->id, plain, &sealed);
	wipe(key, sizeof(key));
	if (!e)
		p->client_secret = arena_span(t->arena, buf_span(&sealed));
	return e;
}

err provider_secret(struct task *t, const struct provider *p, struct buf *out)
{
	uint8_t key[SEAL_KEY_SIZE];
	err e;

	buf_init(out, SEAL_MAX);
	if (!p->client_secret.len)
		return OK;
	keyring_derive(t->service->keys, "provider-secret", key);
	e = unseal(key, p->id, p->client_secret, out);
	wipe(key, sizeof(key));
	return e;
}

/* Administration --------------------------------------------------------------------------------
 */

struct editing {
	struct task *task;
	span id_or_name;
	const json_t *members;
	struct provider provider;
	uint64_t seq; /* of the feed; 0: nothing changed there */
};

static err taken(struct task *t)
{
	return fail(t, ERR_CONFLICT, "provider_exists",
		"There is an identity provider of this name or issuer.");
}

/*
 * A provider says who somebody is, and may be trusted for their second factor, too: whoever decides
 * which one is asked, and what about, can come in as anybody.
 */
static err check_author(struct db_tx *tx, struct task *t)
{
	struct role admin;
	bool found;
	err e = role_find(tx, t->arena, SPAN("admin"), &admin, &found);

	if (e || !found)
		return e ? e : ERR_CORRUPT;
	return role_within_reach(t, admin.name, admin.permissions);
}

static err create_body(struct db_tx *tx, void *arg)
{
	struct editing *x = arg;
	struct task *t = x->task;
	struct provider *list;
	size_t count;
	err e = check_author(tx, t);

	if (!e)
		e = provider_list(tx, t->arena, &list, &count);
	if (!e && count == PROVIDERS_MAX)
		return fail(t, ERR_LIMIT, "too_many_providers",
			"There may be %d identity providers.", PROVIDERS_MAX);
	if (!e)
		e = provider_check(tx, t, &x->provider);
	if (e)
		return e;
	e = provider_insert(tx, t->arena, &x->provider);
	if (e == ERR_CONFLICT)
		return taken(t);
	return e ? e
		 : audit_add(tx, t, "provider.create", x->provider.id,
			   arena_printf(
				   t->arena, "{\"name\":\"%.*s\"}", SPAN_ARG(x->provider.name)));
}

err provider_create(struct task *t, const json_t *members, struct provider *ret)
{
	struct editing x = {.task = t, .members = members};
	span preset = member_text(members, "preset"), issuer = member_text(members, "issuer");
	char id[TYPEID_SIZE];

	if (provider_preset(preset.len ? preset : SPAN("oidc"), &x.provider))
		return fail(t, ERR_INVALID, "invalid_member", "'preset' is none of %s.",
			PROVIDER_PRESETS);
	if (issuer.len)
		x.provider.issuer = arena_span(t->arena, issuer);
	random_id("idp", t->now_us, id);
	x.provider.id = span_from(arena_strdup(t->arena, id));
	x.provider.created_at_us = x.provider.updated_at_us = t->now_us;
	err e = provider_apply(t, members, &x.provider);

	if (!e)
		e = seal_secret(t, members, &x.provider);
	if (!e)
		e = db_transact(t->service->db, DB_WRITE, create_body, &x);
	if (!e)
		*ret = x.provider;
	return e;
}

/* The settings as one text: what changed in them is seen by comparing the two. */
static span settings_text(struct task *t, const struct provider *p)
{
	AUTO(buf) text = {0};

	buf_init(&text, PROVIDER_JSON_MAX);
	provider_settings_format(&p->settings, &text);
	return arena_span(t->arena, buf_span(&text));
}

static const char *changes_of(
	struct task *t, const struct provider *before, const struct provider *after, bool secret)
{
	struct changes c;

	changes_begin(&c);
	changes_text(&c, "name", before->name, after->name);
	changes_text(&c, "title", before->title, after->title);
	changes_text(&c, "client_id", before->client_id, after->client_id);
	changes_bool(&c, "disabled", before->disabled, after->disabled);
	changes_text(&c, "settings", settings_text(t, before), settings_text(t, after));
	if (secret)
		changes_secret(&c, "client_secret");
	return changes_end(&c, t->arena);
}

/* Whom the provider vouched for is out at once, as it cannot vouch for anybody any more. */
static err end_sessions(struct db_tx *tx, struct editing *x)
{
	struct task *t = x->task;
	struct feed_batch feed;

	feed_begin(&feed, tx);
	err e = session_end_through(tx, &feed, t->arena, x->provider.id, "provider", t->now_us);

	return e ? e : feed_seal(&feed, &x->seq);
}

static bool only_disables(const json_t *members)
{
	return json_object_size(members) == 1 && span_is(member_text(members, "state"), "disabled");
}

static err change_body(struct db_tx *tx, void *arg)
{
	struct editing *x = arg;
	struct task *t = x->task;
	struct provider before, *after = &x->provider;
	err e = find(tx, t, x->id_or_name, &before);

	x->seq = 0;
	if (e)
		return e;
	*after = before;
	after->updated_at_us = t->now_us;
	e = only_disables(x->members) ? OK : check_author(tx, t);
	if (!e)
		e = provider_apply(t, x->members, after);
	if (!e)
		e = seal_secret(t, x->members, after);
	if (!e)
		e = provider_check(tx, t, after);
	if (e)
		return e;
	e = provider_update(tx, t->arena, after);
	if (e == ERR_CONFLICT)
		return taken(t);
	if (!e)
		e = audit_add(tx, t, "provider.change", after->id,
			changes_of(t, &before, after,
				json_object_get(x->members, "client_secret") != NULL));
	return e || !after->disabled || before.disabled ? e : end_sessions(tx, x);
}

err provider_change(struct task *t, span id_or_name, const json_t *members, struct provider *ret)
{
	struct editing x = {.task = t, .id_or_name = id_or_name, .members = members};
	err e = db_transact(t->service->db, DB_WRITE, change_body, &x);

	if (!e)
		e = published(t, x.seq);
	if (!e)
		*ret = x.provider;
	return e;
}

static err remove_body(struct db_tx *tx, void *arg)
{
	struct editing *x = arg;
	struct task *t = x->task;
	err e = find(tx, t, x->id_or_name, &x->provider);

	if (!e)
		e = provider_delete(tx, x->provider.id);
	if (!e)
		e = audit_add(tx, t, "provider.delete", x->provider.id,
			arena_printf(t->arena, "{\"name\":\"%.*s\"}", SPAN_ARG(x->provider.name)));
	return e ? e : end_sessions(tx, x);
}

err provider_remove(struct task *t, span id_or_name)
{
	struct editing x = {.task = t, .id_or_name = id_or_name};

	err e = db_transact(t->service->db, DB_WRITE, remove_body, &x);

	return e ? e : published(t, x.seq);
}

static err get_body(struct db_tx *tx, void *arg)
{
	struct editing *x = arg;

	return find(tx, x->task, x->id_or_name, &x->provider);
}

err provider_get(struct task *t, span id_or_name, struct provider *ret)
{
	struct editing x = {.task = t, .id_or_name = id_or_name};
	err e = db_transact(t->service->db, DB_READ, get_body, &x);

	if (!e)
		*ret = x.provider;
	return e;
}

struct listing {
	struct task *task;
	struct provider *providers;
	struct identity *identities;
	size_t count;
};

static err all_body(struct db_tx *tx, void *arg)
{
	struct listing *l = arg;

	return provider_list(tx, l->task->arena, &l->providers, &l->count);
}

err provider_all(struct task *t, struct provider **ret, size_t *ret_count)
{
	struct listing l = {.task = t};
	err e = db_transact(t->service->db, DB_READ, all_body, &l);

	*ret = l.providers;
	*ret_count = l.count;
	return e;
}

err provider_try(struct task *t, span id_or_name, struct provider_trial *ret)
{
	struct asking ask = {.issuers = t->service->issuers,
		.foreign = t->service->foreign,
		.arena = t->arena,
		.now_us = t->now_us};
	struct provider_trial out = {0};
	struct provider p;
	err e = provider_get(t, id_or_name, &p);

	if (e)
		return e;
	if (ask_test(&ask, &p, &out.keys))
		out.problem = ask.failure.problem;
	*ret = out;
	return OK;
}

/* One's own identities --------------------------------------------------------------------------
 */

static err own_body(struct db_tx *tx, void *arg)
{
	struct listing *l = arg;
	struct task *t = l->task;

	return identity_list(tx, t->arena, t->caller->account, &l->identities, &l->count);
}

err identities_own(struct task *t, struct identity **ret, size_t *ret_count)
{
	struct listing l = {.task = t};
	err e = db_transact(t->service->db, DB_READ, own_body, &l);

	*ret = l.identities;
	*ret_count = l.count;
	return e;
}

/* Whether the account could still be signed in to: by password, passkey or another identity. */
static err check_ways_in(struct db_tx *tx, struct task *t)
{
	struct identity *identities;
	struct factor *factors;
	struct account account;
	size_t others, count;
	bool found;
	err e = account_find(tx, t->arena, t->caller->account, &account, &found);

	if (!e)
		e = identity_list(tx, t->arena, t->caller->account, &identities, &others);
	if (!e)
		e = factor_list(tx, t->arena, t->caller->account, &factors, &count);
	if (e)
		return e;
	for (size_t i = 0; i < count; i++)
		others += factors[i].active && factors[i].kind == FACTOR_PASSKEY;
	return others || account.password_hash.len
		       ? OK
		       : fail(t, ERR_CONFLICT, "last_way_in",
				 "This is the only way into your account: set a password first.");
}

struct unlinking {
	struct task *task;
	span id;
	uint64_t seq;
};

/* Whoever came in by it is out: it may have been a stranger's. */
static err end_sessions_of(struct db_tx *tx, struct unlinking *u, span provider)
{
	struct task *t = u->task;
	struct feed_batch feed;

	feed_begin(&feed, tx);
	err e = session_end_of_provider(tx, &feed, t->arena, provider, SPAN_EMPTY,
		t->caller->account, "provider", t->now_us);

	return e ? e : feed_seal(&feed, &u->seq);
}

/* *ret_found: of this account only. */
static err find_own(struct db_tx *tx, struct unlinking *u, struct identity *ret, bool *ret_found)
{
	struct identity *list;
	size_t count;
	err e = identity_list(tx, u->task->arena, u->task->caller->account, &list, &count);

	*ret_found = false;
	for (size_t i = 0; !e && i < count && !*ret_found; i++) {
		*ret_found = span_eq(list[i].id, u->id);
		*ret = list[i];
	}
	return e;
}

static err unlink_body(struct db_tx *tx, void *arg)
{
	struct unlinking *u = arg;
	struct task *t = u->task;
	struct identity identity = {0};
	bool found;
	err e = find_own(tx, u, &identity, &found);

	u->seq = 0;
	if (!e && !found)
		return fail(t, ERR_NOT_FOUND, "not_found", "You have no identity with this id.");
	if (!e)
		e = identity_delete(tx, u->id, t->caller->account, &found);
	if (!e)
		e = check_ways_in(tx, t);
	if (!e)
		e = audit_add(tx, t, "identity.unlink", u->id, "{}");
	if (!e)
		e = notice_account(tx, t, MAIL_ACCOUNT_CHANGED, t->caller->account,
			arena_printf(t->arena, "your identity at \"%.*s\" no longer signs in",
				SPAN_ARG(identity.provider_title)));
	return e ? e : end_sessions_of(tx, u, identity.provider);
}

err identity_unlink(struct task *t, span id)
{
	struct unlinking u = {.task = t, .id = id};
	err e;

	if (!t->caller->session.len)
		return fail(t, ERR_DENIED, "session_required",
			"A way in is taken away from a session: sign in first.");
	e = db_transact(t->service->db, DB_WRITE, unlink_body, &u);
	return e ? e : published(t, u.seq);
}
