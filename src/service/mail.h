#ifndef SLIPWAY_SERVICE_MAIL_H
#define SLIPWAY_SERVICE_MAIL_H

/*
 * Mail as part of a use case: mail_enqueue() inside its transaction writes the finished text to the
 * outbox, so that the mail is sent exactly when the change was made. A job sends it, tries again
 * while the server is away, and gives up when the mail has expired. It is sent once, unless the
 * program dies in the moment between the server's yes and our noting it; it then goes out again
 * with the same Message-ID.
 */

#include <stdatomic.h>

#include "service/mail_texts.h"
#include "service/service.h"

struct mail_outcome;

/* Whether mail.server and mail.from are set. */
bool mail_is_on(const struct service *s);
/*
 * facts: service and url are filled in. expires_at_us: given up then, at the latest after a day.
 * OK without a trace where mail is off. ERR_INVALID for an address mail cannot be sent to.
 */
err mail_enqueue(struct db_tx *tx, const struct task *t, enum mail_kind kind, span to,
	const struct mail_facts *facts) MUST_USE;
/* Sends what is due, for a moment; a job calls it. Counts what was sent and given up. */
err mail_send_due(struct task *t, const atomic_bool *stopping, unsigned *ret_sent,
	unsigned *ret_failed) MUST_USE;
/* Drops what was done with long ago. A job calls it. */
err mail_tidy(struct task *t, unsigned *ret_count) MUST_USE;
/* Sends a test at once; the words of the server's refusal are the failure's. */
err mail_send_test(struct task *t, span to) MUST_USE;

#endif
