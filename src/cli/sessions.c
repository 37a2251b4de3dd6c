/*
 * Where accounts are signed in: seeing it, ending it, and signing in a program that waits with a
 * code.
 */
#include "cli/commands.h"

#include "cli/confirm.h"
#include "cli/people.h"

#include "base/banned.h"

static err run_list(struct cli *cli)
{
	static const struct view views[] = {
		{"PROGRAM", "user_agent", VIEW_TEXT, COLUMN_SHRINK},
		{"BY", "methods", VIEW_TEXT, COLUMN_SHRINK},
		{"LAST USED", "last_used_at", VIEW_TIME, 0},
		{"THIS ONE", "current", VIEW_TEXT, 0},
		{"NETWORK", "ip_prefix", VIEW_TEXT, COLUMN_DROP},
		{"ENDS", "expires_at", VIEW_TIME, COLUMN_DROP},
		{"ID", "id", VIEW_TEXT, COLUMN_BELOW},
	};

	const char *path =
		cli_text(cli, "account") ? "/admin/accounts/{account}/sessions" : "/me/sessions";
	json_t *list, *session;
	size_t i;
	err e = request_list(cli, request_path(cli, path), &list);

	if (e != OK)
		return e;
	if (!cli->json)
		json_array_foreach(json_object_get(list, "items"), i, session)
			methods_to_words(session);
	return command_show_list(cli, list, views, ARRAY_LEN(views), "No sessions");
}

static err run_end(struct cli *cli)
{
	unsigned given =
		!!cli_text(cli, "session") + !!cli_text(cli, "account") + cli_flag(cli, "others");

	if (given != 1)
		return cli_fail(cli, ERR_INVALID, "usage",
			"name a SESSION of yours, or end --others of yours, or all of an --account");
	if (cli_text(cli, "session"))
		return command_act(cli, "DELETE", "/me/sessions/{session}", "Ended");
	if (cli_text(cli, "account"))
		return command_act(cli, "DELETE", "/admin/accounts/{account}/sessions",
			"All its sessions and tokens have ended");
	return command_act(cli, "DELETE", "/me/sessions", "All your other sessions have ended");
}

/* A program that waits ------------------------------------------------------------------------- */

static err decide(struct cli *cli, bool approve)
{
	json_t *body = json_pack(
		       "{s:s, s:b}", "user_code", cli_text(cli, "code"), "approve", approve),
	       *answer = NULL;
	err e = session_call(cli, "POST", "/oauth/device", body, &answer);

	json_decref(body);
	json_decref(answer);
	return e;
}

/* Shows what asks, and from where: a stranger's code would sign the stranger in. */
static err run_approve(struct cli *cli)
{
	json_t *waiting = NULL;
	err e = session_call(cli, "GET", request_query(cli, "/oauth/device"), NULL, &waiting);

	if (e == OK && command_will_ask(cli))
		e = view_object(cli, waiting);
	json_decref(waiting);
	if (e == OK)
		e = command_confirm(cli, "Is this you? It will be signed in as you.");
	if (e == OK)
		e = decide(cli, true);
	if (e == OK && !cli->json)
		fputs("Approved; the program goes on by itself\n", cli->out);
	return e;
}

static err run_refuse(struct cli *cli)
{
	err e = decide(cli, false);

	if (e == OK && !cli->json)
		fputs("Refused; nobody was signed in\n", cli->out);
	return e;
}

static const struct option list_options[] = {
	{"account", "ACCOUNT", VALUE_TEXT, 0, "of this account; without it your own",
		.source = &source_accounts},
	LIMIT_OPTION,
	{0},
};
static const struct option end_arguments[] = {
	{"session", "SESSION", VALUE_TEXT, 0, "id of a session of yours, from `session list`"},
	{0},
};
static const struct option end_options[] = {
	{"others", NULL, VALUE_FLAG, 0, "all of yours but the one this command uses"},
	{"account", "ACCOUNT", VALUE_TEXT, 0, "all sessions and tokens of this account",
		.source = &source_accounts},
	{0},
};
static const struct option code_argument[] = {
	{"code", "CODE", VALUE_TEXT, OPTION_REQUIRED, "what the program shows, like BCDF-GHJK",
		.member = "user_code"},
	{0},
};
static const struct option approve_options[] = {YES_OPTION, {0}};

static const struct command commands[] = {
	{.path = "session list",
		.summary = "list where you are signed in, or another account is",
		.options = list_options,
		.run = run_list,
		.examples = "slipway session list\n"
			    "slipway session list --account jo@example.com"},
	{.path = "session end",
		.summary = "sign out elsewhere, or sign another account out everywhere",
		.about = "In force at the API at once, and for downloads within 2 s.",
		.arguments = end_arguments,
		.options = end_options,
		.run = run_end,
		.examples = "slipway session end --others\n"
			    "slipway session end --account jo@example.com"},
	{.path = "session approve",
		.summary = "sign in, as yourself, a program that shows a code",
		.about = "What the page /device does. It shows what asks and from where, and asks "
			 "whether that is you: approve no code that somebody gave you.",
		.arguments = code_argument,
		.options = approve_options,
		.run = run_approve,
		.examples = "slipway session approve BCDF-GHJK"},
	{.path = "session refuse",
		.summary = "refuse a program that shows a code",
		.arguments = code_argument,
		.run = run_refuse},
};
const struct command_table session_commands = {commands, ARRAY_LEN(commands)};
