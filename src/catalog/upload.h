#ifndef SLIPWAY_CATALOG_UPLOAD_H
#define SLIPWAY_CATALOG_UPLOAD_H

#include "catalog/types.h"

#define UPLOADS_UNFINISHED_MAX 100 /* per account */

/* ERR_LIMIT when the account has UPLOADS_UNFINISHED_MAX unfinished ones. */
err upload_add(struct db_tx *tx, const struct upload *u) MUST_USE;
err upload_get(struct db_tx *tx, struct arena *a, span id, struct upload *ret) MUST_USE;
/* All bytes are in the store under this digest. */
err upload_set_finished(
	struct db_tx *tx, span id, span sha256, uint64_t length, int64_t expires_at) MUST_USE;
err upload_delete(struct db_tx *tx, span id) MUST_USE;
/* At most 100 uploads whose time is over. */
err upload_list_expired(struct db_tx *tx, struct arena *a, int64_t now_us, span ret[100],
	size_t *ret_count) MUST_USE;

#endif
