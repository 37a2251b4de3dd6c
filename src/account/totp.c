/* Hard rule: a password is good for one step, and no step is accepted twice. */
#include "account/totp.h"

#include <liboath/oath.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/time.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define STEPS_BACK 1

static err password_of(const uint8_t *seed, int64_t step, char ret[TOTP_DIGITS + 1])
{
	return oath_totp_generate2((const char *)seed, TOTP_SEED_SIZE, step * TOTP_STEP_S,
		       TOTP_STEP_S, 0, TOTP_DIGITS, 0, ret) == OATH_OK
		       ? OK
		       : ERR_BUG;
}

err totp_check(const uint8_t seed[TOTP_SEED_SIZE], span otp, int64_t now_us, int64_t last_step,
	int64_t *ret_step)
{
	int64_t now = now_us / TIME_SECOND / TOTP_STEP_S, found = 0;
	char want[TOTP_DIGITS + 1];

	for (int64_t step = now - STEPS_BACK; step <= now; step++) {
		err e = password_of(seed, step, want);

		if (e)
			return e;
		if (ct_equal(otp, span_of(want, TOTP_DIGITS)) && step > last_step)
			found = step;
	}
	wipe(want, sizeof(want));
	if (!found)
		return ERR_DENIED;
	*ret_step = found;
	return OK;
}

void totp_write_secret(struct buf *out, const uint8_t seed[TOTP_SEED_SIZE])
{
	char *text = NULL;
	size_t len = 0;

	if (oath_base32_encode((const char *)seed, TOTP_SEED_SIZE, &text, &len) != OATH_OK) {
		buf_fail(out, ERR_NOMEM);
		return;
	}
	buf_add(out, span_of(text, len)); /* 20 bytes make 32 characters without padding */
	wipe(text, len);
	free(text);
}

void totp_write_uri(struct buf *out, const uint8_t seed[TOTP_SEED_SIZE], span issuer, span account)
{
	buf_add_str(out, "otpauth://totp/");
	percent_encode(out, issuer);
	buf_add_byte(out, ':');
	percent_encode(out, account);
	buf_add_str(out, "?secret=");
	totp_write_secret(out, seed);
	buf_add_str(out, "&issuer=");
	percent_encode(out, issuer);
	buf_add_str(out, "&algorithm=SHA1&digits=6&period=30");
}
