#ifndef SLIPWAY_SERVICE_SETUP_H
#define SLIPWAY_SERVICE_SETUP_H

/*
 * The first administrator. A new installation has none and no default password; `slipway init`
 * either makes one at once (setup_admin) or a one-time token for POST /api/v1/setup.
 */

#include "account/account.h"
#include "base/typeid.h"
#include "service/service.h"

#define SETUP_TOKEN_SIZE 48 /* "sls_" + 43 characters, and the NUL */

/*
 * Makes a new token, which replaces one made before; only its hash is stored. ret is to be wiped
 * after showing it.
 */
err setup_token_make(struct db *db, char ret[SETUP_TOKEN_SIZE]) MUST_USE;
/*
 * The token's one use: makes an administrator. ERR_DENIED "setup_token_invalid" for a wrong or used
 * token. A request that fails for another reason leaves the token usable.
 */
err setup_with_token(
	struct task *t, span token, span email, span password, struct account *ret) MUST_USE;
/*
 * Without a token: for `slipway init` on the machine itself. password_hash is a PHC string.
 * ERR_CONFLICT when the address has an account.
 */
err setup_admin(struct db *db, span email, span password_hash, int64_t now_us,
	char ret_id[TYPEID_SIZE]) MUST_USE;

#endif
