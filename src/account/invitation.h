#ifndef SLIPWAY_ACCOUNT_INVITATION_H
#define SLIPWAY_ACCOUNT_INVITATION_H

/*
 * Invitations: who was asked to have an account, with which role and where. The secret of the link
 * is a ticket (ticket.h) that names the invitation where others name an account. Everything runs
 * inside a body of db_transact(); what it gives lives in arena a.
 */

#include "db/db.h"

struct invitation {
	span id, email, role;
	span org; /* organisation id or empty */
	span invited_by;
	span org_name, inviter; /* as they were read: its name, their address; or empty */
	int64_t created_at_us, expires_at_us;
};

/* Replaces an earlier one to the same address, whose ticket is withdrawn. */
err invitation_insert(struct db_tx *tx, struct arena *a, const struct invitation *i) MUST_USE;
err invitation_find(struct db_tx *tx, struct arena *a, span id, struct invitation *ret,
	bool *ret_found) MUST_USE;
/* The one to an address, whatever its case. */
err invitation_find_to(struct db_tx *tx, struct arena *a, span email, struct invitation *ret,
	bool *ret_found) MUST_USE;
/* Those that still stand, behind the id `after`, by id; org empty: of all organisations and none.
 */
err invitation_list(struct db_tx *tx, struct arena *a, span after, span org, size_t limit,
	int64_t now_us, struct invitation **ret, size_t *ret_count) MUST_USE;
/* Withdraws its ticket too. */
err invitation_delete(struct db_tx *tx, span id) MUST_USE;
/* Those to an address, whatever its case. */
err invitation_delete_to(struct db_tx *tx, struct arena *a, span email) MUST_USE;
err invitation_expire(struct db_tx *tx, int64_t now_us) MUST_USE;

#endif
