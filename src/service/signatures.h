#ifndef SLIPWAY_SERVICE_SIGNATURES_H
#define SLIPWAY_SERVICE_SIGNATURES_H

/* Publishers' signatures of packages, held against their bytes. */

#include "catalog/types.h"
#include "service/service.h"

/*
 * Checks that text is a signature of the stored blob by one of the keys, and gives that key's id.
 * Reads the whole blob. ERR_INVALID with words otherwise.
 */
err signature_check(struct task *t, const struct publisher_key_list *keys, span sha256, span text,
	span *ret_key_id) MUST_USE;
/* As minisign shows a key id: capital hex digits, without leading zeros. In arena a. */
span signature_key_id(struct arena *a, const uint8_t id[8]);

#endif
