#ifndef SLIPWAY_SERVICE_NOTICES_H
#define SLIPWAY_SERVICE_NOTICES_H

/*
 * Mails that tell people what happened to their account. All run inside the db body of what
 * happened; a person who cannot be sent mail is no reason to refuse it.
 */

#include "account/account.h"
#include "service/mail.h"

/* what: in words, "the password was changed"; for kinds that say it. to: account->email, or the
 * address it had. */
err notice(struct db_tx *tx, const struct task *t, enum mail_kind kind, span to,
	const char *what) MUST_USE;
/* As notice(), to the account with this id, if there is one. */
err notice_account(struct db_tx *tx, const struct task *t, enum mail_kind kind, span account,
	const char *what) MUST_USE;
/* Notes where the account signs in from, and tells its holder when it is a new place. */
err notice_place(struct db_tx *tx, const struct task *t, const struct account *account) MUST_USE;

/* The link of a mail: its secret stands behind '#', which browsers send to nobody. */
span notice_link(const struct task *t, const char *path, const char *ticket);

#endif
