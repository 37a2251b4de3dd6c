#ifndef SLIPWAY_SERVICE_OPEN_SESSION_H
#define SLIPWAY_SERVICE_OPEN_SESSION_H

/*
 * The end of every sign-in of a person, whatever way it went: by password, with a second factor,
 * with a passkey, through an identity provider, by an approved device code. Whoever calls this has
 * checked the proof; the account is checked here.
 */

#include "service/issue_tokens.h"

struct opened_session {
	struct token_subject subject;
	bool must_enrol;
	uint64_t seq;
};

/*
 * Inside a db body: opens the session, ends the oldest beyond session.limit, notes the sign-in.
 * account is a row of this transaction. ERR_DENIED "account_disabled", "provider_disabled". The
 * caller becomes the account. What it changes in the feed is sealed into ret->seq by whoever began
 * the batch.
 */
err session_open(struct db_tx *tx, struct task *t, struct feed_batch *feed,
	const struct account *account, span client_id, const struct proof *proof,
	struct opened_session *ret) MUST_USE;
/* After the commit: its credentials, when the published state has what the session changed. */
err session_opened(
	struct task *t, const struct opened_session *o, struct issued_tokens *ret) MUST_USE;

#endif
