#ifndef SLIPWAY_CATALOG_PACKAGE_H
#define SLIPWAY_CATALOG_PACKAGE_H

#include "catalog/types.h"

#define RELEASE_PACKAGES_MAX 128 /* packages of one release, all platforms */

/* Adds the package and p->requires. ERR_CONFLICT: file name or platform and format are taken. */
err package_add(struct db_tx *tx, const struct package *p) MUST_USE;
/* ERR_NOT_FOUND. */
err package_get(struct db_tx *tx, struct arena *a, span id, struct package *ret) MUST_USE;
err package_set_signature(struct db_tx *tx, span id, span signature, span key_id) MUST_USE;
/* Precondition: its release is a draft. */
err package_delete(struct db_tx *tx, span id) MUST_USE;

/* All packages of a release with what they require, in the order in which they were added. */
err package_list_of_release(
	struct db_tx *tx, struct arena *a, span release_id, struct package_list *ret) MUST_USE;
/* By id, above `after`; of one release or (empty) of all. */
err package_list_page(struct db_tx *tx, struct arena *a, span release_id, span after, int64_t limit,
	struct package_list *ret) MUST_USE;

/* What a policy decision needs to know of a package. Borrows all three. */
struct policy_object package_policy_object(
	const struct package *p, const struct release *r, const struct product *product);

/* The id of the organisation with this id or name. ERR_NOT_FOUND. */
err package_organisation_id(struct db_tx *tx, struct arena *a, span id_or_name, span *ret) MUST_USE;
/* "10", "10.15", "6.1.7601": at most four numbers, or empty. */
bool os_version_is_valid(span text);

#endif
