/*
 * Facts for decisions. Hard rule: this file gathers, policy_decide() decides; nothing is permitted
 * here.
 */
#include "service/access.h"

#include "catalog/package.h"
#include "service/access_queries.h"

#include "base/banned.h"

static err read_object(struct db_rows *rows, struct arena *a, struct access_object *ret)
{
	*ret = (struct access_object){
		.package = {.id = db_text_in(rows, 0, a),
			.filename = db_text_in(rows, 1, a),
			.platform = db_text_in(rows, 2, a),
			.size = (uint64_t)db_int(rows, 3),
			.sha256 = db_text_in(rows, 4, a),
			.entitlement = db_text_in(rows, 6, a),
			.organisation_id = db_text_in(rows, 7, a),
			.release_id = db_text_in(rows, 8, a),
			.blocked = db_int(rows, 15) != 0},
		.release = {.id = db_text_in(rows, 8, a),
			.version = db_text_in(rows, 9, a),
			.product_id = db_text_in(rows, 11, a),
			.product_name = db_text_in(rows, 12, a)},
		.product = {.id = db_text_in(rows, 11, a),
			.name = db_text_in(rows, 12, a),
			.countries_denied = db_text_in(rows, 13, a),
			.countries_allowed = db_text_in(rows, 14, a)},
	};
	return class_from_name(db_text(rows, 5), &ret->package.class_) &&
			       release_state_from_name(db_text(rows, 10), &ret->release.state)
		       ? OK
		       : ERR_CORRUPT;
}

err access_object_get(struct db_tx *tx, struct arena *a, span package_id, struct access_object *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_get(tx, &rows, access_package, DB_TEXT(package_id));

	return e ? e : read_object(rows, a, ret);
}

err access_objects_of_release(struct db_tx *tx, struct arena *a, span release_id,
	struct access_object **ret, size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	struct access_object *list = arena_try_array(a, RELEASE_PACKAGES_MAX, sizeof(*list));
	size_t count = 0;
	bool found = false;

	if (!list)
		return ERR_NOMEM;
	err e = db_query(tx, &rows, access_packages_of_release, DB_TEXT(release_id));

	while (!e && count < RELEASE_PACKAGES_MAX && !(e = db_next(rows, &found)) && found)
		e = read_object(rows, a, &list[count++]);
	if (e)
		return e;
	*ret = list;
	*ret_count = count;
	return count ? OK : ERR_NOT_FOUND;
}

static err read_account(
	struct db_tx *tx, struct arena *a, span account, struct access_verdict *v, bool *ret_found)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, access_account, DB_TEXT(account));

	if (!e)
		e = db_next(rows, ret_found);
	if (e || !*ret_found)
		return e;
	v->account_disabled = !span_is(db_text(rows, 0), "active");
	v->account_role = db_text_in(rows, 1, a);
	v->org = db_text_in(rows, 2, a);
	v->account_epoch = (uint64_t)db_int(rows, 3);
	return OK;
}

/* A device of somebody else is no device: what it is, is not this caller's to know. */
static err read_device(
	struct db_tx *tx, struct arena *a, const struct access_subject *s, struct access_verdict *v)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found = false;
	err e = db_query(tx, &rows, access_device, DB_TEXT(s->device));

	if (!e)
		e = db_next(rows, &found);
	if (e || !found || !span_eq(db_text(rows, 4), s->account))
		return e;
	v->has_device = true;
	v->device = (struct device){.id = db_text_in(rows, 0, a),
		.licence_id = db_text_in(rows, 1, a),
		.state = span_is(db_text(rows, 2), "active") ? DEVICE_ACTIVE : DEVICE_REVOKED,
		.epoch = (uint64_t)db_int(rows, 3)};
	return OK;
}

/* What the policy is told when this licence, or none, is to decide. */
static struct policy_subject subject_with(const struct access_subject *s,
	const struct access_object *o, const struct access_verdict *v, const struct licence *l)
{
	struct policy_subject p = {.authenticated = true,
		.disabled = v->account_disabled,
		.org = v->org,
		.permissions = permissions_for_packages(s->permissions, o->product.name),
		.country = s->country};

	if (!l)
		return p;
	p.licence = l->state;
	p.entitlements = l->entitlements;
	p.licence_starts_us = l->starts_at_us;
	p.licence_expires_us = l->expires_at_us;
	p.device_required = l->max_devices > 0;
	if (p.org.len == 0)
		p.org = l->organisation_id;
	if (v->has_device && span_eq(v->device.licence_id, l->id))
		p.device = v->device.state;
	return p;
}

/*
 * Without a licence first, then with each of the account's. Where all deny, the reason of the one
 * the device is activated on stands, else that of the best one.
 */
static err decide_by_licences(struct db_tx *tx, struct arena *a, const struct access_subject *s,
	const struct access_object *o, int64_t now_us, struct access_verdict *v)
{
	struct policy_object object = package_policy_object(&o->package, &o->release, &o->product);
	struct policy_subject none = subject_with(s, o, v, NULL);
	struct licence *list = NULL;
	size_t count = 0;

	v->reason = policy_decide(&none, &object, now_us);
	if (!v->reason)
		return OK;
	err e = licence_store_list_for(tx, a, s->account, o->product.id, &list, &count);

	for (size_t i = 0; !e && v->reason && i < count; i++) {
		struct policy_subject with = subject_with(s, o, v, &list[i]);
		enum policy_reason r = policy_decide(&with, &object, now_us);
		bool mine = v->has_device && span_eq(v->device.licence_id, list[i].id);

		if (r && v->has_licence && !mine)
			continue; /* the reason of a better one stands */
		v->reason = r;
		v->has_licence = true;
		v->licence = list[i];
	}
	return e;
}

err access_decide(struct db_tx *tx, struct arena *a, const struct access_subject *s,
	const struct access_object *o, int64_t now_us, struct access_verdict *ret)
{
	struct policy_object object = package_policy_object(&o->package, &o->release, &o->product);
	struct access_verdict v = {0};
	bool found = false;
	err e = OK;

	if (s->account.len)
		e = read_account(tx, a, s->account, &v, &found);
	if (!e && found && s->device.len)
		e = read_device(tx, a, s, &v);
	if (!e && found)
		e = decide_by_licences(tx, a, s, o, now_us, &v);
	if (e)
		return e;
	if (!found) {
		/* Nobody; or a job, which has permissions and no account. */
		bool job = s->account.len == 0 && s->permissions.len > 0;
		struct policy_subject nobody = {.authenticated = job,
			.permissions =
				job ? permissions_for_packages(s->permissions, o->product.name)
				    : SPAN_EMPTY,
			.country = s->country};

		v.reason = policy_decide(&nobody, &object, now_us);
	}
	*ret = v;
	return OK;
}

struct access_subject access_subject_of(const struct caller *c, span device)
{
	return (struct access_subject){.account = c->account,
		.device = device.len ? device : c->device,
		.permissions = c->permissions,
		.country = c->country};
}
