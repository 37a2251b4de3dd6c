#ifndef SLIPWAY_FEDERATION_PROVIDER_H
#define SLIPWAY_FEDERATION_PROVIDER_H

/*
 * Identity providers: who they are, how they are asked, and what those they vouch for become here.
 *
 * A provider is of kind "oidc" (OpenID Connect: everything else is discovered) or "oauth" (OAuth
 * 2.0 without ID tokens, as GitHub's: the URLs are configured and who somebody is comes from an
 * API). Its issuer never changes: an identity is (issuer, subject) and nothing else.
 */

#include "base/buf.h"
#include "base/typeid.h"
#include "db/db.h"

#define PROVIDERS_MAX       32
#define PROVIDER_RULES_MAX  64
#define PROVIDER_GROUPS_MAX 500
#define PROVIDER_JSON_MAX   65536
#define SUBJECT_MAX_BYTES   255 /* OpenID Connect Core 1.0, 2 */

/*
 * Whoever is in the group and has an address of the domain gets the role; empty ones do not matter.
 * The first rule that fits counts. Groups are compared exactly, domains whatever their case.
 */
struct mapping_rule {
	span group, domain, role;
	span organisation; /* id, or empty */
};

struct provider_settings {
	span scopes; /* space-separated */
	/* Names of claims. One with dots that is no claim itself is a path: realm_access.roles. */
	span subject_claim, email_claim, email_verified_claim, groups_claim;
	/* oauth: endpoints. emails_url or empty: a list of {email, primary, verified}. */
	span authorization_url, token_url, user_url, emails_url;
	/* Space-separated, in lower case: whoever has such an address is known to this provider. */
	span domains;
	bool trusted_factor; /* its sign-ins count as two factors */
	struct mapping_rule *rules;
	size_t rules_count;
};

struct provider {
	span id, name, title, issuer, client_id;
	span client_secret; /* sealed (crypto/seal.h), or empty */
	bool oauth, disabled;
	bool post; /* the secret goes into the body instead of HTTP Basic */
	struct provider_settings settings;
	int64_t created_at_us, updated_at_us;
};

/* Presets ---------------------------------------------------------------------------------------
 */

/* "oidc", "oauth", "google", "entra", "okta", "keycloak", "github", for messages. */
#define PROVIDER_PRESETS "oidc oauth google entra okta keycloak github"
/*
 * What is known beforehand of a kind of provider: kind, settings, and issuer where all the world
 * has the same. ERR_NOT_FOUND.
 */
err provider_preset(span name, struct provider *ret) MUST_USE;

/* Settings as they stand in the database. Parsing gives what is in arena a; ERR_CORRUPT. */
void provider_settings_format(const struct provider_settings *s, struct buf *out);
err provider_settings_parse(struct arena *a, span json, struct provider_settings *ret) MUST_USE;

/* True when the address is of a domain of the list. */
bool domains_have(span domains, span email);
bool domain_is_valid(span domain);

/* Who somebody is, as a provider says it.
 */
struct vouched {
	span subject, email, name;
	bool email_verified;
	bool second_factor; /* amr or acr say that there was one */
	span session;       /* the provider's own (sid), or empty */
	span id_token;      /* all this as it was signed; or empty */
	const span *groups;
	size_t groups_count;
};
/* The rule that fits, or NULL. A domain counts only with a verified address. Pure. */
const struct mapping_rule *provider_rule_for(
	const struct provider_settings *s, const struct vouched *v);

/* Store: inside a body of db_transact(); what is given lives in arena a -------------------------
 */

/* ERR_CONFLICT when the name or the issuer is taken. */
err provider_insert(struct db_tx *tx, struct arena *a, const struct provider *p) MUST_USE;
/* Everything but id, kind, issuer and created_at_us. ERR_CONFLICT. */
err provider_update(struct db_tx *tx, struct arena *a, const struct provider *p) MUST_USE;
/* With its identities and what was remembered of it. */
err provider_delete(struct db_tx *tx, span id) MUST_USE;
err provider_find(struct db_tx *tx, struct arena *a, span id_or_name, struct provider *ret,
	bool *ret_found) MUST_USE;
/* All, by name. */
err provider_list(
	struct db_tx *tx, struct arena *a, struct provider **ret, size_t *ret_count) MUST_USE;

/* Notes a logout token; *ret_fresh is false when it was noted before. */
err logout_token_note(
	struct db_tx *tx, span provider, span jti, int64_t expires_at_us, bool *ret_fresh) MUST_USE;
err logout_token_expire(struct db_tx *tx, int64_t now_us, int64_t *ret_count) MUST_USE;

/* The ID token a session began with, sealed; *ret empty when none is kept. */
err id_token_keep(struct db_tx *tx, span session, span sealed) MUST_USE;
err id_token_find(struct db_tx *tx, struct arena *a, span session, span *ret) MUST_USE;
/* Those of sessions that are over. */
err id_token_expire(struct db_tx *tx, int64_t now_us, int64_t *ret_count) MUST_USE;

/* Identities ------------------------------------------------------------------------------------
 */

struct identity {
	span id, provider, subject, account, email;
	span provider_name, provider_title; /* read only */
	bool managed;
	int64_t created_at_us, last_used_at_us;
};
/* ERR_CONFLICT when the subject is linked already. */
err identity_insert(struct db_tx *tx, const struct identity *i) MUST_USE;
err identity_find(struct db_tx *tx, struct arena *a, span provider, span subject,
	struct identity *ret, bool *ret_found) MUST_USE;
err identity_used(struct db_tx *tx, span id, span email, int64_t now_us) MUST_USE;
#define IDENTITIES_MAX 50 /* of one account */
err identity_list(struct db_tx *tx, struct arena *a, span account, struct identity **ret,
	size_t *ret_count) MUST_USE;
/* Of this account only. */
err identity_delete(struct db_tx *tx, span id, span account, bool *ret_found) MUST_USE;
err identity_delete_of_account(struct db_tx *tx, span account) MUST_USE;

#endif
