/*
 * Who may do what here: accounts, organisations, API keys, and taking tokens back.
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/request.h"
#include "cli/secret_input.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define PASSWORD_MAX 1024

/* Accounts ------------------------------------------------------------------------------------- */

/* Adds the password of --password-file, or one typed twice, to body. */
static err put_password(struct cli *cli, json_t *body)
{
	AUTO(buf) password = {0};
	json_t *value;
	err e;

	buf_init(&password, PASSWORD_MAX);
	e = secret_input(cli, "password-file", "New password: ", true, &password);
	value = e == OK ? json_stringn(buf_str(&password), buf_len(&password)) : NULL;
	buf_wipe(&password);
	if (e == OK && !value)
		e = cli_fail(cli, ERR_INVALID, "password", "the password is no UTF-8 text");
	if (value)
		json_object_set_new(body, "password", value);
	return e;
}

static err run_account_create(struct cli *cli)
{
	json_t *body = request_body(cli), *account = NULL;
	err e = put_password(cli, body);

	if (e == OK)
		e = session_call(cli, "POST", "/admin/accounts", body, &account);
	json_decref(body);
	if (e != OK)
		return e;
	if (cli->json)
		json_object_set(account, "account_id", json_object_get(account, "id"));
	return command_answer(cli, account);
}

static err run_account_list(struct cli *cli)
{
	static const struct view views[] = {
		{"ID", "id", VIEW_TEXT, 0},
		{"EMAIL", "email", VIEW_TEXT, COLUMN_SHRINK},
		{"ROLE", "role", VIEW_TEXT, 0},
		{"STATE", "state", VIEW_TEXT, COLUMN_TONE},
		{"ORG", "organisation", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
		{"CREATED", "created_at", VIEW_TIME, COLUMN_DROP},
	};

	return command_list(cli, "/admin/accounts", views, ARRAY_LEN(views), "No accounts");
}

static err run_account_show(struct cli *cli)
{
	return command_show(cli, "/admin/accounts/{account}");
}

/* Takes body. */
static err change_account(struct cli *cli, json_t *body)
{
	json_t *account = NULL;
	err e = session_call(
		cli, "PATCH", request_path(cli, "/admin/accounts/{account}"), body, &account);

	json_decref(body);
	return e == OK ? command_answer(cli, account) : e;
}

static err run_account_disable(struct cli *cli)
{
	return change_account(cli, json_pack("{s:s}", "state", "disabled"));
}

static err run_account_enable(struct cli *cli)
{
	return change_account(cli, json_pack("{s:s}", "state", "active"));
}

static err run_account_set_role(struct cli *cli)
{
	return change_account(cli, request_body(cli));
}

static err run_account_set_password(struct cli *cli)
{
	json_t *body = json_object();
	err e = put_password(cli, body);

	if (e == OK)
		return change_account(cli, body);
	json_decref(body);
	return e;
}

#define ACCOUNT_ARGUMENT                                                                           \
	{                                                                                          \
		"account", "ACCOUNT", VALUE_TEXT, OPTION_REQUIRED,                                 \
			"the account's e-mail address or id"                                       \
	}
#define PASSWORD_OPTION                                                                            \
	{                                                                                          \
		"password-file", "FILE", VALUE_FILE, 0,                                            \
			"file with the password, without it it is asked for"                       \
	}

static const struct option list_options[] = {LIMIT_OPTION, {0}};
static const struct option account_argument[] = {ACCOUNT_ARGUMENT, {0}};
static const struct option account_create_options[] = {
	{"email", "EMAIL", VALUE_TEXT, OPTION_REQUIRED, "e-mail address to sign in with",
		.member = "email"},
	{"role", "ROLE", VALUE_TEXT, OPTION_REQUIRED, "what it may do",
		.choices = "admin user guest", .member = "role"},
	PASSWORD_OPTION,
	{"org", "ORGANISATION", VALUE_TEXT, 0, "organisation it belongs to: name or id",
		.member = "organisation"},
	{0},
};
static const struct option account_password_options[] = {PASSWORD_OPTION, {0}};
static const struct option account_role_arguments[] = {
	ACCOUNT_ARGUMENT,
	{"role", "ROLE", VALUE_TEXT, OPTION_REQUIRED, "the new role", .choices = "admin user guest",
		.member = "role"},
	{0},
};

/* Organisations -------------------------------------------------------------------------------- */

static err run_org_create(struct cli *cli)
{
	return command_create(cli, "/admin/organisations", "organisation_id");
}

static err run_org_list(struct cli *cli)
{
	static const struct view views[] = {
		{"ID", "id", VIEW_TEXT, 0},
		{"NAME", "name", VIEW_TEXT, COLUMN_SHRINK},
		{"CREATED", "created_at", VIEW_TIME, COLUMN_DROP},
	};

	return command_list(cli, "/admin/organisations", views, ARRAY_LEN(views),
		"No organisations yet: slipway org create NAME");
}

static err run_org_show(struct cli *cli)
{
	return command_show(cli, "/admin/organisations/{organisation}");
}

static const struct option org_create_arguments[] = {
	{"name", "NAME", VALUE_TEXT, OPTION_REQUIRED, "the organisation's name", .member = "name"},
	{0},
};
static const struct option org_argument[] = {
	{"organisation", "ORGANISATION", VALUE_TEXT, OPTION_REQUIRED,
		"the organisation's name or id"},
	{0},
};

/* API keys ------------------------------------------------------------------------------------- */

static err run_key_create(struct cli *cli)
{
	err e = command_create(cli, "/admin/keys", "key_id");

	if (e == OK && !cli->json)
		cli_note(cli, "keep the key now: it is not shown again");
	return e;
}

static err run_key_rotate(struct cli *cli)
{
	json_t *body = request_body(cli), *key = NULL;
	err e = session_call(cli, "POST", request_path(cli, "/me/keys/{key}/rotate"), body, &key);

	json_decref(body);
	if (e != OK)
		return e;
	if (!cli->json)
		cli_note(cli, "keep the new key now: it is not shown again");
	return command_answer(cli, key);
}

static err run_key_list(struct cli *cli)
{
	static const struct view views[] = {
		{"ID", "id", VIEW_TEXT, 0},
		{"NAME", "name", VIEW_TEXT, COLUMN_SHRINK},
		{"OWNER", "owner", VIEW_TEXT, COLUMN_SHRINK},
		{"PERMISSIONS", "permissions", VIEW_TEXT, COLUMN_SHRINK},
		{"PRODUCTS", "products", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
		{"EXPIRES", "expires_at", VIEW_TIME, COLUMN_DROP},
		{"LAST USED", "last_used_at", VIEW_TIME, COLUMN_DROP},
	};

	return command_list(cli, "/admin/keys", views, ARRAY_LEN(views), "No API keys");
}

static err run_key_revoke(struct cli *cli)
{
	return command_act(cli, "DELETE", "/admin/keys/{key}", "Revoked");
}

static const struct option key_create_arguments[] = {
	{"name", "NAME", VALUE_TEXT, OPTION_REQUIRED, "what the key is for", .member = "name"},
	{0},
};
static const struct option key_create_options[] = {
	{"permission", "NAME", VALUE_TEXT, OPTION_REQUIRED | OPTION_MANY,
		"what it may do, like upload.write or release.publish.beta",
		.member = "permissions"},
	{"product", "PRODUCT", VALUE_TEXT, OPTION_MANY,
		"only for this product; without it for all you reach", .member = "products"},
	{"address", "NETWORK", VALUE_TEXT, OPTION_MANY,
		"only from this network, like 203.0.113.0/24 or 2001:db8::/32",
		.member = "addresses"},
	{"expires", "TIME", VALUE_TIME, 0, "valid until: date, time or 90d (from now)",
		.member = "expires_at"},
	{0},
};
static const struct option key_rotate_options[] = {
	{"overlap", "TIME", VALUE_TIME, 0,
		"how long the present key still opens, like 24h; 7d at most, without it not at all",
		.member = "previous_until"},
	{"expires", "TIME", VALUE_TIME, 0, "valid until: date, time or 90d (from now)",
		.member = "expires_at"},
	{0},
};
static const struct option key_argument[] = {
	{"key", "KEY", VALUE_TEXT, OPTION_REQUIRED, "the key's id (key_…, not the key itself)"},
	{0},
};

/* Tokens --------------------------------------------------------------------------------------- */

static err run_token_revoke(struct cli *cli)
{
	json_t *body = request_body(cli), *answer = NULL;
	AUTO(buf) token = {0};
	err e = OK;

	buf_init(&token, 8192);
	if (cli_text(cli, "token-file")) {
		e = secret_input(cli, "token-file", "", false, &token);
		if (e == OK)
			json_object_set_new(body, "token", json_string(buf_str(&token)));
		buf_wipe(&token);
	}
	if (e == OK && json_object_size(body) != 1)
		e = cli_fail(cli, ERR_INVALID, "usage",
			"say what to revoke: exactly one of --download, --device, --account, "
			"--jti and --token-file");
	if (e == OK)
		e = session_call(cli, "DELETE", "/tokens/revoke", body, &answer);
	json_decref(body);
	json_decref(answer);
	if (e == OK && !cli->json)
		fputs("Revoked; in force everywhere within 2 s\n", cli->out);
	return e;
}

static const struct option token_revoke_options[] = {
	{"download", "ID", VALUE_TEXT, 0, "the tokens of this download", .member = "download_id"},
	{"device", "ID", VALUE_TEXT, 0, "all tokens of this device", .member = "device_id"},
	{"account", "ID", VALUE_TEXT, 0, "all tokens of this account", .member = "account_id"},
	{"jti", "ID", VALUE_TEXT, 0, "the token with this `jti`", .member = "jti"},
	{"token-file", "FILE", VALUE_FILE, 0, "the token in this file"},
	{0},
};

static const struct command commands[] = {
	{.path = "account create",
		.summary = "create an account",
		.about = "Accounts of role user hold licences; admin may do everything; guest sees "
			 "what is public.",
		.options = account_create_options,
		.run = run_account_create,
		.examples = "slipway account create --email jo@example.com --role user "
			    "--password-file password",
		.next = "`slipway licence create` gives it a licence."},
	{.path = "account list",
		.summary = "list accounts",
		.options = list_options,
		.run = run_account_list},
	{.path = "account show",
		.summary = "show an account",
		.arguments = account_argument,
		.run = run_account_show,
		.examples = "slipway account show jo@example.com"},
	{.path = "account disable",
		.summary = "disable an account; its tokens end at once",
		.arguments = account_argument,
		.run = run_account_disable},
	{.path = "account enable",
		.summary = "enable a disabled account",
		.arguments = account_argument,
		.run = run_account_enable},
	{.path = "account set-password",
		.summary = "set an account's password; its sign-ins end",
		.arguments = account_argument,
		.options = account_password_options,
		.run = run_account_set_password},
	{.path = "account set-role",
		.summary = "change an account's role",
		.arguments = account_role_arguments,
		.run = run_account_set_role,
		.examples = "slipway account set-role jo@example.com admin"},
	{.path = "org create",
		.summary = "create an organisation",
		.about = "Organisations are customers with several accounts; packages of class "
			 "enterprise belong to one.",
		.arguments = org_create_arguments,
		.run = run_org_create,
		.examples = "slipway org create \"Example Ltd\""},
	{.path = "org list",
		.summary = "list organisations",
		.options = list_options,
		.run = run_org_list},
	{.path = "org show",
		.summary = "show an organisation",
		.arguments = org_argument,
		.run = run_org_show},
	{.path = "key create",
		.summary = "create an API key",
		.about = "For scripts and CI. The answer has the key; it is shown this once.",
		.arguments = key_create_arguments,
		.options = key_create_options,
		.run = run_key_create,
		.examples = "slipway key create ci --permission upload.write --permission "
			    "release.write --permission release.read.draft --permission "
			    "release.publish.beta --product vpn --expires 90d",
		.next = "put it into the environment of the job as SLIPWAY_API_KEY."},
	{.path = "key list",
		.summary = "list API keys",
		.options = list_options,
		.run = run_key_list},
	{.path = "key rotate",
		.summary = "give an API key of yours another secret",
		.about =
			"Two keys open for as long as --overlap says, so that jobs can change over "
			"one by one.",
		.arguments = key_argument,
		.options = key_rotate_options,
		.run = run_key_rotate,
		.examples = "slipway key rotate key_01h455vb4pex5vsknk084sn02q --overlap 24h"},
	{.path = "key revoke",
		.summary = "revoke an API key",
		.arguments = key_argument,
		.run = run_key_revoke},
	{.path = "token revoke",
		.summary = "revoke tokens, everywhere and at once",
		.options = token_revoke_options,
		.run = run_token_revoke,
		.examples = "slipway token revoke --download dl_01h455vb4pex5vsknk084sn02q"},
};
const struct command_table access_commands = {commands, ARRAY_LEN(commands)};
