/*
 * API keys, managed. Hard rule: nobody makes or renews a key that permits what the credentials they
 * do it with do not.
 */
#include "service/api_keys.h"

#include <string.h>

#include "base/time.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "net/networks.h"
#include "service/notices.h"
#include "service/roles.h"
#include "token/token.h"

#include "base/banned.h"

#define KEY_ENV      "live"
#define KEY_LIFE_MAX (365 * TIME_DAY)
#define OVERLAP_MAX  (7 * TIME_DAY)
/* Living keys of one account: more are a mistake of a script. */
#define KEYS_MAX 200

struct work {
	struct task *task;
	const struct new_api_key *input;
	span id, after;
	bool own;
	size_t limit;
	struct api_key *list;
	size_t count;
	struct api_key key;
	uint8_t hash[SHA256_SIZE];
	int64_t previous_until_us, expires_at_us;
	span text;
};

static err check_expiry(struct task *t, int64_t at_us)
{
	if (at_us && at_us <= t->now_us)
		return fail(t, ERR_INVALID, "invalid_member", "'expires_at' is in the past.");
	if (at_us > t->now_us + KEY_LIFE_MAX)
		return fail(t, ERR_INVALID, "invalid_member",
			"'expires_at' is at most 365 days ahead.");
	return OK;
}

static err check_addresses(struct task *t, span list)
{
	struct networks ignored;

	return networks_parse(list, &ignored)
		       ? fail(t, ERR_INVALID, "invalid_member",
				 "'addresses' has addresses and networks in CIDR notation, like "
				 "203.0.113.0/24 or 2001:db8::/32, at most %d.",
				 API_KEY_ADDRESSES_MAX)
		       : OK;
}

static err check_new(struct task *t, const struct new_api_key *k)
{
	err e;

	if (t->caller->account.len == 0)
		return fail(t, ERR_DENIED, "account_needed", "Only accounts have API keys.");
	e = check_addresses(t, k->addresses);
	return e ? e : check_expiry(t, k->expires_at_us);
}

/* Its owner, whoever did it. */
static err tell(struct db_tx *tx, struct work *w, const char *what)
{
	struct task *t = w->task;

	return notice_account(tx, t, MAIL_ACCOUNT_CHANGED, w->key.account,
		arena_printf(t->arena, "the API key \"%.*s\" %s", SPAN_ARG(w->key.name), what));
}

/* A fresh secret, of a new key or of the one with this public id. */
static err make_text(struct work *w, span public_id)
{
	char text[API_KEY_SIZE];
	span parsed;

	api_key_make(KEY_ENV, public_id, text);
	w->text = span_from(arena_strdup(w->task->arena, text));
	wipe(text, sizeof(text));
	if (api_key_parse(w->text, &parsed))
		return ERR_BUG;
	w->key.public_id = parsed;
	api_key_hash(w->text, w->hash);
	return OK;
}

/*
 * A key that makes a key cannot outlive itself by it, nor be used from elsewhere: its thief could.
 * *ret_maker: that key's id, or empty.
 */
static err inherit(struct db_tx *tx, struct work *w, span *ret_maker)
{
	struct task *t = w->task;
	struct api_key parent;
	bool found = false;
	err e;

	*ret_maker = SPAN_EMPTY;
	if (t->caller->kind != CALLER_API_KEY)
		return OK;
	e = api_key_find(tx, t->arena, t->caller->client_id, &parent, &found);
	if (e || !found)
		return e ? e : ERR_BUG;
	w->expires_at_us = MIN(w->expires_at_us, parent.expires_at_us);
	if (parent.addresses.len)
		w->key.addresses = parent.addresses;
	*ret_maker = parent.id;
	return OK;
}

/* Making --------------------------------------------------------------------------------------- */

static const char *detail_of(const struct work *w)
{
	return arena_printf(w->task->arena,
		"{\"permissions\":\"%.*s\",\"addresses\":\"%.*s\",\"account\":\"%.*s\"}",
		SPAN_ARG(w->key.permissions), SPAN_ARG(w->key.addresses), SPAN_ARG(w->key.account));
}

static err create_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	bool found;
	int64_t living;
	err e = api_key_count(tx, w->key.account, t->now_us, &living);

	if (!e && living >= KEYS_MAX)
		return fail(t, ERR_CONFLICT, "too_many_keys",
			"An account has at most %d API keys. Revoke those that are not needed.",
			KEYS_MAX);
	if (!e)
		e = permissions_give(
			tx, t, w->input->permissions, w->input->products, &w->key.permissions);
	if (!e)
		e = inherit(tx, w, &w->key.parent);
	if (!e)
		w->key.expires_at_us = w->expires_at_us;
	if (!e)
		e = api_key_insert(tx, &w->key);
	if (!e)
		e = audit_add(tx, t, "key.create", w->key.id, detail_of(w));
	if (!e)
		e = tell(tx, w, "was made");
	/* As it stands there, with what the row has from others. */
	return e ? e : api_key_find(tx, t->arena, w->key.id, &w->key, &found);
}

err api_key_create(struct task *t, const struct new_api_key *k, struct api_key *ret, span *ret_text)
{
	struct work w = {.task = t,
		.input = k,
		.expires_at_us = k->expires_at_us ? k->expires_at_us : t->now_us + KEY_LIFE_MAX};
	char id[TYPEID_SIZE];
	err e = check_new(t, k);

	if (!e)
		e = make_text(&w, SPAN_EMPTY);
	if (e)
		return e;
	random_id("key", t->now_us, id);
	w.key = (struct api_key){.id = span_from(arena_strdup(t->arena, id)),
		.public_id = w.key.public_id,
		.account = t->caller->account,
		.name = k->name,
		.addresses = k->addresses,
		.created_at_us = t->now_us};
	memcpy(w.key.secret_hash, w.hash, sizeof(w.hash));
	e = db_transact(t->service->db, DB_WRITE, create_body, &w);
	if (e)
		return e;
	*ret = w.key;
	*ret_text = w.text;
	return OK;
}

/* Found, and one the caller may do this with --------------------------------------------------- */

static err find(struct db_tx *tx, struct work *w)
{
	struct task *t = w->task;
	bool found;
	err e = api_key_find(tx, t->arena, w->id, &w->key, &found);

	if (!e && (!found || (w->own && !span_eq(w->key.account, t->caller->account))))
		return fail(t, ERR_NOT_FOUND, "key_not_found", "There is no such API key.");
	return e;
}

/* Who renews a key holds it: it must be theirs, and permit nothing they may not do just now. */
static err check_renewal(struct work *w)
{
	struct task *t = w->task;
	const struct api_key *k = &w->key;
	span beyond;

	if (!span_eq(k->account, t->caller->account) ||
		(t->caller->kind == CALLER_API_KEY && !span_eq(k->id, t->caller->client_id)))
		return fail(t, ERR_DENIED, "not_your_key",
			"Only %.*s or the key itself can rotate it: whoever does holds it.",
			SPAN_ARG(k->owner_email));
	if (!permissions_cover(t->caller->permissions, k->permissions, &beyond))
		return fail(t, ERR_DENIED, "permission_missing",
			"The key permits more than you may: %.*s.", SPAN_ARG(beyond));
	if (k->revoked_at_us || k->expires_at_us <= t->now_us)
		return fail(t, ERR_CONFLICT, "key_ended",
			"The key is revoked or has expired. Make a new one.");
	return OK;
}

/*
 * What the key has made ends when its secret does: where that leaked, they are its thief's as well
 * as its owner's.
 */
static err renew_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	int64_t made = 0;
	span ignored;
	bool found;
	err e = find(tx, w);

	w->expires_at_us = w->input->expires_at_us;
	if (!e)
		e = check_renewal(w);
	if (!e && w->expires_at_us == 0)
		w->expires_at_us = w->key.expires_at_us;
	if (!e)
		e = inherit(tx, w, &ignored);
	if (!e)
		e = make_text(w, w->key.public_id);
	if (!e)
		e = api_key_rotate(tx, &w->key, w->hash, w->previous_until_us, w->expires_at_us);
	if (!e)
		e = api_key_revoke_made(tx, w->id, t->now_us, &made);
	if (!e)
		e = audit_add(tx, t, "key.rotate", w->id,
			arena_printf(t->arena, "{\"overlap_s\":%lld,\"made_by_it\":%lld}",
				(long long)((w->previous_until_us - t->now_us) / TIME_SECOND),
				(long long)made));
	if (!e)
		e = tell(tx, w,
			made == 0 ? "was renewed"
				  : arena_printf(t->arena,
					    "was renewed, and %lld that it had made revoked",
					    (long long)made));
	return e ? e : api_key_find(tx, t->arena, w->id, &w->key, &found);
}

err api_key_renew(struct task *t, bool own, span id, int64_t previous_until_us,
	int64_t expires_at_us, struct api_key *ret, span *ret_text)
{
	const struct new_api_key input = {.expires_at_us = expires_at_us};
	struct work w = {.task = t,
		.input = &input,
		.own = own,
		.id = id,
		.previous_until_us = previous_until_us ? previous_until_us : t->now_us};
	err e = check_expiry(t, expires_at_us);

	if (!e && previous_until_us > t->now_us + OVERLAP_MAX)
		e = fail(t, ERR_INVALID, "invalid_member",
			"'previous_until' is at most seven days ahead.");
	if (!e && w.previous_until_us < t->now_us)
		e = fail(t, ERR_INVALID, "invalid_member", "'previous_until' is in the past.");
	if (!e)
		e = db_transact(t->service->db, DB_WRITE, renew_body, &w);
	if (e)
		return e;
	*ret = w.key;
	*ret_text = w.text;
	return OK;
}

static err list_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	const struct task *t = w->task;

	return api_key_list(tx, t->arena, w->after, w->own ? t->caller->account : SPAN_EMPTY,
		w->limit, &w->list, &w->count);
}

err api_key_page(
	struct task *t, bool own, span after, size_t limit, struct api_key **ret, size_t *ret_count)
{
	struct work w = {.task = t, .own = own, .after = after, .limit = limit};
	err e = db_transact(t->service->db, DB_READ, list_body, &w);

	if (e)
		return e;
	*ret = w.list;
	*ret_count = w.count;
	return OK;
}

static err revoke_body(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	struct task *t = w->task;
	int64_t count = 0;
	err e = find(tx, w);

	if (!e)
		e = api_key_revoke(tx, w->id, t->now_us, &count);
	if (e || count == 0)
		return e;
	e = tell(tx, w,
		count == 1
			? "was revoked"
			: arena_printf(t->arena, "was revoked, and with it %lld that it had made",
				  (long long)(count - 1)));
	return e ? e
		 : audit_add(tx, t, "key.revoke", w->id,
			   arena_printf(t->arena, "{\"made_by_it\":%lld}", (long long)(count - 1)));
}

err api_key_remove(struct task *t, bool own, span id)
{
	struct work w = {.task = t, .own = own, .id = id};

	return db_transact(t->service->db, DB_WRITE, revoke_body, &w);
}
