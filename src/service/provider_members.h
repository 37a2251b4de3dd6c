#ifndef SLIPWAY_SERVICE_PROVIDER_MEMBERS_H
#define SLIPWAY_SERVICE_PROVIDER_MEMBERS_H

/* The members of a provider as requests have them. For identity_providers.c. */

#include <jansson.h>

#include "federation/provider.h"
#include "service/service.h"

/* Writes what members say into p. ERR_INVALID. */
err provider_apply(struct task *t, const json_t *members, struct provider *p) MUST_USE;
/* Inside a db body: everything fits together; organisations become ids. ERR_INVALID. */
err provider_check(struct db_tx *tx, struct task *t, struct provider *p) MUST_USE;

#endif
