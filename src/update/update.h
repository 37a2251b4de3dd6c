#ifndef SLIPWAY_UPDATE_UPDATE_H
#define SLIPWAY_UPDATE_UPDATE_H

/*
 * Which release does this client get? Pure: the published index is an iterator, newest release
 * first; the present is an argument. The same function answers in nginx, in `explain` and in tests.
 *
 * The choice: the newest release that
 *   - is newer than what is installed (or equal to the pin; a pin never goes backwards by itself),
 *   - is published, its rollout has reached this client's cohort (manual checks skip the wait;
 *     critical ones too when the rollout says so),
 *   - has a package for the platform and the format asked for that the caller may have,
 *   - can be installed over the installed version (min_from), so that a required intermediate
 *     release comes first,
 *   - and whose dependencies can be met.
 * The reason says why the newest one was passed over (with a pin: the newest one it permits), or
 * that there is none. Stale credentials are told first, also to a client that is up to date.
 * Packages whose digest is blocked do not stand in the index.
 */

#include "base/semver.h"
#include "policy/policy.h"

#define UPDATE_COHORTS 65536

#define UPDATE_REASONS(X)                                                                          \
	X(UPDATE_AVAILABLE, "update_available")                                                    \
	X(UPDATE_INTERMEDIATE,                                                                     \
		"intermediate_required") /* an older step must come first; offered */              \
	X(UPDATE_CURRENT, "up_to_date")                                                            \
	X(UPDATE_ROLLOUT_WAIT, "rollout_wait")                                                     \
	X(UPDATE_ROLLOUT_PAUSED, "rollout_paused")                                                 \
	X(UPDATE_NO_PACKAGE, "no_package_for_platform")                                            \
	X(UPDATE_NO_FORMAT, "no_package_in_format")                                                \
	X(UPDATE_NOT_ENTITLED, "not_entitled") /* see policy_reason for the detail */              \
	X(UPDATE_CREDENTIALS_STALE, "credentials_stale")                                           \
	X(UPDATE_UNREACHABLE, "no_path_from_installed")                                            \
	X(UPDATE_DEPENDENCY, "dependency_unavailable")                                             \
	X(UPDATE_OS_TOO_OLD, "os_version_too_old")                                                 \
	X(UPDATE_PINNED, "pinned")                                                                 \
	X(UPDATE_UNKNOWN_PRODUCT, "unknown_product")                                               \
	X(UPDATE_CHANNEL_EMPTY, "no_release_in_channel")

#define UPDATE_ENUM(code, name) code,
enum update_reason { UPDATE_REASONS(UPDATE_ENUM) UPDATE_REASON_COUNT };
#undef UPDATE_ENUM
const char *update_reason_name(enum update_reason r);

enum channel { CHANNEL_STABLE, CHANNEL_BETA, CHANNEL_DEV, CHANNEL_COUNT };
const char *channel_name(enum channel c);
bool channel_from_name(span name, enum channel *ret);
/* A client on `subscribed` sees releases of `published`: stable ⊂ beta ⊂ dev. */
bool channel_sees(enum channel subscribed, enum channel published);

/* One installable file as the index knows it. All spans are borrowed from the index. */
struct update_package {
	span id, filename, format, sha256; /* sha256: 64 lower-case hex digits */
	uint64_t size;
	enum package_class class_;
	span entitlement, org;
	span min_os_version; /* dotted numbers, or empty */
};

struct update_requirement {
	span product, range;
};

#define UPDATE_MAX_PACKAGES 16 /* packages of one release for one platform */
#define UPDATE_MAX_REQUIRES 16
#define UPDATE_MAX_WALK     1024 /* newer releases looked at for one client */

/* One release as seen on one channel and platform. */
struct update_release {
	span id, version_text, notes_url;
	struct semver version; /* of version_text */
	enum release_state state;
	bool critical, mandatory;
	int64_t eol_us;           /* 0: none announced */
	span min_from;            /* least version this can be installed over; empty: any */
	span rollout_seed;        /* empty: everyone at once */
	uint32_t rollout_reach;   /* cohorts below this value get it: 0 … UPDATE_COHORTS */
	bool rollout_paused;      /* nobody gets it, also not by a manual check */
	bool critical_skips_wait; /* the rollout does not hold back critical releases */
	span countries_denied, countries_allowed;
	size_t packages_count, requires_count;
	struct update_package packages[UPDATE_MAX_PACKAGES];
	struct update_requirement requires[UPDATE_MAX_REQUIRES];
};

struct update_request {
	struct semver installed;
	bool has_installed; /* false: a first installation, anything is newer */
	span format;        /* empty: the first package the caller may have */
	span os_version;    /* empty: not checked */
	span device;        /* from a verified token: decides the cohort; else */
	uint32_t cohort;    /* drawn by the client, < UPDATE_COHORTS */
	bool has_cohort;    /* neither device nor cohort: as the last cohort */
	span pin;           /* version or range the client is held to, or empty */
	bool manual;        /* a person asked: no waiting for a rollout */
	struct policy_subject subject;
	int64_t now_us;
};

/* The published index, as the caller reads it. */
struct update_index {
	/* Next older release of the channel and platform, newest first. False at the end. */
	bool (*next)(void *ctx, struct update_release *ret);
	/*
	 * The newest published release of another product (same channel, platform) in range. What
	 * it borrows must live as long as the choice.
	 */
	bool (*resolve)(void *ctx, span product, span range, struct update_release *ret);
	void *ctx;
};

struct update_choice {
	bool update;
	enum update_reason reason;
	enum policy_reason policy;     /* with UPDATE_NOT_ENTITLED */
	struct update_release release; /* valid if update */
	size_t package;                /* index into release.packages */
	size_t requires_count;         /* resolved dependencies, in order of release.requires */
	struct {
		span product, range, version, release_id, package_id;
	} requires[UPDATE_MAX_REQUIRES];
};

/* Fills *ret in any case. */
void update_choose(const struct update_request *rq, const struct update_index *index,
	struct update_choice *ret);

/* H(seed ‖ device id, or 2 bytes of the client's cohort) mod UPDATE_COHORTS: sticky per release. */
uint32_t update_cohort(span rollout_seed, span device, uint32_t client_cohort);

#endif
