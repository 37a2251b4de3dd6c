#ifndef SLIPWAY_SERVICE_WORKLOAD_IDENTITIES_H
#define SLIPWAY_SERVICE_WORKLOAD_IDENTITIES_H

/*
 * Workload identities administered: which jobs of which CI provider are trusted, and with what.
 *
 * As with API keys, nobody gives more than they have, and an identity permits no more than the
 * account it is of may at the moment: it is of whoever made it or changed it last, and can do
 * nothing once that account is disabled or deleted, until somebody else changes it. Only people
 * make and change them: an API key that could would outlive itself by it. Each change ends the
 * tokens that were given for it, at once.
 */

#include "federation/workload_identity.h"
#include "service/service.h"

/* Members that are not set stay; a new one has defaults instead. */
struct workload_input {
	bool set_name, set_audience, set_conditions, set_permissions, set_products, set_lifetime,
		set_state;
	span name, issuer, audience; /* issuer: of a new one */
	struct conditions conditions;
	span permissions; /* space-separated names */
	span products;    /* names or ids, space-separated; empty: not narrowed */
	int64_t lifetime_s;
	bool disabled;
};

/*
 * default_audience: this server's URL. ERR_INVALID says which member is wrong and why; ERR_CONFLICT
 * "workload_identity_exists", ERR_LIMIT beyond WORKLOADS_MAX.
 */
err workload_create(struct task *t, const struct workload_input *in, span default_audience,
	struct workload *ret) MUST_USE;
/* Disabling, and nothing else, is also for API keys, and leaves it whose it is. */
err workload_change(struct task *t, span id_or_name, const struct workload_input *in,
	struct workload *ret) MUST_USE;
err workload_remove(struct task *t, span id_or_name) MUST_USE;
/* ERR_NOT_FOUND. */
err workload_get(struct task *t, span id_or_name, struct workload *ret) MUST_USE;
err workload_all(struct task *t, struct workload **ret, size_t *ret_count) MUST_USE;

/*
 * Inside a db body: what the identity permits now; ret in t's arena. *ret_usable is false when it
 * is disabled, or the account it is of is or is gone.
 */
err workload_standing(struct db_tx *tx, struct task *t, const struct workload *w,
	span *ret_permissions, bool *ret_usable) MUST_USE;

#endif
