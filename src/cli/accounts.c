/*
 * Accounts, administered. What concerns one's own is in own_account.c.
 */
#include "cli/commands.h"

#include <string.h>

#include "base/time.h"
#include "cli/confirm.h"
#include "cli/people.h"
#include "cli/secret_input.h"

#include "base/banned.h"

#define MANY 200 /* a page: more licences or sessions than that are "200 or more" */

static err put_password(struct cli *cli, json_t *body)
{
	return secret_member(cli, body, "password", "password-file", "New password: ", true);
}

static err run_create(struct cli *cli)
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

static err run_list(struct cli *cli)
{
	static const struct view views[] = {
		{"EMAIL", "email", VIEW_TEXT, COLUMN_SHRINK},
		{"ROLE", "role", VIEW_TEXT, COLUMN_SHRINK},
		{"STATE", "state", VIEW_TEXT, COLUMN_TONE},
		{"ORGANISATION", "organisation_name", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
		{"LAST SIGN-IN", "last_login_at", VIEW_TIME, COLUMN_DROP},
		{"ID", "id", VIEW_TEXT, COLUMN_DROP},
	};

	return command_list(cli, "/admin/accounts", views, ARRAY_LEN(views), "No accounts");
}

static err run_show(struct cli *cli)
{
	return command_show(cli, "/admin/accounts/{account}");
}

/* Takes body. */
static err change(struct cli *cli, json_t *body)
{
	json_t *account = NULL;
	err e = session_call(
		cli, "PATCH", request_path(cli, "/admin/accounts/{account}"), body, &account);

	json_decref(body);
	return e == OK ? command_answer(cli, account) : e;
}

static err run_disable(struct cli *cli)
{
	return change(cli, json_pack("{s:s}", "state", "disabled"));
}

static err run_enable(struct cli *cli)
{
	return change(cli, json_pack("{s:s}", "state", "active"));
}

static err run_set_role(struct cli *cli)
{
	return change(cli, request_body(cli));
}

static err run_set_password(struct cli *cli)
{
	json_t *body = json_object();
	err e = put_password(cli, body);

	if (e == OK)
		return change(cli, body);
	json_decref(body);
	return e;
}

static err run_update(struct cli *cli)
{
	json_t *body = request_body(cli);
	err e = OK;

	if (cli_flag(cli, "no-org"))
		json_object_set_new(body, "organisation", json_null());
	if (cli_flag(cli, "no-org") && cli_text(cli, "org"))
		e = cli_fail(cli, ERR_INVALID, "usage", "--org and --no-org exclude each other");
	if (e == OK && cli_text(cli, "password-file"))
		e = put_password(cli, body);
	if (e == OK && json_object_size(body) == 0)
		e = cli_fail(cli, ERR_INVALID, "usage", "say what to change: see --help");
	if (e == OK)
		return change(cli, body);
	json_decref(body);
	return e;
}

/* Deleting ------------------------------------------------------------------------------------- */

/* How many items a list has, at most a page; what cannot be seen is none. */
static size_t count_of(struct cli *cli, const char *path, json_t **ret_page)
{
	json_t *page = NULL;
	size_t count;

	if (session_call(cli, "GET", path, NULL, &page) != OK)
		cli_forgive(cli);
	count = json_array_size(json_object_get(page, "items"));
	*ret_page = page;
	return count;
}

static bool has_ended(const struct cli *cli, const json_t *licence)
{
	int64_t end_us;

	return time_parse(span_from(json_string_value(json_object_get(licence, "expires_at"))),
		       &end_us) == OK &&
	       end_us <= cli->now_us;
}

static void show_count(struct cli *cli, size_t count, const char *one, const char *many)
{
	if (count == 1)
		fprintf(cli->out, "  %s\n", one);
	else if (count)
		fprintf(cli->out, "  %zu%s %s\n", count, count == MANY ? " or more" : "", many);
}

/* What goes with it, before anybody says yes. */
static void show_stake(struct cli *cli, const json_t *account)
{
	const char *id = json_string_value(json_object_get(account, "id"));
	json_t *sessions, *licences, *licence;
	size_t i, running = 0, count;

	fprintf(cli->out, "This goes for good:\n");
	view_line(cli, "  account %s, role %s",
		json_string_value(json_object_get(account, "email")),
		json_string_value(json_object_get(account, "role")));
	count = count_of(cli,
		arena_printf(cli->arena, "/admin/licences?account=%s&limit=%d", id, MANY),
		&licences);
	json_array_foreach(json_object_get(licences, "items"), i, licence) running +=
		!has_ended(cli, licence);
	show_count(cli, running, "1 licence that has not ended, with its devices",
		"licences that have not ended, with their devices");
	show_count(cli, count - running, "1 licence that has ended", "licences that have ended");
	count = count_of(cli,
		arena_printf(cli->arena, "/admin/accounts/%s/sessions?limit=%d", id, MANY),
		&sessions);
	show_count(cli, count, "1 session", "sessions");
	fputs("  its API keys, second factors and identities\n", cli->out);
	view_prose(cli, "The audit log and the records of downloads stay, with its id.");
	if (running && !cli_text(cli, "licences"))
		view_prose(cli, "Licences that have not ended keep it, unless you add --licences "
				"delete.");
	json_decref(licences);
	json_decref(sessions);
}

static err run_delete(struct cli *cli)
{
	const char *path = request_path(cli, "/admin/accounts/{account}"), *email;
	json_t *account = NULL, *answer = NULL;
	err e = session_call(cli, "GET", path, NULL, &account);

	if (e == OK && command_will_ask(cli))
		show_stake(cli, account);
	email = json_string_value(json_object_get(account, "email"));
	if (e == OK)
		e = command_confirm(cli, arena_printf(cli->arena, "Delete %s?", email));
	if (e == OK)
		e = session_call(cli, "DELETE", request_query(cli, path), NULL, &answer);
	if (e == ERR_CONFLICT && cli->code && !strcmp(cli->code, "licences_running"))
		cli_hint(cli, "--licences delete deletes them with it");
	if (e == OK && !cli->json)
		view_line(cli, "Deleted %s", email);
	json_decref(account);
	json_decref(answer);
	return e;
}

static const struct option list_options[] = {LIMIT_OPTION, {0}};
static const struct option account_argument[] = {ACCOUNT_ARGUMENT, {0}};
static const struct option create_options[] = {
	{"email", "EMAIL", VALUE_TEXT, OPTION_REQUIRED, "e-mail address to sign in with",
		.member = "email"},
	ROLE_OPTION(OPTION_REQUIRED, "what it may do: admin, user, guest or a role of your own"),
	PASSWORD_OPTION,
	ORGANISATION_OPTION("organisation it belongs to: name or id"),
	{0},
};
static const struct option password_options[] = {PASSWORD_OPTION, {0}};
static const struct option role_arguments[] = {
	ACCOUNT_ARGUMENT,
	ROLE_OPTION(OPTION_REQUIRED, "the new role"),
	{0},
};
static const struct option update_options[] = {
	{"email", "EMAIL", VALUE_TEXT, 0, "its new address; it counts at once, unverified",
		.member = "email"},
	ROLE_OPTION(0, "its new role"),
	ORGANISATION_OPTION("its new organisation: name or id"),
	{"no-org", NULL, VALUE_FLAG, 0, "belongs to no organisation any more"},
	{"state", "STATE", VALUE_TEXT, 0, "a disabled account can do nothing; its sessions end",
		.choices = "active disabled", .member = "state"},
	{"password-file", "FILE", VALUE_FILE, 0, "file with its new password; its sessions end"},
	{0},
};
static const struct option delete_options[] = {
	{"licences", "WHAT", VALUE_TEXT, 0, "what becomes of licences that have not ended",
		.choices = "delete", .member = "licences"},
	YES_OPTION,
	{0},
};

static const struct command commands[] = {
	{.path = "account create",
		.summary = "create an account",
		.about = "Accounts of role user hold licences; admin may do everything; guest sees "
			 "what is public; `slipway role list` has the others. An invitation lets "
			 "people choose their password themselves: `slipway invitation create`.",
		.options = create_options,
		.run = run_create,
		.examples = "slipway account create --email jo@example.com --role user "
			    "--password-file password",
		.next = "`slipway licence create` gives it a licence."},
	{.path = "account list",
		.summary = "list accounts",
		.options = list_options,
		.run = run_list},
	{.path = "account show",
		.summary = "show an account",
		.arguments = account_argument,
		.run = run_show,
		.examples = "slipway account show jo@example.com"},
	{.path = "account update",
		.summary = "change an account's address, role, organisation, state or password",
		.arguments = account_argument,
		.options = update_options,
		.run = run_update,
		.examples = "slipway account update jo@example.com --role release-manager --org "
			    "\"Example Ltd\"\n"
			    "slipway account update jo@example.com --state disabled"},
	{.path = "account disable",
		.summary = "disable an account; its tokens end at once",
		.arguments = account_argument,
		.run = run_disable},
	{.path = "account enable",
		.summary = "enable a disabled account",
		.arguments = account_argument,
		.run = run_enable},
	{.path = "account set-password",
		.summary = "set an account's password; its sign-ins end",
		.arguments = account_argument,
		.options = password_options,
		.run = run_set_password},
	{.path = "account set-role",
		.summary = "change an account's role",
		.arguments = role_arguments,
		.run = run_set_role,
		.examples = "slipway account set-role jo@example.com admin"},
	{.path = "account delete",
		.summary = "delete an account with all that is its own, for good",
		.about =
			"Ends its sessions, tokens, API keys and devices everywhere and deletes "
			"what is personal. The audit log and the records of downloads keep its id. "
			"It shows what goes and asks first. A disabled account can come back; a "
			"deleted one cannot.",
		.arguments = account_argument,
		.options = delete_options,
		.run = run_delete,
		.examples = "slipway account delete jo@example.com\n"
			    "slipway account delete jo@example.com --licences delete --yes"},
};
const struct command_table account_commands = {commands, ARRAY_LEN(commands)};
