#ifndef SLIPWAY_CATALOG_RELEASE_H
#define SLIPWAY_CATALOG_RELEASE_H

/*
 * Releases. States and the way between them, all through release_change_state():
 *
 *     draft ──publish──> published <──pause / resume──> paused
 *                            └────────withdraw─────────────┴──> withdrawn
 *
 * Once published, bytes never change: packages may be added for missing platforms, none replaced or
 * removed; version and product never change at all.
 */

#include "catalog/types.h"

#define NOTES_MAX_BYTES 49152 /* a request body is at most 1 MiB; notes are a page, not a book */

/* Fills the canonical version text, its precedence text and its sort key. ERR_INVALID. */
struct release_version {
	char precedence[SEMVER_MAX_BYTES + 1];
	char key[SEMVER_KEY_MAX_BYTES + 1];
	size_t key_len;
};
err release_version_of(span version, struct release_version *ret) MUST_USE;

/* Adds the draft with its channels. ERR_CONFLICT when a version of equal precedence exists. */
err release_add(struct db_tx *tx, const struct release *r) MUST_USE;
err release_get(struct db_tx *tx, struct arena *a, span id, struct release *ret) MUST_USE;
/* By product id and version of equal precedence. ERR_NOT_FOUND, ERR_INVALID. */
err release_get_version(struct db_tx *tx, struct arena *a, span product_id, span version,
	struct release *ret) MUST_USE;
/* Notes, critical, mandatory, min_from, eol_at. */
err release_update(struct db_tx *tx, const struct release *r) MUST_USE;
/* Makes the channels of a draft these. */
err release_set_channels(
	struct db_tx *tx, const struct release *r, channel_set channels, int64_t now_us) MUST_USE;
err release_add_channel(struct db_tx *tx, span id, enum channel c, int64_t now_us) MUST_USE;

/* Removes a draft with its packages. The caller has seen in this transaction that it is one. */
err release_delete(struct db_tx *tx, span id) MUST_USE;

/* True when the diagram above has this arrow. */
bool release_may_become(enum release_state from, enum release_state to);
/*
 * The only door: moves the stored release and r. ERR_CONFLICT when the diagram has no such arrow or
 * somebody else has moved it meanwhile. reason: for withdrawn, else empty.
 */
err release_change_state(struct db_tx *tx, struct release *r, enum release_state to, span reason,
	int64_t now_us) MUST_USE;

struct release_filter {
	span product_id, state, version; /* empty: any; version: by precedence */
};
/* By id, above `after`. */
err release_list_page(struct db_tx *tx, struct arena *a, const struct release_filter *f, span after,
	int64_t limit, struct release_list *ret) MUST_USE;

struct release_view {
	span product_id;
	enum channel subscribed;
	bool drafts;  /* drafts and paused releases too */
	span version; /* empty: any */
};
/* What a subscriber sees, newest version first, below the release `after` (empty: from the top). */
err release_visible(struct db_tx *tx, struct arena *a, const struct release_view *v, span after,
	int64_t limit, struct release_list *ret) MUST_USE;

/* Ids of the published and paused releases of a product, or of those that hold a digest. */
err release_list_live(
	struct db_tx *tx, struct arena *a, span product_id, struct id_list *ret) MUST_USE;
err release_list_with_digest(
	struct db_tx *tx, struct arena *a, span sha256, struct id_list *ret) MUST_USE;

#endif
