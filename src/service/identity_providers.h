#ifndef SLIPWAY_SERVICE_IDENTITY_PROVIDERS_H
#define SLIPWAY_SERVICE_IDENTITY_PROVIDERS_H

/*
 * Identity providers administered, and one's own identities there. Who configures a rule needs
 * every permission of the role it gives. A client secret is sealed when it comes in and never given
 * out again.
 */

#include <jansson.h>

#include "federation/provider.h"
#include "service/service.h"

/*
 * members: of the request, validated by the route's fields. Creating begins with the preset named
 * there; changing leaves what is absent and clears what is null. ERR_INVALID says which member is
 * wrong, ERR_CONFLICT "name_taken" or "issuer_taken", ERR_LIMIT beyond PROVIDERS_MAX.
 */
err provider_create(struct task *t, const json_t *members, struct provider *ret) MUST_USE;
err provider_change(
	struct task *t, span id_or_name, const json_t *members, struct provider *ret) MUST_USE;
/* With all identities of it. Sessions stay until they end. */
err provider_remove(struct task *t, span id_or_name) MUST_USE;
/* ERR_NOT_FOUND. */
err provider_get(struct task *t, span id_or_name, struct provider *ret) MUST_USE;
err provider_all(struct task *t, struct provider **ret, size_t *ret_count) MUST_USE;

struct provider_trial {
	const char *problem; /* NULL: it can be asked */
	size_t keys;
};
err provider_try(struct task *t, span id_or_name, struct provider_trial *ret) MUST_USE;

/* Inside a db body: one that may be used. ERR_NOT_FOUND. */
err provider_get_active(
	struct db_tx *tx, struct task *t, span id_or_name, struct provider *ret) MUST_USE;
/* Appends its client secret, which the caller wipes; nothing when it has none. */
err provider_secret(struct task *t, const struct provider *p, struct buf *out) MUST_USE;

/* The caller's own; oldest first, in t's arena. */
err identities_own(struct task *t, struct identity **ret, size_t *ret_count) MUST_USE;
/* ERR_CONFLICT "last_way_in" when nothing else would let its owner in. */
err identity_unlink(struct task *t, span id) MUST_USE;

#endif
