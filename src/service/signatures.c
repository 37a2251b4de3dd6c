/*
 * Publishers' signatures. Hard rule: what is stored as signed was verified here against the very
 * bytes that are served.
 */
#include "service/signatures.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "blob/blob.h"
#include "crypto/digest.h"
#include "crypto/minisign.h"

#include "base/banned.h"

#define READ_BYTES 65536

span signature_key_id(struct arena *a, const uint8_t id[8])
{
	uint64_t number = 0;

	for (size_t i = MINISIGN_KEY_ID_SIZE; i > 0; i--)
		number = number << 8 | id[i - 1];
	return span_from(arena_printf(a, "%llX", (unsigned long long)number));
}

static err add_file(int fd, struct blake2b_stream *digest)
{
	char *chunk = malloc(READ_BYTES);
	err e = chunk ? OK : ERR_NOMEM;
	ssize_t n = 1;

	while (!e && n != 0) {
		n = read(fd, chunk, READ_BYTES);
		if (n > 0)
			blake2b_stream_add(digest, span_of(chunk, (size_t)n));
		else if (n < 0 && errno != EINTR)
			e = err_from_errno(errno);
	}
	free(chunk);
	return e;
}

static err digest_blob(struct blob_store *store, span sha256, uint8_t ret[64])
{
	AUTO_PTR(blake2b_stream) digest = blake2b_stream_new();
	int fd;

	if (!digest)
		return ERR_NOMEM;
	err e = blob_open(store, sha256, &fd);

	if (e)
		return e;
	e = add_file(fd, digest);
	(void)close(fd); /* was read only */
	if (!e)
		blake2b_stream_get(digest, ret);
	return e;
}

static bool find_key(
	const struct publisher_key_list *keys, span key_id, struct minisign_public *ret)
{
	for (size_t i = 0; i < keys->count; i++)
		if (span_eq(keys->items[i].key_id, key_id))
			return minisign_parse_public(keys->items[i].public_key, ret) == OK;
	return false;
}

err signature_check(struct task *t, const struct publisher_key_list *keys, span sha256, span text,
	span *ret_key_id)
{
	struct minisign_signature s;
	struct minisign_public key;
	uint8_t digest[64];

	if (text.len > MINISIGN_TEXT_MAX || minisign_parse_signature(text, &s))
		return fail(t, ERR_INVALID, "invalid_signature",
			"'signature' is no minisign signature.");
	span key_id = signature_key_id(t->arena, s.key_id);

	if (!find_key(keys, key_id, &key))
		return fail(t, ERR_INVALID, "unknown_publisher_key",
			"The signature is by the key %.*s, which is no publisher key of the "
			"product.",
			SPAN_ARG(key_id));
	err e = digest_blob(t->service->blobs, sha256, digest);

	if (e)
		return e;
	e = minisign_verify(&key, digest, &s);
	if (e == ERR_INVALID)
		return fail(t, e, "legacy_signature",
			"The signature is of minisign's legacy format; sign with -H.");
	if (e)
		return fail(t, ERR_INVALID, "signature_mismatch",
			"The signature does not match the file.");
	*ret_key_id = key_id;
	return OK;
}
