#ifndef SLIPWAY_SERVICE_SETUP_H
#define SLIPWAY_SERVICE_SETUP_H

/*
 * The first administrator, and one who has lost the way in. A new installation has none and no
 * default password; `slipway init` either makes one at once (setup_admin) or a one-time token for
 * POST /api/v1/setup; `slipway setup-token` makes another token. Who can do either has the
 * machine.
 *
 * Where the address has an account of an administrator, that is recovered: it gets the password, is
 * enabled, and its second factors, sessions and tokens end.
 */

#include "account/account.h"
#include "base/time.h"
#include "base/typeid.h"
#include "service/service.h"

#define SETUP_TOKEN_SIZE 48 /* "sls_" + 43 characters, and the NUL */

#define SETUP_TOKEN_LIFE TIME_DAY

/*
 * Makes a new token, which replaces one made before; only its hash is stored, and when it ends: its
 * text lies in terminals and files, and would open any administrator's account for ever. ret is to
 * be wiped after showing it.
 */
err setup_token_make(struct task *t, char ret[SETUP_TOKEN_SIZE]) MUST_USE;
/* An active administrator is there already. */
err setup_is_done(struct task *t, bool *ret) MUST_USE;
/*
 * The token's one use. ERR_DENIED "setup_token_invalid" for a wrong or used token,
 * "setup_token_expired" for one that is too old; ERR_CONFLICT "email_taken" when the address has an
 * account that is no administrator's. A request that fails for another reason leaves the token
 * usable.
 */
err setup_with_token(
	struct task *t, span token, span email, span password, struct account *ret) MUST_USE;
/* Without a token, and without asking for a second factor. password_hash is a PHC string. */
err setup_admin(struct task *t, span email, span password_hash, struct account *ret) MUST_USE;

#endif
