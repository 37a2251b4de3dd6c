#ifndef SLIPWAY_API_PASSKEYS_H
#define SLIPWAY_API_PASSKEYS_H

/* Parts of requests and answers that handlers of passkeys and of other factors share. */

#include "api/api.h"
#include "service/second_factor.h"

/*
 * An object with "ticket" and "credential"; path names the latter in messages. What it gives lives
 * in the request's arena. ERR_INVALID "invalid_value".
 */
err read_passkey_answer(struct request *rq, const json_t *object, const char *path,
	struct passkey_answer *ret) MUST_USE;
/* The member "recovery_codes" into the object that is open; wipes them. */
void write_recovery_codes(struct request *rq, struct recovery_codes *codes);
/*
 * Where the use case failed with e but its change is stored: the codes are in the problem document,
 * as nobody will ever see them otherwise. Wipes codes. Gives e.
 */
err problem_recovery_codes(struct request *rq, err e, struct recovery_codes *codes);

#endif
