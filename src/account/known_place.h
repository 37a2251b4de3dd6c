#ifndef SLIPWAY_ACCOUNT_KNOWN_PLACE_H
#define SLIPWAY_ACCOUNT_KNOWN_PLACE_H

/*
 * Where an account has signed in from: a network and a program, as a hash under a key of the
 * server, so that the table tells nobody who was where. The newest KNOWN_PLACES of an account.
 */

#include "crypto/digest.h"
#include "db/db.h"

#define KNOWN_PLACES 20

/*
 * Of network and user agent; versions do not count, as programs update themselves. Pure, apart
 * from memory of arena a.
 */
void known_place_hash(struct arena *a, const uint8_t key[SHA256_SIZE], span account, span network,
	span user_agent, uint8_t ret[SHA256_SIZE]);
/* Notes a sign-in. *ret_new: there were others, and this was none of them. Inside a db body. */
err known_place_note(struct db_tx *tx, span account, const uint8_t hash[SHA256_SIZE],
	int64_t now_us, bool *ret_new) MUST_USE;

#endif
