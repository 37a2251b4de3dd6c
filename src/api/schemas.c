/* The shapes of answers, in sections by resource, in the order of routes.c. */
#include "api/schemas.h"

#include "base/banned.h"

#define TEXT(name, help)                                                                           \
	{                                                                                          \
		name, FIELD_STRING, true, 0, 0, NULL, NULL, help                                   \
	}
#define OPT_TEXT(name, help)                                                                       \
	{                                                                                          \
		name, FIELD_STRING, false, 0, 0, NULL, NULL, help                                  \
	}
#define CHOICE(name, words, help)                                                                  \
	{                                                                                          \
		name, FIELD_STRING, true, 0, 0, words, NULL, help                                  \
	}
#define INT(name, help)                                                                            \
	{                                                                                          \
		name, FIELD_INT, true, 0, 0, NULL, NULL, help                                      \
	}
#define OPT_INT(name, help)                                                                        \
	{                                                                                          \
		name, FIELD_INT, false, 0, 0, NULL, NULL, help                                     \
	}
#define BOOL(name, help)                                                                           \
	{                                                                                          \
		name, FIELD_BOOL, true, 0, 0, NULL, NULL, help                                     \
	}
#define OPT_BOOL(name, help)                                                                       \
	{                                                                                          \
		name, FIELD_BOOL, false, 0, 0, NULL, NULL, help                                    \
	}
#define TIME(name, help)                                                                           \
	{                                                                                          \
		name, FIELD_TIME, true, 0, 0, NULL, NULL, help                                     \
	}
#define OPT_TIME(name, help)                                                                       \
	{                                                                                          \
		name, FIELD_TIME, false, 0, 0, NULL, NULL, help                                    \
	}
#define STRINGS(name, help)                                                                        \
	{                                                                                          \
		name, FIELD_STRINGS, true, 0, 0, NULL, NULL, help                                  \
	}
#define JSON(name, help)                                                                           \
	{                                                                                          \
		name, FIELD_JSON, true, 0, 0, NULL, NULL, help                                     \
	}
#define OBJECT(name, members, help)                                                                \
	{                                                                                          \
		name, FIELD_OBJECT, true, 0, 0, NULL, members, help                                \
	}
#define OBJECTS(name, members, help)                                                               \
	{                                                                                          \
		name, FIELD_OBJECTS, true, 0, 0, NULL, members, help                               \
	}
#define END                                                                                        \
	{                                                                                          \
		NULL, FIELD_END, false, 0, 0, NULL, NULL, NULL                                     \
	}

static const struct field problem[] = {TEXT("type", "A URI of the kind of problem"),
	TEXT("title", "The kind of problem, for people"), INT("status", "The HTTP status"),
	OPT_TEXT("detail", "What went wrong here and what to do"),
	TEXT("code", "The kind of problem, for programs"),
	TEXT("request_id", "Finds this request in the server's log"), END};

/* Server --------------------------------------------------------------------------------------- */

static const struct field health[] = {CHOICE("status", "ok", "The process answers"), END};
static const struct field readiness[] = {CHOICE("status", "ready", "Requests can be served"),
	INT("state_seq", "Position of this node's published state in the change feed"),
	CHOICE("redis", "off ok unavailable",
		"Where limits are counted: here, with other nodes, here while Redis is away"),
	END};
static const struct field jwk[] = {TEXT("kty", "EC"), TEXT("crv", "P-256"), TEXT("alg", "ES256"),
	TEXT("use", "sig"), TEXT("kid", "Key id"), TEXT("x", "Base64url"), TEXT("y", "Base64url"),
	CHOICE("slipway_kind", "access device download", "Which tokens it verifies"), END};
static const struct field jwks[] = {OBJECTS("keys", jwk, "Public keys"), END};

/* Sign-in -------------------------------------------------------------------------------------- */

static const struct field session_opened[] = {TEXT("session_id", "The session"),
	OPT_TEXT("access_token", "Bearer token for this API; not for browsers"),
	OPT_TEXT("token_type", "Bearer: how to send it"),
	OPT_INT("expires_in", "Seconds the access token lives"),
	OPT_TEXT("refresh_token", "Gets the next pair, once"),
	OPT_TEXT("device_token", "For sessions of a device: a fresh device token"),
	OPT_BOOL("mfa_enrolment_required", "Nothing else is permitted before a factor is enrolled"),
	OPT_TEXT("csrf_token", "Browsers send it as X-CSRF-Token with every change"),
	OPT_TIME("expires_at", "Browsers: when the session ends at the latest"), END};
static const struct field signed_out[] = {
	OPT_TEXT("logout_url", "Signs out at the identity provider too; null: nothing is left"),
	END};
static const struct field sign_in_provider[] = {
	TEXT("name", "Begin at /api/v1/auth/oidc/NAME/start"), TEXT("title", "For people"),
	CHOICE("kind", "oidc oauth", "What it speaks"), END};
static const struct field mapping_rule[] = {OPT_TEXT("group", "Who is in this group"),
	OPT_TEXT("domain", "and has a verified address of this domain"),
	TEXT("role", "gets this role"), OPT_TEXT("organisation", "in this organisation"), END};
static const struct field identity_provider[] = {TEXT("id", "Id"),
	TEXT("name", "As it stands in URLs"), TEXT("title", "For people"),
	CHOICE("kind", "oidc oauth", "What it speaks"), TEXT("issuer", "Its issuer"),
	TEXT("client_id", "What we are there"),
	BOOL("has_client_secret", "Whether there is a secret; it is never shown"),
	CHOICE("client_auth", "basic post", "How the secret is sent"),
	CHOICE("state", "active disabled", "Whether it can be used"),
	STRINGS("scopes", "What is asked for"), TEXT("subject_claim", "Who somebody is"),
	TEXT("email_claim", "Their address"),
	TEXT("email_verified_claim", "Whether the address was verified"),
	TEXT("groups_claim", "Their groups"), OPT_TEXT("authorization_url", "oauth only"),
	OPT_TEXT("token_url", "oauth only"), OPT_TEXT("user_url", "oauth only"),
	OPT_TEXT("emails_url", "oauth only"),
	STRINGS("domains", "Its word on addresses of these domains links existing accounts"),
	BOOL("trusted_factor", "Its sign-ins count as two factors"),
	OBJECTS("rules", mapping_rule, "Who gets an account, and which role; the first that fits"),
	TEXT("redirect_uri", "To be entered at the provider"),
	OPT_TEXT("backchannel_logout_uri", "To be entered at the provider"),
	TIME("created_at", "When it was created"), TIME("updated_at", "When it was changed last"),
	END};
static const struct field provider_trial[] = {BOOL("ok", "It can be asked"),
	OPT_TEXT("problem", "Why not"), INT("keys", "Keys of it that can be used"), END};
static const struct field identity[] = {TEXT("id", "Id"), TEXT("provider", "Name of the provider"),
	TEXT("provider_title", "The provider, for people"),
	TEXT("subject", "What the provider calls its user"),
	OPT_TEXT("email", "As the provider said last"), TIME("created_at", "When it was linked"),
	OPT_TIME("last_used_at", "When it was used last"), END};
static const struct field departure[] = {
	TEXT("authorization_url", "Where the browser is to go"), END};
static const struct field session[] = {TEXT("id", "Id"),
	BOOL("current", "The session this request is made with"),
	CHOICE("transport", "token cookie", "How it is kept up"),
	TEXT("client_id", "What signed in"),
	STRINGS("methods", "How its holder proved who they are (RFC 8176; fed, licence)"),
	OPT_TEXT("user_agent", "The program that signed in"),
	OPT_TEXT("ip_prefix", "The network it was opened from"),
	OPT_TEXT("device_id", "The device it belongs to"), TIME("created_at", "When it was opened"),
	TIME("last_used_at", "Latest use, to the minute"),
	TIME("expires_at", "When it ends at the latest"), END};

static const struct field factor[] = {TEXT("id", "Id"),
	CHOICE("kind", "totp passkey", "What it is"), TEXT("name", "What its owner calls it"),
	TIME("created_at", "When it was enrolled"), OPT_TIME("last_used_at", "Latest use"), END};
static const struct field factors[] = {OBJECTS("factors", factor, "Second factors"),
	INT("recovery_codes", "Recovery codes left"),
	BOOL("required", "The account must have a second factor"), END};
static const struct field totp_enrolment[] = {TEXT("id", "Id of the factor to be"),
	TEXT("secret", "The seed in Base32, for those who type it"),
	TEXT("uri", "otpauth: what the QR code says"), TEXT("qr_svg", "The QR code, as SVG"), END};
static const struct field recovery_codes[] = {
	STRINGS("recovery_codes", "To be kept safe; empty when the old ones stay"), END};

static const struct field passkey_options[] = {TEXT("ticket", "To be sent with the answer, once"),
	TIME("expires_at", "The answer counts until then"),
	JSON("options", "For PublicKeyCredential.parseCreationOptionsFromJSON() or "
			"parseRequestOptionsFromJSON() (WebAuthn)"),
	END};
static const struct field new_passkey[] = {TEXT("id", "Id of the factor"),
	CHOICE("kind", "passkey", "What it is"), TEXT("name", "What its owner calls it"),
	TIME("created_at", "When it was enrolled"),
	STRINGS("recovery_codes", "To be kept safe; empty when the old ones stay"), END};

static const struct field me[] = {
	CHOICE("kind", "account api_key", "What the request was made with"),
	TEXT("account_id", "The account"), TEXT("email", "Its e-mail address"),
	OPT_TIME("verified_at", "When its holder showed that mail reaches them"),
	BOOL("has_password", "Whether one can sign in to it with a password"),
	TEXT("role", "Its role"), OPT_TEXT("organisation", "Its organisation's id"),
	OPT_TEXT("organisation_name", "Its organisation's name"),
	STRINGS("permissions", "What these credentials permit"),
	STRINGS("entitlements", "Codes of the account's licences"),
	OPT_TEXT("session_id", "The session, not of API keys"),
	TEXT("client_id", "What signed in: slipway-cli, slipway …; or the API key's id"),
	STRINGS("methods", "How the session's holder proved who they are (RFC 8176; fed)"),
	OPT_TIME("signed_in_at", "When the session was opened"),
	OPT_TIME("session_expires_at", "When it ends at the latest"),
	OPT_TEXT("csrf_token", "Of a browser's session: to be sent with every change"), END};

/* Accounts and organisations ------------------------------------------------------------------- */

static const struct field account[] = {TEXT("id", "Id"), TEXT("email", "E-mail address"),
	TEXT("role", "What the account may do"), OPT_TEXT("organisation", "Its organisation's id"),
	OPT_TEXT("organisation_name", "Its organisation's name"),
	CHOICE("state", "active disabled", "Disabled accounts can do nothing"),
	TIME("created_at", "When it was created"), OPT_TIME("last_login_at", "Latest sign-in"),
	OPT_TIME("verified_at", "When its holder showed that mail reaches them"), END};
static const struct field role[] = {TEXT("name", "Name"), TEXT("title", "What people call it"),
	STRINGS("permissions", "What its holders may do"),
	STRINGS("products", "If not empty, for these products only"),
	BOOL("own_organisation", "For the holder's own organisation only"),
	INT("max_sessions", "Sessions of one account at the same time; 0: as the setting says"),
	BOOL("built_in", "Cannot be changed"),
	OPT_INT("holders", "Accounts that have it; null: not counted, of built-in ones"),
	OPT_TIME("created_at", "When it was made"), END};
static const struct field permission[] = {TEXT("name", "As roles and API keys list it"),
	TEXT("meaning", "What it permits"),
	BOOL("personal", "Concerns nobody but its holder, and is never narrowed"), END};
static const struct field invitation[] = {TEXT("id", "Id"), TEXT("email", "Who is invited"),
	TEXT("role", "What the account will permit"),
	OPT_TEXT("organisation", "Its organisation's id"),
	OPT_TEXT("organisation_name", "Its organisation's name"),
	TEXT("invited_by", "The account that invites"), OPT_TEXT("inviter", "Its e-mail address"),
	TIME("created_at", "When it was made"), TIME("expires_at", "When it ends"),
	OPT_TEXT("link", "Where this server sends no mail: to be handed over, shown once"), END};
static const struct field verified_email[] = {TEXT("email", "The address that counts now"), END};
static const struct field organisation[] = {
	TEXT("id", "Id"), TEXT("name", "Name"), TIME("created_at", "When it was created"), END};

/* API keys and audit --------------------------------------------------------------------------- */

#define KEY_MEMBERS                                                                                \
	TEXT("id", "Id"), TEXT("public_id", "The part of the key that may be shown"),              \
		TEXT("account_id", "Whose key it is"), TEXT("owner", "Their e-mail address"),      \
		OPT_TEXT("parent_id", "The key that made it, with which it ends"),                 \
		TEXT("name", "What it is for"),                                                    \
		STRINGS("permissions", "What it may do, as far as its owner may"),                 \
		STRINGS("products", "For which products; empty: all its owner reaches"),           \
		STRINGS("addresses", "Networks it may be used from; empty: from anywhere"),        \
		TIME("created_at", "When it was made"), OPT_TIME("expires_at", "When it ends"),    \
		OPT_TIME("revoked_at", "When it was revoked"),                                     \
		OPT_TIME("last_used_at", "Latest use, to the hour"),                               \
		OPT_TIME("previous_until", "How long the secret before the latest still opens")
static const struct field key[] = {KEY_MEMBERS, END};
static const struct field new_key[] = {
	KEY_MEMBERS, TEXT("key", "The key itself; it is not shown again"), END};
static const struct field condition[] = {TEXT("claim", "Name of a claim"),
	TEXT("pattern", "What it must be; '*': any characters but '/'"), END};
static const struct field workload_identity[] = {TEXT("id", "Id"), TEXT("name", "Name"),
	CHOICE("state", "active disabled", "Whether it can be used"),
	TEXT("issuer", "The CI provider"), TEXT("audience", "What its tokens must be for"),
	OBJECTS("conditions", condition, "What its tokens must say; all must fit"),
	STRINGS("permissions", "What it may do, as far as its owner may"),
	STRINGS("products", "For which products; empty: all its owner reaches"),
	INT("lifetime_s", "How long its access tokens live"),
	TEXT("account_id", "Whose it is: who made it or changed it last"),
	OPT_TEXT("owner", "Their e-mail address; null: gone, and it cannot be used"),
	TEXT("created_by", "The account that made it"), TIME("created_at", "When it was made"),
	OPT_TIME("updated_at", "When it was changed last"),
	OPT_TIME("last_used_at", "Latest exchange"), END};
static const struct field signing_key[] = {TEXT("kid", "Key id, as in tokens and the key set"),
	CHOICE("kind", "access device download", "Which tokens it signs"),
	CHOICE("state", "next signing accepted",
		"next: published, does not sign yet; signing; accepted: signed until another one "
		"followed"),
	OPT_TEXT("pkcs11_uri", "Where its private part is, if in a PKCS#11 token"),
	TIME("created_at", "When it was made and published"),
	TIME("active_at", "When it signs, or began to"),
	OPT_TIME("accepted_until", "When it will be retired; null while none follows it"), END};
static const struct field audit_entry[] = {INT("seq", "Number of the entry, without gaps from 1"),
	TEXT("id", "Id"), TIME("at", "When"),
	TEXT("actor_kind", "account, device, api_key, workload, system, anonymous, or empty"),
	TEXT("actor", "Account, device, API key or workload identity that did it, or anonymous"),
	TEXT("action", "What was done"), TEXT("object", "To what"),
	TEXT("outcome", "ok, or why not"), TEXT("ip_prefix", "The client's network, or empty"),
	TEXT("request_id", "The request it was done by"),
	JSON("detail", "What changed: members with `from` and `to`; `job`: which CI job did it"),
	TEXT("hash", "SHA-256 over the entry and the hash before it, hexadecimal"), END};
static const struct field audit_checkpoint[] = {INT("seq", "The last entry then"),
	TEXT("hash", "Its hash"), INT("incarnation", "Raised when a backup is restored"),
	TIME("at", "When"), TEXT("kid", "The key that signed"),
	TEXT("signature", "ES256, base64url"), END};
static const struct field audit_finding[] = {
	CHOICE("kind",
		"changed missing inserted truncated rewritten restored forged unknown_key "
		"unreadable",
		"What is wrong"),
	OPT_INT("seq", "With which entry; null: with the whole"), TEXT("title", "In words"),
	TEXT("detail", "More of it"), END};
static const struct field audit_report[] = {BOOL("intact", "Nothing is wrong"),
	INT("entries", "Entries that were verified"),
	INT("unsealed", "Entries that wait for their place in the chain"),
	INT("checkpoints", "Checkpoints compared"),
	{"head", FIELD_OBJECT, false, 0, 0, NULL, audit_checkpoint, "The end of the chain"},
	OBJECTS("findings", audit_finding, "What is wrong, at most 100"),
	INT("findings_count", "How much is wrong"), END};

/* OAuth for tools ------------------------------------------------------------------------------ */

static const struct field oauth_metadata[] = {TEXT("issuer", "URL of this server"),
	TEXT("token_endpoint", "URL"), TEXT("device_authorization_endpoint", "URL"),
	TEXT("introspection_endpoint", "URL"), TEXT("revocation_endpoint", "URL"),
	TEXT("jwks_uri", "URL"), STRINGS("response_types_supported", "None"),
	STRINGS("grant_types_supported", "What the token endpoint takes"),
	STRINGS("token_endpoint_auth_methods_supported", "none: clients are public"),
	STRINGS("revocation_endpoint_auth_methods_supported", "none: who has a token may end it"),
	END};
static const struct field device_authorization[] = {
	TEXT("device_code", "What the device asks /oauth/token with"),
	TEXT("user_code", "What the person types"), TEXT("verification_uri", "Where they type it"),
	TEXT("verification_uri_complete", "The same with the code, for a QR code"),
	INT("expires_in", "Seconds the codes live"), INT("interval", "Seconds between questions"),
	END};
static const struct field waiting_device[] = {TEXT("client_id", "Which program"),
	TEXT("client", "What people call it"),
	STRINGS("scope", "What it asks for; empty: all you may"),
	OPT_TEXT("network", "From where it asks"), OPT_TEXT("country", "And in which country"),
	TIME("created_at", "When it asked"), TIME("expires_at", "Until when it waits"), END};
static const struct field oauth_token[] = {TEXT("access_token", "For Authorization"),
	TEXT("token_type", "Bearer"), INT("expires_in", "Seconds"),
	OPT_TEXT("refresh_token", "For the next pair"), OPT_TEXT("scope", "What they permit"),
	OPT_TEXT("issued_token_type",
		"Of an exchange: urn:ietf:params:oauth:token-type:access_token"),
	END};
static const struct field introspection[] = {BOOL("active", "Whether it is accepted"),
	OPT_TEXT("token_type", "Bearer"), OPT_TEXT("iss", "Issuer"), OPT_TEXT("aud", "Audience"),
	OPT_TEXT("sub", "Account, device or workload"), OPT_TEXT("jti", "Id of the token"),
	OPT_INT("iat", "Issued, seconds since 1970"), OPT_INT("exp", "Ends, seconds since 1970"),
	OPT_TEXT("client_id", "Who it was issued to"), OPT_TEXT("scope", "What it permits"), END};
static const struct field empty[] = {END};
static const struct field oauth_error[] = {TEXT("error", "A word of RFC 6749, 7009, 8628 or 8693"),
	OPT_TEXT("error_description", "What went wrong"), END};

/* Catalogue ------------------------------------------------------------------------------------ */

#define ID      TEXT("id", "Id")
#define CREATED TIME("created_at", "When it was created")

static const struct field product[] = {ID, TEXT("name", "Name, never changes"),
	TEXT("title", "What people call it"), TEXT("description", "What it is"),
	STRINGS("countries_denied", "ISO 3166-1 codes of countries that may not have it"),
	STRINGS("countries_allowed", "If not empty, only these countries may have it"), CREATED,
	END};
static const struct field publisher_key[] = {ID, TEXT("product_id", "Its product"),
	TEXT("key_id", "Key id as minisign shows it"), TEXT("public_key", "The key, in Base64"),
	CREATED, END};
#define RELEASE_MEMBERS                                                                            \
	ID, TEXT("product", "Name of the product"), TEXT("product_id", "Id of the product"),       \
		TEXT("version", "Semantic version"),                                               \
		CHOICE("state", "draft published paused withdrawn", "State"),                      \
		STRINGS("channels", "Channels it was put into"),                                   \
		TEXT("notes_url", "Where clients read the notes"),                                 \
		BOOL("critical", "Clients are told to hurry"),                                     \
		BOOL("mandatory", "Must be installed"),                                            \
		OPT_TEXT("min_from", "Least version it can be installed over"),                    \
		OPT_TIME("eol_at", "When support for it ends"), CREATED,                           \
		OPT_TIME("published_at", "When it was published first"),                           \
		OPT_TEXT("withdrawn_reason", "Why it was withdrawn")
static const struct field release[] = {
	RELEASE_MEMBERS, TEXT("notes", "Release notes in Markdown"), END};
static const struct field requirement[] = {
	TEXT("product", "Name of the product needed"), TEXT("range", "Versions that will do"), END};
#define PACKAGE_MEMBERS                                                                            \
	ID, TEXT("release_id", "Its release"), TEXT("filename", "Name under which it is served"),  \
		TEXT("platform", "os-arch"), TEXT("format", "What it is"), INT("size", "Bytes"),   \
		TEXT("sha256", "Hexadecimal"),                                                     \
		CHOICE("class", "public licensed enterprise development", "Who may have it"),      \
		OPT_TEXT("entitlement", "Code that the licence must have"),                        \
		OPT_TEXT("organisation", "Whose it is"),                                           \
		OPT_TEXT("min_os_version", "Least version of the operating system"),               \
		OBJECTS("requires", requirement, "Other products it needs"),                       \
		OPT_TEXT("signature", "The publisher's minisign signature"),                       \
		OPT_TEXT("signature_key_id", "The key it was made with"),                          \
		BOOL("blocked", "Its bytes may not be downloaded"),                                \
		OPT_TEXT("blocked_reason", "Why it is blocked"), CREATED
static const struct field package[] = {PACKAGE_MEMBERS,
	{"warnings", FIELD_STRINGS, false, 0, 0, NULL, NULL, "After adding it: what looks odd"},
	END};
static const struct field visible_package[] = {PACKAGE_MEMBERS, END};
static const struct field visible_release[] = {
	RELEASE_MEMBERS, OBJECTS("packages", visible_package, "Packages the caller may have"), END};
static const struct field manifest[] = {TEXT("product", "Name of the product"),
	TEXT("title", "What people call it"),
	OBJECTS("releases", visible_release, "Newest version first"),
	OPT_TEXT("next_cursor", "For the next page; null on the last one"), END};
static const struct field upload[] = {ID, TEXT("filename", "Name"),
	INT("offset", "Bytes that have arrived"), BOOL("finished", "It can be made a package"),
	OPT_INT("size", "Bytes in the end"), OPT_TEXT("sha256", "Hexadecimal, once finished"),
	OPT_TEXT("format", "What the file is"), OPT_TEXT("os", "What the file says it is for"),
	OPT_TEXT("architecture", "What the file says it is for"),
	OPT_TEXT("name", "What the file says it is"), OPT_TEXT("version", "As the file has it"),
	CREATED, TIME("expires_at", "When it is forgotten"), END};
static const struct field scrub[] = {INT("blobs", "Stored files"), INT("bytes", "Their size"),
	INT("damaged", "Files found damaged and not healed yet"),
	INT("due", "Files still to be checked"),
	OPT_TIME("oldest_check_at", "When the file that was checked longest ago was checked"),
	OPT_TIME("requested_at", "When a check of everything was asked for last"), END};

/* Licences and devices ------------------------------------------------------------------------- */

#define LICENCE_MEMBERS                                                                            \
	TEXT("id", "Id"), TEXT("account_id", "Whose it is"),                                       \
		TEXT("account", "Their e-mail address"), TEXT("product_id", "For which product"),  \
		TEXT("product", "Its name"), OPT_TEXT("organisation", "Organisation's id"),        \
		TEXT("plan", "Name of what was bought"),                                           \
		STRINGS("entitlements", "Codes that packages may ask for"),                        \
		CHOICE("state", "active suspended", "A suspended licence opens nothing"),          \
		INT("max_devices", "Devices it can be activated on; 0: any number"),               \
		INT("devices", "Devices it is activated on"),                                      \
		TEXT("key_hint", "The last group of the licence key"),                             \
		OPT_TIME("starts_at", "Valid from"), OPT_TIME("expires_at", "Valid until"),        \
		TIME("created_at", "When it was created")
static const struct field licence[] = {LICENCE_MEMBERS, END};
static const struct field new_licence[] = {
	LICENCE_MEMBERS, TEXT("licence_key", "The key itself; it is not shown again"), END};
static const struct field activation[] = {TEXT("device_id", "The device, the same each time"),
	TEXT("access_token", "Bearer token for this API"),
	CHOICE("token_type", "Bearer", "How to send it"),
	INT("expires_in", "Seconds the access token lives"),
	TEXT("refresh_token", "Gets the next tokens, once"),
	TEXT("device_token", "For update checks, for weeks"), END};
static const struct field device[] = {TEXT("id", "Id"), TEXT("licence_id", "Its licence"),
	TEXT("account_id", "Whose licence that is"), TEXT("account", "Their e-mail address"),
	TEXT("product", "Name of the product it is for"), TEXT("name", "What people call it"),
	TEXT("os", "Operating system"), TEXT("arch", "Processor architecture"),
	CHOICE("state", "active revoked", "Revoked devices can do nothing"),
	TIME("created_at", "When it was activated"), TIME("last_seen_at", "Latest activation"),
	END};

/* Downloads ------------------------------------------------------------------------------------ */

static const struct field file[] = {TEXT("package_id", "Id of the package"),
	TEXT("filename", "Name"), TEXT("platform", "os-arch"), INT("size", "Bytes"),
	TEXT("sha256", "Digest, hexadecimal"), END};
static const struct field grant[] = {TEXT("token", "Opens the URL; also as Bearer"),
	TEXT("download_id", "For renewal and the report"),
	TIME("expires_at", "The token opens nothing afterwards; running transfers end"),
	TEXT("url", "Where the file is; of a release: the folder its files are in"),
	STRINGS("fallback_urls", "Where else, in this order"),
	OPT_TEXT("filename", "Name of the file"),
	INT("size", "Bytes, of a release those of all files"),
	OPT_TEXT("sha256", "Digest of the file, hexadecimal"),
	{"files", FIELD_OBJECTS, false, 0, 0, NULL, file, "Of a release: what the token opens"},
	END};
static const struct field client[] = {OPT_TEXT("os", "Operating system"),
	OPT_TEXT("device", "Kind of device"), OPT_TEXT("version", "Program and version"), END};
static const struct field download[] = {TEXT("id", "Id"),
	OPT_TEXT("package_id", "Package; null: any of the release"), TEXT("release_id", "Release"),
	OPT_TEXT("account_id", "Who; null: anonymous"), OPT_TEXT("device_id", "On which device"),
	OPT_TEXT("licence_id", "By which licence"), OPT_TEXT("filename", "Name of the file"),
	OPT_TEXT("product", "Name of the product; to administrators, as are the next three"),
	OPT_TEXT("version", "Version of the release"),
	OPT_TEXT("platform", "Platform of the package; null: any of the release"),
	OPT_TEXT("account", "E-mail address of who it was; null: anonymous, or deleted"),
	INT("size", "Bytes of the file"),
	CHOICE("state", "granted started transferred completed failed", "How far it got"),
	{"outcome", FIELD_STRING, false, 0, 0, "success failure", NULL, "null: not known yet"},
	TIME("granted_at", "When the token was granted"),
	TIME("expires_at", "When the newest token ends"), INT("renewals", "Tokens after the first"),
	OPT_TIME("first_byte_at", "When the first request began"),
	OPT_TIME("last_byte_at", "When the last one ended"),
	INT("requests", "Requests that sent bytes"), TEXT("ranges", "Which bytes were sent"),
	INT("bytes", "Different bytes sent"), INT("bytes_sent", "All bytes sent, repetitions too"),
	OPT_INT("duration_ms", "As reported, else from first to last byte"),
	OPT_TEXT("country", "ISO 3166-1 code; null: unknown"),
	OPT_TEXT("referrer", "update_check, direct, or what the client said"),
	OBJECT("client", client, "The client"), OPT_TIME("reported_at", "When the client reported"),
	OPT_TEXT("error", "What went wrong"), END};
static const struct field accepted[] = {CHOICE("status", "accepted", "It was recorded"), END};

#define COUNT_MEMBERS                                                                              \
	INT("granted", "Downloads granted"), INT("completed", "of these, reported as success"),    \
		INT("failed", "of these, failed"), INT("bytes", "Different bytes sent"),           \
		INT("bytes_sent", "All bytes sent")
static const struct field stats_day[] = {TIME("day", "Its first instant, UTC"), COUNT_MEMBERS, END};
static const struct field stats_package[] = {TEXT("product", "Product"), TEXT("version", "Version"),
	OPT_TEXT("platform", "Platform; null: whole releases"), COUNT_MEMBERS, END};
static const struct field stats_check[] = {TIME("day", "Its first instant, UTC"),
	TEXT("product", "Product"), TEXT("platform", "Platform"),
	TEXT("installed", "Version that is installed, or other"),
	INT("checks", "Clients that checked that day"),
	INT("offered", "of these, were offered an update"), END};
static const struct field stats_report[] = {TEXT("product", "Product"), TEXT("version", "Version"),
	CHOICE("stage", "downloaded installed alive failed rolled_back", "How far it got"),
	INT("devices", "Devices that reported it"), END};
static const struct field stats[] = {INT("days", "Days counted"), TIME("from", "Since then"),
	OBJECTS("downloads_by_day", stats_day, "By day of the grant"),
	OBJECTS("downloads_by_package", stats_package, "Most granted first"),
	OBJECTS("update_checks", stats_check, "Newest day first"),
	OBJECTS("update_reports", stats_report, "What clients reported"), END};
static const struct field facts[] = {TEXT("product", "Product"), TEXT("version", "Version"),
	TEXT("release_state", "State of the release"), TEXT("class", "Class of the package"),
	OPT_TEXT("entitlement", "What the package asks for"),
	BOOL("blocked", "Whether it is blocked"), OPT_TEXT("account_id", "Who"),
	OPT_TEXT("role", "Their role"), OPT_TEXT("organisation", "Their organisation"),
	OPT_TEXT("licence_id", "The licence that counts"),
	{"device", FIELD_STRING, false, 0, 0, "active revoked", NULL, "State of the device"}, END};
static const struct field explanation[] = {BOOL("allowed", "Whether it would be granted"),
	TEXT("reason", "The reason, for programs"), TEXT("text", "The reason, for people"),
	OBJECT("facts", facts, "What was known"), END};
static const struct field event_position[] = {INT("position", "Up to here the log is stored"),
	INT("stored", "Events stored by this request"), INT("torn", "Lines that could not be read"),
	END};

const struct schema schemas[] = {
	{"problem", "An error (RFC 9457)", problem},
	/* server */
	{"health", "The process is alive", health},
	{"readiness", "The process can serve", readiness},
	{"jwks", "A JSON Web Key Set (RFC 7517)", jwks},
	/* sign-in */
	{"session_opened", "Credentials of a session", session_opened},
	{"session", "A session", session},
	{"sign_in_provider", "A way to sign in", sign_in_provider},
	{"identity_provider", "An identity provider", identity_provider},
	{"provider_trial", "Whether an identity provider can be asked", provider_trial},
	{"identity", "Who an account is at an identity provider", identity},
	{"departure", "Where to go to link an identity", departure},
	{"signed_out", "What is left to do after signing out", signed_out},
	{"factors", "An account's second factors", factors},
	{"totp_enrolment", "An authenticator app to be confirmed", totp_enrolment},
	{"recovery_codes", "Recovery codes, shown once", recovery_codes},
	{"passkey_options", "What a browser is to ask an authenticator", passkey_options},
	{"new_passkey", "A passkey that was just registered", new_passkey},
	{"me", "Who is asking", me},
	/* accounts and organisations */
	{"account", "An account", account},
	{"role", "A role", role},
	{"permission", "A permission", permission},
	{"invitation", "An invitation", invitation},
	{"verified_email", "A confirmed address", verified_email},
	{"organisation", "An organisation: a customer of the vendor", organisation},
	/* API keys and audit */
	{"key", "An API key, without its secret", key},
	{"new_key", "An API key that was just made", new_key},
	/* OAuth */
	{"oauth_metadata", "Where what is of OAuth", oauth_metadata},
	{"device_authorization", "Codes for a device and a person", device_authorization},
	{"waiting_device", "A device that waits to be signed in", waiting_device},
	{"oauth_token", "Tokens", oauth_token},
	{"introspection", "What a token is good for", introspection},
	{"empty", "Nothing", empty},
	{"oauth_error", "Why it was refused", oauth_error},
	{"workload_identity", "Jobs of a CI provider that are trusted", workload_identity},
	{"signing_key", "A key that signs tokens, without its private part", signing_key},
	{"audit_entry", "Something that was done", audit_entry},
	{"audit_checkpoint", "A signed state of the audit log", audit_checkpoint},
	{"audit_report", "What verifying the audit log found", audit_report},
	/* catalogue */
	{"product", "A product", product},
	{"publisher_key", "A key that signs packages of a product", publisher_key},
	{"release", "A release", release},
	{"package", "A package", package},
	{"upload", "An upload", upload},
	{"manifest", "What the caller may see of a product", manifest},
	{"scrub", "The state of the stored files", scrub},
	/* licences and devices */
	{"licence", "A licence, without its key", licence},
	{"new_licence", "A licence that was just created", new_licence},
	{"activation", "A device's credentials", activation},
	{"device", "A device a licence was activated on", device},
	/* downloads */
	{"grant", "A download that may begin", grant},
	{"download", "What became of a download", download},
	{"accepted", "It was recorded", accepted},
	{"stats", "What happened", stats},
	{"explanation", "A decision and its reason", explanation},
	{"event_position", "How far an event log is stored", event_position},
};
const size_t schemas_count = ARRAY_LEN(schemas);

const struct schema *schema_find(span name)
{
	for (size_t i = 0; i < schemas_count; i++)
		if (span_is(name, schemas[i].name))
			return &schemas[i];
	return NULL;
}

bool schema_exists(span answer)
{
	if (span_contains(answer, SPAN("/")))
		return true;
	if (span_ends_with(answer, SPAN("[]")))
		answer = span_sub(answer, 0, answer.len - 2);
	return schema_find(answer) != NULL;
}
