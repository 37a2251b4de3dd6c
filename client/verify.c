/*
 * Verification of a file on disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "crypto/digest.h"
#include "signature.h"

#define CHUNK (256 * 1024)

struct digests {
	char sha256[SHA256_HEX + 1];
	uint8_t blake2b[64];
};

static err digest_fd(struct slipway *s, const char *path, int fd, struct digests *ret)
{
	AUTO_PTR(sha256_stream) sha = sha256_stream_new();
	AUTO_PTR(blake2b_stream) blake = blake2b_stream_new();
	char *chunk = malloc(CHUNK);
	uint8_t digest[SHA256_SIZE];
	struct buf hex;
	ssize_t n = sha && blake && chunk ? 1 : -1;

	while (n > 0 && !client_cancelled(s)) {
		n = read(fd, chunk, CHUNK);
		if (n <= 0)
			break;
		sha256_stream_add(sha, span_of(chunk, (size_t)n));
		blake2b_stream_add(blake, span_of(chunk, (size_t)n));
	}
	free(chunk);
	if (!sha || !blake || !chunk)
		return client_fail(s, ERR_NOMEM, "nomem", "Out of memory");
	if (n > 0)
		return client_fail(s, ERR_CANCELLED, "cancelled", "Cancelled");
	if (n < 0)
		return client_fail(
			s, err_from_errno(errno), "file", "%s: %s", path, strerrordesc_np(errno));
	sha256_stream_get(sha, digest);
	blake2b_stream_get(blake, ret->blake2b);
	buf_init_fixed(&hex, ret->sha256, sizeof(ret->sha256));
	hex_encode(&hex, span_of(digest, sizeof(digest)));
	return OK;
}

static err digest_file(struct slipway *s, const char *path, struct digests *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	err e;

	if (fd < 0)
		return client_fail(
			s, err_from_errno(errno), "file", "%s: %s", path, strerrordesc_np(errno));
	e = digest_fd(s, path, fd, ret);
	close(fd);
	return e;
}

static err verify(struct slipway *s, const struct digests *d, const char *sha256,
	const char *signature, enum slipway_signature *ret)
{
	struct manifest_entry entry = {.signature = signature};
	err e = OK;

	if (sha256 && strcmp(sha256, d->sha256) != 0)
		return client_fail(s, ERR_CORRUPT, "digest_mismatch",
			"The file's SHA-256 is %s, not %s", d->sha256, sha256);
	/* The server is asked only for what is missing: offline checks stay offline. */
	if (!signature && (s->settings.publisher_keys || !sha256))
		e = manifest_find(s, NULL, d->sha256, &entry);
	if (e == OK)
		e = signature_check(s, d->blake2b, entry.signature, ret);
	return e;
}

enum slipway_status slipway_verify(struct slipway *s, const char *path, const char *sha256,
	const char *signature, enum slipway_signature *ret_signature, char ret_sha256[65])
{
	struct digests d;
	enum slipway_signature found = SLIPWAY_SIGNATURE_NOT_REQUIRED;
	err e = digest_file(s, path, &d);

	if (e == OK)
		memcpy(ret_sha256, d.sha256, sizeof(d.sha256));
	if (e == OK)
		e = verify(s, &d, sha256, signature, &found);
	if (e == OK)
		*ret_signature = found;
	return status_of(e);
}
