/*
 * Products and releases.
 */
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

#include "cli/release_ref.h"
#include "cli/request.h"
#include "sys/files.h"

#include "base/banned.h"

#define NOTES_MAX (256 * 1024)

static err put_file(struct cli *cli, json_t *body, const char *member, const char *path, size_t max)
{
	AUTO(buf) text = {0};
	json_t *value;
	err e;

	buf_init(&text, max);
	e = file_read(path, &text);
	if (e != OK)
		return cli_fail(cli, e, "file", "%s cannot be read: %s", path,
			e == ERR_TOO_LARGE ? "it is too large" : err_title(e));
	value = json_stringn(buf_str(&text), buf_len(&text));
	if (!value)
		return cli_fail(cli, ERR_INVALID, "file", "%s is no UTF-8 text", path);
	json_object_set_new(body, member, value);
	return OK;
}

/* Products ------------------------------------------------------------------------------------- */

static err run_product_create(struct cli *cli)
{
	return command_create(cli, "/admin/products", "product_id");
}

static err run_product_list(struct cli *cli)
{
	static const struct view views[] = {
		{"NAME", "name", VIEW_TEXT, 0},
		{"TITLE", "title", VIEW_TEXT, COLUMN_SHRINK},
		{"ID", "id", VIEW_TEXT, COLUMN_DROP},
		{"CREATED", "created_at", VIEW_TIME, COLUMN_DROP},
	};

	return command_list(cli, "/admin/products", views, ARRAY_LEN(views),
		"No products yet: slipway product create NAME");
}

static err run_product_show(struct cli *cli)
{
	return command_show(cli, "/admin/products/{product}");
}

static err run_product_edit(struct cli *cli)
{
	json_t *body = request_body(cli), *product = NULL;
	err e;

	if (cli_flag(cli, "any-country")) {
		json_object_set_new(body, "countries_denied", json_array());
		json_object_set_new(body, "countries_allowed", json_array());
	}
	e = session_call(
		cli, "PATCH", request_path(cli, "/admin/products/{product}"), body, &product);
	json_decref(body);
	return e == OK ? command_answer(cli, product) : e;
}

static err run_product_add_key(struct cli *cli)
{
	json_t *body = json_object(), *answer = NULL;
	err e = put_file(cli, body, "public_key", cli_text(cli, "file"), 4096);

	if (e == OK)
		e = session_call(cli, "POST",
			request_path(cli, "/admin/products/{product}/publisher-keys"), body,
			&answer);
	json_decref(body);
	return e == OK ? command_answer(cli, answer) : e;
}

static err run_product_keys(struct cli *cli)
{
	static const struct view views[] = {
		{"ID", "id", VIEW_TEXT, 0},
		{"KEY ID", "key_id", VIEW_TEXT, 0},
		{"PUBLIC KEY", "public_key", VIEW_TEXT, COLUMN_SHRINK},
		{"ADDED", "created_at", VIEW_TIME, COLUMN_DROP},
	};

	return command_list(cli, "/admin/products/{product}/publisher-keys", views,
		ARRAY_LEN(views), "No publisher keys: slipway product add-key PRODUCT FILE");
}

static err run_product_remove_key(struct cli *cli)
{
	return command_act(
		cli, "DELETE", "/admin/products/{product}/publisher-keys/{key}", "Removed");
}

#define PRODUCT_ARGUMENT                                                                           \
	{                                                                                          \
		"product", "PRODUCT", VALUE_TEXT, OPTION_REQUIRED, "the product's name or id"      \
	}

static const struct option product_argument[] = {PRODUCT_ARGUMENT, {0}};
static const struct option product_create_arguments[] = {
	{"name", "NAME", VALUE_TEXT, OPTION_REQUIRED,
		"what scripts and clients call it: lower-case letters, digits, hyphens",
		.member = "name"},
	{0},
};
#define PRODUCT_OPTIONS                                                                            \
	{"title", "TEXT", VALUE_TEXT, 0, "what people call it", .member = "title"},                \
		{"description", "TEXT", VALUE_TEXT, 0, "what it is", .member = "description"},     \
		{"deny-country", "CODE", VALUE_TEXT, OPTION_MANY,                                  \
			"country that may not download it (two letters, ISO 3166)",                \
			.member = "countries_denied"},                                             \
	{                                                                                          \
		"allow-country", "CODE", VALUE_TEXT, OPTION_MANY,                                  \
			"only these countries may download it", .member = "countries_allowed"      \
	}

static const struct option product_create_options[] = {PRODUCT_OPTIONS, {0}};
static const struct option product_edit_options[] = {
	PRODUCT_OPTIONS,
	{"any-country", NULL, VALUE_FLAG, 0, "no country is denied any longer"},
	{0},
};
static const struct option product_key_arguments[] = {
	PRODUCT_ARGUMENT,
	{"file", "FILE", VALUE_FILE, OPTION_REQUIRED, "the public key (minisign's format)"},
	{0},
};
static const struct option product_remove_key_arguments[] = {
	PRODUCT_ARGUMENT,
	{"key", "ID", VALUE_TEXT, OPTION_REQUIRED, "id of the key, from `slipway product keys`"},
	{0},
};
static const struct option list_options[] = {LIMIT_OPTION, {0}};

/* Releases ------------------------------------------------------------------------------------- */

static const struct view release_views[] = {
	{"ID", "id", VIEW_TEXT, 0},
	{"PRODUCT", "product", VIEW_TEXT, COLUMN_SHRINK},
	{"VERSION", "version", VIEW_TEXT, COLUMN_SHRINK},
	{"STATE", "state", VIEW_TEXT, COLUMN_TONE},
	{"CHANNELS", "channels", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
	{"PUBLISHED", "published_at", VIEW_TIME, COLUMN_DROP},
};

static err run_release_list(struct cli *cli)
{
	return command_list(cli, "/admin/releases", release_views, ARRAY_LEN(release_views),
		"No releases yet: slipway publish --help");
}

/* The release with its packages in it. */
static err run_release_show(struct cli *cli)
{
	const char *id = NULL;
	json_t *release = NULL, *packages = NULL;
	err e = release_ref_get(cli, cli_text(cli, "release"), &id);

	if (e == OK)
		e = session_call(cli, "GET", arena_printf(cli->arena, "/admin/releases/%s", id),
			NULL, &release);
	if (e == OK)
		e = request_list(
			cli, arena_printf(cli->arena, "/admin/packages?release=%s", id), &packages);
	if (e == OK)
		json_object_set(release, "packages", json_object_get(packages, "items"));
	json_decref(packages);
	if (e == OK)
		return command_answer(cli, release);
	json_decref(release);
	return e;
}

/* POST or PATCH to a release with a body (taken; may be NULL); shows the release. */
static err release_act(struct cli *cli, const char *method, const char *verb, json_t *body)
{
	const char *id = NULL;
	json_t *release = NULL;
	err e = release_ref_get(cli, cli_text(cli, "release"), &id);

	if (e == OK)
		e = session_call(cli, method,
			arena_printf(cli->arena, "/admin/releases/%s%s", id, verb),
			body && json_object_size(body) ? body : NULL, &release);
	json_decref(body);
	return e == OK ? command_answer(cli, release) : e;
}

static err run_release_publish(struct cli *cli)
{
	return release_act(cli, "POST", "/publish", NULL);
}

static err run_release_pause(struct cli *cli)
{
	return release_act(cli, "POST", "/pause", NULL);
}

static err run_release_resume(struct cli *cli)
{
	return release_act(cli, "POST", "/resume", NULL);
}

static err run_release_withdraw(struct cli *cli)
{
	return release_act(cli, "POST", "/withdraw", request_body(cli));
}

static err run_release_promote(struct cli *cli)
{
	return release_act(cli, "POST", "/promote", request_body(cli));
}

static err run_release_edit(struct cli *cli)
{
	json_t *body = request_body(cli);

	if (json_object_size(body) == 0) {
		json_decref(body);
		return cli_fail(cli, ERR_INVALID, "usage", "nothing to change was given");
	}
	return release_act(cli, "PATCH", "", body);
}

static err run_release_delete(struct cli *cli)
{
	const char *id = NULL;
	json_t *nothing = NULL;
	err e = release_ref_get(cli, cli_text(cli, "release"), &id);

	if (e == OK)
		e = session_call(cli, "DELETE", arena_printf(cli->arena, "/admin/releases/%s", id),
			NULL, &nothing);
	json_decref(nothing);
	if (e == OK && !cli->json)
		fputs("Deleted\n", cli->out);
	return e;
}

static err show_notes(struct cli *cli)
{
	const char *id = NULL;
	json_t *release;
	AUTO(buf) text = {0};
	err e = release_ref_get(cli, cli_text(cli, "release"), &id);

	if (e == OK)
		e = session_call(cli, "GET", arena_printf(cli->arena, "/admin/releases/%s", id),
			NULL, &release);
	if (e != OK)
		return e;
	if (cli->json)
		return command_answer(cli, release);
	buf_init(&text, 4 * NOTES_MAX);
	text_clean_lines(&text, span_from(json_string_value(json_object_get(release, "notes"))));
	fprintf(cli->out, "%s\n", buf_len(&text) ? buf_str(&text) : "This release has no notes.");
	json_decref(release);
	return OK;
}

static err run_release_notes(struct cli *cli)
{
	json_t *body;
	err e;

	if (!cli_text(cli, "file"))
		return show_notes(cli);
	body = json_object();
	e = put_file(cli, body, "notes", cli_text(cli, "file"), NOTES_MAX);
	if (e == OK)
		return release_act(cli, "PATCH", "", body);
	json_decref(body);
	return e;
}

#define RELEASE_ARGUMENT                                                                           \
	{                                                                                          \
		"release", "RELEASE", VALUE_TEXT, OPTION_REQUIRED,                                 \
			"the release's id, or PRODUCT@VERSION"                                     \
	}

static const struct option release_argument[] = {RELEASE_ARGUMENT, {0}};
static const struct option release_list_options[] = {
	{"product", "PRODUCT", VALUE_TEXT, 0, "only of this product", .member = "product"},
	{"state", "STATE", VALUE_TEXT, 0, "only in this state",
		.choices = "draft published paused withdrawn", .member = "state"},
	LIMIT_OPTION,
	{0},
};
static const struct option reason_options[] = {
	{"reason", "TEXT", VALUE_TEXT, OPTION_REQUIRED, "why; kept with it and in the audit log",
		.member = "reason"},
	{0},
};
static const struct option promote_options[] = {
	{"channel", "CHANNEL", VALUE_TEXT, OPTION_REQUIRED, "the channel to add",
		.choices = CHANNEL_CHOICES, .member = "channel"},
	{0},
};
static const struct option release_edit_options[] = {
	{"eol", "TIME", VALUE_TIME, 0, "when support for it ends", .member = "eol_at"},
	{"critical", NULL, VALUE_FLAG, 0, "mark it as a critical update", .member = "critical"},
	{"mandatory", NULL, VALUE_FLAG, 0, "mark it as one that must be installed",
		.member = "mandatory"},
	{"min-from", "VERSION", VALUE_TEXT, 0, "least version it can be installed over",
		.member = "min_from"},
	{0},
};
static const struct option release_notes_arguments[] = {
	RELEASE_ARGUMENT,
	{"file", "FILE", VALUE_FILE, 0, "Markdown; without it the notes are shown"},
	{0},
};

static const struct command commands[] = {
	{.path = "product create",
		.summary = "create a product",
		.about = "A product is what is installed, like a VPN client; its releases hold the "
			 "packages.",
		.arguments = product_create_arguments,
		.options = product_create_options,
		.run = run_product_create,
		.examples = "slipway product create myvpn --title \"My VPN\"",
		.next = "`slipway publish` uploads its first release; `slipway product add-key` "
			"makes its publisher's key known."},
	{.path = "product list",
		.summary = "list products",
		.options = list_options,
		.run = run_product_list},
	{.path = "product show",
		.summary = "show a product",
		.arguments = product_argument,
		.run = run_product_show,
		.examples = "slipway product show myvpn"},
	{.path = "product edit",
		.summary = "change a product",
		.about = "Lists of countries are replaced as a whole.",
		.arguments = product_argument,
		.options = product_edit_options,
		.run = run_product_edit,
		.examples = "slipway product edit myvpn --deny-country XX --deny-country YY"},
	{.path = "product add-key",
		.summary = "make a publisher's public key known",
		.about =
			"From then on packages of the product are accepted with signatures of this "
			"key only, and clients that pinned it can check them.",
		.arguments = product_key_arguments,
		.run = run_product_add_key,
		.examples = "slipway keygen --output publisher\n"
			    "slipway product add-key myvpn publisher.pub"},
	{.path = "product keys",
		.summary = "list the publisher's keys of a product",
		.arguments = product_argument,
		.options = list_options,
		.run = run_product_keys},
	{.path = "product remove-key",
		.summary = "take a publisher's key away from a product",
		.arguments = product_remove_key_arguments,
		.run = run_product_remove_key},
	{.path = "release list",
		.summary = "list releases",
		.options = release_list_options,
		.run = run_release_list,
		.examples = "slipway release list --product myvpn --state draft"},
	{.path = "release show",
		.summary = "show a release and its packages",
		.arguments = release_argument,
		.run = run_release_show,
		.examples = "slipway release show myvpn@1.2.0"},
	{.path = "release publish",
		.summary = "publish a draft",
		.about = "Clients of its channels are offered it from now on. What is published "
			 "never changes; packages for missing platforms may still be added.",
		.arguments = release_argument,
		.run = run_release_publish,
		.examples = "slipway release publish myvpn@1.2.0",
		.next = "`slipway stats` shows who takes it; `slipway release pause` stops it."},
	{.path = "release pause",
		.summary = "stop offering a release, for now",
		.arguments = release_argument,
		.run = run_release_pause,
		.next = "`slipway release resume` offers it again; `slipway release withdraw` ends "
			"it."},
	{.path = "release resume",
		.summary = "offer a paused release again",
		.arguments = release_argument,
		.run = run_release_resume},
	{.path = "release withdraw",
		.summary = "take a release back for good",
		.about = "Nobody is offered it and nobody may download it any more, whatever token "
			 "they hold. There is no way back: publish a higher version instead.",
		.arguments = release_argument,
		.options = reason_options,
		.run = run_release_withdraw,
		.examples =
			"slipway release withdraw myvpn@1.2.0 --reason \"loses its connection\""},
	{.path = "release promote",
		.summary = "add a release to another channel",
		.arguments = release_argument,
		.options = promote_options,
		.run = run_release_promote,
		.examples = "slipway release promote myvpn@1.2.0 --channel stable"},
	{.path = "release edit",
		.summary = "change what is said about a release",
		.arguments = release_argument,
		.options = release_edit_options,
		.run = run_release_edit,
		.examples = "slipway release edit myvpn@1.0.0 --eol 2027-12-31"},
	{.path = "release delete",
		.summary = "delete a draft with its packages",
		.about = "What was published is not deleted: `slipway release withdraw`.",
		.arguments = release_argument,
		.run = run_release_delete,
		.examples = "slipway release delete myvpn@1.3.0"},
	{.path = "release notes",
		.summary = "show or replace a release's notes",
		.arguments = release_notes_arguments,
		.run = run_release_notes,
		.examples = "slipway release notes myvpn@1.2.0 CHANGES.md"},
};
const struct command_table catalog_commands = {commands, ARRAY_LEN(commands)};
