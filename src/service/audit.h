#ifndef SLIPWAY_SERVICE_AUDIT_H
#define SLIPWAY_SERVICE_AUDIT_H

/* The audit log: who did what, when, from where. Appended to, never changed. */

#include "service/service.h"

/* As audit_add (service.h), for an outcome other than "ok": "refused", "reuse" … */
err audit_add_outcome(struct db_tx *tx, const struct task *t, const char *action, span object,
	const char *outcome, const char *detail_json) MUST_USE;

struct audit_entry {
	span id, actor, action, object, outcome, ip_prefix, request_id;
	span detail; /* JSON text or empty */
	int64_t at_us;
};
/* Newest first, behind the id `after` (empty: from the newest); empty filters match all. */
struct audit_filter {
	span after, actor, action, object;
	size_t limit;
};
/* In t's arena. */
err audit_list(struct task *t, const struct audit_filter *filter, struct audit_entry **ret,
	size_t *ret_count) MUST_USE;

/*
 * What is kept of a client's address: its network, /24 of IPv4 and /48 of IPv6 ("203.0.113.0/24").
 * Empty for what is no address. In arena a.
 */
span address_prefix(struct arena *a, span address);
/*
 * Whom limits count an address as: IPv4 as it is; of IPv6 the first 64 bits, as every subscriber
 * has that many addresses to change between.
 */
span address_network(struct arena *a, span address);

#endif
