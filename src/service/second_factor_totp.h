#ifndef SLIPWAY_SERVICE_SECOND_FACTOR_TOTP_H
#define SLIPWAY_SERVICE_SECOND_FACTOR_TOTP_H

/* What signing in and enrolling have in common; private to the two. */

#include "account/factor.h"
#include "service/service.h"

/* Uses up a password of this factor, active or pending. ERR_UNAUTHENTICATED when it is wrong. */
err totp_use(struct db_tx *tx, struct task *t, const struct factor *f, span otp) MUST_USE;

#endif
