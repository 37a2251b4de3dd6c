/*
 * slipway-update: libslipway for the command line. It uses the public header only.
 */
#include <string.h>

#include "app.h"
#include "base/json.h"
#include "cli/humane.h"
#include "cli/program.h"
#include "cli/table.h"
#include "sys/clock.h"

/* check ---------------------------------------------------------------------------------------- */

static void free_update(void *update)
{
	slipway_update_free(update);
}

static err check(struct app *app, struct slipway_update **ret)
{
	struct slipway_check_options options = {
		.pin = cli_text(app->cli, "pin"), .manual = cli_flag(app->cli, "manual")};
	enum slipway_status status = slipway_check(app->client, &options, ret);

	if (status != SLIPWAY_OK)
		return app_explain(app, status);
	arena_on_free(app->cli->arena, free_update, *ret);
	return OK;
}

static void show_requirements(struct cli *cli, const struct slipway_update *u)
{
	static const struct column columns[] = {
		{"NEEDS", COLUMN_SHRINK}, {"RANGE", COLUMN_SHRINK}, {"OFFERED", COLUMN_SHRINK}};
	struct table t;
	AUTO(buf) out = {0};

	if (u->requirements_count == 0)
		return;
	buf_init(&out, 1 << 20);
	table_init(&t, cli->arena, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < u->requirements_count; i++) {
		table_add(&t, span_from(u->requirements[i].product));
		table_add(&t, span_from(u->requirements[i].range));
		table_add(&t, span_from(u->requirements[i].version));
	}
	table_write(&t, &cli->terminal, &out);
	fprintf(cli->out, "\n%s", buf_str(&out));
}

static void add_clean(struct buf *out, const char *label, const char *text)
{
	if (!text)
		return;
	buf_add_str(out, label);
	text_clean(out, span_from(text));
	buf_add_byte(out, '\n');
}

/* "licence_expired" as "licence expired". */
static void add_words(struct buf *out, const char *code)
{
	for (; *code; code++)
		buf_add_byte(out, *code == '_' ? ' ' : *code);
}

/* What a customer can do about a refusal; NULL where only the vendor can. */
static const char *remedy(const char *policy)
{
	if (!strcmp(policy, "authentication_required"))
		return "give a licence key with --licence-key-file or SLIPWAY_LICENCE_KEY";
	if (!strcmp(policy, "device_not_activated"))
		return "give the licence key again; if the device was taken off the licence, have "
		       "it admitted first";
	if (!strncmp(policy, "licence_", 8) || !strcmp(policy, "entitlement_missing"))
		return "ask the vendor about the licence";
	return NULL;
}

static void show_no_update(struct cli *cli, const struct slipway_update *u)
{
	AUTO(buf) out = {0};

	buf_init(&out, 1 << 16);
	buf_add_str(&out, "No update: ");
	add_words(&out, u->reason);
	if (u->policy) {
		buf_add_str(&out, ", ");
		add_words(&out, u->policy);
	}
	if (!strcmp(u->reason, "no_release_in_channel"))
		buf_addf(&out, " %s for %s",
			cli_text(cli, "channel") ? cli_text(cli, "channel") : "stable",
			cli_text(cli, "platform"));
	buf_add_byte(&out, '\n');
	if (u->policy && remedy(u->policy))
		buf_addf(&out, "  %s\n", remedy(u->policy));
	fputs(buf_str(&out), cli->out);
}

static void show_update(struct cli *cli, const struct slipway_update *u)
{
	AUTO(buf) out = {0};

	buf_init(&out, 1 << 16);
	if (!u->available) {
		show_no_update(cli, u);
		return;
	}
	add_clean(&out, "Version   ", u->version);
	add_clean(&out, "File      ", u->package.filename);
	buf_add_str(&out, "Size      ");
	humane_size(&out, u->package.size);
	buf_add_byte(&out, '\n');
	add_clean(&out, "Reason    ", u->reason);
	if (u->critical || u->mandatory)
		buf_addf(&out, "Urgency   %s%s%s\n", u->critical ? "critical" : "",
			u->critical && u->mandatory ? ", " : "", u->mandatory ? "mandatory" : "");
	add_clean(&out, "Release   ", u->release_id);
	add_clean(&out, "Notes     ", u->notes_url);
	add_clean(&out, "Supported until ", u->eol);
	fputs(buf_str(&out), cli->out);
	show_requirements(cli, u);
}

static err run_check(struct cli *cli)
{
	struct slipway_update *u = NULL;
	struct app app;
	err e = app_open(cli, &app);

	if (e == OK)
		e = check(&app, &u);
	if (e != OK)
		return e;
	if (cli->json)
		fprintf(cli->out, "%s\n", u->json);
	else
		show_update(cli, u);
	return OK;
}

/* download ------------------------------------------------------------------------------------- */

static void write_file_json(struct json_writer *w, const struct slipway_file *f)
{
	json_begin_object(w, NULL);
	json_bool(w, "update", true);
	json_cstr(w, "file", f->path);
	json_cstr(w, "sha256", f->sha256);
	json_u64(w, "size", f->size);
	json_cstr(w, "version", f->version);
	json_cstr(w, "release_id", f->release_id);
	json_cstr(w, "download_id", f->download_id);
	json_bool(w, "resumed", f->resumed);
	json_u64(w, "received", f->received);
	json_i64(w, "duration_ms", f->duration_ms);
	json_bool(w, "verified", true);
	json_cstr(w, "signature", slipway_signature_name(f->signature));
	json_end(w);
}

static void show_file(struct cli *cli, const struct slipway_file *f)
{
	AUTO(buf) out = {0};
	struct json_writer w;

	buf_init(&out, 1 << 16);
	if (cli->json) {
		json_writer_init(&w, &out);
		write_file_json(&w, f);
		buf_add_byte(&out, '\n');
	} else {
		add_clean(&out, "File       ", f->path);
		add_clean(&out, "Version    ", f->version);
		add_clean(&out, "Release    ", f->release_id);
		add_clean(&out, "SHA-256    ", f->sha256);
		add_clean(&out, "Signature  ",
			f->signature == SLIPWAY_SIGNATURE_VERIFIED ? "verified" : "not required");
		add_clean(
			&out, "Download   ", f->download_id ? f->download_id : "was there already");
	}
	fputs(buf_str(&out), cli->out);
}

static err no_update(struct cli *cli, const struct slipway_update *u)
{
	if (!strcmp(u->reason, "not_entitled")) {
		const char *policy = arena_strdup(cli->arena, u->policy ? u->policy : u->reason);
		AUTO(buf) words = {0};

		buf_init(&words, 1024);
		add_words(&words, policy);
		if (remedy(policy))
			cli_hint(cli, "%s", remedy(policy));
		return cli_fail(cli, ERR_DENIED, policy,
			"There is an update, but this device may not have it: %s", buf_str(&words));
	}
	if (cli->json)
		fprintf(cli->out, "%s\n", u->json);
	else
		show_update(cli, u);
	return OK;
}

static err run_download(struct cli *cli)
{
	struct slipway_update *u = NULL;
	struct slipway_file *file = NULL;
	enum slipway_status status;
	struct app app;
	err e = app_open(cli, &app);

	if (e == OK)
		e = check(&app, &u);
	if (e != OK)
		return e;
	if (!u->available)
		return no_update(cli, u);
	if (!cli->json)
		show_requirements(cli, u);
	app.label = u->package.filename;
	status = slipway_download(app.client, u, cli_text(cli, "output"), &file);
	if (status == SLIPWAY_CANCELLED)
		cli_hint(cli, "run it again to go on where it stopped");
	if (status != SLIPWAY_OK)
		return app_explain(&app, status);
	if (app.bar_shown)
		progress_finish(&app.bar, true, file->size, clock_monotonic_us());
	show_file(cli, file);
	slipway_file_free(file);
	return OK;
}

/* verify, report ------------------------------------------------------------------------------- */

static err check_sha256(struct cli *cli, const char *text)
{
	return !text || (strspn(text, "0123456789abcdef") == 64 && !text[64])
		       ? OK
		       : cli_fail(cli, ERR_INVALID, "usage",
				 "--sha256: \"%s\" is no SHA-256 digest: 64 of 0-9 and a-f", text);
}

static err run_verify(struct cli *cli)
{
	const char *path = cli_text(cli, "file"), *signature = NULL;
	enum slipway_signature found = SLIPWAY_SIGNATURE_NOT_REQUIRED;
	enum slipway_status status;
	char sha256[65] = "";
	struct app app;
	AUTO(buf) out = {0};
	struct json_writer w;
	err e = check_sha256(cli, cli_text(cli, "sha256"));

	if (e == OK)
		e = app_open(cli, &app);
	if (e == OK && cli_text(cli, "signature"))
		e = app_read_text(cli, cli_text(cli, "signature"), &signature);
	if (e != OK)
		return e;
	status = slipway_verify(
		app.client, path, cli_text(cli, "sha256"), signature, &found, sha256);
	if (status != SLIPWAY_OK)
		return app_explain(&app, status);
	buf_init(&out, 65536);
	if (cli->json) {
		json_writer_init(&w, &out);
		json_begin_object(&w, NULL);
		json_cstr(&w, "file", path);
		json_cstr(&w, "sha256", sha256);
		json_bool(&w, "verified", true);
		json_cstr(&w, "signature", slipway_signature_name(found));
		json_end(&w);
		buf_add_byte(&out, '\n');
	} else {
		add_clean(&out, "SHA-256    ", sha256);
		add_clean(&out, "Signature  ",
			found == SLIPWAY_SIGNATURE_VERIFIED ? "verified" : "not required");
	}
	fputs(buf_str(&out), cli->out);
	return OK;
}

static err run_report(struct cli *cli)
{
	static const char *const names[] = {
		"downloaded", "installed", "alive", "failed", "rolled_back"};
	const char *stage = cli_text(cli, "stage");
	enum slipway_status status = SLIPWAY_INVALID;
	struct app app;
	err e = app_open(cli, &app);

	if (e != OK)
		return e;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(stage, names[i]))
			status = slipway_report(app.client, cli_text(cli, "release"),
				(enum slipway_stage)i, cli_text(cli, "error"));
	if (status != SLIPWAY_OK)
		return app_explain(&app, status);
	if (!cli->json)
		fprintf(cli->out, "Reported: %s\n", stage);
	return OK;
}

static err run_completion(struct cli *cli)
{
	AUTO(buf) script = {0};
	err e;

	buf_init(&script, 1 << 16);
	e = completion_script(cli->program, span_from(cli_text(cli, "shell")), &script);
	fputs(buf_str(&script), cli->out);
	return e;
}

static err run_reference(struct cli *cli)
{
	AUTO(buf) text = {0};

	buf_init(&text, 1 << 20);
	reference_write(cli->program, &text);
	fputs(buf_str(&text), cli->out);
	return buf_error(&text);
}

/* Tables --------------------------------------------------------------------------------------- */

static const struct option globals[] = {
	{"server", "URL", VALUE_TEXT, 0, "the Slipway server", .env = "SLIPWAY_SERVER"},
	{"ca", "FILE", VALUE_PATH, 0,
		"PEM file of the authority that signed the server's certificate, where the system "
		"does not know it",
		.env = "SLIPWAY_CA"},
	{"product", "PRODUCT", VALUE_TEXT, 0, "what is updated"},
	{"platform", "OS-ARCH", VALUE_TEXT, 0, "what it runs on, like linux-amd64"},
	{"installed", "VERSION", VALUE_TEXT, 0, "the installed version; 0.0.0 when nothing is"},
	{"channel", "CHANNEL", VALUE_TEXT, 0, "the channel (stable when left out)",
		.choices = "stable beta dev"},
	{"format", "FORMAT", VALUE_TEXT, 0, "only packages of this format: deb, rpm, msi …"},
	{"os-version", "VERSION", VALUE_TEXT, 0, "version of the operating system"},
	{"licence-key-file", "FILE", VALUE_FILE, 0, "file with the licence key"},
	{"licence-key", "KEY", VALUE_TEXT, 0,
		"the licence key itself; in a file or the environment other users cannot see it",
		.env = "SLIPWAY_LICENCE_KEY"},
	{"device-name", "NAME", VALUE_TEXT, 0,
		"what the device is called in lists (the host name when left out)"},
	{"state", "DIR", VALUE_PATH, 0,
		"where the device and its credentials are kept (~/.local/state/slipway-update when "
		"left out)"},
	{"publisher-key", "FILE", VALUE_FILE, OPTION_MANY,
		"public key of the publisher; packages must be signed with it"},
	{"limit-rate", "RATE", VALUE_TEXT, 0,
		"download at most so fast: 500k, 2M (bytes per second)"},
	{"json", NULL, VALUE_FLAG, 0, "print JSON"},
	{"help", NULL, VALUE_FLAG, 0, "explain the command"},
	{0},
};

#define CHECK_OPTIONS                                                                              \
	{"pin", "RANGE", VALUE_TEXT, 0, "hold to a version or range, like 1.2.0 or ~1.2"},         \
	{                                                                                          \
		"manual", NULL, VALUE_FLAG, 0,                                                     \
			"a person asks: do not wait for the turn in a gradual rollout"             \
	}

static const struct option check_options[] = {CHECK_OPTIONS, {0}};
static const struct option download_options[] = {
	{"output", "DIR", VALUE_PATH, OPTION_REQUIRED, "where to put the file"},
	CHECK_OPTIONS,
	{0},
};
static const struct option verify_arguments[] = {
	{"file", "FILE", VALUE_FILE, OPTION_REQUIRED, "the file"},
	{0},
};
static const struct option verify_options[] = {
	{"sha256", "HEX", VALUE_TEXT, 0, "the digest it must have"},
	{"signature", "FILE", VALUE_FILE, 0, "its minisign signature"},
	{0},
};
static const struct option report_arguments[] = {
	{"stage", "STAGE", VALUE_TEXT, OPTION_REQUIRED, "what happened",
		.choices = "downloaded installed alive failed rolled_back"},
	{0},
};
static const struct option report_options[] = {
	{"release", "ID", VALUE_TEXT, OPTION_REQUIRED, "id of the release, as `download` shows it"},
	{"error", "TEXT", VALUE_TEXT, 0, "why it failed"},
	{0},
};
static const struct option completion_arguments[] = {
	{"shell", "SHELL", VALUE_TEXT, OPTION_REQUIRED, "the shell", .choices = "bash zsh fish"},
	{0},
};

static const struct command commands[] = {
	{.path = "check",
		.summary = "ask whether there is an update",
		.about =
			"With a licence key the device is activated first; from then on it is known "
			"by its credentials in the state directory.",
		.options = check_options,
		.run = run_check,
		.examples = "slipway-update check --server https://packages.example.com --product "
			    "myvpn --platform linux-amd64 --installed 1.0.0",
		.next = "`slipway-update download --output DIR` with the same options fetches it."},
	{.path = "download",
		.summary = "download the update, if there is one",
		.about =
			"An interrupted download (also by Ctrl-C or kill -9) goes on where it stopped "
			"when the same command is run again. The file gets its name only when its "
			"digest and, with --publisher-key, its signature are right; the server is "
			"told what became of it.",
		.options = download_options,
		.run = run_download,
		.examples =
			"slipway-update download --output . --server https://packages.example.com \\\n"
			"    --product myvpn --platform linux-amd64 --installed 1.0.0 \\\n"
			"    --licence-key-file key --publisher-key myvpn.pub",
		.next = "install the file, then `slipway-update report installed --release ID`; "
			"`download` has shown the release's id."},
	{.path = "verify",
		.summary = "check a file that was downloaded",
		.about = "Against --sha256, or against what the server knows of the product. With "
			 "--publisher-key also the publisher's signature: --signature, or the one "
			 "the server has. With --sha256, and --signature where a key is given, no "
			 "server is asked.",
		.arguments = verify_arguments,
		.options = verify_options,
		.run = run_verify,
		.examples =
			"slipway-update verify myvpn_1.2.0_amd64.deb --publisher-key myvpn.pub \\\n"
			"    --signature myvpn_1.2.0_amd64.deb.minisig\n"
			"slipway-update verify myvpn_1.2.0_amd64.deb --server "
			"https://packages.example.com --product myvpn --platform linux-amd64 "
			"--installed 1.0.0"},
	{.path = "report",
		.summary = "tell the server what became of an update",
		.arguments = report_arguments,
		.options = report_options,
		.run = run_report,
		.about = "`download` has told it of the download; that the update was installed, "
			 "and still runs, only the machine itself knows.",
		.examples = "slipway-update report installed --release "
			    "rel_01h455vb4pex5vsknk084sn02q --server https://packages.example.com "
			    "--product myvpn --platform linux-amd64 --installed 1.2.0"},
	{.path = "completion",
		.summary = "print the completion script of a shell",
		.arguments = completion_arguments,
		.run = run_completion,
		.examples = "eval \"$(slipway-update completion bash)\""},
	{.path = "reference",
		.summary = "print docs/update.md",
		.run = run_reference,
		.hidden = true},
};

int main(int argc, char **argv)
{
	static const struct command_table table = {commands, ARRAY_LEN(commands)};
	static const struct command_table *const tables[] = {&table};
	static const struct program program = {
		.name = "slipway-update",
		.summary = "keeps an installation up to date from a Slipway server",
		.about =
			"A command that fails says what, why and what to do, and exits with the code "
			"of its kind: 2 invalid, 3 no or ended licence, 4 denied, 5 not found, 9 too "
			"many requests or devices, 10 busy, 11 no network or server, 12 disk full, "
			"13 cancelled, 15 input or output, 16 what was downloaded is damaged (and was "
			"deleted).",
		.globals = globals,
		.tables = tables,
		.tables_count = 1,
	};

	return cli_run(&program, argc, argv, NULL);
}
