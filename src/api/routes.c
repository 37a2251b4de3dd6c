/*
 * The one table of routes. A row: method, path, permission, handler, query, body, sink, status of
 * success, summary, schema of the answer, whether device tokens are accepted.
 */
#include "api/handlers.h"

#include "api/catalogue.h"

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

	/* Products */
	{"POST", V1 "/admin/products", "product.write", post_product, NULL, new_product_fields,
		NULL, 201, "Creates a product", "product", false},
	{"GET", V1 "/admin/products", "product.read", list_products, page, NULL, NULL, 200,
		"Lists products", "product[]", false},
	{"GET", V1 "/admin/products/{product}", "product.read", get_product, NULL, NULL, NULL, 200,
		"Shows a product, by id or name", "product", false},
	{"PATCH", V1 "/admin/products/{product}", "product.write", patch_product, NULL,
		product_change_fields, NULL, 200, "Changes a product, by id or name", "product",
		false},
	{"POST", V1 "/admin/products/{product}/publisher-keys", "product.write", post_publisher_key,
		NULL, publisher_key_fields, NULL, 201,
		"Adds a key: from then on every package must be signed by one of the keys",
		"publisher_key", false},
	{"GET", V1 "/admin/products/{product}/publisher-keys", "product.read", list_publisher_keys,
		NULL, NULL, NULL, 200, "Lists a product's publisher keys", "publisher_key[]",
		false},
	{"DELETE", V1 "/admin/products/{product}/publisher-keys/{id}", "product.write",
		delete_publisher_key, NULL, NULL, NULL, 204, "Removes a publisher key", NULL,
		false},

	/* Releases */
	{"POST", V1 "/admin/releases", "release.write", post_release, NULL, new_release_fields,
		NULL, 201, "Drafts a release; the same again answers 200 with the first one",
		"release", false},
	{"GET", V1 "/admin/releases", "product.read", list_releases, release_query, NULL, NULL, 200,
		"Lists releases", "release[]", false},
	{"GET", V1 "/admin/releases/{id}", "product.read", get_release, NULL, NULL, NULL, 200,
		"Shows a release", "release", false},
	{"PATCH", V1 "/admin/releases/{id}", "release.write", patch_release, NULL,
		release_change_fields, NULL, 200,
		"Changes notes, marks and end of life; once published, this needs the permission "
		"to publish",
		"release", false},
	{"POST", V1 "/admin/releases/{id}/publish", "release.write", publish_release, NULL, NULL,
		NULL, 200, "Publishes a draft", "release", false},
	{"POST", V1 "/admin/releases/{id}/pause", "release.write", pause_release, NULL, NULL, NULL,
		200, "Stops offering a published release", "release", false},
	{"POST", V1 "/admin/releases/{id}/resume", "release.write", resume_release, NULL, NULL,
		NULL, 200, "Offers a paused release again", "release", false},
	{"POST", V1 "/admin/releases/{id}/withdraw", "release.write", withdraw_release, NULL,
		reason_fields, NULL, 200, "Takes a release back for good, running downloads too",
		"release", false},
	{"POST", V1 "/admin/releases/{id}/promote", "release.write", promote_release, NULL,
		promote_fields, NULL, 200, "Adds a channel", "release", false},

	/* Packages */
	{"POST", V1 "/admin/releases/{id}/packages", "release.write", post_package, NULL,
		new_package_fields, NULL, 201,
		"Adds an uploaded file to a release; the same bytes again answer 200 with the "
		"first one",
		"package", false},
	{"GET", V1 "/admin/packages", "product.read", list_packages, package_query, NULL, NULL, 200,
		"Lists packages", "package[]", false},
	{"GET", V1 "/admin/packages/{id}", "product.read", get_package, NULL, NULL, NULL, 200,
		"Shows a package", "package", false},
	{"DELETE", V1 "/admin/packages/{id}", "release.write", delete_package, NULL, NULL, NULL,
		204, "Removes a package from a draft", NULL, false},
	{"POST", V1 "/admin/packages/{id}/block", "release.write", post_package_block, NULL,
		reason_fields, NULL, 200, "Blocks the package's bytes, at once", "package", false},
	{"DELETE", V1 "/admin/packages/{id}/block", "release.write", delete_package_block, NULL,
		NULL, NULL, 200, "Lifts a block", "package", false},

	/* Uploads */
	{"OPTIONS", V1 "/admin/uploads", ALLOW_ANYONE, options_uploads, NULL, NULL, NULL, 204,
		"What of the tus protocol the server speaks", NULL, false},
	{"POST", V1 "/admin/uploads", "upload.write", NULL, NULL, NULL, &upload_post_sink, 201,
		"Creates an upload (tus 1.0)", "upload", false},
	{"HEAD", V1 "/admin/uploads/{id}", "upload.write", head_upload, NULL, NULL, NULL, 200,
		"How much of an upload has arrived (tus 1.0)", NULL, false},
	{"PATCH", V1 "/admin/uploads/{id}", "upload.write", NULL, NULL, NULL, &upload_patch_sink,
		204, "Continues an upload (tus 1.0)", NULL, false},
	{"DELETE", V1 "/admin/uploads/{id}", "upload.write", delete_upload, NULL, NULL, NULL, 204,
		"Drops an upload (tus 1.0)", NULL, false},
	{"GET", V1 "/admin/uploads/{id}", "upload.write", get_upload, NULL, NULL, NULL, 200,
		"Shows an upload and what was found in it", "upload", false},
	{"PUT", V1 "/admin/uploads/{filename}", "upload.write", NULL, NULL, NULL, &upload_put_sink,
		201, "Uploads a whole file; Repr-Digest may announce its SHA-256", "upload", false},
};
const size_t routes_count = ARRAY_LEN(routes);
