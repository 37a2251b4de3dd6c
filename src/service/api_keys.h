#ifndef SLIPWAY_SERVICE_API_KEYS_H
#define SLIPWAY_SERVICE_API_KEYS_H

/*
 * API keys: made, listed, rotated, revoked, and used as credentials. A key never permits more than
 * its owner may, at any time; nor more than the credentials that made it did then.
 */

#include "account/api_key.h"
#include "service/service.h"

#define API_KEY_ADDRESSES_MAX 64

/*
 * Fills t->caller for a valid key: its permissions are those of the key that its owner still has.
 * ERR_UNAUTHENTICATED for any key that is malformed, unknown, revoked, expired or whose owner is
 * disabled. Form and checksum are judged before the database is asked. ERR_DENIED
 * "address_not_allowed" for a good key from elsewhere; the audit log says so.
 */
err api_key_authenticate(struct task *t, span key) MUST_USE;

struct new_api_key {
	span name;
	span permissions;      /* space-separated names; all of them must be the caller's */
	span products;         /* names or ids, space-separated; empty: not narrowed */
	span addresses;        /* CIDR, space-separated; empty: from anywhere */
	int64_t expires_at_us; /* 0: in a year, which is also the most */
};
/* The caller's own. *ret_text is the key itself, shown this once. */
err api_key_create(
	struct task *t, const struct new_api_key *k, struct api_key *ret, span *ret_text) MUST_USE;
/*
 * Another secret for a key of the caller's; the one it has opens until previous_until_us (0: not at
 * all, seven days at most), one before it no longer. expires_at_us 0: as before. ERR_NOT_FOUND;
 * with own also for keys of others, which else are ERR_DENIED.
 */
err api_key_renew(struct task *t, bool own, span id, int64_t previous_until_us,
	int64_t expires_at_us, struct api_key *ret, span *ret_text) MUST_USE;
/* own: only the caller's. */
err api_key_page(struct task *t, bool own, span after, size_t limit, struct api_key **ret,
	size_t *ret_count) MUST_USE;
/* In force at once. ERR_NOT_FOUND; with own also for keys of others. */
err api_key_remove(struct task *t, bool own, span id) MUST_USE;

#endif
