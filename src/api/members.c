/* Limits of size here are those the documents name; lists say them to OpenAPI readers, too. */
#include "api/members.h"

#include "catalog/inspect.h"
#include "catalog/platform.h"
#include "catalog/release.h"
#include "federation/foreign_token.h"
#include "federation/workload_identity.h"
#include "service/api_keys.h"
#include "service/passkeys.h"
#include "service/products.h"
#include "service/report_update.h"

#include "base/banned.h"

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
#define OPT_BOOL(name, help)                                                                       \
	{                                                                                          \
		name, FIELD_BOOL, false, 0, 0, NULL, NULL, help                                    \
	}
#define OPT_TIME(name, help)                                                                       \
	{                                                                                          \
		name, FIELD_TIME, false, 0, 0, NULL, NULL, help                                    \
	}

const struct field members_page[] = {PAGE_QUERY, END};

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
const struct field members_new_passkey[] = {PASSKEY_TICKET,
	TEXT("name", 1, PASSKEY_NAME_MAX, "What its owner calls it"), CREDENTIAL, END};
const struct field members_passkey_sign_in[] = {PASSKEY_TICKET, CREDENTIAL, SESSION, END};
const struct field members_passkey_options[] = {
	OPT_TEXT("mfa_token", 100, "Of a sign-in that waits: lists the account's passkeys"), END};

const struct field members_login[] = {EMAIL, PASSWORD,
	OPT_TEXT("otp", 10, "The present password of the authenticator app, if there is one"),
	SESSION, END};
const struct field members_second_factor[] = {
	TEXT("mfa_token", 1, 100, "From the answer of the sign-in that waits"), ANSWERS, END};
const struct field members_federation_start[] = {
	OPT_TEXT("return_to", 512, "Where to go afterwards: a path of this server"), END};
const struct field members_federation_callback[] = {OPT_TEXT("state", 200, "As it was sent"),
	OPT_TEXT("code", 4096, "The authorization code"),
	OPT_TEXT("iss", 2048, "Who answers (RFC 9207)"),
	OPT_TEXT("error", 200, "Why there is no code"), END};
const struct field members_identity_start[] = {
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
const struct field members_new_provider[] = {
	OPT_CHOICE("preset", "oidc oauth google entra okta keycloak github", "What it is"),
	TEXT("name", 1, 40, "As it stands in URLs"), OPT_TEXT("issuer", 2048, "Its issuer"),
	TEXT("client_id", 1, 255, "What we are there"), PROVIDER_MEMBERS, END};
const struct field members_provider_change[] = {OPT_TEXT("name", 40, "As it stands in URLs"),
	OPT_TEXT("client_id", 255, "What we are there"), PROVIDER_MEMBERS, END};
const struct field members_new_proof[] = {
	OPT_TEXT("password", 1024, "For accounts without a second factor"), ANSWERS, END};
const struct field members_otp[] = {
	TEXT("otp", 1, 10, "The present password of the authenticator app"), END};
const struct field members_logout[] = {
	OPT_TEXT("refresh_token", 512,
		"A refresh token of the session, of whatever generation; default: the session the "
		"request is made with"),
	END};
const struct field members_new_password[] = {
	TEXT("current_password", 1, 1024, "The present password"),
	TEXT("new_password", 1, 1024, "The new one; all other sessions end"), END};
const struct field members_refresh[] = {
	TEXT("refresh_token", 1, 512, "The latest refresh token of the session"), END};
const struct field members_setup[] = {
	TEXT("token", 1, 128, "The one-time token `slipway init` has shown"), EMAIL, PASSWORD, END};

#define TICKET TEXT("token", 1, 100, "From the link of the mail, what stands behind '#'")

const struct field members_acceptance[] = {
	TICKET, TEXT("password", 1, 1024, "The password of the new account"), SESSION, END};
const struct field members_email[] = {EMAIL, END};
const struct field members_mailed_ticket[] = {TICKET, END};
const struct field members_reset_confirm[] = {
	TICKET, TEXT("password", 1, 1024, "The new password"), END};

/* OAuth for tools ------------------------------------------------------------------------------ */

const struct field members_device_authorization[] = {
	TEXT("client_id", 1, 64, "slipway-cli or slipway-client"),
	OPT_TEXT("scope", 2000, "Permissions and product:NAME, space-separated; default: all"),
	END};
const struct field members_user_code[] = {
	TEXT("user_code", 1, 32, "What the device shows, with or without its hyphen"), END};
const struct field members_device_decision[] = {
	TEXT("user_code", 1, 32, "What the device shows, with or without its hyphen"),
	{"approve", FIELD_BOOL, true, 0, 0, NULL, NULL, "true: sign it in; false: refuse"}, END};
const struct field members_oauth_token[] = {
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
const struct field members_one_token[] = {
	TEXT("token", 1, 4096, "The token"), OPT_TEXT("token_type_hint", 64, "Not needed"), END};

/* Administration --------------------------------------------------------------------------------
 */

const struct field members_new_account[] = {EMAIL,
	TEXT("role", 1, 40, "What the account may do: admin, user, guest or a role of your own"),
	PASSWORD, OPT_TEXT("organisation", 200, "Id or name of its organisation"), END};
const struct field members_account_change[] = {
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

const struct field members_new_role[] = {
	TEXT("name", 1, 40, "Name: a-z, 0-9 and '-'; never changes"),
	{"permissions", FIELD_STRINGS, true, 0, 64, NULL, NULL, "What its holders may do"},
	ROLE_MEMBERS, END};
const struct field members_role_change[] = {
	{"permissions", FIELD_STRINGS, false, 0, 64, NULL, NULL, "What its holders may do"},
	ROLE_MEMBERS, END};
const struct field members_account_removal[] = {
	OPT_CHOICE("licences", "delete", "Deletes licences that have not ended, too"), END};
const struct field members_new_invitation[] = {EMAIL,
	TEXT("role", 1, 40, "What the account may do"),
	OPT_TEXT("organisation", 200, "Id or name of its organisation"), END};
const struct field members_new_organisation[] = {
	TEXT("name", 1, 200, "Name, unique in this installation"), END};
const struct field members_new_key[] = {TEXT("name", 1, 200, "What the key is for"),
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
const struct field members_new_workload[] = {TEXT("name", 1, 40, "What it is called"),
	TEXT("issuer", 1, 1000, "The CI provider, as its tokens name it"),
	{"conditions", FIELD_OBJECTS, true, 1, CONDITIONS_MAX, NULL, condition_fields,
		"What its tokens must say; all must fit"},
	{"permissions", FIELD_STRINGS, true, 1, 64, NULL, NULL, "What it may do: some of yours"},
	WORKLOAD_MEMBERS, END};
const struct field members_workload_change[] = {OPT_TEXT("name", 40, "What it is called"),
	{"conditions", FIELD_OBJECTS, false, 1, CONDITIONS_MAX, NULL, condition_fields,
		"What its tokens must say; all must fit"},
	{"permissions", FIELD_STRINGS, false, 1, 64, NULL, NULL, "What it may do: some of yours"},
	WORKLOAD_MEMBERS, END};
const struct field members_key_rotation[] = {
	OPT_TIME("previous_until",
		"How long the present secret still opens, a week at most; default: not at all"),
	OPT_TIME("expires_at", "In a year at the latest; default: as before"), END};
const struct field members_rotation[] = {
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
const struct field members_audit_query[] = {AUDIT_FILTER, PAGE_QUERY, END};
const struct field members_audit_export_query[] = {AUDIT_FILTER,
	OPT_CHOICE("format", "jsonl csv", "Lines of JSON, the default, or a table"), END};
const struct field members_mail_test[] = {TEXT("address", 3, 254, "Where to"), END};
const struct field members_audit_verify_query[] = {
	{"accept_restored", FIELD_BOOL, false, 0, 0, NULL, NULL,
		"A backup was restored, and what it did not have is known to be missing"},
	END};

/* Catalogue ------------------------------------------------------------------------------------ */

#define COUNTRIES_MAX 250
#define CHANNELS      "stable beta dev"
#define CLASSES       "public licensed enterprise development"
#define ID_MAX        128

#define PRODUCT_TEXTS                                                                              \
	OPT_TEXT("title", TITLE_MAX_BYTES, "What people call it; the name without it"),            \
		OPT_TEXT("description", DESCRIPTION_MAX_BYTES, "What it is"),                      \
		{"countries_denied", FIELD_STRINGS, false, 0, COUNTRIES_MAX, NULL, NULL,           \
			"ISO 3166-1 codes of countries that may not have it"},                     \
	{                                                                                          \
		"countries_allowed", FIELD_STRINGS, false, 0, COUNTRIES_MAX, NULL, NULL,           \
			"If not empty, only these countries may have it"                           \
	}

const struct field members_new_product[] = {
	TEXT("name", 1, PRODUCT_NAME_MAX, "Lower-case letters, digits, '.' and '-'; never changes"),
	PRODUCT_TEXTS, END};
const struct field members_product_change[] = {PRODUCT_TEXTS, END};
const struct field members_publisher_key[] = {
	TEXT("public_key", 1, 1000, "A minisign public key: the file's content or its last line"),
	END};

#define RELEASE_TEXTS                                                                              \
	OPT_TEXT("notes", NOTES_MAX_BYTES, "Release notes in Markdown"),                           \
		OPT_BOOL("critical", "A critical update: clients are told to hurry"),              \
		OPT_BOOL("mandatory", "An update that must be installed"),                         \
		OPT_TEXT("min_from", SEMVER_MAX_BYTES,                                             \
			"Least version it can be installed over; older clients get that one "      \
			"first"),                                                                  \
	{                                                                                          \
		"eol_at", FIELD_TIME, false, 0, 0, NULL, NULL, "When support for it ends"          \
	}

const struct field members_new_release[] = {TEXT("product", 1, ID_MAX, "Name or id of the product"),
	TEXT("version", 1, SEMVER_MAX_BYTES, "Semantic version"),
	{"channels", FIELD_STRINGS, true, 1, CHANNEL_COUNT, NULL, NULL,
		"Some of stable, beta and dev; dev sees beta and stable, beta sees stable"},
	RELEASE_TEXTS, END};
const struct field members_release_change[] = {
	{"channels", FIELD_STRINGS, false, 1, CHANNEL_COUNT, NULL, NULL,
		"Of a draft only; a published release is promoted"},
	RELEASE_TEXTS, END};
const struct field members_releases_query[] = {
	OPT_TEXT("product", ID_MAX, "Only releases of this product, by name or id"),
	{"state", FIELD_STRING, false, 0, 0, "draft published paused withdrawn", NULL,
		"Only releases in this state"},
	OPT_TEXT("version", SEMVER_MAX_BYTES, "Only this version"), PAGE_QUERY, END};
const struct field members_reason[] = {TEXT("reason", 1, 500, "Why, for people"), END};
const struct field members_promotion[] = {
	{"channel", FIELD_STRING, true, 0, 0, CHANNELS, NULL, "The channel to add"}, END};

static const struct field requirement[] = {
	TEXT("product", 1, ID_MAX, "Name or id of the product it needs"),
	TEXT("range", 1, SEMVER_RANGE_MAX, "Versions that will do, such as ^2.6 or >=1.2.0 <2.0.0"),
	END};
const struct field members_new_package[] = {TEXT("upload_id", 1, ID_MAX, "Id of a finished upload"),
	OPT_TEXT("filename", 200, "Name under which it is served; that of the upload without it"),
	{"platform", FIELD_STRING, true, 0, 0, PLATFORMS, NULL, "What it runs on"},
	{"format", FIELD_STRING, false, 0, 0, FORMAT_NAMES, NULL,
		"What it is; found out from the file without it"},
	{"class", FIELD_STRING, false, 0, 0, CLASSES, NULL, "Who may have it; public without it"},
	OPT_TEXT("entitlement", 64, "Code that the licence must have"),
	OPT_TEXT("organisation", 200, "Id or name of its organisation, with class enterprise"),
	OPT_TEXT("min_os_version", 64, "Least version of the operating system"),
	{"requires", FIELD_OBJECTS, false, 0, UPDATE_MAX_REQUIRES, NULL, requirement,
		"Other products it needs"},
	OPT_TEXT("signature", 4096, "The publisher's minisign signature"),
	OPT_BOOL("strict", "Warnings are errors"), END};
const struct field members_packages_query[] = {
	OPT_TEXT("release", ID_MAX, "Only packages of this release"), PAGE_QUERY, END};
const struct field members_manifest_query[] = {
	TEXT("product", 1, ID_MAX, "Name or id of the product"),
	{"channel", FIELD_STRING, false, 0, 0, CHANNELS, NULL, "stable without it"},
	OPT_TEXT("version", SEMVER_MAX_BYTES, "Only this version"),
	{"platform", FIELD_STRING, false, 0, 0, PLATFORMS, NULL, "Only packages for this platform"},
	PAGE_QUERY, END};

/* Licences and devices ------------------------------------------------------------------------- */

#define LICENCE_FACTS                                                                              \
	OPT_TEXT("plan", 100, "Name of what was bought"),                                          \
		{"entitlements", FIELD_STRINGS, false, 0, 64, NULL, NULL,                          \
			"Codes that packages may ask for: a-z, 0-9, '.', '_', '-'"},               \
		{"max_devices", FIELD_INT, false, 0, 1000000, NULL, NULL,                          \
			"Devices it can be activated on; 0: any number, and none need be named"},  \
		OPT_TIME("starts_at", "Valid from; null: always"),                                 \
		OPT_TIME("expires_at", "Valid until; null: for ever")

const struct field members_new_licence[] = {TEXT("account", 1, 254, "Id or e-mail address"),
	TEXT("product", 1, 128, "Id or name"),
	OPT_TEXT("organisation", 200, "Id or name; default: the account's"), LICENCE_FACTS, END};
const struct field members_licence_change[] = {
	OPT_CHOICE("state", "active suspended", "A suspended licence opens nothing"), LICENCE_FACTS,
	END};
const struct field members_licences_query[] = {
	OPT_TEXT("account", 254, "Only of this account: id or e-mail address"),
	OPT_TEXT("product", 128, "Only for this product: id or name"), PAGE_QUERY, END};
static const struct field new_device[] = {TEXT("name", 1, 200, "What people call it"),
	TEXT("os", 1, 50, "Operating system"), TEXT("arch", 1, 50, "Processor architecture"),
	TEXT("fingerprint", 16, 512, "What the client knows this machine by, the same each time"),
	END};
const struct field members_activation[] = {TEXT("licence_key", 1, 200, "The licence key"),
	{"device", FIELD_OBJECT, true, 0, 0, NULL, new_device, "The device"}, END};
const struct field members_devices_query[] = {
	OPT_TEXT("licence", 128, "Only those of this licence"),
	OPT_TEXT("account", 254, "Only of this account's licences: id or e-mail address"),
	PAGE_QUERY, END};
const struct field members_device_change[] = {
	CHOICE("state", "active", "Admits a revoked device again; it still has to activate"), END};

/* Downloads ------------------------------------------------------------------------------------ */

#define COUNT_MAX INT64_C(9007199254740991) /* what every JSON reader holds exactly */

const struct field members_download_token[] = {
	OPT_TEXT("package_id", 128, "The package to download"),
	OPT_TEXT("release_id", 128, "Instead: any package of this release"),
	OPT_TEXT("device_id", 128, "For which device; default: the caller's"), END};
static const struct field client_facts[] = {OPT_TEXT("os", 100, "Operating system"),
	OPT_TEXT("device", 100, "Kind of device"),
	OPT_TEXT("version", 100, "Version of the client"), END};
const struct field members_download_report[] = {TEXT("download_id", 1, 128, "The download"),
	CHOICE("status", "success failure", "How it ended"),
	{"bytes", FIELD_INT, true, 0, COUNT_MAX, NULL, NULL, "Bytes that arrived"},
	{"duration_ms", FIELD_INT, true, 0, COUNT_MAX, NULL, NULL, "How long it took"},
	OPT_TEXT("error", 1000, "What went wrong"),
	{"client", FIELD_OBJECT, false, 0, 0, NULL, client_facts, "The client"},
	OPT_TEXT("referrer", 200, "What led to the download: update_check, direct …"), END};
const struct field members_revocation[] = {OPT_TEXT("token", 4096, "This token"),
	OPT_TEXT("jti", 128, "The token with this id"),
	OPT_TEXT("download_id", 128, "All tokens of this download, which ends"),
	OPT_TEXT("device_id", 128, "All tokens and sessions of this device"),
	OPT_TEXT("account_id", 254,
		"All tokens and sessions of this account (id or e-mail address) and its devices"),
	END};
const struct field members_update_report[] = {TEXT("release_id", 1, 128, "The release"),
	TEXT("device", 1, 128, "Device id, or a name the client chose for itself"),
	CHOICE("stage", UPDATE_STAGES, "How far it got"),
	OPT_TEXT("error", 1000, "What went wrong"), END};
const struct field members_downloads_query[] = {
	OPT_TEXT("account", 254, "Only of this account: id or e-mail address"),
	OPT_TEXT("product", 128, "Only of this product: id or name"),
	OPT_TEXT("package", 128, "Only of this package"),
	OPT_CHOICE("state", "granted started transferred completed failed", "Only in this state"),
	PAGE_QUERY, END};
const struct field members_stats_query[] = {
	{"days", FIELD_INT, false, 1, 400, NULL, NULL, "Days to count, today included; default 30"},
	END};
const struct field members_explain_query[] = {TEXT("package_id", 1, 128, "May this be had"),
	OPT_TEXT("account", 254, "by this account: id or e-mail address; empty: by anybody"),
	OPT_TEXT("device", 128, "on this device; without an account: by its owner"),
	OPT_TEXT("country", 2, "from this country?"), END};
const struct field members_events_query[] = {TEXT("edge", 1, 64, "Name of the node"),
	TEXT("generation", 1, 64, "Which file"),
	{"from", FIELD_INT, true, 0, INT64_C(1099511627776), NULL, NULL,
		"Offset of the first byte"},
	END};
