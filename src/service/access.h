#ifndef SLIPWAY_SERVICE_ACCESS_H
#define SLIPWAY_SERVICE_ACCESS_H

/*
 * May this subject have this package? Gathers the facts from the database and asks policy_decide():
 * the one way for grants, renewals and `explain`, so that all three say the same. Runs inside a
 * body; results are in arena a.
 */

#include "catalog/types.h"
#include "licence/licence.h"
#include "service/service.h"

/* Who is asking. Empty account: anonymous. */
struct access_subject {
	span account, device;
	span permissions;
	span country;
};

/* A package with what stands above it; only the members that access.sql reads are filled. */
struct access_object {
	struct package package;
	struct release release;
	struct product product;
};

struct access_verdict {
	enum policy_reason reason;
	uint64_t account_epoch;
	span org; /* of the account or the licence */
	bool account_disabled;
	span account_role;
	bool has_licence; /* one was looked at; with POLICY_ALLOW it is the one that decided */
	struct licence licence;
	bool has_device; /* the device is one of the account's */
	struct device device;
};

/* ERR_NOT_FOUND. */
err access_object_get(
	struct db_tx *tx, struct arena *a, span package_id, struct access_object *ret) MUST_USE;
/* All packages of a release; ERR_NOT_FOUND when it has none. */
err access_objects_of_release(struct db_tx *tx, struct arena *a, span release_id,
	struct access_object **ret, size_t *ret_count) MUST_USE;

/*
 * A subject whose account does not exist is denied. Where the account has several licences for the
 * product, the one that permits counts; where none does, the reason is that of the best one.
 */
err access_decide(struct db_tx *tx, struct arena *a, const struct access_subject *s,
	const struct access_object *o, int64_t now_us, struct access_verdict *ret) MUST_USE;

/* The subject that a caller is, with the device it names; the caller's own when empty. */
struct access_subject access_subject_of(const struct caller *c, span device);

#endif
