#ifndef SLIPWAY_POLICY_POLICY_H
#define SLIPWAY_POLICY_POLICY_H

/*
 * May this caller have this package? Facts in, verdict out: pure, no clock, no allocation. The same
 * function answers in the control plane (grant), in nginx (update check) and in `explain`.
 * Deny by default: a fact that is missing denies.
 *
 * Rules, in the order in which they deny (the first that fails names the reason):
 *   1. the subject is not disabled, its token not outdated by an epoch
 *   2. the release is published (drafts and paused releases need release.read.draft; withdrawn
 *      ones nobody gets)
 *   3. the package's digest is not blocked
 *   4. the caller's country is permitted
 *   5. class: public — everyone; licensed — a valid licence for the product, or
 *      package.read.licensed; enterprise — a licence or account of the package's organisation, or
 *      package.read.enterprise; development — package.read.development
 *   6. the entitlement a package names is among the caller's
 *   7. the licence is active, begun, not expired (with its grace)
 *   8. the device is activated on the licence (where a licence decided, as in 7)
 *
 * A permission that opened the class stands for rules 6 to 8 as well: staff has no licences. A
 * package that names an entitlement asks for a licence, whatever its class. Where a list of
 * countries is given, an unknown country is denied.
 */

#include "base/buf.h"

enum package_class {
	CLASS_PUBLIC,
	CLASS_LICENSED,
	CLASS_ENTERPRISE,
	CLASS_DEVELOPMENT,
	CLASS_COUNT
};
enum release_state {
	RELEASE_DRAFT,
	RELEASE_PUBLISHED,
	RELEASE_PAUSED,
	RELEASE_WITHDRAWN,
	RELEASE_STATES
};

/* Reason codes are part of the API: names appear in problem documents, answers and logs. */
#define POLICY_REASONS(X)                                                                          \
	X(POLICY_ALLOW, "allowed", "Access is permitted")                                          \
	X(POLICY_AUTHENTICATION_REQUIRED, "authentication_required",                               \
		"Sign in or activate a device first")                                              \
	X(POLICY_ACCOUNT_DISABLED, "account_disabled", "The account is disabled")                  \
	X(POLICY_CREDENTIALS_STALE, "credentials_stale",                                           \
		"The credentials are out of date, renew them")                                     \
	X(POLICY_RELEASE_NOT_PUBLISHED, "release_not_published", "The release is not published")   \
	X(POLICY_RELEASE_WITHDRAWN, "release_withdrawn", "The release was withdrawn")              \
	X(POLICY_PACKAGE_BLOCKED, "package_blocked", "The package is blocked")                     \
	X(POLICY_COUNTRY_RESTRICTED, "country_restricted", "Not available in your country")        \
	X(POLICY_LICENCE_REQUIRED, "licence_required", "A licence for this product is needed")     \
	X(POLICY_ORGANISATION_MISMATCH, "organisation_mismatch",                                   \
		"The package belongs to another organisation")                                     \
	X(POLICY_CLASS_NOT_PERMITTED, "class_not_permitted",                                       \
		"Your role does not include this class of package")                                \
	X(POLICY_ENTITLEMENT_MISSING, "entitlement_missing",                                       \
		"The licence does not include this package")                                       \
	X(POLICY_LICENCE_SUSPENDED, "licence_suspended", "The licence is suspended")               \
	X(POLICY_LICENCE_NOT_STARTED, "licence_not_started", "The licence is not valid yet")       \
	X(POLICY_LICENCE_EXPIRED, "licence_expired", "The licence has expired")                    \
	X(POLICY_DEVICE_NOT_ACTIVATED, "device_not_activated",                                     \
		"The device is not activated on the licence")                                      \
	X(POLICY_DEVICE_LIMIT, "device_limit", "The licence has no free device left")

#define POLICY_ENUM(code, name, text) code,
enum policy_reason { POLICY_REASONS(POLICY_ENUM) POLICY_REASON_COUNT };
#undef POLICY_ENUM

const char *policy_reason_name(enum policy_reason r);
const char *policy_reason_text(enum policy_reason r);
const char *class_name(enum package_class c);
bool class_from_name(span name, enum package_class *ret);
const char *release_state_name(enum release_state s);
bool release_state_from_name(span name, enum release_state *ret);

enum licence_state { LICENCE_NONE, LICENCE_ACTIVE, LICENCE_SUSPENDED };
enum device_state { DEVICE_NONE, DEVICE_ACTIVE, DEVICE_REVOKED };

/* What is known of the caller. An anonymous caller is all zero. */
struct policy_subject {
	bool authenticated;
	bool disabled;
	bool stale;                 /* the token's epoch is below the subject's minimum */
	span org;                   /* organisation of account or licence, or empty */
	span permissions;           /* space-separated */
	span entitlements;          /* space-separated, of the licence */
	span country;               /* ISO 3166-1 alpha-2 upper case, or empty when unknown */
	enum licence_state licence; /* for this product */
	int64_t licence_starts_us;  /* 0: always */
	int64_t licence_expires_us; /* with its grace; 0: never */
	enum device_state device;
	bool device_required; /* the licence limits devices, so one must be named */
};

/* What is asked for. */
struct policy_object {
	enum package_class class_;
	enum release_state state;
	bool blocked;
	span org;               /* enterprise packages: whose */
	span entitlement;       /* code needed, or empty */
	span countries_denied;  /* space-separated codes, or empty */
	span countries_allowed; /* if not empty, only these */
};

enum policy_reason policy_decide(
	const struct policy_subject *s, const struct policy_object *o, int64_t now_us);

/* Every permission there is (granular, for roles and API keys): its name and what it permits. */
#define POLICY_PERMISSIONS(X)                                                                      \
	X("package.read.licensed", "Download packages of class licensed without a licence")        \
	X("package.read.enterprise", "Download packages of class enterprise of everybody")         \
	X("package.read.development", "Download packages of class development")                    \
	X("release.read.draft", "See releases and packages of every state, drafts too")            \
	X("product.read", "See products and what is public of them")                               \
	X("product.write", "Create and change products and their signers' keys")                   \
	X("release.write", "Draft, change and withdraw releases, block packages")                  \
	X("release.publish.dev", "Publish to channel dev")                                         \
	X("release.publish.beta", "Publish to channel beta")                                       \
	X("release.publish.stable", "Publish to channel stable")                                   \
	X("upload.write", "Upload files")                                                          \
	X("account.read", "See accounts, sessions, invitations, organisations")                    \
	X("account.write", "Invite, change and delete accounts, end their sessions")               \
	X("organisation.write", "Create, rename and delete organisations")                         \
	X("role.write", "Make, change and remove roles")                                           \
	X("licence.read", "See licences")                                                          \
	X("licence.write", "Give, change and suspend licences")                                    \
	X("device.read", "See the devices licences are activated on")                              \
	X("device.write", "Take devices off their licence, and admit them again")                  \
	X("download.read", "See who downloaded what, and why somebody may")                        \
	X("token.revoke", "Revoke anybody's tokens")                                               \
	X("token.introspect", "Ask whether a token is good (for other servers)")                   \
	X("key.write", "See and revoke everybody's API keys")                                      \
	X("signing_key.write", "See, rotate and retire the keys that sign tokens")                 \
	X("audit.read", "Read, export and verify the audit log")                                   \
	X("stats.read", "See statistics and the state of stored files")                            \
	X("settings.write", "Identity providers, test mails, checks of stored files")              \
	X("self.read", "See one's own sessions, second factors and API keys")                      \
	X("self.write", "Change one's own password, address, factors, API keys")                   \
	X("download.request", "Download what one may have")

struct permission {
	span name;
	const char *meaning; /* for people */
};
/* All of them, in this order. */
const struct permission *permissions_all(size_t *ret_count);

bool permission_exists(span name);
/*
 * Permissions that concern nobody but their holder: self.…, download.request, product.read. They
 * are never narrowed and everybody may give them.
 */
bool permission_is_personal(span name);
/* True for a list that has nothing else, whatever it is narrowed to. */
bool permissions_are_personal(span list);

/*
 * Permissions of those who have packages, devices and sessions of their own: self.…,
 * download.request, package.read.…. A job of a CI provider has nothing of the kind.
 */
bool permission_is_for_people(span name);

/*
 * Narrowing. A list of permissions may hold words that narrow all of it but the personal ones:
 * "product:NAME", once or more: only where it is about one of these products; "organisation:own":
 * only what belongs to the holder's organisation. So a list stays one thing, in a role, an API key,
 * a token and a session.
 */
bool permissions_are_for_products(span list);
bool permissions_are_for_organisation(span list);
/* True where the list is not narrowed to products, or to this one among others. */
bool permissions_reach_product(span list, span product);
/*
 * What of the list is left for packages of this product: all or, where it is narrowed to other
 * products or to an organisation (which packages do not belong to), nothing.
 */
span permissions_for_packages(span list, span product);
/* What both lists permit: appends the permissions of both, as narrow as either. */
void permissions_narrow(span a, span b, struct buf *out);
/*
 * True when whoever holds `list` may give, or act on a holder of, `other`: it has no permission
 * beyond list's, nor is it less narrow. *ret_beyond is the first word that is too much.
 */
bool permissions_cover(span list, span other, span *ret_beyond);
/* Space-separated permissions of a built-in role ("admin", "user", "guest"); empty for others. */
span role_permissions(span role);
bool role_exists(span role);

#endif
