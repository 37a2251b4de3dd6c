/*
 * The audit log: what was done, by whom, and whether the log is what was written.
 */
#include "cli/audit.h"

#include <errno.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/request.h"

#include "base/banned.h"

static err run_list(struct cli *cli)
{
	static const struct view views[] = {
		{"SEQ", "seq", VIEW_TEXT, COLUMN_RIGHT},
		{"TIME", "at", VIEW_TIME, 0},
		{"ACTION", "action", VIEW_TEXT, COLUMN_SHRINK},
		{"OUTCOME", "outcome", VIEW_TEXT, COLUMN_TONE | COLUMN_SHRINK},
		{"OBJECT", "object", VIEW_TEXT, 0},
		{"ACTOR", "actor", VIEW_TEXT, COLUMN_DROP},
		{"NETWORK", "ip_prefix", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
	};

	return command_list(cli, "/admin/audit", views, ARRAY_LEN(views), "Nothing yet");
}

static err run_show(struct cli *cli)
{
	return command_show(cli, "/admin/audit/{entry}");
}

static err write_piece(void *ctx, span bytes)
{
	return fwrite(bytes.ptr, 1, bytes.len, ctx) == bytes.len ? OK : err_from_errno(errno);
}

static err fetch(struct cli *cli, FILE *out)
{
	struct session *s;
	struct http_answer a;
	err e = session_get(cli, &s);

	if (e != OK)
		return e;
	const char *path =
		arena_printf(cli->arena, API "%s", request_query(cli, "/admin/audit/export"));
	struct http_request rq = {.method = "GET",
		.url = session_url(cli, s, path),
		.once = true, /* a second attempt would begin again, behind the first one's lines */
		.on_body = write_piece,
		.ctx = out};

	http_answer_init(&a);
	e = session_send(cli, &rq, &a);
	http_answer_done(&a);
	return e;
}

static err run_export(struct cli *cli)
{
	const char *path = cli_text(cli, "output");
	FILE *out = path ? fopen(path, "wxe") : cli->out;

	if (!out)
		return cli_fail(cli, err_from_errno(errno), "file", "%s cannot be made: %s", path,
			strerror(errno));
	err e = fetch(cli, out);
	bool written = path ? fclose(out) == 0 : fflush(out) == 0;

	if (e == OK && !written)
		return cli_fail(cli, err_from_errno(errno), "file", "The log cannot be written: %s",
			strerror(errno));
	if (e == OK && path && !cli->json)
		cli_note(cli, "written to %s", path);
	return e;
}

#define FILTERS                                                                                    \
	{"actor", "ID", VALUE_TEXT, 0, "only what this account, device or key did",                \
		.member = "actor"},                                                                \
		{"action", "NAME", VALUE_TEXT, 0, "only actions that begin so, like release.",     \
			.member = "action"},                                                       \
		{"object", "ID", VALUE_TEXT, 0, "only what was done to this", .member = "object"}, \
		{"outcome", "OUTCOME", VALUE_TEXT, 0, "only with this outcome: ok, refused …",     \
			.member = "outcome"},                                                      \
		{"from", "TIME", VALUE_TEXT, 0, "not before this time (RFC 3339)",                 \
			.member = "from"},                                                         \
		{"to", "TIME", VALUE_TEXT, 0, "before this time (RFC 3339)", .member = "to"},      \
	{                                                                                          \
		"text", "TEXT", VALUE_TEXT, 0, "only entries with this text", .member = "q"        \
	}

static const struct option list_options[] = {FILTERS, LIMIT_OPTION, {0}};
static const struct option export_options[] = {FILTERS,
	{"format", "FORMAT", VALUE_TEXT, 0, "jsonl, the default, or csv", .choices = "jsonl csv",
		.member = "format"},
	{"output", "FILE", VALUE_PATH, 0, "a new file instead of standard output"}, {0}};
static const struct option entry_argument[] = {
	{"entry", "ENTRY", VALUE_TEXT, OPTION_REQUIRED, "the entry's number or id"},
	{0},
};
static const struct option verify_options[] = {
	{"data", "DIR", VALUE_PATH, 0,
		"this data directory, on this machine, without asking the server",
		.env = "SLIPWAY_DATA"},
	{"checkpoints", "FILE", VALUE_FILE, OPTION_MANY,
		"a copy of the checkpoints, kept where the server cannot write"},
	{"accept-restored", NULL, VALUE_FLAG, 0,
		"a backup was restored, and what it did not have is known to be missing",
		.member = "accept_restored"},
	{0},
};

static const struct command commands[] = {
	{.path = "audit list",
		.summary = "list what was done, by whom, the newest first",
		.options = list_options,
		.run = run_list},
	{.path = "audit show",
		.summary = "show an entry of the audit log",
		.arguments = entry_argument,
		.run = run_show},
	{.path = "audit verify",
		.summary = "verify that the audit log is what was written",
		.about =
			"Follows the chain of hashes from the first entry and compares it with the "
			"signed checkpoints: those in the database, the file beside it and the "
			"files named. Finds what was changed, deleted, inserted, moved or cut off. "
			"Exits with 16 when it finds something. docs/audit.md says what can and "
			"cannot be found.",
		.options = verify_options,
		.run = audit_run_verify,
		.examples = "slipway audit verify\n"
			    "sudo slipway audit verify --data /srv/slipway --checkpoints "
			    "/mnt/elsewhere/checkpoints.jsonl"},
	{.path = "audit export",
		.summary = "write the audit log out, the oldest entry first",
		.options = export_options,
		.run = run_export,
		.examples = "slipway audit export --from 2026-01-01T00:00:00Z --format csv "
			    "--output audit.csv"},
};
const struct command_table audit_commands = {commands, ARRAY_LEN(commands)};
