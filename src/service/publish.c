/*
 * Publishing and its way back. Hard rule: the transaction that moves a release derives every record
 * that depends on it; a crash leaves all of it or nothing.
 */
#include "service/publish.h"

#include "catalog/package.h"
#include "catalog/product.h"
#include "catalog/published.h"
#include "catalog/stored.h"
#include "service/releases.h"
#include "service/second_factor.h"
#include "token/token.h"

#include "base/banned.h"

#define REASON_MAX_BYTES 500

/* ---- what must hold ---- */

static err check_bytes(struct db_tx *tx, struct task *t, const struct package *p)
{
	struct blob_row blob;
	err e = stored_get(tx, t->arena, p->sha256, &blob);

	if (e)
		return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	if (p->blocked)
		return fail(t, ERR_CONFLICT, "package_blocked", "%.*s is blocked: %.*s.",
			SPAN_ARG(p->filename), SPAN_ARG(p->blocked_reason));
	return blob.state == BLOB_VERIFIED
		       ? OK
		       : fail(t, ERR_CONFLICT, "package_not_verified",
				 "The stored bytes of %.*s are not verified; upload them again.",
				 SPAN_ARG(p->filename));
}

static err check_signature(
	struct task *t, const struct publisher_key_list *keys, const struct package *p)
{
	if (keys->count == 0)
		return OK;
	for (size_t i = 0; i < keys->count; i++)
		if (p->signature.len && span_eq(p->signature_key_id, keys->items[i].key_id))
			return OK;
	return fail(t, ERR_CONFLICT, "signature_required",
		"%.*s is not signed by a publisher key of the product.", SPAN_ARG(p->filename));
}

static err check_requires(
	struct db_tx *tx, struct task *t, const struct release *r, const struct package *p)
{
	bool circle = false;
	err e = OK;

	for (size_t i = 0; i < p->requires_count && !e && !circle; i++) {
		e = product_needs(tx, t->arena, p->requires[i].product_id, r->product_id, &circle);
		if (!e && circle)
			return fail(t, ERR_CONFLICT, "requirement_circle",
				"%.*s requires %.*s, which itself requires %.*s.",
				SPAN_ARG(p->filename), SPAN_ARG(p->requires[i].product_name),
				SPAN_ARG(r->product_name));
	}
	return e == ERR_LIMIT ? fail(t, ERR_INVALID, "requirements_too_deep",
					"The requirements lead to too many products.")
			      : e;
}

err publish_check(struct db_tx *tx, struct task *t, const struct release *r)
{
	struct publisher_key_list keys;
	struct package_list packages;
	err e = package_list_of_release(tx, t->arena, r->id, &packages);

	if (!e)
		e = publisher_key_list_of(tx, t->arena, r->product_id, &keys);
	if (!e && packages.count == 0)
		e = fail(t, ERR_CONFLICT, "release_empty", "The release has no packages.");
	for (size_t i = 0; !e && i < packages.count; i++) {
		const struct package *p = &packages.items[i];

		e = check_bytes(tx, t, p);
		if (!e)
			e = check_signature(t, &keys, p);
		if (!e)
			e = check_requires(tx, t, r, p);
	}
	return e;
}

err publish_records(struct db_tx *tx, struct task *t, struct feed_batch *b, span release_id)
{
	err e = published_release(tx, b, t->arena, release_id, t->now_us);

	return e == ERR_LIMIT
		       ? fail(t, ERR_INVALID, "too_many_packages",
				 "A release has at most %d packages and %d requirements for one "
				 "platform.",
				 UPDATE_MAX_PACKAGES, UPDATE_MAX_REQUIRES)
		       : e;
}

err publish_verdict(struct db_tx *tx, struct task *t, struct feed_batch *b, span sha256)
{
	bool withdrawn;
	err e = digest_was_withdrawn(tx, sha256, &withdrawn);

	return e || !withdrawn ? e : published_digest(tx, b, t->arena, sha256, t->now_us);
}

/* ---- the moves ---- */

struct move {
	struct task *task;
	span id;
	enum release_state from, to; /* `from`: the only state from which `to` is meant */
	const char *action;
	span reason;
	enum channel channel;
	struct release *release;
	uint64_t seq;
};

static err derive_digests(struct db_tx *tx, struct task *t, struct feed_batch *b, span release_id)
{
	struct package_list packages;
	err e = package_list_of_release(tx, t->arena, release_id, &packages);

	for (size_t i = 0; !e && i < packages.count; i++)
		e = publish_verdict(tx, t, b, packages.items[i].sha256);
	return e;
}

static err refuse_move(struct task *t, const struct release *r, enum release_state to)
{
	static const char *const instead[] = {
		[RELEASE_DRAFT] = "publish it first, or delete the draft",
		[RELEASE_PUBLISHED] = "pause or withdraw it",
		[RELEASE_PAUSED] = "resume or withdraw it",
		[RELEASE_WITHDRAWN] = "that is for good, publish a higher version",
	};

	return fail(t, ERR_CONFLICT, "release_state", "The release is %s and cannot become %s: %s.",
		r->state == RELEASE_DRAFT ? "a draft" : release_state_name(r->state),
		release_state_name(to), instead[r->state]);
}

static bool needs_proof(const struct task *t, channel_set channels)
{
	span list = span_from(conf_str(t->service->conf, CONF_STEP_UP_CHANNELS));

	for (int c = 0; c < CHANNEL_COUNT; c++)
		if (channels & CHANNEL_BIT(c) &&
			token_list_has(list, span_from(channel_name((enum channel)c))))
			return t->caller->session.len > 0; /* programs have nothing to prove */
	return false;
}

/*
 * Whether the caller may put a release into these channels now. Taking something back never waits
 * for a proof.
 */
static err may_put_into(struct db_tx *tx, struct task *t, channel_set channels)
{
	err e = may_publish_in(t, channels);

	return e || !needs_proof(t, channels) ? e : step_up_check_in(tx, t);
}

static err move_body(struct db_tx *tx, void *arg)
{
	struct move *m = arg;
	struct task *t = m->task;
	struct release *r = m->release;
	struct feed_batch batch;
	err e = release_find_for(tx, t, m->id, r);

	m->seq = 0;
	if (!e)
		e = m->to == RELEASE_PUBLISHED ? may_put_into(tx, t, r->channels)
					       : may_publish_in(t, r->channels);
	if (e || r->state == m->to)
		return e;
	if (r->state != m->from && m->to != RELEASE_WITHDRAWN)
		return refuse_move(t, r, m->to);
	if (m->to == RELEASE_PUBLISHED)
		e = publish_check(tx, t, r);
	if (!e && !release_may_become(r->state, m->to))
		e = refuse_move(t, r, m->to);
	if (!e)
		e = release_change_state(tx, r, m->to, m->reason, t->now_us);
	if (!e)
		e = audit_add(tx, t, m->action, r->id, "{}");
	if (e)
		return e;
	feed_begin(&batch, tx);
	e = publish_records(tx, t, &batch, r->id);
	if (!e)
		e = derive_digests(tx, t, &batch, r->id);
	return e ? e : feed_seal(&batch, &m->seq);
}

static err run(struct task *t, struct move *m, db_body *body, struct release *ret)
{
	struct release r;

	m->task = t;
	m->release = &r;
	err e = db_transact(t->service->db, DB_WRITE, body, m);

	if (!e)
		e = published(t, m->seq);
	if (!e)
		*ret = r;
	return e;
}

err release_publish(struct task *t, span id, struct release *ret)
{
	struct move m = {.id = id,
		.from = RELEASE_DRAFT,
		.to = RELEASE_PUBLISHED,
		.action = "release.publish"};

	return run(t, &m, move_body, ret);
}

err release_pause(struct task *t, span id, struct release *ret)
{
	struct move m = {.id = id,
		.from = RELEASE_PUBLISHED,
		.to = RELEASE_PAUSED,
		.action = "release.pause"};

	return run(t, &m, move_body, ret);
}

err release_resume(struct task *t, span id, struct release *ret)
{
	struct move m = {.id = id,
		.from = RELEASE_PAUSED,
		.to = RELEASE_PUBLISHED,
		.action = "release.resume"};

	return run(t, &m, move_body, ret);
}

err release_withdraw(struct task *t, span id, span reason, struct release *ret)
{
	struct move m = {.id = id,
		.from = RELEASE_PUBLISHED,
		.to = RELEASE_WITHDRAWN,
		.action = "release.withdraw",
		.reason = reason};

	if (reason.len == 0 || reason.len > REASON_MAX_BYTES)
		return fail(t, ERR_INVALID, "invalid_member", "'reason' has 1 to %d bytes.",
			REASON_MAX_BYTES);
	return run(t, &m, move_body, ret);
}

static err promote_body(struct db_tx *tx, void *arg)
{
	struct move *m = arg;
	struct task *t = m->task;
	struct release *r = m->release;
	struct feed_batch batch;
	err e = release_find_for(tx, t, m->id, r);

	m->seq = 0;
	if (!e)
		e = may_put_into(tx, t, CHANNEL_BIT(m->channel));
	if (!e && r->state == RELEASE_WITHDRAWN)
		e = fail(t, ERR_CONFLICT, "release_withdrawn",
			"A withdrawn release does not change any more.");
	if (e || r->channels & CHANNEL_BIT(m->channel))
		return e;
	e = release_add_channel(tx, r->id, m->channel, t->now_us);
	r->channels |= CHANNEL_BIT(m->channel);
	if (!e)
		e = audit_add(tx, t, "release.promote", r->id,
			arena_printf(t->arena, "{\"channel\":\"%s\"}", channel_name(m->channel)));
	if (e)
		return e;
	feed_begin(&batch, tx);
	e = publish_records(tx, t, &batch, r->id);
	return e ? e : feed_seal(&batch, &m->seq);
}

err release_promote(struct task *t, span id, enum channel channel, struct release *ret)
{
	struct move m = {.id = id, .channel = channel};

	return run(t, &m, promote_body, ret);
}
