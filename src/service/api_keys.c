/*
 * API keys as credentials. Hard rule: a key never permits more than its owner may at the moment of
 * use.
 */
#include "service/api_keys.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "account/account.h"
#include "base/time.h"
#include "crypto/secret.h"
#include "net/networks.h"
#include "service/audit.h"
#include "service/roles.h"

#include "base/banned.h"

/* last_used_at is written at most this often per key, and is no finer. */
#define USED_GRAIN TIME_HOUR

static err refuse(struct task *t, const char *log)
{
	t->log = log;
	return fail(t, ERR_UNAUTHENTICATED, "api_key_invalid", "The API key is not valid.");
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
	int64_t now_us = u->task->now_us;

	return api_key_set_used(tx, u->key.id, now_us - now_us % USED_GRAIN);
}

/* Either of the two living secrets; both are compared, whichever it is. */
static bool secret_is_right(const struct use *u, span text)
{
	const struct api_key *k = &u->key;
	uint8_t hash[SHA256_SIZE];
	span given = span_of(hash, sizeof(hash));

	api_key_hash(text, hash);
	bool present = ct_equal(given, span_of(k->secret_hash, SHA256_SIZE));
	bool previous = ct_equal(given, span_of(k->previous_hash, SHA256_SIZE));

	return present || (previous && u->task->now_us < k->previous_until_us);
}

/* An address that is not known is in no network. */
static bool address_is_listed(struct arena *a, span list, span address)
{
	const char *text = arena_str(a, address);
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct networks networks;

	if (networks_parse(list, &networks))
		return false;
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return networks_contain(&networks, (const struct sockaddr *)(const void *)&v4);
	return inet_pton(AF_INET6, text, &v6.sin6_addr) == 1 &&
	       networks_contain(&networks, (const struct sockaddr *)(const void *)&v6);
}

/* The key is good and has probably been stolen: whoever watches the audit log wants to know. */
static err refuse_address(struct use *u)
{
	struct task *t = u->task;

	audit_refused(t, "key.use", u->key.id, "address");
	t->log = "API key from an address that is not on its list";
	return fail(t, ERR_DENIED, "address_not_allowed",
		"The API key may not be used from this address.");
}

static err check_use(struct use *u, span text)
{
	struct task *t = u->task;

	if (!u->found)
		return refuse(t, "unknown API key");
	if (!secret_is_right(u, text))
		return refuse(t, "wrong secret of an API key");
	if (u->key.revoked_at_us)
		return refuse(t, "revoked API key");
	if (u->key.expires_at_us && u->key.expires_at_us <= t->now_us)
		return refuse(t, "expired API key");
	if (u->owner.disabled)
		return refuse(t, "API key of a disabled account");
	return u->key.addresses.len &&
			       !address_is_listed(t->arena, u->key.addresses, t->caller->address)
		       ? refuse_address(u)
		       : OK;
}

err api_key_authenticate(struct task *t, span key)
{
	struct use u = {.task = t};
	err e;

	if (api_key_parse(key, &u.public_id))
		return refuse(t, "malformed API key");
	e = db_transact(t->service->db, DB_READ, load_key, &u);
	if (!e)
		e = check_use(&u, key);
	if (e)
		return e;
	t->caller->kind = CALLER_API_KEY;
	t->caller->account = u.owner.id;
	t->caller->role = u.owner.role;
	t->caller->org = u.owner.org;
	t->caller->client_id = u.key.id;
	t->caller->permissions =
		permissions_common(t->arena, u.key.permissions, u.owner.permissions);
	if (t->now_us - u.key.last_used_at_us < USED_GRAIN)
		return OK;
	/* A note for people; a request is not refused because it could not be written. */
	if (db_transact(t->service->db, DB_WRITE, mark_used, &u))
		t->log = "the use of the API key could not be noted";
	return OK;
}
