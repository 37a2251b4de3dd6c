/*
 * The face of every blob store. Hard rule: no name reaches a store that is not exactly 64
 * lower-case hex digits, so no store needs to think about paths in names.
 */
#include "blob/blob.h"

#include "base/banned.h"

bool blob_name_is_valid(span sha256_hex)
{
	if (sha256_hex.len != BLOB_NAME_SIZE)
		return false;
	for (size_t i = 0; i < sha256_hex.len; i++) {
		char c = sha256_hex.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return true;
}

void blob_store_free(struct blob_store *s)
{
	if (s)
		s->ops->free(s);
}

err blob_put(struct blob_store *s, const char *path, span sha256_hex)
{
	return blob_name_is_valid(sha256_hex) ? s->ops->put(s, path, sha256_hex) : ERR_INVALID;
}

err blob_open(struct blob_store *s, span sha256_hex, int *ret_fd)
{
	return blob_name_is_valid(sha256_hex) ? s->ops->open(s, sha256_hex, ret_fd) : ERR_INVALID;
}

err blob_size(struct blob_store *s, span sha256_hex, uint64_t *ret_bytes)
{
	return blob_name_is_valid(sha256_hex) ? s->ops->size(s, sha256_hex, ret_bytes)
					      : ERR_INVALID;
}

bool blob_exists(struct blob_store *s, span sha256_hex)
{
	uint64_t bytes;

	return blob_size(s, sha256_hex, &bytes) == OK;
}

err blob_remove(struct blob_store *s, span sha256_hex)
{
	return blob_name_is_valid(sha256_hex) ? s->ops->remove(s, sha256_hex) : ERR_INVALID;
}

err blob_quarantine(struct blob_store *s, span sha256_hex)
{
	return blob_name_is_valid(sha256_hex) ? s->ops->quarantine(s, sha256_hex) : ERR_INVALID;
}

err blob_each(struct blob_store *s, blob_visit *visit, void *ctx)
{
	return s->ops->each(s, visit, ctx);
}
