/*
 * Packages: listing them, blocking their bytes, taking them out of drafts.
 */
#include "cli/commands.h"

#include "cli/release_ref.h"
#include "cli/request.h"

#include "base/banned.h"

static err run_package_list(struct cli *cli)
{
	static const struct view views[] = {
		{"ID", "id", VIEW_TEXT, 0},
		{"FILE", "filename", VIEW_TEXT, COLUMN_SHRINK},
		{"PLATFORM", "platform", VIEW_TEXT, 0},
		{"CLASS", "class", VIEW_TEXT, COLUMN_DROP},
		{"SIZE", "size", VIEW_SIZE, COLUMN_RIGHT},
		{"BLOCKED", "blocked", VIEW_TEXT, COLUMN_DROP},
	};
	const char *path = "/admin/packages", *id;
	err e;

	if (cli_text(cli, "release")) {
		e = release_ref_get(cli, cli_text(cli, "release"), &id);
		if (e != OK)
			return e;
		path = arena_printf(cli->arena, "/admin/packages?release=%s", id);
	}
	return command_list(cli, path, views, ARRAY_LEN(views), "No packages");
}

/* A method on the package that the argument names, or on what is below it. */
static err package_act(struct cli *cli, const char *method, const char *below, const char *done)
{
	const char *id = NULL;
	err e = package_ref_get(cli, cli_text(cli, "package"), &id);

	return e == OK ? command_act(cli, method,
				 arena_printf(cli->arena, "/admin/packages/%s%s", id, below), done)
		       : e;
}

static err run_package_show(struct cli *cli)
{
	return package_act(cli, "GET", "", "");
}

static err run_package_block(struct cli *cli)
{
	return package_act(cli, "POST", "/block", "Blocked");
}

static err run_package_unblock(struct cli *cli)
{
	return package_act(cli, "DELETE", "/block", "No longer blocked");
}

static err run_package_delete(struct cli *cli)
{
	return package_act(cli, "DELETE", "", "Deleted");
}

static const struct option package_argument[] = {
	{"package", "PACKAGE", VALUE_TEXT, OPTION_REQUIRED,
		"the package's id, or PRODUCT@VERSION where the release has one package"},
	{0},
};
static const struct option package_list_options[] = {
	{"release", "RELEASE", VALUE_TEXT, 0, "only of this release: its id, or PRODUCT@VERSION"},
	LIMIT_OPTION,
	{0},
};
static const struct option reason_options[] = {
	{"reason", "TEXT", VALUE_TEXT, OPTION_REQUIRED, "why; kept with it and in the audit log",
		.member = "reason"},
	{0},
};

static const struct command commands[] = {
	{.path = "package list",
		.summary = "list packages",
		.options = package_list_options,
		.run = run_package_list,
		.examples = "slipway package list --release myvpn@1.2.0"},
	{.path = "package show",
		.summary = "show a package",
		.arguments = package_argument,
		.run = run_package_show,
		.examples = "slipway package show myvpn@1.2.0"},
	{.path = "package block",
		.summary = "forbid the download of a package's bytes, everywhere and at once",
		.arguments = package_argument,
		.options = reason_options,
		.run = run_package_block,
		.examples =
			"slipway package block myvpn@1.2.0 --reason \"bundles a library with a hole\"",
		.next = "`slipway package unblock` permits it again; `slipway release withdraw` takes "
			"the whole release back."},
	{.path = "package unblock",
		.summary = "permit a blocked package again",
		.arguments = package_argument,
		.run = run_package_unblock},
	{.path = "package delete",
		.summary = "delete a package of a draft",
		.arguments = package_argument,
		.run = run_package_delete},
};
const struct command_table package_commands = {commands, ARRAY_LEN(commands)};
