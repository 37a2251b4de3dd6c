/*
 * Organisations: customers with several accounts.
 */
#include "cli/commands.h"

#include "cli/people.h"

#include "base/banned.h"

static err run_create(struct cli *cli)
{
	return command_create(cli, "/admin/organisations", "organisation_id");
}

static err run_list(struct cli *cli)
{
	static const struct view views[] = {
		{"NAME", "name", VIEW_TEXT, COLUMN_SHRINK},
		{"CREATED", "created_at", VIEW_TIME, COLUMN_DROP},
		{"ID", "id", VIEW_TEXT, COLUMN_DROP},
	};

	return command_list(cli, "/admin/organisations", views, ARRAY_LEN(views),
		"No organisations yet: slipway org create NAME");
}

static err run_show(struct cli *cli)
{
	return command_show(cli, "/admin/organisations/{organisation}");
}

static err run_update(struct cli *cli)
{
	return command_act(cli, "PATCH", "/admin/organisations/{organisation}", "Renamed");
}

static err run_delete(struct cli *cli)
{
	err e = command_act(cli, "DELETE", "/admin/organisations/{organisation}", "Deleted");

	if (e == ERR_CONFLICT)
		cli_hint(cli,
			"`slipway org members` and `slipway invitation list` show accounts and "
			"invitations of it; licences and packages may belong to it, too");
	return e;
}

static err run_members(struct cli *cli)
{
	static const struct view views[] = {
		{"EMAIL", "email", VIEW_TEXT, COLUMN_SHRINK},
		{"ROLE", "role", VIEW_TEXT, COLUMN_SHRINK},
		{"STATE", "state", VIEW_TEXT, COLUMN_TONE},
		{"LAST SIGN-IN", "last_login_at", VIEW_TIME, COLUMN_DROP},
		{"ID", "id", VIEW_TEXT, COLUMN_DROP},
	};

	return command_list(cli, "/admin/organisations/{organisation}/members", views,
		ARRAY_LEN(views),
		"It has no members: slipway account update ACCOUNT --org ORGANISATION");
}

static const struct option create_arguments[] = {
	{"name", "NAME", VALUE_TEXT, OPTION_REQUIRED, "the organisation's name", .member = "name"},
	{0},
};
static const struct option organisation_argument[] = {
	{"organisation", "ORGANISATION", VALUE_TEXT, OPTION_REQUIRED,
		"the organisation's name or id", .source = &source_organisations},
	{0},
};
static const struct option update_options[] = {
	{"name", "NAME", VALUE_TEXT, OPTION_REQUIRED, "its new name", .member = "name"},
	{0},
};
static const struct option list_options[] = {LIMIT_OPTION, {0}};

static const struct command commands[] = {
	{.path = "org create",
		.summary = "create an organisation",
		.about = "Organisations are customers with several accounts; packages of class "
			 "enterprise belong to one.",
		.arguments = create_arguments,
		.run = run_create,
		.examples = "slipway org create \"Example Ltd\"",
		.next = "`slipway invitation create EMAIL --role ROLE --org NAME` fills it."},
	{.path = "org list",
		.summary = "list organisations",
		.options = list_options,
		.run = run_list},
	{.path = "org show",
		.summary = "show an organisation",
		.arguments = organisation_argument,
		.run = run_show},
	{.path = "org members",
		.summary = "list an organisation's accounts",
		.arguments = organisation_argument,
		.options = list_options,
		.run = run_members,
		.examples = "slipway org members \"Example Ltd\""},
	{.path = "org update",
		.summary = "rename an organisation",
		.arguments = organisation_argument,
		.options = update_options,
		.run = run_update,
		.examples = "slipway org update \"Example Ltd\" --name \"Example plc\""},
	{.path = "org delete",
		.summary = "delete an organisation nothing belongs to",
		.arguments = organisation_argument,
		.run = run_delete},
};
const struct command_table organisation_commands = {commands, ARRAY_LEN(commands)};
