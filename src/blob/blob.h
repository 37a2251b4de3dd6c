#ifndef SLIPWAY_BLOB_BLOB_H
#define SLIPWAY_BLOB_BLOB_H

/*
 * Where package files lie: by content, immutable. The name of a blob is the SHA-256 of its bytes as
 * 64 lower-case hex digits; whoever puts a blob answers for the name. Callers see this interface
 * only; a store is a table of functions (local.c), so that one on another machine fits as well.
 *
 * A blob that was found damaged is moved aside: it is then neither opened nor served, and putting
 * the right bytes again heals it. Any thread.
 */

#include <sys/types.h>

#include "base/span.h"

#define BLOB_NAME_SIZE 64

struct blob_store;

/* Called by blob_each; not OK ends the walk with that error. at_us: last change of the file. */
typedef err blob_visit(void *ctx, span sha256_hex, uint64_t size, int64_t at_us);

struct blob_ops {
	err (*put)(struct blob_store *s, const char *path, span sha256_hex);
	err (*open)(struct blob_store *s, span sha256_hex, int *ret_fd);
	err (*size)(struct blob_store *s, span sha256_hex, uint64_t *ret_bytes);
	err (*remove)(struct blob_store *s, span sha256_hex);
	err (*quarantine)(struct blob_store *s, span sha256_hex);
	err (*each)(struct blob_store *s, blob_visit *visit, void *ctx);
	void (*free)(struct blob_store *s);
};

/* The start of every store. */
struct blob_store {
	const struct blob_ops *ops;
};

/*
 * A store in files: dir/ab/cd/NAME, mode 0440, in directories that hand on their group, so that the
 * data plane may read and nothing else; damaged blobs lie in quarantine_dir. Makes both. Gives.
 */
err blob_local_open(const char *dir, const char *quarantine_dir, struct blob_store **ret) MUST_USE;
void blob_store_free(struct blob_store *s); /* accepts NULL */
DEFINE_AUTO_PTR(blob_store)

/* True for 64 lower-case hex digits. Every function below answers ERR_INVALID otherwise. */
bool blob_name_is_valid(span sha256_hex);

/*
 * Takes the file at path into the store: durable, whole and under its name when this returns OK;
 * path is gone then. On failure path is untouched. A blob that exists already is replaced by these
 * bytes at once. A local store demands that path is on its own file system.
 */
err blob_put(struct blob_store *s, const char *path, span sha256_hex) MUST_USE;
/* A descriptor for reading and seeking, O_CLOEXEC; the caller closes it. ERR_NOT_FOUND. */
err blob_open(struct blob_store *s, span sha256_hex, int *ret_fd) MUST_USE;
err blob_size(struct blob_store *s, span sha256_hex, uint64_t *ret_bytes) MUST_USE;
bool blob_exists(struct blob_store *s, span sha256_hex);
/* Removes for good; absent is OK. */
err blob_remove(struct blob_store *s, span sha256_hex) MUST_USE;
/* Moves a damaged blob aside, durably; absent is OK. */
err blob_quarantine(struct blob_store *s, span sha256_hex) MUST_USE;
/* Walks all blobs in no particular order; visit may remove the blob it is called for. */
err blob_each(struct blob_store *s, blob_visit *visit, void *ctx) MUST_USE;

#endif
