/*
 * Mail: whether the server can send it.
 */
#include "cli/commands.h"

#include "cli/request.h"

#include "base/banned.h"

static err run_test(struct cli *cli)
{
	return command_act(cli, "POST", "/admin/mail/test", "Sent; now look whether it arrives");
}

static const struct option address_argument[] = {
	{"address", "ADDRESS", VALUE_TEXT, OPTION_REQUIRED, "where to", .member = "address"},
	{0},
};

static const struct command commands[] = {
	{.path = "mail test",
		.summary = "send a test mail and say what the mail server answers",
		.arguments = address_argument,
		.run = run_test,
		.examples = "slipway mail test you@example.com"},
};
const struct command_table mail_commands = {commands, ARRAY_LEN(commands)};
