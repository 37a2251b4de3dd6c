#ifndef SLIPWAY_SERVICE_FEDERATED_ACCOUNT_H
#define SLIPWAY_SERVICE_FEDERATED_ACCOUNT_H

/*
 * From somebody a provider vouches for to an account: see federated_sign_in.h for the rules.
 */

#include "account/account.h"
#include "federation/provider.h"
#include "service/service.h"

/*
 * Inside a db body. Finds the account, or links or makes one; applies the rules. *ret_refused:
 * NULL, or the reason why the account may not sign in although the transaction is to be committed
 * (it has just lost what it had). What it changes in the feed goes into feed.
 */
err federated_account(struct db_tx *tx, struct task *t, struct feed_batch *feed,
	const struct provider *p, const struct vouched *v, struct account *ret,
	const char **ret_refused) MUST_USE;

/* Inside a db body: links the identity to this account. ERR_CONFLICT "identity_taken". */
err federated_link(struct db_tx *tx, struct task *t, const struct provider *p,
	const struct vouched *v, span account, bool managed) MUST_USE;

#endif
