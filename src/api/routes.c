/*
 * The one table of routes. A row: method, path, permission, handler, query, body, sink, status of
 * success, summary, schema of the answer, whether device tokens are accepted.
 */
#include "api/handlers.h"

#include "base/banned.h"

#define V1 "/api/v1"
#define END                                                                                        \
	{                                                                                          \
		NULL, FIELD_END, false, 0, 0, NULL, NULL, NULL                                     \
	}

#define TEXT(name, least, most, help)                                                              \
	{                                                                                          \
		name, FIELD_STRING, true, least, most, NULL, NULL, help                            \
	}
#define OPT_TEXT(name, most, help)                                                                 \
	{                                                                                          \
		name, FIELD_STRING, false, 0, most, NULL, NULL, help                               \
	}
#define CHOICE(name, words, help)                                                                  \
	{                                                                                          \
		name, FIELD_STRING, true, 0, 0, words, NULL, help                                  \
	}
#define OPT_CHOICE(name, words, help)                                                              \
	{                                                                                          \
		name, FIELD_STRING, false, 0, 0, words, NULL, help                                 \
	}
#define OPT_TIME(name, help)                                                                       \
	{                                                                                          \
		name, FIELD_TIME, false, 0, 0, NULL, NULL, help                                    \
	}

static const struct field page[] = {PAGE_QUERY, END};

/* Sign-in ---------------------------------------------------------------------------------------
 */

#define EMAIL    TEXT("email", 3, 254, "E-mail address")
#define PASSWORD TEXT("password", 1, 1024, "Password")

static const struct field login[] = {EMAIL, PASSWORD, END};
static const struct field refresh[] = {
	TEXT("refresh_token", 1, 512, "The latest refresh token of the session"), END};
static const struct field setup[] = {
	TEXT("token", 1, 128, "The one-time token `slipway init` has shown"), EMAIL, PASSWORD, END};

/* Administration --------------------------------------------------------------------------------
 */

#define ROLES "admin user guest"

static const struct field new_account[] = {EMAIL, CHOICE("role", ROLES, "What the account may do"),
	PASSWORD, OPT_TEXT("organisation", 200, "Id or name of its organisation"), END};
static const struct field account_change[] = {
	{"email", FIELD_STRING, false, 3, 254, NULL, NULL, "E-mail address"},
	OPT_CHOICE("role", ROLES, "What the account may do"),
	{"password", FIELD_STRING, false, 1, 1024, NULL, NULL, "A new password; ends all sessions"},
	OPT_TEXT("organisation", 200, "Id or name of its organisation; null: none"),
	OPT_CHOICE("state", "active disabled", "Disabling ends all sessions and tokens"), END};
static const struct field new_organisation[] = {
	TEXT("name", 1, 200, "Name, unique in this installation"), END};
static const struct field new_key[] = {TEXT("name", 1, 200, "What the key is for"),
	{"permissions", FIELD_STRINGS, true, 1, 64, NULL, NULL, "What it may do: some of yours"},
	OPT_TIME("expires_at", "In a year at the latest, which is the default"), END};
static const struct field audit_query[] = {
	OPT_TEXT("actor", 128, "Only what this account, device or API key did"),
	OPT_TEXT("action", 128, "Only this action"),
	OPT_TEXT("object", 128, "Only what was done to this object"), PAGE_QUERY, END};

const struct route routes[] = {
	/* Server */
	{"GET", "/healthz", ALLOW_ANYONE, get_health, NULL, NULL, NULL, 200,
		"Whether the process answers", "health", false},
	{"GET", "/readyz", ALLOW_ANYONE, get_readiness, NULL, NULL, NULL, 200,
		"Whether requests can be served: database reachable, published state current",
		"readiness", false},
	{"GET", "/metrics", ALLOW_ANYONE, get_metrics, NULL, NULL, NULL, 200,
		"Metrics in the Prometheus text format", "text/plain", false},
	{"GET", "/.well-known/jwks.json", ALLOW_ANYONE, get_jwks, NULL, NULL, NULL, 200,
		"The public keys tokens are signed with", "jwks", false},
	{"GET", V1 "/openapi.json", ALLOW_ANYONE, get_openapi, NULL, NULL, NULL, 200,
		"This document", "application/json", false},

	/* Sign-in */
	{"POST", V1 "/auth/login", ALLOW_ANYONE, post_login, NULL, login, NULL, 200,
		"Signs in with e-mail address and password", "tokens", false},
	{"POST", V1 "/auth/refresh", ALLOW_ANYONE, post_refresh, NULL, refresh, NULL, 200,
		"Exchanges a refresh token for the next pair", "tokens", false},
	{"POST", V1 "/auth/logout", ALLOW_ANYONE, post_logout, NULL, refresh, NULL, 204,
		"Ends the session of a refresh token", NULL, false},
	{"POST", V1 "/setup", ALLOW_ANYONE, post_setup, NULL, setup, NULL, 201,
		"Makes the first administrator, once, with the set-up token", "account", false},
	{"GET", V1 "/me", ALLOW_SIGNED_IN, get_me, NULL, NULL, NULL, 200,
		"Who the credentials of this request belong to and what they permit", "me", false},

	/* Accounts and organisations */
	{"POST", V1 "/admin/accounts", "account.write", post_account, NULL, new_account, NULL, 201,
		"Creates an account", "account", false},
	{"GET", V1 "/admin/accounts", "account.read", list_accounts, page, NULL, NULL, 200,
		"Lists accounts", "account[]", false},
	{"GET", V1 "/admin/accounts/{id}", "account.read", get_account, NULL, NULL, NULL, 200,
		"Shows an account, by id or e-mail address", "account", false},
	{"PATCH", V1 "/admin/accounts/{id}", "account.write", patch_account, NULL, account_change,
		NULL, 200, "Changes an account, by id or e-mail address", "account", false},
	{"POST", V1 "/admin/organisations", "organisation.write", post_organisation, NULL,
		new_organisation, NULL, 201, "Creates an organisation", "organisation", false},
	{"GET", V1 "/admin/organisations", "account.read", list_organisations, page, NULL, NULL,
		200, "Lists organisations", "organisation[]", false},
	{"GET", V1 "/admin/organisations/{id}", "account.read", get_organisation, NULL, NULL, NULL,
		200, "Shows an organisation, by id or name", "organisation", false},

	/* API keys and audit */
	{"POST", V1 "/admin/keys", "key.write", post_key, NULL, new_key, NULL, 201,
		"Makes an API key; the answer shows it, once", "new_key", false},
	{"GET", V1 "/admin/keys", "key.write", list_keys, page, NULL, NULL, 200, "Lists API keys",
		"key[]", false},
	{"DELETE", V1 "/admin/keys/{id}", "key.write", delete_key, NULL, NULL, NULL, 204,
		"Revokes an API key", NULL, false},
	{"GET", V1 "/admin/audit", "audit.read", list_audit, audit_query, NULL, NULL, 200,
		"Lists what was done, newest first", "audit_entry[]", false},
};
const size_t routes_count = ARRAY_LEN(routes);
