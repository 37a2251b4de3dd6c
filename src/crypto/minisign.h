#ifndef SLIPWAY_CRYPTO_MINISIGN_H
#define SLIPWAY_CRYPTO_MINISIGN_H

/*
 * Signatures in minisign's formats (https://jedisct1.github.io/minisign/): Ed25519, over the file
 * ("Ed") or over its BLAKE2b-512 digest ("ED", what we write), with a signed trusted comment.
 */

#include "crypto/digest.h"

#define MINISIGN_KEY_ID_SIZE  8
#define MINISIGN_TEXT_MAX     4096
#define MINISIGN_COMMENT_SIZE 1024 /* of a trusted comment, with its NUL */

struct minisign_public {
	uint8_t key_id[MINISIGN_KEY_ID_SIZE];
	uint8_t key[32];
};

struct minisign_secret {
	struct minisign_public public;
	uint8_t seed[32]; /* to be wiped */
};

struct minisign_signature {
	bool prehashed;
	uint8_t key_id[MINISIGN_KEY_ID_SIZE];
	uint8_t signature[64];
	uint8_t global_signature[64]; /* over signature ‖ trusted comment */
	char trusted_comment[MINISIGN_COMMENT_SIZE];
};

/* A key pair; secret keys are written unencrypted (minisign -W) and only to files of mode 0600. */
void minisign_generate(struct minisign_secret *ret);
void minisign_format_public(struct buf *out, const struct minisign_public *k);
void minisign_format_secret(struct buf *out, const struct minisign_secret *k);
/* The two-line file, or the bare base64 line. */
err minisign_parse_public(span text, struct minisign_public *ret) MUST_USE;
/* Unencrypted secret key files only; ERR_DENIED says it is encrypted. */
err minisign_parse_secret(span text, struct minisign_secret *ret) MUST_USE;
err minisign_parse_signature(span text, struct minisign_signature *ret) MUST_USE;

/* Signs the BLAKE2b-512 digest of a file. trusted_comment: one line of UTF-8. */
err minisign_sign(const struct minisign_secret *k, const uint8_t blake2b[BLAKE2B_SIZE],
	span trusted_comment, struct buf *out) MUST_USE;
/*
 * Checks both signatures. OK; ERR_DENIED when one does not match or the key id differs;
 * ERR_INVALID for a legacy ("Ed") signature, which needs the whole file and is refused.
 */
err minisign_verify(const struct minisign_public *k, const uint8_t blake2b[BLAKE2B_SIZE],
	const struct minisign_signature *s) MUST_USE;

#endif
