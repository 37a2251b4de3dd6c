#ifndef SLIPWAY_SERVICE_MAILBOX_H
#define SLIPWAY_SERVICE_MAILBOX_H

/*
 * What the holder of an account's mailbox may do: confirm the address, and choose a new password
 * when the old one is lost. Both by a ticket in a mail.
 */

#include "account/account.h"
#include "service/service.h"

/*
 * Mails a link to this address that makes it the address of the caller's account (or confirms the
 * present one). Whether the address is taken shows only to who gets the mail. ERR_UNAVAILABLE
 * "mail_off"; ERR_LIMIT.
 */
err email_change_begin(struct task *t, span email) MUST_USE;
/* Inside a db body: the mail alone. Nothing happens where mail is off. */
err email_verification_send(
	struct db_tx *tx, struct task *t, const struct account *account, span email) MUST_USE;
/*
 * Inside a db body: takes back the links that would give the account another address or another
 * password, since whoever had them sent may have been one of those whose sessions end now.
 */
err mailbox_withdraw(struct db_tx *tx, struct task *t, span account) MUST_USE;
/*
 * Redeems it: the address counts from now on, and the one before is told. ERR_DENIED
 * "verification_invalid", ERR_CONFLICT "email_taken". *ret_email in t's arena.
 */
err email_verify(struct task *t, span token, span *ret_email) MUST_USE;

/*
 * Mails a link to choose a new password, if there is an active account with this address; the same
 * work and the same answer if there is none. ERR_UNAVAILABLE "mail_off"; ERR_LIMIT.
 */
err password_reset_begin(struct task *t, span email) MUST_USE;
/*
 * Sets the password and ends all sessions and tokens of the account. Opens no session: whoever has
 * the mailbox still needs the second factor. ERR_DENIED "reset_invalid".
 */
err password_reset(struct task *t, span token, span password) MUST_USE;

#endif
