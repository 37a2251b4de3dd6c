/*
 * What happened and why: downloads, the audit log, explanations.
 */
#include "cli/commands.h"

#include "cli/request.h"

#include "base/banned.h"

static err run_download_list(struct cli *cli)
{
	static const struct view views[] = {
		{"ID", "id", VIEW_TEXT, 0},
		{"FILE", "filename", VIEW_TEXT, COLUMN_SHRINK},
		{"STATE", "state", VIEW_TEXT, COLUMN_TONE},
		{"BYTES", "bytes", VIEW_SIZE, COLUMN_RIGHT},
		{"COUNTRY", "country", VIEW_TEXT, COLUMN_DROP},
		{"GRANTED", "granted_at", VIEW_TIME, COLUMN_DROP},
	};

	return command_list(cli, "/admin/downloads", views, ARRAY_LEN(views), "No downloads yet");
}

static err run_download_show(struct cli *cli)
{
	return command_show(cli, "/admin/downloads/{download}");
}

static err run_audit_list(struct cli *cli)
{
	static const struct view views[] = {
		{"TIME", "at", VIEW_TIME, 0},
		{"ACTION", "action", VIEW_TEXT, COLUMN_SHRINK},
		{"OUTCOME", "outcome", VIEW_TEXT, COLUMN_TONE | COLUMN_SHRINK},
		{"OBJECT", "object", VIEW_TEXT, 0},
		{"ACTOR", "actor", VIEW_TEXT, COLUMN_DROP},
		{"NETWORK", "ip_prefix", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
	};

	return command_list(cli, "/admin/audit", views, ARRAY_LEN(views), "Nothing yet");
}

static err run_explain(struct cli *cli)
{
	return command_show(cli, "/admin/explain");
}

static const struct option download_list_options[] = {
	{"product", "PRODUCT", VALUE_TEXT, 0, "only of this product", .member = "product"},
	{"package", "PACKAGE", VALUE_TEXT, 0, "only of this package (id)", .member = "package"},
	{"account", "ACCOUNT", VALUE_TEXT, 0, "only of this account (id)", .member = "account"},
	{"state", "STATE", VALUE_TEXT, 0, "only in this state",
		.choices = "granted started transferred completed failed", .member = "state"},
	LIMIT_OPTION,
	{0},
};
static const struct option download_argument[] = {
	{"download", "DOWNLOAD", VALUE_TEXT, OPTION_REQUIRED, "the download's id"},
	{0},
};
static const struct option audit_options[] = {
	{"actor", "ID", VALUE_TEXT, 0, "only what this account, device or key did",
		.member = "actor"},
	{"action", "NAME", VALUE_TEXT, 0, "only this action, like release.publish",
		.member = "action"},
	{"object", "ID", VALUE_TEXT, 0, "only what was done to this", .member = "object"},
	LIMIT_OPTION,
	{0},
};
static const struct option explain_options[] = {
	{"package", "PACKAGE", VALUE_TEXT, OPTION_REQUIRED, "the package's id",
		.member = "package_id"},
	{"account", "ACCOUNT", VALUE_TEXT, 0, "may this account have it? (e-mail address or id)",
		.member = "account"},
	{"device", "DEVICE", VALUE_TEXT, 0, "may this device have it? (id)", .member = "device"},
	{"country", "CODE", VALUE_TEXT, 0, "from this country? (two letters)", .member = "country"},
	{0},
};

const struct command activity_commands[] = {
	{.path = "download list",
		.summary = "list downloads, the newest first",
		.options = download_list_options,
		.run = run_download_list},
	{.path = "download show",
		.summary = "show what became of a download",
		.arguments = download_argument,
		.run = run_download_show},
	{.path = "audit list",
		.summary = "list what was done, by whom, the newest first",
		.options = audit_options,
		.run = run_audit_list},
	{.path = "explain",
		.summary = "say whether somebody may have a package, and why",
		.about = "The answer comes from the same function that decides.",
		.options = explain_options,
		.run = run_explain,
		.examples = "slipway explain --package pkg_01h455vb4pex5vsknk084sn02q --account "
			    "jo@example.com"},
};
const size_t activity_commands_count = ARRAY_LEN(activity_commands);
