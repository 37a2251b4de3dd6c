/*
 * Deriving the records of the published state. Hard rule: everything is read back from the database
 * inside the transaction, nothing is taken from a caller's memory of it.
 */
#include "catalog/published.h"

#include "base/time.h"
#include "catalog/package.h"
#include "catalog/platform.h"
#include "catalog/product.h"
#include "catalog/release.h"
#include "catalog/stored.h"
#include "state/records.h"
#include "base/banned.h"

err published_product(struct feed_batch *b, const struct product *p, int64_t check_interval_us)
{
	struct state_product record = {
		.id = p->id,
		.title = p->title,
		.countries_denied = p->countries_denied,
		.countries_allowed = p->countries_allowed,
		.next_check_s = (uint32_t)MIN(check_interval_us / TIME_SECOND, (int64_t)UINT32_MAX),
	};
	AUTO(buf) key = {0};
	AUTO(buf) value = {0};

	buf_init(&key, STATE_KEY_MAX);
	buf_init(&value, STATE_VALUE_MAX);
	state_key_product(&key, p->name);
	state_pack_product(&value, &record);
	if (buf_error(&key) || buf_error(&value))
		return ERR_BUG;
	return feed_put(b, buf_span(&key), buf_span(&value), 0);
}

/* What is known of the release while its records are made. */
struct derivation {
	struct db_tx *tx;
	struct feed_batch *batch;
	struct arena *arena;
	struct release release;
	struct product product;
	struct package_list packages;
	struct release_version version;
	int64_t now_us;
};

/* ---- one platform ---- */

static err add_requirement(struct update_release *r, const struct requirement *q)
{
	for (size_t i = 0; i < r->requires_count; i++)
		if (span_eq(r->requires[i].product, q->product_name) &&
			span_eq(r->requires[i].range, q->range))
			return OK;
	if (r->requires_count == UPDATE_MAX_REQUIRES)
		return ERR_LIMIT;
	r->requires[r->requires_count++] = (struct update_requirement){q->product_name, q->range};
	return OK;
}

static err add_package(struct update_release *r, const struct package *p)
{
	err e = OK;

	if (r->packages_count == UPDATE_MAX_PACKAGES)
		return ERR_LIMIT;
	r->packages[r->packages_count++] = (struct update_package){
		.id = p->id,
		.filename = p->filename,
		.format = p->format,
		.sha256 = p->sha256,
		.size = p->size,
		.class_ = p->class_,
		.entitlement = p->entitlement,
		.org = p->organisation_id,
		.min_os_version = p->min_os_version,
	};
	for (size_t i = 0; i < p->requires_count && !e; i++)
		e = add_requirement(r, &p->requires[i]);
	return e;
}

/*
 * The packages for a platform, those made for it first: a client that names no format gets the
 * first. Blocked ones are left out; *ret_served tells whether there are any at all.
 */
static err collect(
	const struct derivation *d, span platform, struct update_release *r, bool *ret_served)
{
	err e = OK;

	*ret_served = false;
	for (unsigned fit = 3; fit > 0; fit--)
		for (size_t i = 0; i < d->packages.count && !e; i++) {
			const struct package *p = &d->packages.items[i];

			if (platform_serves(p->platform, platform) != fit)
				continue;
			*ret_served = true;
			if (!p->blocked)
				e = add_package(r, p);
		}
	return e;
}

static void fill_release(const struct derivation *d, struct update_release *r)
{
	*r = (struct update_release){
		.id = d->release.id,
		.version_text = d->release.version,
		.notes_url = span_from(arena_printf(
			d->arena, "/api/v1/releases/%.*s/notes", SPAN_ARG(d->release.id))),
		.state = d->release.state,
		.critical = d->release.critical,
		.mandatory = d->release.mandatory,
		.eol_us = d->release.eol_at,
		.min_from = d->release.min_from,
		.rollout_reach = UPDATE_COHORTS,
		.countries_denied = d->product.countries_denied,
		.countries_allowed = d->product.countries_allowed,
	};
}

static bool is_live(enum release_state s)
{
	return s == RELEASE_PUBLISHED || s == RELEASE_PAUSED;
}

static bool is_seen(channel_set channels, enum channel subscribed)
{
	for (int c = 0; c < CHANNEL_COUNT; c++)
		if (channels & CHANNEL_BIT(c) && channel_sees(subscribed, (enum channel)c))
			return true;
	return false;
}

/* Puts the record under each channel that sees the release; an empty value takes it out. */
static err put_platform(const struct derivation *d, span platform, span value)
{
	err e = OK;

	for (int c = 0; c < CHANNEL_COUNT && !e; c++) {
		AUTO(buf) key = {0};

		buf_init(&key, STATE_KEY_MAX);
		state_key_releases(&key, d->product.name, platform, (enum channel)c);
		buf_add(&key, span_of(d->version.key, d->version.key_len));
		if (buf_error(&key))
			return ERR_BUG;
		if (!is_seen(d->release.channels, (enum channel)c))
			continue; /* channels are only ever added: nothing stands there */
		e = value.len ? feed_put(d->batch, buf_span(&key), value, 0)
			      : feed_delete(d->batch, buf_span(&key), d->now_us);
	}
	return e;
}

static err derive_platform(const struct derivation *d, span platform)
{
	struct update_release r;
	AUTO(buf) value = {0};
	bool served;

	buf_init(&value, STATE_VALUE_MAX);
	fill_release(d, &r);
	err e = collect(d, platform, &r, &served);

	if (e || !served)
		return e;
	if (is_live(r.state) && r.packages_count > 0)
		state_pack_release(&value, &r);
	if (buf_error(&value))
		return buf_error(&value) == ERR_TOO_LARGE ? ERR_LIMIT : ERR_BUG;
	return put_platform(d, platform, buf_span(&value));
}

/* ---- files ---- */

static err derive_file(const struct derivation *d, const struct package *p)
{
	struct state_file record = {.sha256 = p->sha256, .package_id = p->id, .size = p->size};
	AUTO(buf) key = {0};
	AUTO(buf) value = {0};

	buf_init(&key, STATE_KEY_MAX);
	buf_init(&value, STATE_VALUE_MAX);
	state_key_file(&key, d->release.id, p->filename);
	state_pack_file(&value, &record);
	if (buf_error(&key) || buf_error(&value))
		return ERR_BUG;
	return is_live(d->release.state) ? feed_put(d->batch, buf_span(&key), buf_span(&value), 0)
					 : feed_delete(d->batch, buf_span(&key), d->now_us);
}

static err load(struct derivation *d, span release_id)
{
	err e = release_get(d->tx, d->arena, release_id, &d->release);

	if (!e)
		e = product_get(d->tx, d->arena, d->release.product_id, &d->product);
	if (!e)
		e = package_list_of_release(d->tx, d->arena, release_id, &d->packages);
	return e ? e : release_version_of(d->release.version, &d->version);
}

err published_release(
	struct db_tx *tx, struct feed_batch *b, struct arena *a, span release_id, int64_t now_us)
{
	struct derivation d = {.tx = tx, .batch = b, .arena = a, .now_us = now_us};
	err e = load(&d, release_id);

	if (e || d.release.state == RELEASE_DRAFT)
		return e;
	for (size_t i = 0; i < PLATFORM_COUNT && !e; i++)
		e = derive_platform(&d, platform_at(i));
	for (size_t i = 0; i < d.packages.count && !e; i++)
		e = derive_file(&d, &d.packages.items[i]);
	return e;
}

/* ---- digests ---- */

/* Releases offer a blocked package no longer, and an unblocked one again. */
static err derive_holders(
	struct db_tx *tx, struct feed_batch *b, struct arena *a, span sha256, int64_t now_us)
{
	struct id_list live;
	err e = release_list_with_digest(tx, a, sha256, &live);

	for (size_t i = 0; !e && i < live.count; i++)
		e = published_release(tx, b, a, live.ids[i], now_us);
	return e;
}

err published_digest(
	struct db_tx *tx, struct feed_batch *b, struct arena *a, span sha256, int64_t now_us)
{
	span reason;
	AUTO(buf) key = {0};

	buf_init(&key, STATE_KEY_MAX);
	state_key_blocked(&key, sha256);
	if (buf_error(&key))
		return ERR_BUG;
	err e = digest_verdict(tx, a, sha256, &reason);

	if (!e)
		e = reason.len ? feed_put(b, buf_span(&key), reason, 0)
			       : feed_delete(b, buf_span(&key), now_us);
	return e ? e : derive_holders(tx, b, a, sha256, now_us);
}
