/*
 * Roles: what accounts may do, as sets of permissions.
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/people.h"

#include "base/banned.h"

static bool has(const json_t *list, const char *word)
{
	size_t i;
	json_t *one;

	json_array_foreach((json_t *)(uintptr_t)list, i,
		one) if (json_is_string(one) && !strcmp(json_string_value(one), word)) return true;
	return false;
}

/* Permissions with their meaning: of a role, or (names NULL) all. */
static err show_permissions(struct cli *cli, const json_t *names)
{
	static const struct view views[] = {
		{"PERMISSION", "name", VIEW_TEXT, 0},
		{"MEANING", "meaning", VIEW_TEXT, COLUMN_SHRINK},
	};
	json_t *page = NULL, *item, *shown = json_array();
	size_t i;
	err e = session_call(cli, "GET", "/permissions", NULL, &page);

	json_array_foreach(json_object_get(page, "items"), i,
		item) if (!names || has(names, json_string_value(json_object_get(item, "name"))))
		json_array_append(shown, item);
	if (e == OK)
		e = view_table(cli, shown, views, ARRAY_LEN(views), "No permissions");
	json_decref(shown);
	json_decref(page);
	return e;
}

static err run_permissions(struct cli *cli)
{
	return cli->json ? command_show(cli, "/permissions") : show_permissions(cli, NULL);
}

static err run_list(struct cli *cli)
{
	static const struct view views[] = {
		{"NAME", "name", VIEW_TEXT, COLUMN_SHRINK},
		{"TITLE", "title", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
		{"HOLDERS", "holders", VIEW_TEXT, COLUMN_RIGHT | COLUMN_DROP},
		{"PERMISSIONS", "count", VIEW_TEXT, COLUMN_RIGHT},
		{"PRODUCTS", "reach", VIEW_TEXT, COLUMN_SHRINK},
	};
	json_t *list, *role;
	size_t i;
	err e = request_list(cli, "/admin/roles", &list);

	if (e != OK)
		return e;
	if (!cli->json)
		json_array_foreach(json_object_get(list, "items"), i, role)
		{
			const json_t *products = json_object_get(role, "products");

			json_object_set_new(role, "count",
				json_integer((json_int_t)json_array_size(
					json_object_get(role, "permissions"))));
			if (json_array_size(products))
				json_object_set(role, "reach", json_object_get(role, "products"));
			else
				json_object_set_new(role, "reach",
					json_string(json_is_true(json_object_get(
							    role, "own_organisation"))
							    ? "own organisation"
							    : "all"));
		}
	return command_show_list(cli, list, views, ARRAY_LEN(views), "No roles");
}

/* Takes role. */
static err show_role(struct cli *cli, json_t *role)
{
	json_t *names;
	err e;

	if (cli->json)
		return command_answer(cli, role);
	names = json_incref(json_object_get(role, "permissions"));
	json_object_del(role, "permissions");
	if (json_integer_value(json_object_get(role, "max_sessions")) == 0)
		json_object_set_new(
			role, "max_sessions", json_string("as the setting session.limit says"));
	e = command_answer(cli, role);
	if (e == OK && json_array_size(names)) {
		fputc('\n', cli->out);
		e = show_permissions(cli, names);
	}
	json_decref(names);
	return e;
}

static err run_show(struct cli *cli)
{
	json_t *role = NULL;
	err e = session_call(cli, "GET", request_path(cli, "/admin/roles/{role}"), NULL, &role);

	return e == OK ? show_role(cli, role) : e;
}

static err run_create(struct cli *cli)
{
	json_t *body = request_body(cli), *role = NULL;
	err e = session_call(cli, "POST", "/admin/roles", body, &role);

	json_decref(body);
	return e == OK ? show_role(cli, role) : e;
}

/* The role's permissions with --add and without --remove. */
static err edit_permissions(struct cli *cli, json_t *body)
{
	size_t added, removed, i;
	const char *const *add = cli_texts(cli, "add", &added);
	const char *const *remove = cli_texts(cli, "remove", &removed);
	json_t *role = NULL, *list = json_array(), *one;
	err e;

	if (added + removed == 0) {
		json_decref(list);
		return OK;
	}
	e = json_object_get(body, "permissions")
		    ? cli_fail(cli, ERR_INVALID, "usage",
			      "--permission replaces all: with it, --add and --remove mean nothing")
		    : session_call(
			      cli, "GET", request_path(cli, "/admin/roles/{role}"), NULL, &role);
	json_array_foreach(json_object_get(role, "permissions"), i, one)
	{
		bool stays = true;

		for (size_t r = 0; r < removed; r++)
			stays &= strcmp(json_string_value(one), remove[r]) != 0;
		if (stays)
			json_array_append(list, one);
	}
	for (size_t a = 0; a < added; a++)
		if (!has(list, add[a]))
			json_array_append_new(list, json_string(add[a]));
	if (e == OK)
		json_object_set(body, "permissions", list);
	json_decref(list);
	json_decref(role);
	return e;
}

static err run_update(struct cli *cli)
{
	json_t *body = request_body(cli), *role = NULL;
	err e = edit_permissions(cli, body);

	if (cli_flag(cli, "any-product"))
		json_object_set_new(body, "products", json_array());
	if (cli_flag(cli, "any-org"))
		json_object_set_new(body, "own_organisation", json_false());
	if (e == OK && json_object_size(body) == 0)
		e = cli_fail(cli, ERR_INVALID, "usage", "say what to change: see --help");
	if (e == OK)
		e = session_call(
			cli, "PATCH", request_path(cli, "/admin/roles/{role}"), body, &role);
	json_decref(body);
	return e == OK ? show_role(cli, role) : e;
}

static err run_delete(struct cli *cli)
{
	return command_act(cli, "DELETE", "/admin/roles/{role}", "Deleted");
}

#define PERMISSION_OPTION(flags, help)                                                             \
	{                                                                                          \
		"permission", "NAME", VALUE_TEXT, OPTION_MANY | (flags), help,                     \
			.member = "permissions", .source = &source_permissions                     \
	}
#define REACH_OPTIONS                                                                              \
	{"title", "TEXT", VALUE_TEXT, 0, "what people call it", .member = "title"},                \
		{"product", "PRODUCT", VALUE_TEXT, OPTION_MANY,                                    \
			"its permissions are for this product only", .member = "products",         \
			.source = &source_products},                                               \
		{"own-org", NULL, VALUE_FLAG, 0,                                                   \
			"its permissions are for the holder's own organisation only",              \
			.member = "own_organisation"},                                             \
	{                                                                                          \
		"max-sessions", "N", VALUE_COUNT, 0,                                               \
			"sessions of one account at the same time; 0: as session.limit says",      \
			.member = "max_sessions"                                                   \
	}

static const struct option create_arguments[] = {
	{"name", "NAME", VALUE_TEXT, OPTION_REQUIRED,
		"its name: a-z, 0-9 and '-'; it never changes", .member = "name"},
	{0},
};
static const struct option create_options[] = {
	PERMISSION_OPTION(
		OPTION_REQUIRED, "what its holders may do: of `slipway role permissions`"),
	REACH_OPTIONS,
	{0},
};
static const struct option role_argument[] = {
	{"role", "ROLE", VALUE_TEXT, OPTION_REQUIRED, "the role's name", .source = &source_roles},
	{0},
};
static const struct option update_options[] = {
	{"add", "NAME", VALUE_TEXT, OPTION_MANY, "its holders may do this, too",
		.source = &source_permissions},
	{"remove", "NAME", VALUE_TEXT, OPTION_MANY, "they may not do this any more",
		.source = &source_permissions},
	PERMISSION_OPTION(0, "what they may do, instead of what it was"),
	REACH_OPTIONS,
	{"any-product", NULL, VALUE_FLAG, 0, "its permissions are for all products"},
	{"any-org", NULL, VALUE_FLAG, 0, "its permissions are not kept to an organisation"},
	{0},
};
static const struct command commands[] = {
	{.path = "role list", .summary = "list roles", .run = run_list},
	{.path = "role permissions",
		.summary = "list all permissions, and what each permits",
		.run = run_permissions},
	{.path = "role show",
		.summary = "show a role, and what its holders may do",
		.arguments = role_argument,
		.run = run_show,
		.examples = "slipway role show user"},
	{.path = "role create",
		.summary = "make a role",
		.about =
			"A role is a set of permissions, for all products or some, everywhere or in "
			"the holder's own organisation. admin, user and guest are built in. Nobody "
			"makes a role that reaches further than their own.",
		.arguments = create_arguments,
		.options = create_options,
		.run = run_create,
		.examples = "slipway role create release-manager --title \"Release manager\" "
			    "--permission release.read.draft --permission release.write "
			    "--permission upload.write --permission release.publish.beta --product "
			    "myvpn\n"
			    "slipway role create org-admin --permission account.read --permission "
			    "account.write --own-org",
		.next = "`slipway account set-role ACCOUNT ROLE`, or invite somebody with it."},
	{.path = "role update",
		.summary = "change a role, for everybody who has it",
		.about = "In force at once; nobody has to sign in again.",
		.arguments = role_argument,
		.options = update_options,
		.run = run_update,
		.examples = "slipway role update release-manager --add release.publish.stable"},
	{.path = "role delete",
		.summary = "remove a role nobody has",
		.arguments = role_argument,
		.run = run_delete},
};
const struct command_table role_commands = {commands, ARRAY_LEN(commands)};
