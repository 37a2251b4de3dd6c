/*
 * The decision. One function per group of rules in policy.h, each giving the reason it denies for
 * or POLICY_ALLOW. Hard rule: whatever is unknown denies; there is one way to the end that allows.
 */
#include "policy/policy.h"

#include "base/banned.h"

static bool list_has(span list, span word)
{
	span item;

	while (span_cut(&list, ' ', &item))
		if (item.len && span_eq(item, word))
			return true;
	return false;
}

static bool may(const struct policy_subject *s, const char *permission)
{
	return s->authenticated && list_has(s->permissions, span_from(permission));
}

/* Rule 1. */
static enum policy_reason check_subject(const struct policy_subject *s)
{
	if (s->disabled)
		return POLICY_ACCOUNT_DISABLED;
	return s->stale ? POLICY_CREDENTIALS_STALE : POLICY_ALLOW;
}

/* Rules 2 and 3. */
static enum policy_reason check_release(
	const struct policy_subject *s, const struct policy_object *o)
{
	switch (o->state) {
	case RELEASE_PUBLISHED:
		break;
	case RELEASE_DRAFT:
	case RELEASE_PAUSED:
		if (!may(s, "release.read.draft"))
			return POLICY_RELEASE_NOT_PUBLISHED;
		break;
	default:
		return POLICY_RELEASE_WITHDRAWN;
	}
	return o->blocked ? POLICY_PACKAGE_BLOCKED : POLICY_ALLOW;
}

/* Rule 4. Where there is a list, an unknown country is on the wrong side of it. */
static enum policy_reason check_country(
	const struct policy_subject *s, const struct policy_object *o)
{
	if (o->countries_denied.len == 0 && o->countries_allowed.len == 0)
		return POLICY_ALLOW;
	if (s->country.len == 0 || list_has(o->countries_denied, s->country))
		return POLICY_COUNTRY_RESTRICTED;
	if (o->countries_allowed.len && !list_has(o->countries_allowed, s->country))
		return POLICY_COUNTRY_RESTRICTED;
	return POLICY_ALLOW;
}

/* Rule 5. *ret_by_permission: the class was opened by a permission, so no licence is asked for. */
static enum policy_reason check_class(
	const struct policy_subject *s, const struct policy_object *o, bool *ret_by_permission)
{
	static const char *const opens[CLASS_COUNT] = {
		[CLASS_LICENSED] = "package.read.licensed",
		[CLASS_ENTERPRISE] = "package.read.enterprise",
		[CLASS_DEVELOPMENT] = "package.read.development",
	};

	*ret_by_permission = false;
	if (o->class_ == CLASS_PUBLIC)
		return POLICY_ALLOW;
	if (!s->authenticated)
		return POLICY_AUTHENTICATION_REQUIRED;
	if ((unsigned)o->class_ >= CLASS_COUNT)
		return POLICY_CLASS_NOT_PERMITTED;
	if (may(s, opens[o->class_])) {
		*ret_by_permission = true;
		return POLICY_ALLOW;
	}
	switch (o->class_) {
	case CLASS_LICENSED:
		return s->licence == LICENCE_NONE ? POLICY_LICENCE_REQUIRED : POLICY_ALLOW;
	case CLASS_ENTERPRISE:
		return o->org.len && span_eq(s->org, o->org) ? POLICY_ALLOW
							     : POLICY_ORGANISATION_MISMATCH;
	default:
		return POLICY_CLASS_NOT_PERMITTED;
	}
}

/* Rule 6. Entitlements are the licence's, so a public package that names one asks for a licence. */
static enum policy_reason check_entitlement(
	const struct policy_subject *s, const struct policy_object *o)
{
	if (o->entitlement.len == 0)
		return POLICY_ALLOW;
	if (!s->authenticated)
		return POLICY_AUTHENTICATION_REQUIRED;
	if (s->licence == LICENCE_NONE)
		return POLICY_LICENCE_REQUIRED;
	return list_has(s->entitlements, o->entitlement) ? POLICY_ALLOW
							 : POLICY_ENTITLEMENT_MISSING;
}

/* Rules 7 and 8, for a licence that decided. */
static enum policy_reason check_licence(const struct policy_subject *s, int64_t now_us)
{
	if (s->licence != LICENCE_ACTIVE)
		return POLICY_LICENCE_SUSPENDED;
	if (s->licence_starts_us > now_us)
		return POLICY_LICENCE_NOT_STARTED;
	if (s->licence_expires_us && s->licence_expires_us <= now_us)
		return POLICY_LICENCE_EXPIRED;
	if (s->device == DEVICE_REVOKED || (s->device_required && s->device != DEVICE_ACTIVE))
		return POLICY_DEVICE_NOT_ACTIVATED;
	return POLICY_ALLOW;
}

/* Rules 5 to 8. */
static enum policy_reason check_rights(
	const struct policy_subject *s, const struct policy_object *o, int64_t now_us)
{
	bool by_permission;
	enum policy_reason r = check_class(s, o, &by_permission);

	if (r || by_permission)
		return r;
	r = check_entitlement(s, o);
	if (r)
		return r;
	/* A member of the organisation needs no licence; one that is there must be good. */
	bool licence_decided = o->class_ == CLASS_LICENSED || o->entitlement.len ||
			       (o->class_ == CLASS_ENTERPRISE && s->licence != LICENCE_NONE);

	return licence_decided ? check_licence(s, now_us) : POLICY_ALLOW;
}

enum policy_reason policy_decide(
	const struct policy_subject *s, const struct policy_object *o, int64_t now_us)
{
	enum policy_reason r = check_subject(s);

	if (!r)
		r = check_release(s, o);
	if (!r)
		r = check_country(s, o);
	return r ? r : check_rights(s, o, now_us);
}
