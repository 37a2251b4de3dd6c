#ifndef SLIPWAY_ACCOUNT_ACCOUNT_H
#define SLIPWAY_ACCOUNT_ACCOUNT_H

/*
 * Accounts and organisations: their rules and their rows. Everything that takes a transaction runs
 * inside a body of db_transact(); what it gives lives in arena a.
 */

#include "db/db.h"
#include "feed/feed.h"

#define EMAIL_MAX_BYTES         254
#define PASSWORD_MIN_CHARACTERS 8
#define NAME_MAX_BYTES          200

struct account {
	span id, email, role;
	span org;           /* organisation id or empty */
	span org_name;      /* as it was read; empty: none */
	span password_hash; /* PHC string: never leaves the server */
	bool disabled;
	span permissions;                        /* of its role; empty when the role is gone */
	int64_t max_sessions;                    /* of its role; 0: as the setting says */
	bool factor_required;                    /* may do nothing before it has a second factor */
	unsigned factors;                        /* that it has */
	uint64_t epoch;                          /* tokens of an earlier one are dead */
	int64_t created_at_us, last_login_at_us; /* 0: never */
	int64_t verified_at_us; /* its holder has shown that mail reaches them; 0: never */
};

/* Rules; pure. */

/* True for local@domain without spaces, quotes or control characters, 254 bytes at most. */
bool email_is_valid(span email);
/*
 * What a new password must fulfil: 8 characters or more, none of the most used ones (some 8,500 of
 * them), not made of the e-mail address, the product's name or one of `words` (the server's names,
 * space-separated) with digits and signs around it. Nothing about what characters it has. NULL when
 * it does, else a sentence that says what is wrong.
 */
const char *password_problem(span password, span email, span words);
/* The form in which an address is unique: ASCII letters in lower case. In arena a. */
span email_key(struct arena *a, span email);

/* Store */

/* ERR_CONFLICT when the address has an account. Uses id, email, role, org, password_hash,
 * created_at_us, factor_required and verified_at_us. */
err account_insert(struct db_tx *tx, struct arena *a, const struct account *account) MUST_USE;
/* *ret_found false where there is none; ret is then untouched. */
err account_find(
	struct db_tx *tx, struct arena *a, span id, struct account *ret, bool *ret_found) MUST_USE;
err account_find_by_email(struct db_tx *tx, struct arena *a, span email, struct account *ret,
	bool *ret_found) MUST_USE;
/* At most limit accounts behind the id `after`, by id; org empty: of all organisations and none. */
err account_list(struct db_tx *tx, struct arena *a, span after, span org, size_t limit,
	struct account **ret, size_t *ret_count) MUST_USE;
/*
 * Writes email, role, org, disabled and verified_at_us, and factor_required where it is true: that
 * is never taken back. ERR_CONFLICT as for account_insert.
 */
err account_update(struct db_tx *tx, struct arena *a, const struct account *account) MUST_USE;
err account_set_password(struct db_tx *tx, span id, span password_hash) MUST_USE;
err account_set_login(struct db_tx *tx, span id, int64_t now_us) MUST_USE;
/*
 * Deletes the account and all that is its own: sessions, factors, keys, tickets, known places. Its
 * credentials were ended and its licences deleted before.
 */
err account_delete(struct db_tx *tx, span id) MUST_USE;
/* Active administrators besides this one. */
err account_count_other_admins(struct db_tx *tx, span id, int64_t *ret) MUST_USE;
/* The codes of its licences that are valid now, space-separated, each once. */
err account_entitlements(
	struct db_tx *tx, struct arena *a, span id, int64_t now_us, span *ret) MUST_USE;

/*
 * Access tokens issued so far become stale: the client gets new ones by its refresh token. For
 * changes of what the tokens say.
 */
err account_make_tokens_stale(
	struct db_tx *tx, struct feed_batch *feed, span id, int64_t now_us) MUST_USE;
/*
 * All sessions, access tokens and device tokens of the account die, and what was begun and waits
 * for its second factor or for a mail's link. For a changed password, a disabled account, and
 * revocation on request. reason: one word for the sessions' rows.
 */
err account_end_credentials(struct db_tx *tx, struct feed_batch *feed, span id, const char *reason,
	int64_t now_us) MUST_USE;

/* Organisations */

struct organisation {
	span id, name;
	int64_t created_at_us;
};
/* ERR_CONFLICT when the name is taken. */
err organisation_insert(struct db_tx *tx, const struct organisation *o) MUST_USE;
/* By id or by name. */
err organisation_find(struct db_tx *tx, struct arena *a, span id_or_name, struct organisation *ret,
	bool *ret_found) MUST_USE;
/* ERR_CONFLICT when the name is taken. */
err organisation_rename(struct db_tx *tx, span id, span name) MUST_USE;
/* Accounts, invitations, licences and packages that belong to it. */
err organisation_count(struct db_tx *tx, span id, int64_t *ret) MUST_USE;
err organisation_delete(struct db_tx *tx, span id) MUST_USE;
err organisation_list(struct db_tx *tx, struct arena *a, span after, size_t limit,
	struct organisation **ret, size_t *ret_count) MUST_USE;

#endif
