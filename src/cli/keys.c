/*
 * API keys, and taking tokens back.
 */
#include "cli/commands.h"

#include <string.h>

#include "base/time.h"
#include "cli/people.h"
#include "cli/secret_input.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define TOKEN_MAX 8192

/* API keys ------------------------------------------------------------------------------------- */

static err run_key_create(struct cli *cli)
{
	err e = command_create(cli, "/me/keys", "key_id");

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

/* For people: what has become of it. */
static const char *state_of(const struct cli *cli, const json_t *key)
{
	const char *expires = json_string_value(json_object_get(key, "expires_at"));
	int64_t expires_us;

	if (json_is_string(json_object_get(key, "revoked_at")))
		return "revoked";
	if (expires && time_parse(span_from(expires), &expires_us) == OK &&
		expires_us <= cli->now_us)
		return "expired";
	return "active";
}

static err run_key_list(struct cli *cli)
{
	static const struct view views[] = {
		{"NAME", "name", VIEW_TEXT, COLUMN_SHRINK},
		{"OWNER", "owner", VIEW_TEXT, COLUMN_SHRINK},
		{"STATE", "state", VIEW_TEXT, COLUMN_TONE},
		{"EXPIRES", "expires_at", VIEW_TIME, 0},
		{"LAST USED", "last_used_at", VIEW_TIME, COLUMN_DROP},
		{"PERMISSIONS", "permissions", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
		{"PRODUCTS", "products", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
		{"ID", "id", VIEW_TEXT, COLUMN_BELOW},
	};
	json_t *list, *key;
	size_t i;
	err e = request_list(cli, cli_flag(cli, "mine") ? "/me/keys" : "/admin/keys", &list);

	if (e == ERR_DENIED)
		cli_hint(cli, "--mine lists your own");
	if (e != OK)
		return e;
	if (!cli->json)
		json_array_foreach(json_object_get(list, "items"), i, key)
			json_object_set_new(key, "state", json_string(state_of(cli, key)));
	return command_show_list(cli, list, views, ARRAY_LEN(views), "No API keys");
}

/* One's own, which everybody may; else as somebody who may revoke everybody's. */
static err run_key_revoke(struct cli *cli)
{
	const char *not_there;
	json_t *answer = NULL;
	err e = session_call(cli, "DELETE", request_path(cli, "/me/keys/{key}"), NULL, &answer);

	if (e == ERR_NOT_FOUND || e == ERR_DENIED) {
		not_there = e == ERR_NOT_FOUND ? cli->detail : NULL;
		cli_forgive(cli);
		e = session_call(
			cli, "DELETE", request_path(cli, "/admin/keys/{key}"), NULL, &answer);
		if (e == ERR_DENIED && not_there)
			e = cli_fail(cli, ERR_NOT_FOUND, "key_not_found", "%s", not_there);
	}
	json_decref(answer);
	if (e == OK && !cli->json)
		fputs("Revoked\n", cli->out);
	return e;
}

static const struct option key_list_options[] = {
	{"mine", NULL, VALUE_FLAG, 0, "your own; everybody's need the permission key.write"},
	LIMIT_OPTION,
	{0},
};
static const struct option key_create_arguments[] = {
	{"name", "NAME", VALUE_TEXT, OPTION_REQUIRED, "what the key is for", .member = "name"},
	{0},
};
static const struct option key_create_options[] = {
	{"permission", "NAME", VALUE_TEXT, OPTION_REQUIRED | OPTION_MANY,
		"what it may do, like upload.write or release.publish.beta: of `slipway role "
		"permissions`, and of yours",
		.member = "permissions", .source = &source_permissions},
	{"product", "PRODUCT", VALUE_TEXT, OPTION_MANY,
		"only for this product; without it for all you reach", .member = "products",
		.source = &source_products},
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
	{"key", "KEY", VALUE_TEXT, OPTION_REQUIRED, "the key's id (key_…, not the key itself)",
		.source = &source_keys},
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

/* Needs permission token.introspect: what another server has. */
static err run_token_inspect(struct cli *cli)
{
	AUTO(buf) token = {0};
	struct http_request rq = {
		.method = "POST", .content_type = "application/x-www-form-urlencoded"};
	struct http_answer a;
	struct session *s;
	err e = session_get(cli, &s);

	buf_init(&token, TOKEN_MAX);
	if (e == OK)
		e = secret_input(cli, "token-file", "Token: ", false, &token);
	if (e != OK)
		return e;
	const char *const form[][2] = {{"token", buf_str(&token)}};

	rq.url = session_url(cli, s, API "/oauth/introspect");
	rq.body = span_from(request_form(cli, form, 1));
	buf_wipe(&token);
	http_answer_init(&a);
	e = session_send(cli, &rq, &a);
	if (e == OK)
		e = command_answer(cli, json_loadb(buf_str(&a.body), buf_len(&a.body), 0, NULL));
	http_answer_done(&a);
	return e;
}

static const struct option token_inspect_options[] = {
	{"token-file", "FILE", VALUE_FILE, 0, "file with the token; asked for without it"},
	{0},
};
static const struct option token_revoke_options[] = {
	{"download", "ID", VALUE_TEXT, 0, "the tokens of this download", .member = "download_id"},
	{"device", "ID", VALUE_TEXT, 0, "all tokens of this device", .member = "device_id"},
	{"account", "ACCOUNT", VALUE_TEXT, 0, "all tokens of this account (e-mail address or id)",
		.member = "account_id"},
	{"jti", "ID", VALUE_TEXT, 0, "the token with this `jti`", .member = "jti"},
	{"token-file", "FILE", VALUE_FILE, 0, "the token in this file"},
	{0},
};

static const struct command commands[] = {
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
		.summary = "list API keys: everybody's, or your own",
		.options = key_list_options,
		.run = run_key_list},
	{.path = "key rotate",
		.summary = "give an API key of yours another secret",
		.about =
			"Two secrets open for as long as --overlap says, so that jobs can change "
			"over one by one. Keys that were made with it are revoked. Rotate a leaked "
			"one without --overlap.",
		.arguments = key_argument,
		.options = key_rotate_options,
		.run = run_key_rotate,
		.examples = "slipway key rotate key_01h455vb4pex5vsknk084sn02q --overlap 24h"},
	{.path = "key revoke",
		.summary = "revoke an API key",
		.arguments = key_argument,
		.run = run_key_revoke},
	{.path = "token inspect",
		.summary = "say whether an access or device token is good, and for what",
		.about = "Revocations count. It needs the permission token.introspect.",
		.options = token_inspect_options,
		.run = run_token_inspect},
	{.path = "token revoke",
		.summary = "revoke tokens, everywhere and at once",
		.options = token_revoke_options,
		.run = run_token_revoke,
		.examples = "slipway token revoke --download dl_01h455vb4pex5vsknk084sn02q"},
};
const struct command_table key_commands = {commands, ARRAY_LEN(commands)};
