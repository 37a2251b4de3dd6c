#ifndef SLIPWAY_ACCOUNT_TOTP_H
#define SLIPWAY_ACCOUNT_TOTP_H

/*
 * One-time passwords of RFC 6238: HMAC-SHA-1, 30 seconds, six digits, as every authenticator app
 * has them. Pure; any thread.
 */

#include "base/buf.h"

#define TOTP_SEED_SIZE 20 /* RFC 4226 section 4, R6 */
#define TOTP_DIGITS    6
#define TOTP_STEP_S    30

/*
 * The time step whose password `otp` is: the present one or the one before it (RFC 6238
 * section 5.2: one step for the way through the network), but none up to last_step, which was used
 * already. ERR_DENIED otherwise. The work does not depend on the digits.
 */
err totp_check(const uint8_t seed[TOTP_SEED_SIZE], span otp, int64_t now_us, int64_t last_step,
	int64_t *ret_step) MUST_USE;

/* The seed as people type it (RFC 4648 Base32, no padding), and as apps scan it (Key Uri Format).
 */
void totp_write_secret(struct buf *out, const uint8_t seed[TOTP_SEED_SIZE]);
void totp_write_uri(struct buf *out, const uint8_t seed[TOTP_SEED_SIZE], span issuer, span account);

#endif
