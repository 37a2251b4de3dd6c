/*
 * slipway-update: libslipway for the command line. It uses the public header only.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/humane.h"
#include "cli/program.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "slipway.h"
#include "sys/clock.h"
#include "sys/files.h"

#define KEYS_MAX 16

struct app {
	struct cli *cli;
	struct slipway *client;
	const char *label; /* of the bar */
	struct progress bar;
	bool bar_shown;
	uint64_t bytes;
};

static volatile sig_atomic_t stop;

/* The first signal ends the download in order; a second one ends the program. */
static void on_signal(int number)
{
	stop = 1;
	signal(number, SIG_DFL);
}

static bool is_stopped(void *ctx)
{
	(void)ctx;
	return stop;
}

static void on_progress(void *ctx, uint64_t bytes, uint64_t total)
{
	struct app *app = ctx;

	if (cli_is_unwatched(app->cli))
		return;
	if (!app->bar_shown) {
		progress_start(&app->bar, app->cli->errors, span_from(app->label), bytes, total,
			clock_monotonic_us());
		app->bar_shown = true;
	}
	app->bytes = bytes;
	progress_update(&app->bar, bytes, clock_monotonic_us());
}

static void on_note(void *ctx, const char *text)
{
	struct app *app = ctx;

	if (app->bar_shown)
		progress_finish(&app->bar, false, app->bytes, clock_monotonic_us());
	app->bar_shown = false;
	cli_note(app->cli, "%s", text);
}

/* Fails with the words of the library. */
static err explain(struct cli *cli, enum slipway_status status, const struct slipway_problem *p)
{
	err e = ERR_BUG;

	for (unsigned i = 0; i < ERR_COUNT; i++)
		if (err_exit_code((err)i) == (int)status)
			e = (err)i;
	if (p->request_id[0])
		cli->request_id = arena_strdup(cli->arena, p->request_id);
	if (!strcmp(p->code, "certificate"))
		cli_hint(cli, "name the authority that signed it with --ca FILE");
	else if (!strcmp(p->code, "network") || !strcmp(p->code, "timeout"))
		cli_hint(cli, "is there a network, and is the URL right?");
	else if (!strcmp(p->code, "authentication_required") ||
		 !strcmp(p->code, "licence_required"))
		cli_hint(cli, "give a licence key with --licence-key-file or "
			      "SLIPWAY_LICENCE_KEY");
	else if (p->retry_after_s > 0)
		cli_hint(cli, "try again in %lld s", (long long)p->retry_after_s);
	return cli_fail(cli, e, arena_strdup(cli->arena, p->code), "%s", p->detail);
}

static err explain_last(struct app *app, enum slipway_status status)
{
	if (app->bar_shown)
		progress_finish(&app->bar, false, app->bytes, clock_monotonic_us());
	app->bar_shown = false;
	return explain(app->cli, status, slipway_problem_get(app->client));
}

/* "60k", "2M": bytes with a unit. */
static err read_rate(struct cli *cli, uint64_t *ret)
{
	const char *text = cli_text(cli, "limit-rate");
	uint64_t number, unit = 1;
	span s = span_from(text);

	*ret = 0;
	if (!text)
		return OK;
	switch (s.ptr[s.len - 1]) {
	case 'k':
	case 'K':
		unit = 1000;
		break;
	case 'm':
	case 'M':
		unit = 1000000;
		break;
	case 'g':
	case 'G':
		unit = 1000000000;
		break;
	default:
		break;
	}
	if (unit > 1)
		s.len--;
	if (span_to_u64(s, UINT32_MAX, &number) != OK || number == 0)
		return cli_fail(cli, ERR_INVALID, "usage",
			"--limit-rate: \"%s\" is no rate; write 500k or 2M", text);
	*ret = number * unit;
	return OK;
}

static err read_text_file(struct cli *cli, const char *path, const char **ret)
{
	AUTO(buf) text = {0};
	err e;

	buf_init(&text, 65536);
	e = file_read(path, &text);
	if (e != OK)
		return cli_fail(cli, e, "file", "%s cannot be read: %s", path, err_title(e));
	*ret = arena_str(cli->arena, span_trim(buf_span(&text)));
	return **ret ? OK : cli_fail(cli, ERR_INVALID, "file", "%s is empty", path);
}

static err read_keys(struct cli *cli, const char *const **ret)
{
	static const char *keys[KEYS_MAX + 1];
	size_t count;
	const char *const *files = cli_texts(cli, "publisher-key", &count);
	err e = OK;

	if (count > KEYS_MAX)
		return cli_fail(cli, ERR_INVALID, "usage", "more than %d keys", KEYS_MAX);
	for (size_t i = 0; e == OK && i < count; i++)
		e = read_text_file(cli, files[i], &keys[i]);
	keys[count] = NULL;
	*ret = count ? keys : NULL;
	return e;
}

static err fill_settings(struct app *app, struct slipway_settings *ret)
{
	struct cli *cli = app->cli;
	struct slipway_settings t = {
		.api_version = SLIPWAY_API_VERSION,
		.server = cli_text(cli, "server"),
		.ca_file = cli_text(cli, "ca"),
		.product = cli_text(cli, "product"),
		.platform = cli_text(cli, "platform"),
		.installed = cli_text(cli, "installed"),
		.channel = cli_text(cli, "channel"),
		.format = cli_text(cli, "format"),
		.os_version = cli_text(cli, "os-version"),
		.licence_key = cli_text(cli, "licence-key"),
		.device_name = cli_text(cli, "device-name"),
		.state_dir = cli_text(cli, "state"),
		.user_agent = arena_printf(cli->arena, "slipway-update/%s (%s)", slipway_version(),
			cli_text(cli, "platform") ? cli_text(cli, "platform") : "unknown"),
		.cancelled = is_stopped,
		.progress = on_progress,
		.note = on_note,
		.ctx = app,
	};
	err e = read_rate(cli, &t.max_bytes_per_second);

	if (e == OK && cli_text(cli, "licence-key-file"))
		e = read_text_file(cli, cli_text(cli, "licence-key-file"), &t.licence_key);
	if (e == OK)
		e = read_keys(cli, &t.publisher_keys);
	*ret = t;
	return e;
}

static void close_client(void *client)
{
	slipway_close(client);
}

static err open_app(struct cli *cli, struct app *app)
{
	struct slipway_settings settings;
	struct slipway_problem problem;
	struct sigaction action = {.sa_handler = on_signal};
	enum slipway_status status;
	err e;

	*app = (struct app){.cli = cli};
	e = fill_settings(app, &settings);
	if (e != OK)
		return e;
	status = slipway_open(&settings, &app->client, &problem);
	if (status != SLIPWAY_OK)
		return explain(cli, status, &problem);
	arena_on_free(cli->arena, close_client, app->client);
	(void)sigaction(SIGINT, &action, NULL); /* cannot fail for these two */
	(void)sigaction(SIGTERM, &action, NULL);
	return OK;
}

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
		return explain_last(app, status);
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

static void show_update(struct cli *cli, const struct slipway_update *u)
{
	AUTO(buf) out = {0};

	buf_init(&out, 1 << 16);
	if (!u->available) {
		buf_add_str(&out, "No update: ");
		add_words(&out, u->reason);
		if (u->policy) {
			buf_add_str(&out, ", ");
			add_words(&out, u->policy);
		}
		buf_add_byte(&out, '\n');
		fputs(buf_str(&out), cli->out);
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
	add_clean(&out, "Notes     ", u->notes_url);
	add_clean(&out, "Supported until ", u->eol);
	fputs(buf_str(&out), cli->out);
	show_requirements(cli, u);
}

static err run_check(struct cli *cli)
{
	struct slipway_update *u = NULL;
	struct app app;
	err e = open_app(cli, &app);

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
	if (!strcmp(u->reason, "not_entitled"))
		return cli_fail(cli, ERR_DENIED,
			u->policy ? arena_strdup(cli->arena, u->policy) : "not_entitled",
			"There is an update, but this device may not have it (%s)",
			u->policy ? u->policy : u->reason);
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
	err e = open_app(cli, &app);

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
		return explain_last(&app, status);
	if (app.bar_shown)
		progress_finish(&app.bar, true, file->size, clock_monotonic_us());
	show_file(cli, file);
	slipway_file_free(file);
	return OK;
}

/* verify, report ------------------------------------------------------------------------------- */

static err run_verify(struct cli *cli)
{
	const char *path = cli_text(cli, "file"), *signature = NULL;
	enum slipway_signature found = SLIPWAY_SIGNATURE_NOT_REQUIRED;
	enum slipway_status status;
	char sha256[65] = "";
	struct app app;
	AUTO(buf) out = {0};
	struct json_writer w;
	err e = open_app(cli, &app);

	if (e == OK && cli_text(cli, "signature"))
		e = read_text_file(cli, cli_text(cli, "signature"), &signature);
	if (e != OK)
		return e;
	status = slipway_verify(
		app.client, path, cli_text(cli, "sha256"), signature, &found, sha256);
	if (status != SLIPWAY_OK)
		return explain_last(&app, status);
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
	err e = open_app(cli, &app);

	if (e != OK)
		return e;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(stage, names[i]))
			status = slipway_report(app.client, cli_text(cli, "release"),
				(enum slipway_stage)i, cli_text(cli, "error"));
	return status == SLIPWAY_OK ? OK : explain_last(&app, status);
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
	{"release", "ID", VALUE_TEXT, OPTION_REQUIRED, "id of the release"},
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
		.next = "install the file, then `slipway-update report installed --release ID`."},
	{.path = "verify",
		.summary = "check a file that was downloaded",
		.about = "Against --sha256 and --signature (no server is asked then), else against "
			 "what the server knows of the product.",
		.arguments = verify_arguments,
		.options = verify_options,
		.run = run_verify,
		.examples =
			"slipway-update verify myvpn_1.2.0_amd64.deb --publisher-key myvpn.pub \\\n"
			"    --signature myvpn_1.2.0_amd64.deb.minisig --sha256 …"},
	{.path = "report",
		.summary = "tell the server what became of an update",
		.arguments = report_arguments,
		.options = report_options,
		.run = run_report,
		.examples = "slipway-update report installed --release "
			    "rel_01h455vb4pex5vsknk084sn02q …"},
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
	static const struct command *const tables[] = {commands};
	static const size_t counts[] = {ARRAY_LEN(commands)};
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
		.counts = counts,
		.tables_count = 1,
	};

	return cli_run(&program, argc, argv, NULL);
}
