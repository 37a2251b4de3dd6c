#ifndef SLIPWAY_CLI_SIGNING_H
#define SLIPWAY_CLI_SIGNING_H

/* Digests and minisign signatures of local files. */

#include "cli/cli.h"
#include "crypto/digest.h"
#include "crypto/minisign.h"

struct file_digest {
	uint64_t size;
	uint8_t sha256[SHA256_SIZE];
	uint8_t blake2b[64];
	char sha256_hex[SHA256_HEX + 1];
};

/* Reads the file once; with a progress bar when it is large. Fails with words. */
err file_digest(struct cli *cli, const char *path, struct file_digest *ret) MUST_USE;

/* The secret key of a file; ret is to be wiped. Fails with words. */
err signing_key_read(struct cli *cli, const char *path, struct minisign_secret *ret) MUST_USE;
/* Appends the signature file's text; the trusted comment names file and time. */
err signing_sign(struct cli *cli, const struct minisign_secret *key, const char *path,
	const struct file_digest *digest, struct buf *out) MUST_USE;

/* The part of a path behind its last '/'. */
const char *path_basename(const char *path);

#endif
