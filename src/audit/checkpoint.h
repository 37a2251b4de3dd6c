#ifndef SLIPWAY_AUDIT_CHECKPOINT_H
#define SLIPWAY_AUDIT_CHECKPOINT_H

/*
 * A checkpoint: "the chain was so long and ended with this hash", signed. The database's head is
 * one, renewed with every seal; some are kept, in the database and outside of it, so that an end of
 * the chain that was cut off is missed.
 *
 *   signature = ES256( "slipway-audit-checkpoint-v1\n" ‖ incarnation ‖ seq ‖ at ‖ hash )
 *
 * with numbers as in audit/entry.h. As a line of text: a JSON object {"incarnation", "seq", "hash"
 * (hexadecimal), "at" (RFC 3339), "kid", "signature" (base64url)}. Pure.
 */

#include "crypto/digest.h"
#include "crypto/eckey.h"

#define AUDIT_KID_MAX       32
#define CHECKPOINT_LINE_MAX 512

struct checkpoint {
	int64_t incarnation; /* raised when a backup is restored */
	int64_t seq;         /* 0: nothing was ever sealed; then nothing is signed */
	int64_t at_us;
	uint8_t hash[SHA256_SIZE];
	char kid[AUDIT_KID_MAX + 1];
	uint8_t signature[ECKEY_SIGNATURE_SIZE];
};

/* Fills kid and signature. */
err checkpoint_sign(struct checkpoint *c, const struct eckey *key, const char *kid) MUST_USE;
/* OK or ERR_DENIED. */
err checkpoint_check(const struct checkpoint *c, const struct eckey *key) MUST_USE;

struct json_writer;
/* As a JSON object: {"incarnation", "seq", …}. */
void checkpoint_write(struct json_writer *w, const char *key, const struct checkpoint *c);
/* One line, without the newline. */
void checkpoint_format(const struct checkpoint *c, struct buf *out);
/* ERR_INVALID. */
err checkpoint_parse(span line, struct checkpoint *ret) MUST_USE;
/* A kid is a part of file names: 1 to AUDIT_KID_MAX characters of base64url. */
bool audit_kid_is_valid(span kid);

#endif
