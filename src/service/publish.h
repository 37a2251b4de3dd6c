#ifndef SLIPWAY_SERVICE_PUBLISH_H
#define SLIPWAY_SERVICE_PUBLISH_H

/*
 * What changes the state of a release (catalog/release.h has the diagram). Each is all or nothing:
 * state, records and blocks in one transaction. Each needs the permission to publish in every
 * channel of the release. Repeating one that has been done is OK and changes nothing.
 */

#include "catalog/release.h"
#include "feed/feed.h"
#include "service/service.h"

/*
 * Refused (ERR_CONFLICT, ERR_INVALID) unless the release has packages, all of them inspected, none
 * blocked or damaged, each signed by a key of the product where it has publisher keys, and no
 * product that they need, through its own releases, needs this product.
 */
err release_publish(struct task *t, span id, struct release *ret) MUST_USE;
err release_pause(struct task *t, span id, struct release *ret) MUST_USE;
err release_resume(struct task *t, span id, struct release *ret) MUST_USE;
/* For good: also stops downloads with tokens granted before. */
err release_withdraw(struct task *t, span id, span reason, struct release *ret) MUST_USE;
/* Adds a channel. Needs the permission for that channel only. */
err release_promote(struct task *t, span id, enum channel channel, struct release *ret) MUST_USE;

/* The same checks, for a package that joins a release that is published already. */
err publish_check(struct db_tx *tx, struct task *t, const struct release *r) MUST_USE;
/* published_release() with its failure in words. */
err publish_records(
	struct db_tx *tx, struct task *t, struct feed_batch *b, span release_id) MUST_USE;
/*
 * Digests of a withdrawn release are blocked unless another release offers them, and free again
 * when one does: derives the verdict anew where it may have changed.
 */
err publish_verdict(struct db_tx *tx, struct task *t, struct feed_batch *b, span sha256) MUST_USE;

#endif
