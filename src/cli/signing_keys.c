/*
 * Rotation of the keys the server signs tokens with.
 */
#include "cli/commands.h"

#include "cli/request.h"

#include "base/banned.h"

static err run_list(struct cli *cli)
{
	static const struct view views[] = {
		{"KID", "kid", VIEW_TEXT, 0},
		{"KIND", "kind", VIEW_TEXT, 0},
		{"STATE", "state", VIEW_TEXT, COLUMN_TONE},
		{"SIGNS FROM", "active_at", VIEW_TIME, 0},
		{"ACCEPTED UNTIL", "accepted_until", VIEW_TIME, 0},
	};

	return command_list(cli, "/admin/signing-keys", views, ARRAY_LEN(views), "No signing keys");
}

static err run_rotate(struct cli *cli)
{
	return command_create(cli, "/admin/signing-keys", "signing_key_id");
}

static err run_revoke(struct cli *cli)
{
	return command_act(cli, "DELETE", "/admin/signing-keys/{kid}",
		"Revoked; in force everywhere within 2 s");
}

static const struct option list_options[] = {LIMIT_OPTION, {0}};
static const struct option rotate_options[] = {
	{"kind", "KIND", VALUE_TEXT, OPTION_REQUIRED, "which tokens the new key will sign",
		.choices = "access device download", .member = "kind"},
	{"pkcs11", "URI", VALUE_TEXT, 0,
		"a key that is in the PKCS#11 token of pkcs11.module, instead of a new file",
		.member = "pkcs11_uri"},
	{"soon", NULL, VALUE_FLAG, 0, "sign with it in five seconds, not after key.lead",
		.member = "soon"},
	{0},
};
static const struct option kid_argument[] = {
	{"kid", "KID", VALUE_TEXT, OPTION_REQUIRED, "the key's id, as `signing-key list` shows it"},
	{0},
};

static const struct command commands[] = {
	{.path = "signing-key list",
		.summary = "list the keys the server signs tokens with",
		.about =
			"next: published, signs from the time shown. signing: in use. accepted: its "
			"tokens are good until it is retired.",
		.options = list_options,
		.run = run_list},
	{.path = "signing-key rotate",
		.summary = "make the next signing key of a kind of token",
		.about =
			"The server does this by itself every key.rotation. The new key is published "
			"at once and signs after key.lead; the one before it is accepted until its "
			"last token has ended, then it is retired. Nobody has to sign in again.",
		.options = rotate_options,
		.run = run_rotate,
		.examples = "slipway signing-key rotate --kind access\n"
			    "slipway signing-key rotate --kind download --soon\n"
			    "slipway signing-key rotate --kind access --pkcs11 "
			    "'pkcs11:token=slipway;object=access-2'",
		.next = "`slipway signing-key list` shows when it signs."},
	{.path = "signing-key revoke",
		.summary = "retire a signing key at once; its tokens are refused",
		.about =
			"For a key that others may have: rotate --soon first, and revoke the old key "
			"when the new one signs. Clients get new tokens by their refresh tokens.",
		.arguments = kid_argument,
		.run = run_revoke,
		.examples = "slipway signing-key revoke Qm3vX0a1b2c3"},
};
const struct command_table signing_key_commands = {commands, ARRAY_LEN(commands)};
