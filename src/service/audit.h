#ifndef SLIPWAY_SERVICE_AUDIT_H
#define SLIPWAY_SERVICE_AUDIT_H

/*
 * The audit log: who did what, when, from where, and what it changed. Appended to, never changed;
 * docs/audit.md says how that is shown. audit_add() stands in service.h.
 */

#include "audit/audit_store.h"
#include "audit/verify.h"
#include "service/service.h"

/* As audit_add (service.h), for an outcome other than "ok": "refused", "reuse" … */
err audit_add_outcome(struct db_tx *tx, const struct task *t, const char *action, span object,
	const char *outcome, const char *detail_json) MUST_USE;

/*
 * Something was refused to t's caller: becomes an entry with the outcome "refused" within a second,
 * or a count (service/refusals.h). reason: a code, not text from outside.
 */
void audit_refused(const struct task *t, const char *action, span object, const char *reason);

/* What was done is sealed first. In t's arena. */
err audit_list(struct task *t, const struct audit_search *search, struct audit_entry **ret,
	size_t *ret_count) MUST_USE;
/* By id or number. */
err audit_get(struct task *t, span id_or_seq, struct audit_entry *ret) MUST_USE;
/* Kept checkpoints, newest first, before seq `before` (0: from the newest). */
err audit_checkpoints(struct task *t, int64_t before, size_t limit, struct checkpoint **ret,
	size_t *ret_count) MUST_USE;
/* Verifies the chain against this node's own file of checkpoints. In t's arena. */
err audit_check(struct task *t, bool accept_restored, struct audit_report **ret) MUST_USE;
/* Writes what was refused, seals, keeps a checkpoint when one is due or `last`. A job calls it. */
err audit_tick(struct task *t, bool last) MUST_USE;

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
