#ifndef SLIPWAY_SERVICE_API_KEYS_H
#define SLIPWAY_SERVICE_API_KEYS_H

/* API keys: made, listed, revoked, and used as credentials. */

#include "account/api_key.h"
#include "service/service.h"

/*
 * Fills t->caller for a valid key: its permissions are those of the key that its owner still has.
 * ERR_UNAUTHENTICATED for any key that is malformed, unknown, revoked, expired or whose owner is
 * disabled. Form and checksum are judged before the database is asked.
 */
err api_key_authenticate(struct task *t, span key) MUST_USE;

struct new_api_key {
	span name;
	span permissions;      /* space-separated; all of them must be the caller's */
	int64_t expires_at_us; /* 0: in a year, which is also the most */
};
/* *ret_text is the key itself, shown this once. */
err api_key_create(
	struct task *t, const struct new_api_key *k, struct api_key *ret, span *ret_text) MUST_USE;
err api_key_page(
	struct task *t, span after, size_t limit, struct api_key **ret, size_t *ret_count) MUST_USE;
/* In force at once. ERR_NOT_FOUND. */
err api_key_remove(struct task *t, span id) MUST_USE;

#endif
