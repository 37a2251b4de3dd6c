/*
 * Revocation. Hard rules: what is answered with success is in the published state; who may not
 * revoke something does not learn whether it exists.
 *
 * A single token is revoked by its jti, which stands in the state until the token has ended;
 * devices and accounts by raising their minimum epoch.
 */
#include "service/revoke.h"

#include "account/account.h"
#include "account/session.h"
#include "base/time.h"
#include "event/download_store.h"
#include "feed/feed.h"
#include "keyring/keyring.h"
#include "licence/licence.h"
#include "service/accounts.h"
#include "service/grant_download.h"
#include "service/publish_epochs.h"
#include "state/records.h"

#include "base/banned.h"

/* Clocks of nodes may differ by this much: an entry outlives its token. */
#define SKEW (2 * TIME_MINUTE)
/* Tokens of a download that can be alive at once: each gives way at half of its life. */
#define TOKENS_ALIVE 4
/* What is looked at of a token that is presented to be revoked: any kind. */
#define JTI_MAX 128

struct revoking {
	struct task *task;
	const struct revocation *asked;
	struct token_claims claims; /* of asked->token */
	uint64_t seq;
};

/* What is revoked here is found by its id alone, so nothing narrows the permission to do so. */
static bool may_all(const struct task *t)
{
	span list = t->caller->permissions;

	return caller_may(t->caller, "token.revoke") && !permissions_are_for_products(list) &&
	       !permissions_are_for_organisation(list);
}

/*
 * Keys and programs do what they were made for; being their owner's is no reason to end what is
 * theirs. A device speaks for itself.
 */
static bool speaks_for_owner(const struct caller *c)
{
	return c->device.len || caller_may(c, "self.write");
}

static bool is_own_download(const struct task *t, const struct download *d)
{
	const struct caller *c = t->caller;

	return download_is_of(d, c) && (speaks_for_owner(c) || caller_may(c, "download.request"));
}

static err not_found(struct task *t, const char *what)
{
	return fail(t, ERR_NOT_FOUND, "not_found", "There is no such %s of yours.", what);
}

static err put_jti(struct feed_batch *feed, span jti, int64_t until_us)
{
	char key_memory[STATE_KEY_MAX + 1], value_memory[16];
	struct buf key, value;

	buf_init_fixed(&key, key_memory, sizeof(key_memory));
	buf_init_fixed(&value, value_memory, sizeof(value_memory));
	state_key_revoked(&key, jti);
	state_pack_u64(&value, (uint64_t)until_us);
	if (buf_error(&key))
		return ERR_INVALID;
	return feed_put(feed, buf_span(&key), buf_span(&value), until_us);
}

/* Downloads ------------------------------------------------------------------------------------ */

static err get_download(struct db_tx *tx, struct task *t, span id, struct download *ret)
{
	err e = download_store_get(tx, id, t->arena, ret);

	if (e == ERR_NOT_FOUND || (!e && !may_all(t) && !is_own_download(t, ret)))
		return not_found(t, "download");
	return e;
}

static err revoke_download(struct db_tx *tx, struct feed_batch *feed, struct task *t, span id)
{
	struct download d;
	err e = get_download(tx, t, id, &d);

	if (e)
		return e;
	for (int64_t n = MAX(d.renewals - TOKENS_ALIVE + 1, 0); !e && n <= d.renewals; n++) {
		char jti[DOWNLOAD_JTI_SIZE];

		download_jti(d.id, n, jti);
		e = put_jti(feed, span_from(jti), d.expires_at_us + SKEW);
	}
	download_revoke(&d);
	return e ? e : download_store_save_report(tx, &d);
}

/* Single tokens -------------------------------------------------------------------------------- */

/* A download token's jti names its record, which says whose it is and when it ends. */
static err revoke_download_jti(struct db_tx *tx, struct feed_batch *feed, struct task *t, span jti,
	span download_id, int64_t n)
{
	struct download d;
	err e = get_download(tx, t, download_id, &d);

	/* Each is a row at every edge: only of tokens that there are. */
	if (!e && n > d.renewals)
		return not_found(t, "token");
	return e ? e : put_jti(feed, jti, d.expires_at_us + SKEW);
}

/* Any other: nobody knows when it ends, so the longest life there can be is assumed. */
static err revoke_jti(struct db_tx *tx, struct feed_batch *feed, struct task *t, span jti)
{
	const struct conf *conf = t->service->conf;
	int64_t longest = MAX(conf_int(conf, CONF_DEVICE_TTL), conf_int(conf, CONF_ACCESS_TTL));
	span download_id;
	int64_t n;

	if (download_of_jti(jti, &download_id, &n))
		return revoke_download_jti(tx, feed, t, jti, download_id, n);
	if (!may_all(t))
		return not_found(t, "token");
	return put_jti(feed, jti, t->now_us + longest + SKEW);
}

static bool owns_token(const struct caller *c, const struct token_claims *claims)
{
	if (c->kind == CALLER_WORKLOAD)
		return claims->kind == TOKEN_ACCESS && span_eq(claims->sub, c->workload);
	span account = claims->kind == TOKEN_ACCESS ? claims->sub : claims->account;
	span device = claims->kind == TOKEN_DEVICE ? claims->sub : claims->device;

	if (c->account.len == 0 || !span_eq(account, c->account) || !speaks_for_owner(c))
		return false;
	return c->device.len == 0 || span_eq(device, c->device);
}

static err revoke_token(
	struct db_tx *tx, struct feed_batch *feed, struct task *t, const struct token_claims *c)
{
	/* Who holds a download token was given it, or could use it anyway: no further proof. */
	if (c->kind != TOKEN_DOWNLOAD && !may_all(t) && !owns_token(t->caller, c))
		return not_found(t, "token");
	(void)tx;
	return put_jti(feed, c->jti, c->exp * TIME_SECOND + SKEW);
}

/* Expired tokens are dead already: OK, and nothing is written. */
static err read_token(struct task *t, span text, struct token_claims *ret, bool *ret_expired)
{
	enum token_verdict v = TOKEN_WRONG_KIND;

	for (enum token_kind k = 0; k < TOKEN_KINDS && v == TOKEN_WRONG_KIND; k++) {
		struct token_verifier verifier = {.lookup = keyring_lookup,
			.ctx = t->service->keys,
			.issuer = span_from(t->service->issuer),
			.audience = span_from(
				k == TOKEN_DOWNLOAD ? t->service->pool : t->service->issuer)};

		v = token_verify(k, text, &verifier, t->now_us / TIME_SECOND,
			arena_alloc(t->arena, TOKEN_DECODED_MAX), ret);
	}
	*ret_expired = v == TOKEN_EXPIRED;
	if (v == TOKEN_OK || v == TOKEN_EXPIRED)
		return OK;
	t->log = token_verdict_name(v);
	return fail(t, ERR_INVALID, "token_invalid", "This is no token of this server.");
}

/* Devices and accounts ------------------------------------------------------------------------- */

static err revoke_device(struct db_tx *tx, struct feed_batch *feed, struct task *t, span id)
{
	const struct caller *c = t->caller;
	struct device d;
	struct licence l;
	bool found = false;
	err e = device_store_find(tx, t->arena, id, &d, &found);

	if (!e && found)
		e = licence_store_find(tx, t->arena, d.licence_id, &l, &found);
	if (e)
		return e;
	bool mine = found && c->account.len && span_eq(l.account_id, c->account) &&
		    speaks_for_owner(c) && (c->device.len == 0 || span_eq(c->device, id));

	if (!found || !(mine || may_all(t)))
		return not_found(t, "device");
	e = publish_device_epoch(tx, feed, id);
	return e ? e : session_end_of_device(tx, feed, t->arena, id, "revoked", t->now_us);
}

static err revoke_account(
	struct db_tx *tx, struct feed_batch *feed, struct task *t, span id_or_email, span *ret_id)
{
	const struct caller *c = t->caller;
	struct account account = {.id = id_or_email};
	err e = OK;
	/* A device or an API key does not speak for the whole account. */
	bool mine = c->kind == CALLER_ACCOUNT && c->device.len == 0 && speaks_for_owner(c) &&
		    span_eq(c->account, id_or_email);

	if (!mine)
		e = may_all(t) ? account_resolve(tx, t, id_or_email, &account) : ERR_NOT_FOUND;
	*ret_id = account.id;
	if (!e)
		e = account_end_credentials(tx, feed, account.id, "revoked", t->now_us);
	return e == ERR_NOT_FOUND ? not_found(t, "account") : e;
}

/* ---------------------------------------------------------------------------------------------- */

static err revoke_what(
	struct db_tx *tx, struct feed_batch *feed, struct revoking *r, span *ret_object)
{
	const struct revocation *a = r->asked;
	struct task *t = r->task;

	if (a->token.len) {
		*ret_object = r->claims.jti;
		return revoke_token(tx, feed, t, &r->claims);
	}
	if (a->jti.len) {
		*ret_object = a->jti;
		return revoke_jti(tx, feed, t, a->jti);
	}
	if (a->download_id.len) {
		*ret_object = a->download_id;
		return revoke_download(tx, feed, t, a->download_id);
	}
	if (a->device_id.len) {
		*ret_object = a->device_id;
		return revoke_device(tx, feed, t, a->device_id);
	}
	return revoke_account(tx, feed, t, a->account, ret_object);
}

static err revoke_body(struct db_tx *tx, void *arg)
{
	struct revoking *r = arg;
	struct feed_batch feed;
	span object = SPAN_EMPTY;

	feed_begin(&feed, tx);
	err e = revoke_what(tx, &feed, r, &object);

	if (!e)
		e = audit_add(tx, r->task, "token.revoke", object, "{}");
	return e ? e : feed_seal(&feed, &r->seq);
}

err revoke(struct task *t, const struct revocation *asked)
{
	struct revoking r = {.task = t, .asked = asked};
	bool expired = false;
	err e = OK;

	if (asked->jti.len > JTI_MAX)
		return fail(t, ERR_INVALID, "jti_invalid", "A jti has at most %d bytes.", JTI_MAX);
	if (asked->token.len)
		e = read_token(t, asked->token, &r.claims, &expired);
	if (e || expired)
		return e;
	e = db_transact(t->service->db, DB_WRITE, revoke_body, &r);
	return e ? e : published(t, r.seq);
}
