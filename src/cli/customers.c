/*
 * Whom packages are for: licences and the devices activated on them.
 */
#include "cli/commands.h"

#include <string.h>

#include "base/time.h"
#include "cli/request.h"

#include "base/banned.h"

/* For people, a licence that is over is so in its state; the API says when it ends. */
static void mark_expired(const struct cli *cli, json_t *licence)
{
	const char *state = json_string_value(json_object_get(licence, "state"));
	const char *expires = json_string_value(json_object_get(licence, "expires_at"));
	int64_t expires_us;

	if (!cli->json && state && !strcmp(state, "active") && expires &&
		time_parse(span_from(expires), &expires_us) == OK && expires_us <= cli->now_us)
		json_object_set_new(licence, "state", json_string("expired"));
}

/* Takes licence. */
static err show_licence(struct cli *cli, json_t *licence)
{
	mark_expired(cli, licence);
	return command_answer(cli, licence);
}

static err run_licence_create(struct cli *cli)
{
	json_t *body = request_body(cli), *licence;
	err e = session_call(cli, "POST", "/admin/licences", body, &licence);

	json_decref(body);
	if (e != OK)
		return e;
	if (cli->json)
		json_object_set(licence, "licence_id", json_object_get(licence, "id"));
	e = show_licence(cli, licence);
	if (e == OK && !cli->json)
		cli_note(cli, "keep the licence key now: it is not shown again");
	return e;
}

static err run_licence_list(struct cli *cli)
{
	static const struct view views[] = {
		{"ACCOUNT", "account", VIEW_TEXT, COLUMN_SHRINK},
		{"PRODUCT", "product", VIEW_TEXT, COLUMN_SHRINK},
		{"STATE", "state", VIEW_TEXT, COLUMN_TONE},
		{"EXPIRES", "expires_at", VIEW_TIME, COLUMN_DROP},
		{"DEVICES", "devices", VIEW_TEXT, COLUMN_RIGHT | COLUMN_DROP},
		{"AT MOST", "max_devices", VIEW_MOST, COLUMN_RIGHT | COLUMN_DROP},
		{"ID", "id", VIEW_TEXT, COLUMN_BELOW},
	};
	json_t *list, *licence;
	size_t i;
	err e = request_list(cli, request_query(cli, "/admin/licences"), &list);

	if (e != OK)
		return e;
	json_array_foreach(json_object_get(list, "items"), i, licence) mark_expired(cli, licence);
	return command_show_list(cli, list, views, ARRAY_LEN(views),
		"No licences yet: slipway licence create --help");
}

/* Any method on the licence that the argument names. Takes body. */
static err licence_act(struct cli *cli, const char *method, json_t *body)
{
	json_t *licence;
	err e = session_call(
		cli, method, request_path(cli, "/admin/licences/{licence}"), body, &licence);

	json_decref(body);
	return e == OK ? show_licence(cli, licence) : e;
}

static err run_licence_show(struct cli *cli)
{
	return licence_act(cli, "GET", NULL);
}

static err run_licence_suspend(struct cli *cli)
{
	return licence_act(cli, "PATCH", json_pack("{s:s}", "state", "suspended"));
}

static err run_licence_resume(struct cli *cli)
{
	return licence_act(cli, "PATCH", json_pack("{s:s}", "state", "active"));
}

static err run_licence_extend(struct cli *cli)
{
	return licence_act(cli, "PATCH", request_body(cli));
}

static err run_device_list(struct cli *cli)
{
	static const struct view views[] = {
		{"NAME", "name", VIEW_TEXT, COLUMN_SHRINK},
		{"ACCOUNT", "account", VIEW_TEXT, COLUMN_SHRINK},
		{"STATE", "state", VIEW_TEXT, COLUMN_TONE},
		{"LAST SEEN", "last_seen_at", VIEW_TIME, 0},
		{"PLATFORM", "platform", VIEW_TEXT, COLUMN_DROP},
		{"PRODUCT", "product", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
		{"ID", "id", VIEW_TEXT, COLUMN_BELOW},
	};
	json_t *list, *device;
	size_t i;
	err e = request_list(cli, request_query(cli, "/admin/devices"), &list);

	if (e != OK)
		return e;
	if (!cli->json)
		json_array_foreach(json_object_get(list, "items"), i, device) json_object_set_new(
			device, "platform",
			json_sprintf("%s-%s", json_string_value(json_object_get(device, "os")),
				json_string_value(json_object_get(device, "arch"))));
	return command_show_list(cli, list, views, ARRAY_LEN(views), "No devices");
}

static err run_device_show(struct cli *cli)
{
	return command_show(cli, "/admin/devices/{device}");
}

static err run_device_revoke(struct cli *cli)
{
	return command_act(cli, "DELETE", "/admin/devices/{device}", "Revoked");
}

static err run_device_admit(struct cli *cli)
{
	json_t *body = json_pack("{s:s}", "state", "active"), *device;
	err e = session_call(
		cli, "PATCH", request_path(cli, "/admin/devices/{device}"), body, &device);

	json_decref(body);
	return e == OK ? command_answer(cli, device) : e;
}

static const struct option licence_argument[] = {
	{"licence", "LICENCE", VALUE_TEXT, OPTION_REQUIRED, "the licence's id"},
	{0},
};
static const struct option licence_create_options[] = {
	{"account", "ACCOUNT", VALUE_TEXT, OPTION_REQUIRED, "e-mail address or id of the customer",
		.member = "account"},
	{"product", "PRODUCT", VALUE_TEXT, OPTION_REQUIRED, "name or id of the product",
		.member = "product"},
	{"entitlement", "CODE", VALUE_TEXT, OPTION_MANY,
		"what the licence entitles to; packages may ask for such a code",
		.member = "entitlements"},
	{"max-devices", "N", VALUE_COUNT, 0, "devices it can be activated on; 0: any number",
		.member = "max_devices"},
	{"plan", "TEXT", VALUE_TEXT, 0, "name of what was bought", .member = "plan"},
	{"org", "ORGANISATION", VALUE_TEXT, 0, "organisation it belongs to",
		.member = "organisation"},
	{"starts", "TIME", VALUE_TIME, 0, "valid from: date, time or 30d (from now)",
		.member = "starts_at"},
	{"expires", "TIME", VALUE_TIME, 0, "valid until: date, time or 365d (from now)",
		.member = "expires_at"},
	{0},
};
static const struct option licence_list_options[] = {
	{"account", "ACCOUNT", VALUE_TEXT, 0, "only of this customer", .member = "account"},
	{"product", "PRODUCT", VALUE_TEXT, 0, "only for this product", .member = "product"},
	LIMIT_OPTION,
	{0},
};
static const struct option licence_extend_options[] = {
	{"expires", "TIME", VALUE_TIME, OPTION_REQUIRED,
		"the new end: date, time or 365d (from now)", .member = "expires_at"},
	{0},
};
static const struct option device_argument[] = {
	{"device", "DEVICE", VALUE_TEXT, OPTION_REQUIRED, "the device's id"},
	{0},
};
static const struct option device_list_options[] = {
	{"licence", "LICENCE", VALUE_TEXT, 0, "only those activated on this licence",
		.member = "licence"},
	{"account", "ACCOUNT", VALUE_TEXT, 0, "only those of this customer (e-mail address or id)",
		.member = "account"},
	LIMIT_OPTION,
	{0},
};

static const struct command commands[] = {
	{.path = "licence create",
		.summary = "give a customer a licence",
		.about = "The answer has the licence key; it is shown this once. The customer "
			 "enters "
			 "it on each device.",
		.options = licence_create_options,
		.run = run_licence_create,
		.examples = "slipway licence create --account jo@example.com --product myvpn "
			    "--entitlement vpn-client --max-devices 3 --expires 365d",
		.next = "on the device: slipway-update --server URL --product myvpn --platform "
			"linux-amd64 --installed 0.0.0 --licence-key KEY download --output ."},
	{.path = "licence list",
		.summary = "list licences",
		.options = licence_list_options,
		.run = run_licence_list},
	{.path = "licence show",
		.summary = "show a licence",
		.arguments = licence_argument,
		.run = run_licence_show},
	{.path = "licence suspend",
		.summary = "suspend a licence; its devices lose access at once",
		.arguments = licence_argument,
		.run = run_licence_suspend,
		.next = "`slipway licence resume` gives it back."},
	{.path = "licence resume",
		.summary = "make a suspended licence valid again",
		.arguments = licence_argument,
		.run = run_licence_resume},
	{.path = "licence extend",
		.summary = "move the end of a licence",
		.arguments = licence_argument,
		.options = licence_extend_options,
		.run = run_licence_extend,
		.examples = "slipway licence extend lic_01h455vb4pex5vsknk084sn02q --expires 365d"},
	{.path = "device list",
		.summary = "list activated devices",
		.options = device_list_options,
		.run = run_device_list},
	{.path = "device show",
		.summary = "show a device",
		.arguments = device_argument,
		.run = run_device_show},
	{.path = "device revoke",
		.summary = "take a device off its licence; its tokens end at once",
		.arguments = device_argument,
		.run = run_device_revoke,
		.next = "`slipway device admit` lets it activate again."},
	{.path = "device admit",
		.summary = "let a revoked device activate again",
		.arguments = device_argument,
		.run = run_device_admit},
};
const struct command_table customer_commands = {commands, ARRAY_LEN(commands)};
