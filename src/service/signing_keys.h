#ifndef SLIPWAY_SERVICE_SIGNING_KEYS_H
#define SLIPWAY_SERVICE_SIGNING_KEYS_H

/*
 * Rotation of the keys that sign tokens. A new key is published first and signs after key.lead, so
 * that verifiers which keep a copy of the key set know it by then. The key before it goes on being
 * accepted until the last token it signed has ended, and is then retired: its record leaves the
 * published state, its private part is deleted.
 */

#include "keyring/signing_key.h"
#include "service/service.h"

/* The least lead: time for a change to reach every node. */
#define SIGNING_KEY_SOON_US INT64_C(5000000)

enum signing_key_state { SIGNING_KEY_NEXT, SIGNING_KEY_SIGNING, SIGNING_KEY_ACCEPTED };

struct signing_key_view {
	struct signing_key key;
	enum signing_key_state state;
	int64_t accepted_until_us; /* 0 while none follows it */
};

const char *signing_key_state_name(enum signing_key_state s); /* "next" … */

/* Those that are not retired, by kind and time; in t's arena. */
err signing_keys_list(struct task *t, struct signing_key_view **ret, size_t *ret_count) MUST_USE;
/*
 * Makes the next key of a kind. ERR_CONFLICT while there is a next one, with SIGNING_KEYS_MAX
 * keys, or for a key of a token that is or was in use; "pkcs11_key_unusable" says why.
 */
struct rotation_wish {
	enum token_kind kind;
	bool soon;       /* it signs in SIGNING_KEY_SOON_US instead of key.lead */
	span pkcs11_uri; /* a key that is in the token already; empty: a new file */
};
err signing_key_rotate(
	struct task *t, const struct rotation_wish *w, struct signing_key_view *ret) MUST_USE;
/*
 * Retires a key at once, for one that is known to others: its tokens are refused everywhere.
 * ERR_CONFLICT for the only key of its kind that signs.
 */
err signing_key_revoke(struct task *t, span kid) MUST_USE;
/*
 * What the time demands: next keys by key.rotation, retirement. A job calls it. Keys in tokens are
 * followed by keys that somebody makes there: *ret_overdue counts those that wait for one.
 */
struct signing_keys_done {
	unsigned rotated, retired, overdue;
};
err signing_keys_turn(struct task *t, struct signing_keys_done *ret) MUST_USE;

#endif
