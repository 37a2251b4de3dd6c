#ifndef SLIPWAY_ACCOUNT_TICKET_H
#define SLIPWAY_ACCOUNT_TICKET_H

/*
 * Tickets: one-time secrets that stand for a step that was begun and is to be finished later, by
 * whoever holds the text. What an invitation, a link in a mail, a sign-in that waits for its second
 * factor, the round trip to an identity provider and a passkey's challenge have in common.
 *
 * The text is "slt_" and 43 characters of Base64url (256 bits); the database has its SHA-256 only.
 * A ticket is good for one purpose, until it expires, once. Everything runs inside a body of
 * db_transact().
 */

#include "db/db.h"

enum ticket_purpose {
	TICKET_SECOND_FACTOR,
	TICKET_INVITATION,
	TICKET_PASSWORD_RESET,
	TICKET_EMAIL_VERIFICATION,
	TICKET_FEDERATION, /* away at an identity provider */
	TICKET_PASSKEY,    /* a challenge is out */
	TICKET_PURPOSES
};
/* As it stands in the database. */
const char *ticket_purpose_name(enum ticket_purpose p);

#define TICKET_TEXT_SIZE (4 + 43 + 1)
/* The random part of a ticket's text, Base64url; borrowed. Empty for what is no ticket. */
span ticket_secret(span text);

struct ticket {
	enum ticket_purpose purpose;
	span account; /* or empty */
	span data;    /* JSON, what the issuer wants to find again */
	int64_t expires_at_us;
};

/* Stores t, whose spans are borrowed, and gives the text that redeems it. */
err ticket_issue(struct db_tx *tx, const struct ticket *t, int64_t now_us,
	char ret_text[TICKET_TEXT_SIZE]) MUST_USE;
/*
 * *ret_found is false for any text that is not one of this purpose that still stands; ret, in arena
 * a, is then untouched. Peeking leaves the ticket for another attempt (a second factor may be
 * mistyped); redeeming takes it: of several at the same time exactly one finds it.
 */
err ticket_peek(struct db_tx *tx, struct arena *a, enum ticket_purpose p, span text, int64_t now_us,
	struct ticket *ret, bool *ret_found) MUST_USE;
err ticket_redeem(struct db_tx *tx, struct arena *a, enum ticket_purpose p, span text,
	int64_t now_us, struct ticket *ret, bool *ret_found) MUST_USE;
/* Replaces the data of a ticket that still stands; nothing happens where there is none. */
err ticket_set_data(struct db_tx *tx, enum ticket_purpose p, span text, span data) MUST_USE;
/* Withdraws all of the account's tickets of this purpose. */
err ticket_withdraw(struct db_tx *tx, enum ticket_purpose p, span account) MUST_USE;
/* As ticket_withdraw(), but for those with exactly this data. */
err ticket_withdraw_but(struct db_tx *tx, enum ticket_purpose p, span account, span data) MUST_USE;
/* Deletes what has expired. */
err ticket_expire(struct db_tx *tx, int64_t now_us, int64_t *ret_count) MUST_USE;

#endif
