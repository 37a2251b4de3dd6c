/*
 * Hard rule: whether a key may come or go is decided in the transaction that does it; several
 * control planes may want the same at once.
 */
#include "service/signing_keys.h"

#include "base/time.h"
#include "federation/workload_identity.h"
#include "keyring/keyring.h"

#include "base/banned.h"

/* Clocks of nodes may differ by this much, the leeway of the verification included. */
#define SKEW (2 * TIME_MINUTE)

static const enum setting lives[TOKEN_KINDS] = {
	[TOKEN_ACCESS] = CONF_ACCESS_TTL,
	[TOKEN_DEVICE] = CONF_DEVICE_TTL,
	[TOKEN_DOWNLOAD] = CONF_DOWNLOAD_TTL,
};

/* The longest that a token of this kind lives; access tokens of jobs have lives of their own. */
static int64_t longest_life(const struct task *t, enum token_kind kind)
{
	int64_t life = conf_int(t->service->conf, lives[kind]);

	return kind == TOKEN_ACCESS ? MAX(life, WORKLOAD_LIFE_MOST_S * TIME_SECOND) : life;
}

struct keys {
	struct signing_key_view views[SIGNING_KEYS_MAX];
	size_t count;
};

const char *signing_key_state_name(enum signing_key_state s)
{
	static const char *const names[] = {
		[SIGNING_KEY_NEXT] = "next",
		[SIGNING_KEY_SIGNING] = "signing",
		[SIGNING_KEY_ACCEPTED] = "accepted",
	};

	return names[s];
}

/* Where a key stands is told by the times of itself and of the one that follows it. */
static void judge(const struct task *t, struct signing_key_view *v, const struct signing_key *next)
{
	v->state = v->key.active_at_us > t->now_us ? SIGNING_KEY_NEXT : SIGNING_KEY_SIGNING;
	v->accepted_until_us = 0;
	if (!next || next->kind != v->key.kind)
		return;
	if (v->state == SIGNING_KEY_SIGNING && next->active_at_us <= t->now_us)
		v->state = SIGNING_KEY_ACCEPTED;
	v->accepted_until_us = next->active_at_us + longest_life(t, v->key.kind) + SKEW;
}

static err load(struct db_tx *tx, const struct task *t, struct keys *ret)
{
	struct signing_key *rows =
		arena_alloc(t->arena, SIGNING_KEYS_MAX * sizeof(struct signing_key));
	err e = signing_key_list(tx, rows, &ret->count);

	if (e)
		return e;
	for (size_t i = 0; i < ret->count; i++) {
		ret->views[i].key = rows[i];
		judge(t, &ret->views[i], i + 1 < ret->count ? &rows[i + 1] : NULL);
	}
	return OK;
}

static const char *words_of(const struct task *t, const struct signing_key *k, const char *why)
{
	char memory[32];
	struct buf at;

	buf_init_fixed(&at, memory, sizeof(memory));
	time_format(&at, MIN(k->active_at_us, TIME_MAX));
	return arena_printf(t->arena, "{\"kind\":\"%s\",\"active_at\":\"%.*s\",\"why\":\"%s\"}",
		signing_key_kind_name(k->kind), SPAN_ARG(buf_span(&at)), why);
}

/* List ----------------------------------------------------------------------------------------- */

struct listing {
	struct task *task;
	struct keys *keys;
};

static err list_body(struct db_tx *tx, void *arg)
{
	const struct listing *l = arg;

	return load(tx, l->task, l->keys);
}

static err load_now(struct task *t, struct keys **ret)
{
	struct listing l = {t, arena_alloc(t->arena, sizeof(struct keys))};
	err e = db_transact(t->service->db, DB_READ, list_body, &l);

	if (!e)
		*ret = l.keys;
	return e;
}

err signing_keys_list(struct task *t, struct signing_key_view **ret, size_t *ret_count)
{
	struct keys *keys;
	err e = load_now(t, &keys);

	if (e)
		return e;
	*ret = keys->views;
	*ret_count = keys->count;
	return OK;
}

/* Rotate --------------------------------------------------------------------------------------- */

struct rotation {
	struct task *task;
	struct keys *keys;
	struct signing_key key;
	const char *why;
	uint64_t seq;
};

static err check_rotation(struct task *t, const struct keys *keys, enum token_kind kind)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->views[i].key.kind == kind && keys->views[i].state == SIGNING_KEY_NEXT)
			return fail(t, ERR_CONFLICT, "rotation_pending",
				"The next key of this kind is there already: %s. Revoke it to make "
				"another one.",
				keys->views[i].key.kid);
	if (keys->count == SIGNING_KEYS_MAX)
		return fail(t, ERR_CONFLICT, "too_many_signing_keys",
			"There are %d signing keys. Wait until old ones are retired, or revoke "
			"some.",
			SIGNING_KEYS_MAX);
	return OK;
}

static err rotate_body(struct db_tx *tx, void *arg)
{
	struct rotation *r = arg;
	struct task *t = r->task;
	struct feed_batch feed;
	err e = load(tx, t, r->keys);

	feed_begin(&feed, tx);
	if (!e)
		e = check_rotation(t, r->keys, r->key.kind);
	if (!e)
		e = signing_key_insert(tx, &feed, &r->key);
	if (!e)
		e = audit_add(tx, t, "signing_key.rotate", span_from(r->key.kid),
			words_of(t, &r->key, r->why));
	return e ? e : feed_seal(&feed, &r->seq);
}

/* *ret is the new key. */
static err rotate(struct task *t, const struct rotation_wish *w, int64_t active_at_us,
	const char *why, struct signing_key *ret)
{
	struct rotation r = {.task = t, .why = why};
	const char *problem;

	r.keys = arena_alloc(t->arena, sizeof(*r.keys));
	err e = keyring_make(t->service->keys, t->arena, w->kind, w->pkcs11_uri, &r.key, &problem);

	if (e)
		return problem ? fail(t, e == ERR_UNAVAILABLE ? e : ERR_INVALID,
					 "pkcs11_key_unusable", "%s.", problem)
			       : e;
	r.key.created_at_us = t->now_us;
	/* Tokens tell whole seconds: a key signs from the beginning of one. */
	r.key.active_at_us = (active_at_us + TIME_SECOND - 1) / TIME_SECOND * TIME_SECOND;
	e = db_transact(t->service->db, DB_WRITE, rotate_body, &r);
	if (e == ERR_CONFLICT && w->pkcs11_uri.len && !t->reason)
		return fail(t, e, "pkcs11_key_used",
			"This key is a signing key already, or was one. Make a new one.");
	if (e) {
		/* After an unclear commit the key may be in the table: then it stays. */
		if (e != ERR_UNAVAILABLE && e != ERR_IO && e != ERR_NO_SPACE)
			keyring_discard(t->service->keys, &r.key); /* nobody knows it */
		return e;
	}
	e = published(t, r.seq);
	if (!e)
		e = keyring_refresh(t->service->keys);
	if (!e)
		*ret = r.key;
	return e;
}

err signing_key_rotate(struct task *t, const struct rotation_wish *w, struct signing_key_view *ret)
{
	int64_t lead = w->soon ? SIGNING_KEY_SOON_US : conf_int(t->service->conf, CONF_KEY_LEAD);
	struct keys *keys;
	err e = load_now(t, &keys);

	if (!e)
		e = check_rotation(t, keys, w->kind); /* before a key is made in vain */
	if (!e)
		e = rotate(t, w, t->now_us + lead, "requested", &ret->key);
	if (!e)
		judge(t, ret, NULL);
	return e;
}

/* Retire --------------------------------------------------------------------------------------- */

struct retirement {
	struct task *task;
	struct keys *keys;
	struct signing_key *gone;
	size_t gone_count;
	span revoked; /* this one; empty: those whose time has come */
	uint64_t seq;
};

static bool is_due(const struct task *t, const struct signing_key_view *v)
{
	return v->state == SIGNING_KEY_ACCEPTED && v->accepted_until_us <= t->now_us;
}

static err check_revocation(struct task *t, const struct keys *keys, const struct signing_key *k)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->views[i].key.kind == k->kind &&
			!span_is(span_from(k->kid), keys->views[i].key.kid) &&
			keys->views[i].state != SIGNING_KEY_NEXT)
			return OK;
	if (k->active_at_us > t->now_us)
		return OK;
	return fail(t, ERR_CONFLICT, "only_signing_key",
		"No other key of this kind can sign yet. Rotate first, and revoke this one when "
		"the next one signs.");
}

static err retire_one(struct db_tx *tx, struct feed_batch *feed, struct retirement *r,
	const struct signing_key *k)
{
	struct task *t = r->task;
	const char *action = r->revoked.len ? "signing_key.revoke" : "signing_key.retire";
	const char *why = r->revoked.len ? "requested" : "its last token has ended";
	err e = signing_key_retire(tx, feed, k, t->now_us);

	if (!e)
		e = audit_add(tx, t, action, span_from(k->kid), words_of(t, k, why));
	r->gone[r->gone_count++] = *k;
	return e;
}

static err retire_body(struct db_tx *tx, void *arg)
{
	struct retirement *r = arg;
	struct feed_batch feed;
	err e = load(tx, r->task, r->keys);

	r->gone_count = 0;
	r->seq = 0;
	feed_begin(&feed, tx);
	for (size_t i = 0; i < r->keys->count && !e; i++) {
		const struct signing_key_view *v = &r->keys->views[i];
		bool named = r->revoked.len && span_is(r->revoked, v->key.kid);

		if (named)
			e = check_revocation(r->task, r->keys, &v->key);
		if (!e && (named || (!r->revoked.len && is_due(r->task, v))))
			e = retire_one(tx, &feed, r, &v->key);
	}
	if (!e && r->revoked.len && !r->gone_count)
		e = fail(r->task, ERR_NOT_FOUND, "signing_key_not_found",
			"There is no signing key %.*s.", SPAN_ARG(r->revoked));
	return e ? e : feed_seal(&feed, &r->seq);
}

static err retire(struct task *t, span revoked, unsigned *ret_count)
{
	struct retirement r = {.task = t, .revoked = revoked};

	r.keys = arena_alloc(t->arena, sizeof(*r.keys));
	r.gone = arena_alloc(t->arena, SIGNING_KEYS_MAX * sizeof(*r.gone));
	err e = db_transact(t->service->db, DB_WRITE, retire_body, &r);

	for (size_t i = 0; i < r.gone_count && !e; i++)
		keyring_discard(t->service->keys, &r.gone[i]);
	if (!e)
		e = published(t, r.seq);
	if (!e)
		e = keyring_refresh(t->service->keys);
	if (!e)
		*ret_count = (unsigned)r.gone_count;
	return e;
}

err signing_key_revoke(struct task *t, span kid)
{
	unsigned count;

	return kid.len ? retire(t, kid, &count) : ERR_NOT_FOUND;
}

/* What the time demands ------------------------------------------------------------------------ */

/* Two control planes may both find it due; the one that comes second finds the other's key. */
static err rotate_due(
	struct task *t, const struct signing_key *latest, struct signing_keys_done *done)
{
	const struct conf *conf = t->service->conf;
	int64_t interval = conf_int(conf, CONF_KEY_ROTATION), lead = conf_int(conf, CONF_KEY_LEAD);
	struct rotation_wish wish = {.kind = latest->kind};
	struct signing_key made;

	if (!interval || latest->active_at_us + interval > t->now_us + lead)
		return OK;
	if (latest->pkcs11_uri[0]) {
		done->overdue++;
		return OK;
	}
	err e = rotate(t, &wish, MAX(t->now_us + lead, latest->active_at_us + interval),
		"key.rotation", &made);

	done->rotated += !e;
	return e == ERR_CONFLICT ? OK : e;
}

err signing_keys_turn(struct task *t, struct signing_keys_done *ret)
{
	struct keys *keys;
	bool due = false;
	err e = load_now(t, &keys);

	*ret = (struct signing_keys_done){0};
	for (size_t i = 0; i < (e ? 0 : keys->count); i++)
		due |= is_due(t, &keys->views[i]);
	if (due)
		e = retire(t, SPAN_EMPTY, &ret->retired);
	for (size_t i = 0; !e && i < keys->count; i++)
		if (!keys->views[i].accepted_until_us) /* the latest of its kind */
			e = rotate_due(t, &keys->views[i].key, ret);
	return e;
}
