/*
 * The `slipway` program: its global options, and the tables its commands come from.
 */
#include "cli/commands.h"
#include "cli/value_sources.h"

#include "base/banned.h"

const struct option slipway_globals[] = {
	{"server", "URL", VALUE_TEXT, 0, "the server; after `slipway login` the one signed in to",
		.env = "SLIPWAY_SERVER"},
	{"ca", "FILE", VALUE_PATH, 0,
		"PEM file of the authority that signed the server's certificate, where the system "
		"does not know it (a new server's: DATA/tls/ca.pem)",
		.env = "SLIPWAY_CA"},
	{"api-key", "KEY", VALUE_TEXT, 0,
		"an API key instead of a sign-in; in the environment other users cannot see it",
		.env = "SLIPWAY_API_KEY"},
	{"token", "TOKEN", VALUE_TEXT, 0, "an access token instead of a sign-in",
		.env = "SLIPWAY_TOKEN"},
	{"id-token-file", "FILE", VALUE_FILE, 0,
		"file with the token that a CI provider gave this job, instead of a sign-in "
		"(environment SLIPWAY_ID_TOKEN: the token itself)"},
	{"json", NULL, VALUE_FLAG, 0, "print the API's answer as JSON instead of a table"},
	{"help", NULL, VALUE_FLAG, 0, "explain the command"},
	{0},
};

#define TABLE_OF(name) &name,

int cli_main(int argc, char **argv, const struct command_table *extra)
{
	const struct command_table *const tables[] = {extra, COMMAND_TABLES(TABLE_OF)};
	const struct program program = {
		.name = "slipway",
		.summary = "hosts installation packages, hands them to those entitled to them",
		.about =
			"Commands of administration talk to a server over HTTPS: name it with "
			"--server (and --ca while it uses its own authority), or sign in once with "
			"`slipway login` and leave both out. `init`, `serve` and `doctor --data` "
			"work "
			"on this machine's data directory.\n"
			"A command that fails says what, why and what to do, and exits with the "
			"code "
			"of its kind: 2 invalid, 3 not signed in, 4 denied, 5 not found, 6 "
			"conflict, "
			"7 expired, 8 too large, 9 too many requests, 10 busy, 11 unavailable, "
			"12 no space, 13 cancelled, 14 out of memory, 15 input or output, "
			"16 damaged data, 17 an error of Slipway itself.",
		.list_values = value_sources_list,
		.globals = slipway_globals,
		.tables = tables,
		.tables_count = ARRAY_LEN(tables),
	};

	return cli_run(&program, argc, argv, NULL);
}
