#ifndef SLIPWAY_CATALOG_PRODUCT_H
#define SLIPWAY_CATALOG_PRODUCT_H

#include "catalog/types.h"

#define PRODUCT_NAME_MAX   64
#define PUBLISHER_KEYS_MAX 16 /* per product */

/* 1–64 of [a-z0-9.-], beginning with a letter or digit. Never looks like an id, which has a '_'. */
bool product_name_is_valid(span name);
/* Space-separated ISO 3166-1 alpha-2 codes in upper case, or empty. */
bool countries_are_valid(span codes);

/* ERR_CONFLICT when the name is taken. */
err product_add(struct db_tx *tx, const struct product *p) MUST_USE;
/* By id or name. ERR_NOT_FOUND. */
err product_get(struct db_tx *tx, struct arena *a, span id_or_name, struct product *ret) MUST_USE;
/* Title, description and countries. */
err product_update(struct db_tx *tx, const struct product *p) MUST_USE;
/* At most limit products with an id above `after` (empty: from the first). */
err product_list_page(struct db_tx *tx, struct arena *a, span after, int64_t limit,
	struct product_list *ret) MUST_USE;

/*
 * True when a product, through what its releases need, needs `target`: then `target` must not need
 * it. Gives up at 1,000 products with ERR_LIMIT.
 */
err product_needs(
	struct db_tx *tx, struct arena *a, span product_id, span target, bool *ret) MUST_USE;

/* ERR_CONFLICT when the product has this key. */
err publisher_key_add(struct db_tx *tx, const struct publisher_key *k) MUST_USE;
err publisher_key_list_of(struct db_tx *tx, struct arena *a, span product_id,
	struct publisher_key_list *ret) MUST_USE;
/* ERR_NOT_FOUND. */
err publisher_key_delete(struct db_tx *tx, span product_id, span id) MUST_USE;

#endif
