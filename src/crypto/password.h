#ifndef SLIPWAY_CRYPTO_PASSWORD_H
#define SLIPWAY_CRYPTO_PASSWORD_H

/*
 * Password hashes: argon2id, m = 46 MiB, t = 1, p = 1 (OWASP ASVS 5.0 appendix C), as PHC strings.
 * One hash costs about 30 ms and 46 MiB; the caller bounds how many run at once.
 */

#include "base/buf.h"

#define PASSWORD_MAX_BYTES 1024
#define PASSWORD_HASH_MAX  160

/* PHC string of the password with a fresh salt. ERR_TOO_LARGE, ERR_NOMEM. */
err password_hash(span password, struct buf *out) MUST_USE;
/* OK, ERR_DENIED when it does not match, ERR_CORRUPT when phc is no argon2id string. */
err password_verify(span password, span phc) MUST_USE;
/* True when phc was made with weaker settings than password_hash uses now. */
bool password_needs_rehash(span phc);
/* Does the work of password_verify for nobody: so that an unknown account takes the same time. */
void password_verify_nobody(span password);

#endif
