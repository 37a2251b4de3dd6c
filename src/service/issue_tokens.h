#ifndef SLIPWAY_SERVICE_ISSUE_TOKENS_H
#define SLIPWAY_SERVICE_ISSUE_TOKENS_H

/*
 * The one place where credentials come into being: access, device and refresh tokens and browser
 * cookies; for sign-in, refresh and the activation of a device.
 *
 * Inside the transaction: session_begin() (or session_rotate() of account/session.h), and the
 * subject read from the database. After the commit: issue_tokens(). Nothing is signed for a change
 * that may still be rolled back.
 */

#include "account/account.h"
#include "account/session.h"
#include "service/service.h"

/* `client_id` of the sessions that the two ways of signing in open. */
#define CLIENT_PASSWORD "slipway"
#define CLIENT_DEVICE   "slipway-device"

/* Whom the tokens are for. Without a device, device_ and licence members are empty. */
struct token_subject {
	span account, role, org, client_id;
	span permissions;  /* what the access token permits; with a device fewer, see below */
	span entitlements; /* of the account's licences, or of the device's */
	uint64_t account_epoch;
	span device;
	span product;                  /* the licence is for */
	span licence;                  /* empty also while the licence cannot be used */
	int64_t licence_expires_at_us; /* the device token ends then at the latest; 0: never */
	uint64_t device_epoch;
	span session;
	int64_t generation;      /* of the session's refresh token */
	span cookie;             /* of a browser's session; then there are no tokens */
	int64_t session_ends_us; /* of a browser's session */
};

/* How somebody has just proved who they are, and what they want in return. */
struct proof {
	span methods; /* RFC 8176: pwd otp rc hwk …; "fed": by an identity provider; "licence" */
	bool cookie;  /* a browser's session instead of tokens */
	span provider, provider_session; /* with "fed" */
	span id_token;                   /* of that provider, sealed; or empty */
	span scope; /* the client wants no more than these permissions; empty: all there is */
};

/* Either the tokens, or cookie, csrf_token and ends_at_us. */
struct issued_tokens {
	span session;
	span access_token, refresh_token;
	span device_token; /* empty without a device */
	int64_t expires_in_s;
	span cookie, csrf_token;
	int64_t ends_at_us;
	bool must_enrol; /* a second factor is needed before anything else is permitted */
};

/*
 * Opens a session for s (account, device, client_id) and fills its members from session on, in t's
 * arena. Inside a db body.
 */
err session_begin(struct db_tx *tx, struct task *t, struct token_subject *s,
	const struct proof *proof) MUST_USE;

/* What a session of this scope (empty: any) permits of the list, in arena a. */
span scoped_permissions(struct arena *a, span list, span scope);

/* Fills account, role, org, permissions and account_epoch from a row; entitlements stay. */
void token_subject_set_account(struct token_subject *s, const struct account *account);

/*
 * Signs the tokens of s, in t's arena. A device never gets the permissions of the account behind
 * its licence: whoever holds a licence key of an administrator is not one.
 */
err issue_tokens(struct task *t, const struct token_subject *s, struct issued_tokens *ret) MUST_USE;

/* The access token of a job of a workload identity, which is noted under jti. In t's arena. */
struct workload_token {
	span workload, jti, permissions;
	uint64_t epoch;
	int64_t lifetime_s;
};
err issue_workload_token(struct task *t, const struct workload_token *w, span *ret) MUST_USE;

/* The least epoch of everything now: tokens of an earlier one died with a restored backup. */
err token_global_epoch(struct task *t, uint64_t *ret) MUST_USE;

/* What a browser's page must send in X-CSRF-Token with every change; bound to the session. */
span csrf_token(struct task *t, span session);

/* The key refresh tokens are derived with. */
void refresh_key(const struct service *s, uint8_t ret[REFRESH_KEY_SIZE]);

#endif
