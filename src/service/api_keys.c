/*
 * API keys. Hard rule: a key never permits more than its owner may at the moment of use.
 */
#include "service/api_keys.h"

#include <string.h>

#include "account/account.h"
#include "base/time.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "token/token.h"

#include "base/banned.h"

#define KEY_ENV      "live"
#define KEY_LIFE_MAX (365 * TIME_DAY)
/* last_used_at is written at most this often per key. */
#define USED_GRAIN TIME_HOUR

static err refuse(struct task *t, const char *log)
{
	t->log = log;
	return fail(t, ERR_UNAUTHENTICATED, "api_key_invalid", "The API key is not valid.");
}

static span narrowed(struct arena *a, span list, span by)
{
	AUTO(buf) both = {0};

	buf_init(&both, TOKEN_DECODED_MAX);
	permissions_narrow(list, by, &both);
	return arena_span(a, buf_span(&both));
}

struct use {
	struct task *task;
	span public_id;
	struct api_key key;
	struct account owner;
	bool found;
};

static err load_key(struct db_tx *tx, void *arg)
{
	struct use *u = arg;
	struct arena *a = u->task->arena;
	err e = api_key_find_by_public_id(tx, a, u->public_id, &u->key, &u->found);

	if (!e && u->found)
		e = account_find(tx, a, u->key.account, &u->owner, &u->found);
	return e;
}

static err mark_used(struct db_tx *tx, void *arg)
{
	const struct use *u = arg;

	return api_key_set_used(tx, u->key.id, u->task->now_us);
}

err api_key_authenticate(struct task *t, span key)
{
	struct use u = {.task = t};
	uint8_t hash[SHA256_SIZE];

	if (api_key_parse(key, &u.public_id))
		return refuse(t, "malformed API key");
	err e = db_transact(t->service->db, DB_READ, load_key, &u);

	if (e)
		return e;
	if (!u.found)
		return refuse(t, "unknown API key");
	api_key_hash(key, hash);
	if (!ct_equal(span_of(hash, sizeof(hash)), span_of(u.key.secret_hash, SHA256_SIZE)))
		return refuse(t, "wrong secret of an API key");
	if (u.key.revoked_at_us)
		return refuse(t, "revoked API key");
	if (u.key.expires_at_us && u.key.expires_at_us <= t->now_us)
		return refuse(t, "expired API key");
	if (u.owner.disabled)
		return refuse(t, "API key of a disabled account");
	t->caller->kind = CALLER_API_KEY;
	t->caller->account = u.owner.id;
	t->caller->role = u.owner.role;
	t->caller->org = u.owner.org;
	t->caller->client_id = u.key.id;
	t->caller->permissions = narrowed(t->arena, u.key.permissions, u.owner.permissions);
	if (t->now_us - u.key.last_used_at_us < USED_GRAIN)
		return OK;
	/* A note for people; a request is not refused because it could not be written. */
	if (db_transact(t->service->db, DB_WRITE, mark_used, &u))
		t->log = "the use of the API key could not be noted";
	return OK;
}

/* Making --------------------------------------------------------------------------------------- */

struct making {
	struct task *task;
	struct api_key *key;
};

static err insert_key(struct db_tx *tx, void *arg)
{
	struct making *m = arg;
	const char *detail = arena_printf(
		m->task->arena, "{\"permissions\":\"%.*s\"}", SPAN_ARG(m->key->permissions));
	err e = api_key_insert(tx, m->key);

	return e ? e : audit_add(tx, m->task, "key.create", m->key->id, detail);
}

static err check_new(struct task *t, const struct new_api_key *k)
{
	span list = k->permissions, word;

	if (t->caller->account.len == 0)
		return fail(t, ERR_DENIED, "account_needed", "Only accounts have API keys.");
	while (span_cut(&list, ' ', &word)) {
		if (!permission_exists(word))
			return fail(t, ERR_INVALID, "unknown_permission",
				"There is no permission '%.*s'.", SPAN_ARG(word));
		if (!token_list_has(t->caller->permissions, word))
			return fail(t, ERR_DENIED, "permission_missing",
				"You cannot give away the permission %.*s: you do not have it.",
				SPAN_ARG(word));
	}
	if (k->expires_at_us && k->expires_at_us <= t->now_us)
		return fail(t, ERR_INVALID, "invalid_member", "'expires_at' is in the past.");
	if (k->expires_at_us > t->now_us + KEY_LIFE_MAX)
		return fail(t, ERR_INVALID, "invalid_member",
			"'expires_at' is at most 365 days ahead.");
	return OK;
}

err api_key_create(struct task *t, const struct new_api_key *k, struct api_key *ret, span *ret_text)
{
	char id[TYPEID_SIZE], text[API_KEY_SIZE];
	struct making m = {t, ret};
	span public_id;
	err e = check_new(t, k);

	if (e)
		return e;
	random_id("key", t->now_us, id);
	api_key_make(KEY_ENV, text);
	e = api_key_parse(span_from(text), &public_id);
	if (e)
		return ERR_BUG;
	*ret = (struct api_key){.id = span_from(arena_strdup(t->arena, id)),
		.public_id = arena_span(t->arena, public_id),
		.account = t->caller->account,
		.name = k->name,
		.permissions = k->permissions,
		.created_at_us = t->now_us,
		.expires_at_us = k->expires_at_us ? k->expires_at_us : t->now_us + KEY_LIFE_MAX};
	api_key_hash(span_from(text), ret->secret_hash);
	*ret_text = span_from(arena_strdup(t->arena, text));
	wipe(text, sizeof(text));
	return db_transact(t->service->db, DB_WRITE, insert_key, &m);
}

struct paging {
	struct task *task;
	span after;
	size_t limit;
	struct api_key *list;
	size_t count;
};

static err list_body(struct db_tx *tx, void *arg)
{
	struct paging *p = arg;

	return api_key_list(tx, p->task->arena, p->after, p->limit, &p->list, &p->count);
}

err api_key_page(struct task *t, span after, size_t limit, struct api_key **ret, size_t *ret_count)
{
	struct paging p = {.task = t, .after = after, .limit = limit};
	err e = db_transact(t->service->db, DB_READ, list_body, &p);

	if (e)
		return e;
	*ret = p.list;
	*ret_count = p.count;
	return OK;
}

struct removal {
	struct task *task;
	span id;
};

static err revoke_body(struct db_tx *tx, void *arg)
{
	struct removal *r = arg;
	struct api_key key;
	bool found;
	err e = api_key_find(tx, r->task->arena, r->id, &key, &found);

	if (e)
		return e;
	if (!found)
		return fail(r->task, ERR_NOT_FOUND, "key_not_found", "There is no such API key.");
	if (key.revoked_at_us)
		return OK;
	e = api_key_revoke(tx, r->id, r->task->now_us);
	return e ? e : audit_add(tx, r->task, "key.revoke", r->id, "{}");
}

err api_key_remove(struct task *t, span id)
{
	struct removal r = {t, id};

	return db_transact(t->service->db, DB_WRITE, revoke_body, &r);
}
