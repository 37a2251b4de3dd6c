#ifndef SLIPWAY_SERVICE_SERVICE_H
#define SLIPWAY_SERVICE_SERVICE_H

/*
 * What every use case works with. A use case is one file in this folder: it checks, decides with
 * the pure libraries, changes the database in one transaction, waits until the published state
 * holds the change, and returns. It knows nothing of HTTP. Its caller has been authenticated and
 * holds the permission the route declares; ownership and organisation are checked here.
 */

#include "base/arena.h"
#include "conf/conf.h"
#include "db/db.h"
#include "policy/policy.h"

struct audit_log;
struct blob_store;
struct foreign;
struct gate;
struct issuers;
struct keyring;
struct publisher;
struct redis;
struct refusals;
struct state;
struct throttle;
struct upload_area;

/* The parts of a running control plane. Immutable after start; shared by all threads. */
struct service {
	const struct conf *conf;
	struct db *db;
	struct keyring *keys;
	struct publisher *publisher;
	struct state *state;
	struct blob_store *blobs;
	struct upload_area *uploads;
	struct audit_log *audit;   /* the chain of the audit log (audit/chain.h) */
	struct refusals *refusals; /* counted until they become entries (service/refusals.h) */
	struct foreign *foreign;   /* asks identity providers and the like (net/foreign.h) */
	struct issuers *issuers;   /* what they publish of themselves (federation/issuers.h) */
	struct gate *hashing;      /* bounds password hashing */
	struct throttle *sign_ins; /* login.attempts in login.window (account/throttle.h) */
	struct quotas *quotas;     /* requests per account and key (account/quota.h) */
	struct redis *redis; /* where those two are counted by all nodes; NULL: in this process */
	const char *issuer;  /* `iss` and `aud` of access and device tokens */
	const char *pool;    /* `aud` of download tokens */
	const char *edge;    /* this node's name */
};

/* An absolute URL of this server: `public_url`, or else https:// and its first name; in arena a. */
span service_url(const struct service *s, struct arena *a, const char *path);

enum caller_kind {
	CALLER_ANONYMOUS,
	CALLER_ACCOUNT,
	CALLER_DEVICE,
	CALLER_API_KEY,
	CALLER_WORKLOAD, /* a job with the access token of a workload identity: nobody's account */
	CALLER_SYSTEM,   /* the server itself, or who commands it on its machine */
};

/* Who is asking. Spans live as long as the request. */
struct caller {
	enum caller_kind kind;
	span account, role, org, session, device, licence;
	span workload;     /* CALLER_WORKLOAD: the identity */
	span job;          /* JSON object: what its provider says of the job, for the audit log */
	span permissions;  /* space-separated: what may be done */
	span entitlements; /* space-separated, from the token */
	span address;      /* client address as text */
	span country;      /* ISO code, or empty */
	span client_id;    /* what they signed in with */
	span user_agent;
	bool cookie;     /* a browser's session: changes need its CSRF token */
	bool old_cookie; /* by the one it had until a moment ago: good for no change */
	span request_id;
};
bool caller_may(const struct caller *c, const char *permission);
/* Whose things are that the caller makes for itself: an account or a workload identity; or empty.
 */
span caller_owner(const struct caller *c);

/* One request's worth of context, passed to every use case. */
struct task {
	struct service *service;
	struct caller *caller;
	struct arena *arena; /* results live here */
	int64_t now_us;
	const char *reason;     /* machine-readable code of the failure, NULL: err_name() */
	const char *detail;     /* for the client: what, why, what to do; in arena */
	const char *log;        /* for the log only, may be NULL */
	int64_t retry_after_us; /* with ERR_LIMIT and ERR_BUSY */
	span new_cookie;        /* what the caller's browser goes on with, or empty */
	int64_t new_cookie_ends_us;
	bool stored; /* by published(): the change is made, even where the use case fails then */
};

/*
 * What narrows the caller's permissions (policy.h): ERR_DENIED "beyond_scope" for another product;
 * and whether the caller may deal with what belongs to this organisation (empty: to none), which to
 * those who may not does not exist.
 */
struct task;
err reach_product(struct task *t, span product_name) MUST_USE;
bool reaches_organisation(const struct task *t, span organisation);

/*
 * Says why a use case fails and returns e: `return fail(t, ERR_CONFLICT, "version_exists",
 * "Version %s exists already with other bytes.", v);` reason is part of the API and constant.
 */
err fail(struct task *t, err e, const char *reason, const char *format, ...) PRINTF_LIKE(4, 5);
/* The failure of a policy decision: ERR_UNAUTHENTICATED or ERR_DENIED with the reason's code and
 * text. */
err fail_policy(struct task *t, enum policy_reason r);

/*
 * Waits until the published state of this node holds seq; a mutating use case ends with
 * `return published(t, seq);`.
 */
err published(struct task *t, uint64_t seq) MUST_USE;

/* Appends to the audit log inside the transaction of the change itself. */
err audit_add(struct db_tx *tx, const struct task *t, const char *action, span object,
	const char *detail_json) MUST_USE;

#endif
