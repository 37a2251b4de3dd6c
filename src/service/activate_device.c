/*
 * Activation. Hard rules: the count of devices and the new device are one serialisable
 * transaction; a licence key gives a device's rights, never those of the account behind it.
 */
#include "service/activate_device.h"

#include "account/throttle.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "feed/feed.h"
#include "keyring/keyring.h"
#include "licence/licence.h"
#include "licence/licence_key.h"
#include "service/audit.h"

#include "base/banned.h"

/*
 * Attempts with unknown keys per address before it must wait, in units of login.attempts. Many: a
 * whole office may activate at once, and nobody guesses 125 bits; this only bounds what trying
 * costs us.
 */
#define ADDRESS_FACTOR 100

struct activating {
	struct task *task;
	const struct activation *asked;
	uint8_t key_hash[SHA256_SIZE];
	bool key_unknown;
	struct token_subject subject;
	uint64_t seq;
};

/* HMAC under a key of the server: a copy of the database does not tell which machines these are. */
static void hash_fingerprint(
	struct task *t, span licence_id, span fingerprint, uint8_t ret[SHA256_SIZE])
{
	uint8_t key[32];
	AUTO(buf) text = {0};

	keyring_derive(t->service->keys, "device-fingerprint", key);
	buf_init(&text, 4096);
	buf_add(&text, licence_id);
	buf_add_byte(&text, '\0');
	buf_add(&text, fingerprint);
	hmac_sha256(span_of(key, sizeof(key)), buf_span(&text), ret);
	buf_wipe(&text);
	wipe(key, sizeof(key));
}

static err find_licence(struct db_tx *tx, struct activating *a, struct licence *ret)
{
	struct task *t = a->task;
	bool found = false;
	err e = licence_store_find_by_key(tx, t->arena, a->key_hash, ret, &found);

	if (e)
		return e;
	a->key_unknown = !found;
	if (!found)
		return fail(t, ERR_DENIED, "licence_key_unknown", "No licence has this key.");
	enum policy_reason r = licence_check(ret, t->now_us);

	return r ? fail_policy(t, r) : OK;
}

static err find_account(struct db_tx *tx, struct activating *a, span id, struct account *ret)
{
	bool found = false;
	err e = account_find(tx, a->task->arena, id, ret, &found);

	if (e)
		return e;
	if (!found || ret->disabled)
		return fail_policy(a->task, POLICY_ACCOUNT_DISABLED);
	return OK;
}

static err add_device(struct db_tx *tx, struct activating *a, const struct licence *l,
	const uint8_t fingerprint_hash[SHA256_SIZE], struct device *ret)
{
	struct task *t = a->task;
	char id[TYPEID_SIZE];

	if (l->max_devices && l->devices >= l->max_devices)
		return fail(t, ERR_DENIED, policy_reason_name(POLICY_DEVICE_LIMIT),
			"The licence is for %lld device%s, and as many use it. One that is not "
			"needed any more has to be taken off it first; whoever manages the licence "
			"can do that.",
			(long long)l->max_devices, l->max_devices == 1 ? "" : "s");
	random_id("dev", t->now_us, id);
	*ret = (struct device){.id = span_from(arena_strdup(t->arena, id)),
		.licence_id = l->id,
		.name = a->asked->name,
		.os = a->asked->os,
		.arch = a->asked->arch,
		.state = DEVICE_ACTIVE,
		.epoch = 1,
		.created_at_us = t->now_us};
	err e = device_store_add(tx, ret, fingerprint_hash);

	return e ? e : audit_add(tx, t, "device.activate", ret->id, "{}");
}

/* The device is known: what it says of itself now counts, and its earlier session ends. */
static err renew_device(
	struct db_tx *tx, struct activating *a, struct feed_batch *feed, struct device *d)
{
	struct task *t = a->task;

	if (d->state != DEVICE_ACTIVE)
		return fail(t, ERR_DENIED, "device_revoked",
			"This device was removed from the licence. Whoever manages the licence can "
			"admit it again.");
	d->name = a->asked->name;
	d->os = a->asked->os;
	d->arch = a->asked->arch;
	d->last_seen_at_us = t->now_us;
	err e = device_store_save(tx, d);

	return e ? e : session_end_of_device(tx, feed, t->arena, d->id, "replaced", t->now_us);
}

static err activate_body(struct db_tx *tx, void *arg)
{
	struct activating *a = arg;
	struct task *t = a->task;
	uint8_t fingerprint_hash[SHA256_SIZE];
	struct feed_batch feed;
	struct licence l;
	struct account account;
	struct device d;
	bool known = false;
	err e = find_licence(tx, a, &l);

	if (!e)
		e = find_account(tx, a, l.account_id, &account);
	if (e)
		return e;
	feed_begin(&feed, tx);
	hash_fingerprint(t, l.id, a->asked->fingerprint, fingerprint_hash);
	e = device_store_find_by_fingerprint(tx, t->arena, l.id, fingerprint_hash, &d, &known);
	if (!e)
		e = known ? renew_device(tx, a, &feed, &d)
			  : add_device(tx, a, &l, fingerprint_hash, &d);
	if (e)
		return e;
	a->subject = (struct token_subject){.client_id = SPAN(CLIENT_DEVICE),
		.device = d.id,
		.licence = l.id,
		.product = l.product_id,
		.licence_expires_at_us = l.expires_at_us,
		.device_epoch = d.epoch,
		.entitlements = l.entitlements};
	token_subject_set_account(&a->subject, &account);
	if (l.organisation_id.len)
		a->subject.org = l.organisation_id;
	e = session_begin(tx, t, &a->subject, &(struct proof){.methods = SPAN("licence")});
	return e ? e : feed_seal(&feed, &a->seq);
}

err activate_device(struct task *t, const struct activation *asked, span *ret_device_id,
	struct issued_tokens *ret)
{
	struct activating a = {.task = t, .asked = asked};
	struct throttle_subject address = {
		"activation", address_network(t->arena, t->caller->address), ADDRESS_FACTOR};
	struct licence_key key;

	if (licence_key_parse(asked->licence_key, &key))
		return fail(t, ERR_INVALID, "licence_key_malformed",
			"This is no licence key: SLW- and six groups of five letters and digits. "
			"Look "
			"for a typing error.");
	licence_key_hash(&key, a.key_hash);
	wipe(&key, sizeof(key));
	if (throttle_try(t->service->sign_ins, &address, t->now_us, &t->retry_after_us))
		return fail(t, ERR_LIMIT, "activation_throttled",
			"Too many unknown licence keys from this address. Wait as long as "
			"Retry-After says.");
	err e = db_transact(t->service->db, DB_WRITE, activate_body, &a);

	if (!a.key_unknown)
		throttle_undo(t->service->sign_ins, &address);

	if (!e)
		e = published(t, a.seq);
	if (!e)
		e = issue_tokens(t, &a.subject, ret);
	if (!e)
		*ret_device_id = a.subject.device;
	return e;
}
