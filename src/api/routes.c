/*
 * The one table of routes. A row: method, path, permission, handler, query, body, sink, status of
 * success, summary, schema of the answer, whether device tokens are accepted.
 */
#include "api/handlers.h"

#include "api/catalogue.h"
#include "federation/foreign_token.h"
#include "federation/workload_identity.h"
#include "service/api_keys.h"
#include "service/passkeys.h"
#include "service/report_update.h"

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

#define SESSION                                                                                    \
	OPT_CHOICE("session", "token cookie",                                                      \
		"token: refresh and access tokens (default); cookie: for pages of this server")

#define ANSWERS                                                                                    \
	OPT_TEXT("otp", 10, "The present password of the authenticator app"),                      \
		OPT_TEXT("recovery_code", 40, "One of the recovery codes; it is used up"),         \
	{                                                                                          \
		"passkey", FIELD_OBJECT, false, 0, 0, NULL, passkey_answer,                        \
			"The answer of a passkey"                                                  \
	}

#define PASSKEY_TICKET TEXT("ticket", 1, 100, "From the answer that gave the options")
#define CREDENTIAL                                                                                 \
	{                                                                                          \
		"credential", FIELD_FOREIGN, true, 0, 20, NULL, NULL,                              \
			"What the browser's PublicKeyCredential.toJSON() gives (WebAuthn)"         \
	}
static const struct field passkey_answer[] = {PASSKEY_TICKET, CREDENTIAL, END};
static const struct field new_passkey[] = {PASSKEY_TICKET,
	TEXT("name", 1, PASSKEY_NAME_MAX, "What its owner calls it"), CREDENTIAL, END};
static const struct field passkey_sign_in_fields[] = {PASSKEY_TICKET, CREDENTIAL, SESSION, END};
static const struct field passkey_options[] = {
	OPT_TEXT("mfa_token", 100, "Of a sign-in that waits: lists the account's passkeys"), END};

static const struct field login[] = {EMAIL, PASSWORD,
	OPT_TEXT("otp", 10, "The present password of the authenticator app, if there is one"),
	SESSION, END};
static const struct field second_factor[] = {
	TEXT("mfa_token", 1, 100, "From the answer of the sign-in that waits"), ANSWERS, END};
static const struct field federation_start[] = {
	OPT_TEXT("return_to", 512, "Where to go afterwards: a path of this server"), END};
static const struct field federation_callback[] = {OPT_TEXT("state", 200, "As it was sent"),
	OPT_TEXT("code", 4096, "The authorization code"),
	OPT_TEXT("iss", 2048, "Who answers (RFC 9207)"),
	OPT_TEXT("error", 200, "Why there is no code"), END};
static const struct field identity_start[] = {
	OPT_TEXT("return_to", 512, "Where to go afterwards: a path of this server"), END};
static const struct field mapping_rule_fields[] = {
	OPT_TEXT("group", 256, "Only who is in this group"),
	OPT_TEXT("domain", 253, "Only who has a verified address of this domain"),
	TEXT("role", 1, 40, "The role they get"),
	OPT_TEXT("organisation", 200, "Their organisation, by id or name"), END};
#define PROVIDER_MEMBERS                                                                           \
	OPT_TEXT("title", 200, "For people"), OPT_TEXT("client_secret", 1024, "Of the client"),    \
		OPT_CHOICE("client_auth", "basic post", "How the secret is sent"),                 \
		OPT_CHOICE("state", "active disabled", "Whether it can be used"),                  \
		OPT_TEXT("subject_claim", 200, "oauth: who somebody is"),                          \
		OPT_TEXT("email_claim", 200, "Their address"),                                     \
		OPT_TEXT("email_verified_claim", 200, "Whether it was verified"),                  \
		OPT_TEXT("groups_claim", 200, "Their groups"),                                     \
		OPT_TEXT("authorization_url", 2048, "oauth only"),                                 \
		OPT_TEXT("token_url", 2048, "oauth only"),                                         \
		OPT_TEXT("user_url", 2048, "oauth only"),                                          \
		OPT_TEXT("emails_url", 2048, "oauth only"),                                        \
		{"scopes", FIELD_STRINGS, false, 0, 50, NULL, NULL, "What is asked for"},          \
		{"domains", FIELD_STRINGS, false, 0, 100, NULL, NULL,                              \
			"Its word on addresses of these domains links existing accounts"},         \
		{"trusted_factor", FIELD_BOOL, false, 0, 0, NULL, NULL,                            \
			"Its sign-ins count as two factors"},                                      \
	{                                                                                          \
		"rules", FIELD_OBJECTS, false, 0, 64, NULL, mapping_rule_fields,                   \
			"Who gets an account, and which role; the first that fits"                 \
	}
static const struct field new_provider[] = {
	OPT_CHOICE("preset", "oidc oauth google entra okta keycloak github", "What it is"),
	TEXT("name", 1, 40, "As it stands in URLs"), OPT_TEXT("issuer", 2048, "Its issuer"),
	TEXT("client_id", 1, 255, "What we are there"), PROVIDER_MEMBERS, END};
static const struct field provider_change_fields[] = {OPT_TEXT("name", 40, "As it stands in URLs"),
	OPT_TEXT("client_id", 255, "What we are there"), PROVIDER_MEMBERS, END};
static const struct field new_proof[] = {
	OPT_TEXT("password", 1024, "For accounts without a second factor"), ANSWERS, END};
static const struct field otp[] = {
	TEXT("otp", 1, 10, "The present password of the authenticator app"), END};
static const struct field logout[] = {
	OPT_TEXT("refresh_token", 512,
		"A refresh token of the session, of whatever generation; default: the session the "
		"request is made with"),
	END};
static const struct field new_password[] = {
	TEXT("current_password", 1, 1024, "The present password"),
	TEXT("new_password", 1, 1024, "The new one; all other sessions end"), END};
static const struct field refresh[] = {
	TEXT("refresh_token", 1, 512, "The latest refresh token of the session"), END};
static const struct field setup[] = {
	TEXT("token", 1, 128, "The one-time token `slipway init` has shown"), EMAIL, PASSWORD, END};

#define TICKET TEXT("token", 1, 100, "From the link of the mail, what stands behind '#'")

static const struct field acceptance[] = {
	TICKET, TEXT("password", 1, 1024, "The password of the new account"), SESSION, END};
static const struct field email[] = {EMAIL, END};
static const struct field mailed_ticket[] = {TICKET, END};
static const struct field reset_confirm[] = {
	TICKET, TEXT("password", 1, 1024, "The new password"), END};

/* OAuth for tools ------------------------------------------------------------------------------ */

static const struct field device_authorization[] = {
	TEXT("client_id", 1, 64, "slipway-cli or slipway-client"),
	OPT_TEXT("scope", 2000, "Permissions and product:NAME, space-separated; default: all"),
	END};
static const struct field user_code[] = {
	TEXT("user_code", 1, 32, "What the device shows, with or without its hyphen"), END};
static const struct field device_decision[] = {
	TEXT("user_code", 1, 32, "What the device shows, with or without its hyphen"),
	{"approve", FIELD_BOOL, true, 0, 0, NULL, NULL, "true: sign it in; false: refuse"}, END};
static const struct field oauth_token[] = {
	TEXT("grant_type", 1, 100,
		"urn:ietf:params:oauth:grant-type:device_code, …:token-exchange, or refresh_token"),
	OPT_TEXT("client_id", 64, "Whose device code or refresh token it is"),
	OPT_TEXT("device_code", 100, "From device_authorization"),
	OPT_TEXT("refresh_token", 512, "The latest refresh token of the session"),
	OPT_TEXT("subject_token", FOREIGN_TOKEN_MAX, "Exchange: what the CI provider gave the job"),
	OPT_TEXT("subject_token_type", 100, "Exchange: urn:ietf:params:oauth:token-type:jwt"),
	OPT_TEXT("requested_token_type", 100, "Exchange: …:access_token, the default"),
	OPT_TEXT("identity", 100,
		"Exchange: id or name of the workload identity; default: the first by name that "
		"fits"),
	OPT_TEXT("audience", 300, "Exchange: this server, the default"),
	OPT_TEXT("resource", 300, "Exchange: a URL of this server"),
	OPT_TEXT("scope", 2000,
		"Exchange: permissions and product:NAME, space-separated; default: all"),
	OPT_TEXT("actor_token", FOREIGN_TOKEN_MAX, "Exchange: refused, nobody acts for another"),
	END};
static const struct field one_token[] = {
	TEXT("token", 1, 4096, "The token"), OPT_TEXT("token_type_hint", 64, "Not needed"), END};

/* Administration --------------------------------------------------------------------------------
 */

static const struct field new_account[] = {EMAIL,
	TEXT("role", 1, 40, "What the account may do: admin, user, guest or a role of your own"),
	PASSWORD, OPT_TEXT("organisation", 200, "Id or name of its organisation"), END};
static const struct field account_change[] = {
	{"email", FIELD_STRING, false, 3, 254, NULL, NULL, "E-mail address"},
	OPT_TEXT("role", 40, "What the account may do: admin, user, guest or a role of your own"),
	{"password", FIELD_STRING, false, 1, 1024, NULL, NULL, "A new password; ends all sessions"},
	OPT_TEXT("organisation", 200, "Id or name of its organisation; null: none"),
	OPT_CHOICE("state", "active disabled", "Disabling ends all sessions and tokens"), END};
#define ROLE_MEMBERS                                                                               \
	OPT_TEXT("title", 200, "What people call it"),                                             \
		{"products", FIELD_STRINGS, false, 0, 32, NULL, NULL,                              \
			"If not empty, the permissions are for these products only"},              \
		{"own_organisation", FIELD_BOOL, false, 0, 0, NULL, NULL,                          \
			"The permissions are for the holder's own organisation only"},             \
	{                                                                                          \
		"max_sessions", FIELD_INT, false, 0, 900, NULL, NULL,                              \
			"Sessions of one account at the same time; 0: as the setting says"         \
	}

static const struct field new_role[] = {
	TEXT("name", 1, 40, "Name: a-z, 0-9 and '-'; never changes"),
	{"permissions", FIELD_STRINGS, true, 0, 64, NULL, NULL, "What its holders may do"},
	ROLE_MEMBERS, END};
static const struct field role_change_fields[] = {
	{"permissions", FIELD_STRINGS, false, 0, 64, NULL, NULL, "What its holders may do"},
	ROLE_MEMBERS, END};
static const struct field account_removal[] = {
	OPT_CHOICE("licences", "delete", "Deletes licences that have not ended, too"), END};
static const struct field new_invitation[] = {EMAIL, TEXT("role", 1, 40, "What the account may do"),
	OPT_TEXT("organisation", 200, "Id or name of its organisation"), END};
static const struct field new_organisation[] = {
	TEXT("name", 1, 200, "Name, unique in this installation"), END};
static const struct field new_key[] = {TEXT("name", 1, 200, "What the key is for"),
	{"permissions", FIELD_STRINGS, true, 1, 64, NULL, NULL, "What it may do: some of yours"},
	{"products", FIELD_STRINGS, false, 0, 64, NULL, NULL,
		"Products it is for, by name or id; default: all you reach"},
	{"addresses", FIELD_STRINGS, false, 0, API_KEY_ADDRESSES_MAX, NULL, NULL,
		"Networks it may be used from, like 203.0.113.0/24 or 2001:db8::/32; default: "
		"anywhere"},
	OPT_TIME("expires_at", "In a year at the latest, which is the default"), END};
static const struct field condition_fields[] = {
	TEXT("claim", 1, CLAIM_NAME_MAX, "Name of a claim of the provider's token"),
	TEXT("pattern", 1, PATTERN_MAX, "What it must be; '*': any characters but '/'"), END};
#define WORKLOAD_MEMBERS                                                                           \
	OPT_TEXT("audience", 255,                                                                  \
		"What the provider's tokens must be for; default: this server's URL"),             \
		{"products", FIELD_STRINGS, false, 0, 32, NULL, NULL,                              \
			"Products it is for, by name or id; default: all you reach"},              \
		{"lifetime_s", FIELD_INT, false, WORKLOAD_LIFE_LEAST_S, WORKLOAD_LIFE_MOST_S,      \
			NULL, NULL, "How long its access tokens live; default: 900"},              \
		OPT_CHOICE("state", "active disabled", "Whether it can be used")
static const struct field new_workload[] = {TEXT("name", 1, 40, "What it is called"),
	TEXT("issuer", 1, 1000, "The CI provider, as its tokens name it"),
	{"conditions", FIELD_OBJECTS, true, 1, CONDITIONS_MAX, NULL, condition_fields,
		"What its tokens must say; all must fit"},
	{"permissions", FIELD_STRINGS, true, 1, 64, NULL, NULL, "What it may do: some of yours"},
	WORKLOAD_MEMBERS, END};
static const struct field workload_change_fields[] = {OPT_TEXT("name", 40, "What it is called"),
	{"conditions", FIELD_OBJECTS, false, 1, CONDITIONS_MAX, NULL, condition_fields,
		"What its tokens must say; all must fit"},
	{"permissions", FIELD_STRINGS, false, 1, 64, NULL, NULL, "What it may do: some of yours"},
	WORKLOAD_MEMBERS, END};
static const struct field key_rotation[] = {
	OPT_TIME("previous_until",
		"How long the present secret still opens, a week at most; default: not at all"),
	OPT_TIME("expires_at", "In a year at the latest; default: as before"), END};
static const struct field rotation[] = {
	CHOICE("kind", "access device download", "Which tokens it will sign"),
	OPT_TEXT("pkcs11_uri", 512,
		"A key in the token of pkcs11.module (RFC 7512), instead of a new file"),
	{"soon", FIELD_BOOL, false, 0, 0, NULL, NULL,
		"Signs in five seconds instead of after key.lead"},
	END};
#define AUDIT_FILTER                                                                               \
	OPT_TEXT("actor", 128, "Only what this account, device or API key did"),                   \
		OPT_TEXT("action", 128, "Only actions that begin so: auth., account.change"),      \
		OPT_TEXT("object", 128, "Only what was done to this object"),                      \
		OPT_TEXT("outcome", 32, "Only with this outcome: ok, refused"),                    \
		OPT_TIME("from", "Not before this time"), OPT_TIME("to", "Before this time"),      \
		OPT_TEXT("q", 200, "Only entries with this text, in upper or lower case")
static const struct field audit_query[] = {AUDIT_FILTER, PAGE_QUERY, END};
static const struct field audit_export_query[] = {AUDIT_FILTER,
	OPT_CHOICE("format", "jsonl csv", "Lines of JSON, the default, or a table"), END};
static const struct field mail_test[] = {TEXT("address", 3, 254, "Where to"), END};
static const struct field audit_verify_query[] = {
	{"accept_restored", FIELD_BOOL, false, 0, 0, NULL, NULL,
		"A backup was restored, and what it did not have is known to be missing"},
	END};

/* Licences and devices ------------------------------------------------------------------------- */

#define LICENCE_FACTS                                                                              \
	OPT_TEXT("plan", 100, "Name of what was bought"),                                          \
		{"entitlements", FIELD_STRINGS, false, 0, 64, NULL, NULL,                          \
			"Codes that packages may ask for: a-z, 0-9, '.', '_', '-'"},               \
		{"max_devices", FIELD_INT, false, 0, 1000000, NULL, NULL,                          \
			"Devices it can be activated on; 0: any number, and none need be named"},  \
		OPT_TIME("starts_at", "Valid from; null: always"),                                 \
		OPT_TIME("expires_at", "Valid until; null: for ever")

static const struct field new_licence[] = {TEXT("account", 1, 254, "Id or e-mail address"),
	TEXT("product", 1, 128, "Id or name"),
	OPT_TEXT("organisation", 200, "Id or name; default: the account's"), LICENCE_FACTS, END};
static const struct field licence_change[] = {
	OPT_CHOICE("state", "active suspended", "A suspended licence opens nothing"), LICENCE_FACTS,
	END};
static const struct field licences_query[] = {
	OPT_TEXT("account", 254, "Only of this account: id or e-mail address"),
	OPT_TEXT("product", 128, "Only for this product: id or name"), PAGE_QUERY, END};
static const struct field new_device[] = {TEXT("name", 1, 200, "What people call it"),
	TEXT("os", 1, 50, "Operating system"), TEXT("arch", 1, 50, "Processor architecture"),
	TEXT("fingerprint", 16, 512, "What the client knows this machine by, the same each time"),
	END};
static const struct field activation[] = {TEXT("licence_key", 1, 200, "The licence key"),
	{"device", FIELD_OBJECT, true, 0, 0, NULL, new_device, "The device"}, END};
static const struct field devices_query[] = {OPT_TEXT("licence", 128, "Only those of this licence"),
	OPT_TEXT("account", 254, "Only of this account's licences: id or e-mail address"),
	PAGE_QUERY, END};
static const struct field device_change[] = {
	CHOICE("state", "active", "Admits a revoked device again; it still has to activate"), END};

/* Downloads ------------------------------------------------------------------------------------ */

#define COUNT_MAX INT64_C(9007199254740991) /* what every JSON reader holds exactly */

static const struct field download_token[] = {
	OPT_TEXT("package_id", 128, "The package to download"),
	OPT_TEXT("release_id", 128, "Instead: any package of this release"),
	OPT_TEXT("device_id", 128, "For which device; default: the caller's"), END};
static const struct field client_facts[] = {OPT_TEXT("os", 100, "Operating system"),
	OPT_TEXT("device", 100, "Kind of device"),
	OPT_TEXT("version", 100, "Version of the client"), END};
static const struct field download_report[] = {TEXT("download_id", 1, 128, "The download"),
	CHOICE("status", "success failure", "How it ended"),
	{"bytes", FIELD_INT, true, 0, COUNT_MAX, NULL, NULL, "Bytes that arrived"},
	{"duration_ms", FIELD_INT, true, 0, COUNT_MAX, NULL, NULL, "How long it took"},
	OPT_TEXT("error", 1000, "What went wrong"),
	{"client", FIELD_OBJECT, false, 0, 0, NULL, client_facts, "The client"},
	OPT_TEXT("referrer", 200, "What led to the download: update_check, direct …"), END};
static const struct field revocation[] = {OPT_TEXT("token", 4096, "This token"),
	OPT_TEXT("jti", 128, "The token with this id"),
	OPT_TEXT("download_id", 128, "All tokens of this download, which ends"),
	OPT_TEXT("device_id", 128, "All tokens and sessions of this device"),
	OPT_TEXT("account_id", 128, "All tokens and sessions of this account and its devices"),
	END};
static const struct field update_report[] = {TEXT("release_id", 1, 128, "The release"),
	TEXT("device", 1, 128, "Device id, or a name the client chose for itself"),
	CHOICE("stage", UPDATE_STAGES, "How far it got"),
	OPT_TEXT("error", 1000, "What went wrong"), END};
static const struct field downloads_query[] = {
	OPT_TEXT("account", 254, "Only of this account: id or e-mail address"),
	OPT_TEXT("product", 128, "Only of this product: id or name"),
	OPT_TEXT("package", 128, "Only of this package"),
	OPT_CHOICE("state", "granted started transferred completed failed", "Only in this state"),
	PAGE_QUERY, END};
static const struct field stats_query[] = {
	{"days", FIELD_INT, false, 1, 400, NULL, NULL, "Days to count, today included; default 30"},
	END};
static const struct field explain_query[] = {TEXT("package_id", 1, 128, "May this be had"),
	OPT_TEXT("account", 254, "by this account: id or e-mail address; empty: by anybody"),
	OPT_TEXT("device", 128, "on this device; without an account: by its owner"),
	OPT_TEXT("country", 2, "from this country?"), END};
static const struct field events_query[] = {TEXT("edge", 1, 64, "Name of the node"),
	TEXT("generation", 1, 64, "Which file"),
	{"from", FIELD_INT, true, 0, INT64_C(1099511627776), NULL, NULL,
		"Offset of the first byte"},
	END};

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
		"Signs in with e-mail address and password", "session_opened", false},
	{"POST", V1 "/auth/second-factor", ALLOW_ANYONE, post_second_factor, NULL, second_factor,
		NULL, 200, "Finishes a sign-in that waits for its second factor", "session_opened",
		false},
	{"POST", V1 "/auth/step-up", "self.write", post_step_up, NULL, new_proof, NULL, 204,
		"Proves again who one is, for dangerous actions", NULL, false},
	{"POST", V1 "/auth/step-up/options", "self.write", post_step_up_options, NULL, NULL, NULL,
		200, "Begins to prove again who one is, with a passkey", "passkey_options", false},
	{"POST", V1 "/auth/passkey/options", ALLOW_ANYONE, post_passkey_sign_in_options, NULL,
		passkey_options, NULL, 200,
		"Begins to sign in with a passkey, alone or as the second factor",
		"passkey_options", false},
	{"POST", V1 "/auth/passkey", ALLOW_ANYONE, post_passkey_sign_in, NULL,
		passkey_sign_in_fields, NULL, 200, "Signs in with a passkey and nothing else",
		"session_opened", false},
	{"POST", V1 "/auth/refresh", ALLOW_ANYONE, post_refresh, NULL, refresh, NULL, 200,
		"Exchanges a refresh token for the next pair", "session_opened", false},
	{"POST", V1 "/auth/logout", ALLOW_ANYONE, post_logout, NULL, logout, NULL, 200,
		"Ends a session; 204 unless something is left to do", "signed_out", false},
	{"POST", V1 "/setup", ALLOW_ANYONE, post_setup, NULL, setup, NULL, 201,
		"Makes the first administrator, once, with the set-up token", "account", false},
	{"POST", V1 "/auth/invitation", ALLOW_ANYONE, post_acceptance, NULL, acceptance, NULL, 201,
		"Accepts an invitation: makes the account and signs in", "session_opened", false},
	{"POST", V1 "/auth/email-verification", ALLOW_ANYONE, post_email_verification, NULL,
		mailed_ticket, NULL, 200, "Confirms an e-mail address, which then counts",
		"verified_email", false},
	{"POST", V1 "/auth/password-reset", ALLOW_ANYONE, post_password_reset, NULL, email, NULL,
		202, "Mails a link to choose a new password, if there is such an account",
		"accepted", false},
	{"POST", V1 "/auth/password-reset/confirm", ALLOW_ANYONE, post_password_reset_confirm, NULL,
		reset_confirm, NULL, 204,
		"Sets a new password; every session ends, and a second factor is still asked for",
		NULL, false},
	{"GET", V1 "/me", ALLOW_SIGNED_IN, get_me, NULL, NULL, NULL, 200,
		"Who the credentials of this request belong to and what they permit", "me", false},
	{"GET", V1 "/me/sessions", "self.read", list_own_sessions, page, NULL, NULL, 200,
		"Lists one's living sessions, newest first", "session[]", false},
	{"DELETE", V1 "/me/sessions", "self.write", delete_other_sessions, NULL, NULL, NULL, 204,
		"Ends all of one's sessions but this one", NULL, false},
	{"DELETE", V1 "/me/sessions/{id}", "self.write", delete_own_session, NULL, NULL, NULL, 204,
		"Ends one of one's sessions", NULL, false},
	{"POST", V1 "/me/password", "self.write", post_password, NULL, new_password, NULL, 200,
		"Changes one's password; every session ends and a new one is opened",
		"session_opened", false},

	{"GET", V1 "/auth/providers", ALLOW_ANYONE, list_sign_in_providers, NULL, NULL, NULL, 200,
		"Lists the identity providers one can sign in through", "sign_in_provider[]",
		false},
	{"GET", V1 "/auth/oidc/{provider}/start", ALLOW_ANYONE, get_federation_start,
		federation_start, NULL, NULL, 303,
		"Sends a browser to an identity provider to sign in", NULL, false},
	{"GET", V1 "/auth/oidc/{provider}/callback", ALLOW_ANYONE, get_federation_callback,
		federation_callback, NULL, NULL, 303,
		"Where a browser comes back from an identity provider", NULL, false},
	{"POST", V1 "/auth/oidc/{provider}/backchannel-logout", ALLOW_ANYONE, NULL, NULL, NULL,
		&provider_logout_sink, 204,
		"An identity provider signs somebody out (form: logout_token)", NULL, false},
	{"GET", V1 "/me/identities", "self.read", list_own_identities, NULL, NULL, NULL, 200,
		"Lists who one is at identity providers", "identity[]", false},
	{"POST", V1 "/me/identities/{provider}/start", "self.write", post_identity_start, NULL,
		identity_start, NULL, 200, "Begins to link an identity to one's account",
		"departure", false, true},
	{"DELETE", V1 "/me/identities/{id}", "self.write", delete_own_identity, NULL, NULL, NULL,
		204, "Unlinks an identity; not the last way in", NULL, false, true},
	{"POST", V1 "/admin/identity-providers", "settings.write", post_identity_provider, NULL,
		new_provider, NULL, 201, "Adds an identity provider", "identity_provider", false,
		true},
	{"GET", V1 "/admin/identity-providers", "settings.write", list_identity_providers, NULL,
		NULL, NULL, 200, "Lists identity providers", "identity_provider[]", false},
	{"GET", V1 "/admin/identity-providers/{id}", "settings.write", get_identity_provider, NULL,
		NULL, NULL, 200, "Shows an identity provider, by id or name", "identity_provider",
		false},
	{"PATCH", V1 "/admin/identity-providers/{id}", "settings.write", patch_identity_provider,
		NULL, provider_change_fields, NULL, 200, "Changes an identity provider",
		"identity_provider", false, true},
	{"DELETE", V1 "/admin/identity-providers/{id}", "settings.write", delete_identity_provider,
		NULL, NULL, NULL, 204, "Removes an identity provider and all identities of it",
		NULL, false, true},
	{"POST", V1 "/admin/identity-providers/{id}/test", "settings.write",
		post_identity_provider_test, NULL, NULL, NULL, 200,
		"Tries whether an identity provider can be asked", "provider_trial", false},

	{"POST", V1 "/me/email", "self.write", post_email, NULL, email, NULL, 202,
		"Mails a link to a new address, which counts once the link was opened", "accepted",
		false, true},
	{"DELETE", V1 "/me", "self.write", delete_me, account_removal, NULL, NULL, 204,
		"Deletes one's own account with all that is its own", NULL, false, true},
	{"GET", V1 "/me/factors", "self.read", get_factors, NULL, NULL, NULL, 200,
		"Lists one's second factors", "factors", false},
	{"POST", V1 "/me/totp", "self.write", post_totp, NULL, NULL, NULL, 201,
		"Begins to enrol an authenticator app", "totp_enrolment", false, true},
	{"POST", V1 "/me/totp/confirm", "self.write", post_totp_confirm, NULL, otp, NULL, 200,
		"Makes the authenticator app a factor; the first one comes with recovery codes",
		"recovery_codes", false},
	{"DELETE", V1 "/me/totp/{id}", "self.write", delete_totp, NULL, NULL, NULL, 204,
		"Removes the authenticator app", NULL, false, true},
	{"POST", V1 "/me/passkeys/options", "self.write", post_passkey_options, NULL, NULL, NULL,
		200, "Begins to register a passkey", "passkey_options", false, true},
	{"POST", V1 "/me/passkeys", "self.write", post_passkey, NULL, new_passkey, NULL, 201,
		"Registers a passkey; the first factor comes with recovery codes", "new_passkey",
		false, true},
	{"DELETE", V1 "/me/passkeys/{id}", "self.write", delete_passkey, NULL, NULL, NULL, 204,
		"Removes a passkey", NULL, false, true},
	{"POST", V1 "/me/recovery-codes", "self.write", post_recovery_codes, NULL, NULL, NULL, 200,
		"Makes new recovery codes; the old ones end", "recovery_codes", false, true},

	/* OAuth for tools: forms, and errors as in RFC 6749; but JSON where a page asks */
	{"GET", "/.well-known/oauth-authorization-server", ALLOW_ANYONE, get_oauth_metadata, NULL,
		NULL, NULL, 200, "Where what is of OAuth (RFC 8414)", "oauth_metadata", false},
	{"POST", V1 "/oauth/device_authorization", ALLOW_ANYONE, post_device_authorization, NULL,
		device_authorization, NULL, 200, "Begins to sign a device in (RFC 8628)",
		"device_authorization", .form = true},
	{"GET", V1 "/oauth/device", "self.write", get_oauth_device, user_code, NULL, NULL, 200,
		"What device waits under a code", "waiting_device", false},
	{"POST", V1 "/oauth/device", "self.write", post_oauth_device, NULL, device_decision, NULL,
		204, "Signs the device that waits in as oneself, or refuses it", NULL, false},
	{"POST", V1 "/oauth/token", ALLOW_ANYONE, post_oauth_token, NULL, oauth_token, NULL, 200,
		"Tokens for a device code, a refresh token (RFC 6749) or the token of a CI job "
		"(RFC 8693)",
		"oauth_token", .form = true},
	{"POST", V1 "/oauth/revoke", ALLOW_ANYONE, post_oauth_revoke, NULL, one_token, NULL, 200,
		"Ends the session of a token one holds (RFC 7009)", "empty", .form = true},
	{"POST", V1 "/oauth/introspect", "token.introspect", post_introspection, NULL, one_token,
		NULL, 200, "Whether an access or device token is good, and for what (RFC 7662)",
		"introspection", .form = true},

	/* Accounts and organisations */
	{"POST", V1 "/admin/accounts", "account.write", post_account, NULL, new_account, NULL, 201,
		"Creates an account", "account", false, true, SCOPE_ORGANISATION},
	{"GET", V1 "/admin/accounts", "account.read", list_accounts, page, NULL, NULL, 200,
		"Lists accounts", "account[]", false, false, SCOPE_ORGANISATION},
	{"GET", V1 "/admin/accounts/{id}", "account.read", get_account, NULL, NULL, NULL, 200,
		"Shows an account, by id or e-mail address", "account", false, false,
		SCOPE_ORGANISATION},
	{"PATCH", V1 "/admin/accounts/{id}", "account.write", patch_account, NULL, account_change,
		NULL, 200, "Changes an account, by id or e-mail address", "account", false, true,
		SCOPE_ORGANISATION},
	{"DELETE", V1 "/admin/accounts/{id}", "account.write", delete_account, account_removal,
		NULL, NULL, 204, "Deletes an account with all that is its own", NULL, false, true,
		SCOPE_ORGANISATION},
	{"POST", V1 "/admin/invitations", "account.write", post_invitation, NULL, new_invitation,
		NULL, 201, "Invites somebody by mail; replaces an earlier invitation", "invitation",
		false, true, SCOPE_ORGANISATION},
	{"GET", V1 "/admin/invitations", "account.read", list_invitations, page, NULL, NULL, 200,
		"Lists invitations that still stand", "invitation[]", false, false,
		SCOPE_ORGANISATION},
	{"DELETE", V1 "/admin/invitations/{id}", "account.write", delete_invitation, NULL, NULL,
		NULL, 204, "Withdraws an invitation", NULL, false, false, SCOPE_ORGANISATION},
	{"GET", V1 "/admin/accounts/{id}/sessions", "account.read", list_account_sessions, page,
		NULL, NULL, 200, "Lists an account's living sessions, newest first", "session[]",
		false, false, SCOPE_ORGANISATION},
	{"DELETE", V1 "/admin/accounts/{id}/sessions", "account.write", delete_account_sessions,
		NULL, NULL, NULL, 204, "Ends all sessions and tokens of an account", NULL, false,
		false, SCOPE_ORGANISATION},
	{"DELETE", V1 "/admin/accounts/{id}/factors", "account.write", delete_account_factors, NULL,
		NULL, NULL, 204, "Takes away an account's second factors and ends its sessions",
		NULL, false, true, SCOPE_ORGANISATION},
	{"POST", V1 "/admin/roles", "role.write", post_role, NULL, new_role, NULL, 201,
		"Makes a role", "role", false, true},
	{"GET", V1 "/admin/roles", "account.read", list_roles, NULL, NULL, NULL, 200,
		"Lists all roles, the built-in ones first", "role[]", false, false,
		SCOPE_ORGANISATION},
	{"GET", V1 "/admin/roles/{name}", "account.read", get_role, NULL, NULL, NULL, 200,
		"Shows a role", "role", false, false, SCOPE_ORGANISATION},
	{"PATCH", V1 "/admin/roles/{name}", "role.write", patch_role, NULL, role_change_fields,
		NULL, 200, "Changes a role, for everybody who has it", "role", false, true},
	{"DELETE", V1 "/admin/roles/{name}", "role.write", delete_role, NULL, NULL, NULL, 204,
		"Removes a role nobody has", NULL, false, true},
	{"GET", V1 "/permissions", ALLOW_SIGNED_IN, list_permissions, NULL, NULL, NULL, 200,
		"Lists all permissions and what they permit", "permission[]", false},
	{"POST", V1 "/admin/organisations", "organisation.write", post_organisation, NULL,
		new_organisation, NULL, 201, "Creates an organisation", "organisation", false},
	{"GET", V1 "/admin/organisations", "account.read", list_organisations, page, NULL, NULL,
		200, "Lists organisations", "organisation[]", false},
	{"GET", V1 "/admin/organisations/{id}", "account.read", get_organisation, NULL, NULL, NULL,
		200, "Shows an organisation, by id or name", "organisation", false},

	{"GET", V1 "/admin/organisations/{id}/members", "account.read", list_members, page, NULL,
		NULL, 200, "Lists an organisation's accounts", "account[]", false, false,
		SCOPE_ORGANISATION},
	{"PATCH", V1 "/admin/organisations/{id}", "organisation.write", patch_organisation, NULL,
		new_organisation, NULL, 200, "Renames an organisation", "organisation", false},
	{"DELETE", V1 "/admin/organisations/{id}", "organisation.write", delete_organisation, NULL,
		NULL, NULL, 204, "Deletes an organisation nothing belongs to", NULL, false},

	/* API keys and audit */
	{"POST", V1 "/admin/keys", "key.write", post_key, NULL, new_key, NULL, 201,
		"Makes an API key of one's own; the answer shows it, once", "new_key", false, true},
	{"GET", V1 "/admin/keys", "key.write", list_keys, page, NULL, NULL, 200, "Lists API keys",
		"key[]", false},
	{"DELETE", V1 "/admin/keys/{id}", "key.write", delete_key, NULL, NULL, NULL, 204,
		"Revokes an API key", NULL, false},
	{"POST", V1 "/admin/keys/{id}/rotate", "key.write", rotate_key, NULL, key_rotation, NULL,
		200, "Gives a key of one's own another secret; the answer shows it, once",
		"new_key", false, true},
	{"POST", V1 "/me/keys", "self.write", post_key, NULL, new_key, NULL, 201,
		"Makes an API key of one's own; the answer shows it, once", "new_key", false, true},
	{"GET", V1 "/me/keys", "self.read", list_own_keys, page, NULL, NULL, 200,
		"Lists one's API keys", "key[]", false},
	{"POST", V1 "/me/keys/{id}/rotate", "self.write", rotate_own_key, NULL, key_rotation, NULL,
		200, "Gives one's API key another secret; the answer shows it, once", "new_key",
		false, true},
	{"DELETE", V1 "/me/keys/{id}", "self.write", delete_own_key, NULL, NULL, NULL, 204,
		"Revokes one's API key", NULL, false},
	{"POST", V1 "/admin/workload-identities", "key.write", post_workload_identity, NULL,
		new_workload, NULL, 201, "Trusts jobs of a CI provider", "workload_identity", false,
		true},
	{"GET", V1 "/admin/workload-identities", "key.write", list_workload_identities, NULL, NULL,
		NULL, 200, "Lists workload identities, by name", "workload_identity[]", false},
	{"GET", V1 "/admin/workload-identities/{id}", "key.write", get_workload_identity, NULL,
		NULL, NULL, 200, "Shows a workload identity, by id or name", "workload_identity",
		false},
	{"PATCH", V1 "/admin/workload-identities/{id}", "key.write", patch_workload_identity, NULL,
		workload_change_fields, NULL, 200,
		"Changes a workload identity, which is yours then; its tokens end",
		"workload_identity", false, true},
	{"DELETE", V1 "/admin/workload-identities/{id}", "key.write", delete_workload_identity,
		NULL, NULL, NULL, 204, "Removes a workload identity; its tokens end", NULL, false,
		true},
	{"GET", V1 "/admin/signing-keys", "signing_key.write", list_signing_keys, NULL, NULL, NULL,
		200, "Lists the keys that sign tokens, by kind and time", "signing_key[]", false},
	{"POST", V1 "/admin/signing-keys", "signing_key.write", post_signing_key, NULL, rotation,
		NULL, 201, "Rotates: makes the next key of a kind", "signing_key", false, true},
	{"DELETE", V1 "/admin/signing-keys/{kid}", "signing_key.write", delete_signing_key, NULL,
		NULL, NULL, 204, "Retires a signing key: its tokens are refused at once", NULL,
		false, true},
	{"POST", V1 "/admin/mail/test", "settings.write", post_mail_test, NULL, mail_test, NULL,
		204, "Sends a test mail, at once", NULL, false},
	{"GET", V1 "/admin/audit", "audit.read", list_audit, audit_query, NULL, NULL, 200,
		"Lists what was done, newest first", "audit_entry[]", false},
	{"GET", V1 "/admin/audit/{entry}", "audit.read", get_audit_entry, NULL, NULL, NULL, 200,
		"Shows an entry of the audit log, by id or number", "audit_entry", false},
	{"GET", V1 "/admin/audit/export", "audit.read", export_audit, audit_export_query, NULL,
		NULL, 200, "Writes what was done, oldest first, whole", "application/x-ndjson",
		false},
	{"GET", V1 "/admin/audit/verify", "audit.read", verify_audit, audit_verify_query, NULL,
		NULL, 200, "Verifies that the audit log is what was written", "audit_report",
		false},
	{"GET", V1 "/admin/audit/checkpoints", "audit.read", list_audit_checkpoints, page, NULL,
		NULL, 200, "Lists the signed checkpoints of the audit log, newest first",
		"audit_checkpoint[]", false},

	/* Products */
	{"POST", V1 "/admin/products", "product.write", post_product, NULL, new_product_fields,
		NULL, 201, "Creates a product", "product", false},
	{"GET", V1 "/admin/products", "product.read", list_products, page, NULL, NULL, 200,
		"Lists products", "product[]", false},
	{"GET", V1 "/admin/products/{product}", "product.read", get_product, NULL, NULL, NULL, 200,
		"Shows a product, by id or name", "product", false, false, SCOPE_PRODUCT},
	{"PATCH", V1 "/admin/products/{product}", "product.write", patch_product, NULL,
		product_change_fields, NULL, 200, "Changes a product, by id or name", "product",
		false, false, SCOPE_PRODUCT},
	{"POST", V1 "/admin/products/{product}/publisher-keys", "product.write", post_publisher_key,
		NULL, publisher_key_fields, NULL, 201,
		"Adds a key: from then on every package must be signed by one of the keys",
		"publisher_key", false, false, SCOPE_PRODUCT},
	{"GET", V1 "/admin/products/{product}/publisher-keys", "product.read", list_publisher_keys,
		NULL, NULL, NULL, 200, "Lists a product's publisher keys", "publisher_key[]", false,
		false, SCOPE_PRODUCT},
	{"DELETE", V1 "/admin/products/{product}/publisher-keys/{id}", "product.write",
		delete_publisher_key, NULL, NULL, NULL, 204, "Removes a publisher key", NULL, false,
		false, SCOPE_PRODUCT},

	/* Releases */
	{"POST", V1 "/admin/releases", "release.write", post_release, NULL, new_release_fields,
		NULL, 201, "Drafts a release; the same again answers 200 with the first one",
		"release", false, false, SCOPE_PRODUCT},
	{"GET", V1 "/admin/releases", "release.read.draft", list_releases, release_query, NULL,
		NULL, 200, "Lists releases", "release[]", false, false, SCOPE_PRODUCT},
	{"GET", V1 "/admin/releases/{id}", "release.read.draft", get_release, NULL, NULL, NULL, 200,
		"Shows a release", "release", false, false, SCOPE_PRODUCT},
	{"PATCH", V1 "/admin/releases/{id}", "release.write", patch_release, NULL,
		release_change_fields, NULL, 200,
		"Changes notes, marks and end of life; once published, this needs the permission "
		"to publish",
		"release", false, false, SCOPE_PRODUCT},
	{"DELETE", V1 "/admin/releases/{id}", "release.write", delete_release, NULL, NULL, NULL,
		204, "Removes a draft with its packages", NULL, false, false, SCOPE_PRODUCT},
	{"POST", V1 "/admin/releases/{id}/publish", "release.write", publish_release, NULL, NULL,
		NULL, 200, "Publishes a draft", "release", false, false, SCOPE_PRODUCT},
	{"POST", V1 "/admin/releases/{id}/pause", "release.write", pause_release, NULL, NULL, NULL,
		200, "Stops offering a published release", "release", false, false, SCOPE_PRODUCT},
	{"POST", V1 "/admin/releases/{id}/resume", "release.write", resume_release, NULL, NULL,
		NULL, 200, "Offers a paused release again", "release", false, false, SCOPE_PRODUCT},
	{"POST", V1 "/admin/releases/{id}/withdraw", "release.write", withdraw_release, NULL,
		reason_fields, NULL, 200, "Takes a release back for good, running downloads too",
		"release", false, false, SCOPE_PRODUCT},
	{"POST", V1 "/admin/releases/{id}/promote", "release.write", promote_release, NULL,
		promote_fields, NULL, 200, "Adds a channel", "release", false, false,
		SCOPE_PRODUCT},

	/* Packages */
	{"POST", V1 "/admin/releases/{id}/packages", "release.write", post_package, NULL,
		new_package_fields, NULL, 201,
		"Adds an uploaded file to a release; the same bytes again answer 200 with the "
		"first one",
		"package", false, false, SCOPE_PRODUCT},
	{"GET", V1 "/admin/packages", "release.read.draft", list_packages, package_query, NULL,
		NULL, 200, "Lists packages", "package[]", false, false, SCOPE_PRODUCT},
	{"GET", V1 "/admin/packages/{id}", "release.read.draft", get_package, NULL, NULL, NULL, 200,
		"Shows a package", "package", false, false, SCOPE_PRODUCT},
	{"DELETE", V1 "/admin/packages/{id}", "release.write", delete_package, NULL, NULL, NULL,
		204, "Removes a package from a draft", NULL, false, false, SCOPE_PRODUCT},
	{"POST", V1 "/admin/packages/{id}/block", "release.write", post_package_block, NULL,
		reason_fields, NULL, 200, "Blocks the package's bytes, at once", "package", false,
		false, SCOPE_PRODUCT},
	{"DELETE", V1 "/admin/packages/{id}/block", "release.write", delete_package_block, NULL,
		NULL, NULL, 200, "Lifts a block", "package", false, false, SCOPE_PRODUCT},

	/* Uploads */
	{"OPTIONS", V1 "/admin/uploads", ALLOW_ANYONE, options_uploads, NULL, NULL, NULL, 204,
		"What of the tus protocol the server speaks", NULL, false, false, SCOPE_PRODUCT},
	{"POST", V1 "/admin/uploads", "upload.write", NULL, NULL, NULL, &upload_post_sink, 201,
		"Creates an upload (tus 1.0)", "upload", false, false, SCOPE_PRODUCT},
	{"HEAD", V1 "/admin/uploads/{id}", "upload.write", head_upload, NULL, NULL, NULL, 200,
		"How much of an upload has arrived (tus 1.0)", NULL, false, false, SCOPE_PRODUCT},
	{"PATCH", V1 "/admin/uploads/{id}", "upload.write", NULL, NULL, NULL, &upload_patch_sink,
		204, "Continues an upload (tus 1.0)", NULL, false, false, SCOPE_PRODUCT},
	{"DELETE", V1 "/admin/uploads/{id}", "upload.write", delete_upload, NULL, NULL, NULL, 204,
		"Drops an upload (tus 1.0)", NULL, false, false, SCOPE_PRODUCT},
	{"GET", V1 "/admin/uploads/{id}", "upload.write", get_upload, NULL, NULL, NULL, 200,
		"Shows an upload and what was found in it", "upload", false, false, SCOPE_PRODUCT},
	{"PUT", V1 "/admin/uploads/{filename}", "upload.write", NULL, NULL, NULL, &upload_put_sink,
		201, "Uploads a whole file; Repr-Digest may announce its SHA-256", "upload", false,
		false, SCOPE_PRODUCT},
	{"GET", V1 "/packages/manifest", ALLOW_ANYONE, get_manifest, manifest_query, NULL, NULL,
		200, "Releases and packages of a product that the caller may have", "manifest",
		true},
	{"GET", V1 "/releases/{id}/notes", ALLOW_ANYONE, get_release_notes, NULL, NULL, NULL, 200,
		"Release notes, as Markdown", "text/markdown", true},
	{"POST", V1 "/admin/scrub", "settings.write", post_scrub, NULL, NULL, NULL, 202,
		"Has every stored file checked against its digest, from now on", "scrub", false},
	{"GET", V1 "/admin/scrub", "stats.read", get_scrub, NULL, NULL, NULL, 200,
		"How far the checking of stored files is", "scrub", false},

	/* Licences and devices */
	{"POST", V1 "/admin/licences", "licence.write", post_licence, NULL, new_licence, NULL, 201,
		"Creates a licence; the answer shows its key, once", "new_licence", false, false,
		SCOPE_PRODUCT | SCOPE_ORGANISATION},
	{"GET", V1 "/admin/licences", "licence.read", list_licences, licences_query, NULL, NULL,
		200, "Lists licences", "licence[]", false, false,
		SCOPE_PRODUCT | SCOPE_ORGANISATION},
	{"GET", V1 "/admin/licences/{id}", "licence.read", get_licence, NULL, NULL, NULL, 200,
		"Shows a licence", "licence", false, false, SCOPE_PRODUCT | SCOPE_ORGANISATION},
	{"PATCH", V1 "/admin/licences/{id}", "licence.write", patch_licence, NULL, licence_change,
		NULL, 200, "Changes a licence; its devices renew their credentials", "licence",
		false, false, SCOPE_PRODUCT | SCOPE_ORGANISATION},
	{"POST", V1 "/licences/activate", ALLOW_ANYONE, post_activation, NULL, activation, NULL,
		200, "Activates a licence on a device, or renews its credentials", "activation",
		false},
	{"GET", V1 "/admin/devices", "device.read", list_devices, devices_query, NULL, NULL, 200,
		"Lists devices", "device[]", false, false, SCOPE_PRODUCT | SCOPE_ORGANISATION},
	{"GET", V1 "/admin/devices/{id}", "device.read", get_device, NULL, NULL, NULL, 200,
		"Shows a device", "device", false, false, SCOPE_PRODUCT | SCOPE_ORGANISATION},
	{"PATCH", V1 "/admin/devices/{id}", "device.write", patch_device, NULL, device_change, NULL,
		200, "Admits a revoked device again", "device", false, false,
		SCOPE_PRODUCT | SCOPE_ORGANISATION},
	{"DELETE", V1 "/admin/devices/{id}", "device.write", delete_device, NULL, NULL, NULL, 204,
		"Takes a device off its licence; its tokens end at once", NULL, false, false,
		SCOPE_PRODUCT | SCOPE_ORGANISATION},

	/* Downloads */
	{"POST", V1 "/downloads/token", ALLOW_ANYONE, post_download_token, NULL, download_token,
		NULL, 200, "Grants a download: a token and the URL it opens", "grant", false},
	{"POST", V1 "/downloads/{id}/renew", ALLOW_ANYONE, post_download_renewal, NULL, NULL, NULL,
		200, "A fresh token for the same download", "grant", false},
	{"PUT", V1 "/downloads/complete", ALLOW_ANYONE, put_download_report, NULL, download_report,
		NULL, 200, "Reports how a download ended", "download", false},
	{"DELETE", V1 "/tokens/revoke", ALLOW_SIGNED_IN, delete_tokens, NULL, revocation, NULL, 204,
		"Revokes tokens; in force when answered", NULL, false},
	{"POST", V1 "/updates/report", ALLOW_ANYONE, post_update_report, NULL, update_report, NULL,
		202, "Reports what became of an update on a device", "accepted", false},
	{"GET", V1 "/admin/downloads", "download.read", list_downloads, downloads_query, NULL, NULL,
		200, "Lists downloads, newest first", "download[]", false},
	{"GET", V1 "/admin/downloads/{id}", "download.read", get_download, NULL, NULL, NULL, 200,
		"Shows what became of a download", "download", false},
	{"GET", V1 "/admin/stats", "stats.read", get_stats, stats_query, NULL, NULL, 200,
		"Counts downloads, update checks and update reports", "stats", false},
	{"GET", V1 "/admin/explain", "download.read", get_explanation, explain_query, NULL, NULL,
		200, "Says whether somebody may have a package, and why", "explanation", false},
	{"POST", "/internal/events", ALLOW_INTERNAL, NULL, events_query, NULL, &events_sink, 200,
		"Takes in a part of a node's event log", "event_position", false},
};
const size_t routes_count = ARRAY_LEN(routes);
