/*
 * What happened and why: downloads, explanations.
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/release_ref.h"
#include "cli/request.h"

#include "base/banned.h"

static const char *text_of(const json_t *object, const char *name, const char *absent)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : absent;
}

/* For people: "myvpn 1.2.0 linux-amd64", and who it was if there is nobody any more. */
static void add_names(json_t *download)
{
	const char *platform = text_of(download, "platform", "");
	bool deleted = json_is_string(json_object_get(download, "account_id"));

	json_object_set_new(download, "package",
		json_sprintf("%s %s%s%s", text_of(download, "product", "?"),
			text_of(download, "version", "?"), *platform ? " " : "", platform));
	if (!json_is_string(json_object_get(download, "account")))
		json_object_set_new(
			download, "account", json_string(deleted ? "(deleted)" : "(anybody)"));
}

static err run_download_list(struct cli *cli)
{
	static const struct view views[] = {
		{"PACKAGE", "package", VIEW_TEXT, COLUMN_SHRINK},
		{"ACCOUNT", "account", VIEW_TEXT, COLUMN_SHRINK},
		{"STATE", "state", VIEW_TEXT, COLUMN_TONE},
		{"BYTES", "bytes", VIEW_SIZE, COLUMN_RIGHT},
		{"GRANTED", "granted_at", VIEW_TIME, 0},
		{"COUNTRY", "country", VIEW_TEXT, COLUMN_DROP},
		{"WHY", "error", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
		{"ID", "id", VIEW_TEXT, COLUMN_BELOW},
	};
	json_t *list, *download;
	size_t i;
	err e = request_list(cli, request_query(cli, "/admin/downloads"), &list);

	if (e != OK)
		return e;
	if (!cli->json)
		json_array_foreach(json_object_get(list, "items"), i, download) add_names(download);
	return command_show_list(cli, list, views, ARRAY_LEN(views), "No downloads yet");
}

static err run_download_show(struct cli *cli)
{
	return command_show(cli, "/admin/downloads/{download}");
}

/* What an administrator can do about a refusal; NULL where there is nothing to do or to add. */
static const char *remedy(const char *reason)
{
	static const char *const remedies[][2] = {
		{"authentication_required", "name whom you ask about: --account or --device"},
		{"account_disabled", "slipway account enable ACCOUNT"},
		{"release_not_published",
			"slipway release publish PRODUCT@VERSION, or resume it when it is paused"},
		{"package_blocked", "slipway package unblock PACKAGE"},
		{"country_restricted", "slipway product edit PRODUCT --any-country"},
		{"licence_required", "slipway licence create --account ACCOUNT --product PRODUCT"},
		{"class_not_permitted", "slipway account set-role ACCOUNT ROLE"},
		{"entitlement_missing",
			"slipway licence create --account ACCOUNT --product PRODUCT --entitlement "
			"CODE"},
		{"licence_suspended", "slipway licence resume LICENCE"},
		{"licence_expired", "slipway licence extend LICENCE --expires TIME"},
		{"device_not_activated",
			"ask about an activated device with --device; slipway device admit admits a "
			"revoked one again"},
	};

	for (size_t i = 0; reason && i < ARRAY_LEN(remedies); i++)
		if (!strcmp(reason, remedies[i][0]))
			return remedies[i][1];
	return NULL;
}

static err run_explain(struct cli *cli)
{
	const char *id = NULL, *todo;
	json_t *answer;
	err e = package_ref_get(cli, cli_text(cli, "package"), &id);

	if (e == OK)
		e = session_call(cli, "GET",
			request_query(
				cli, arena_printf(cli->arena, "/admin/explain?package_id=%s", id)),
			NULL, &answer);
	if (e != OK)
		return e;
	todo = remedy(json_string_value(json_object_get(answer, "reason")));
	if (todo && !cli->json)
		json_object_set_new(answer, "to_do", json_string(todo));
	return command_answer(cli, answer);
}

static const struct option download_list_options[] = {
	{"product", "PRODUCT", VALUE_TEXT, 0, "only of this product", .member = "product"},
	{"package", "PACKAGE", VALUE_TEXT, 0, "only of this package (id)", .member = "package"},
	{"account", "ACCOUNT", VALUE_TEXT, 0, "only of this account (e-mail address or id)",
		.member = "account"},
	{"state", "STATE", VALUE_TEXT, 0, "only in this state",
		.choices = "granted started transferred completed failed", .member = "state"},
	LIMIT_OPTION,
	{0},
};
static const struct option download_argument[] = {
	{"download", "DOWNLOAD", VALUE_TEXT, OPTION_REQUIRED, "the download's id"},
	{0},
};
static const struct option explain_options[] = {
	{"package", "PACKAGE", VALUE_TEXT, OPTION_REQUIRED,
		"the package's id, or PRODUCT@VERSION where the release has one package"},
	{"account", "ACCOUNT", VALUE_TEXT, 0, "may this account have it? (e-mail address or id)",
		.member = "account"},
	{"device", "DEVICE", VALUE_TEXT, 0, "may this device have it? (id; its owner is looked up)",
		.member = "device"},
	{"country", "CODE", VALUE_TEXT, 0, "from this country? (two letters)", .member = "country"},
	{0},
};

static const struct command commands[] = {
	{.path = "download list",
		.summary = "list downloads, the newest first",
		.options = download_list_options,
		.run = run_download_list},
	{.path = "download show",
		.summary = "show what became of a download",
		.arguments = download_argument,
		.run = run_download_show},
	{.path = "explain",
		.summary = "say whether somebody may have a package, and why",
		.about = "The answer comes from the same function that decides.",
		.options = explain_options,
		.run = run_explain,
		.examples = "slipway explain --package myvpn@1.2.0 --account jo@example.com"},
};
const struct command_table activity_commands = {commands, ARRAY_LEN(commands)};
