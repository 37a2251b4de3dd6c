/*
 * slipway-update around libslipway: settings from options, signals, progress, failures.
 */
#include "app.h"

#include <string.h>

#include "cli/interrupt.h"
#include "crypto/minisign.h"
#include "sys/clock.h"
#include "sys/files.h"

#define KEYS_MAX 16

static bool is_stopped(void *ctx)
{
	(void)ctx;
	return interrupt_seen();
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
		cli_hint_certificate(cli, span_from(p->detail), cli_text(cli, "ca"));
	else if (!strcmp(p->code, "settings"))
		cli_hint(cli, "--server, --product, --platform and --installed say what is kept up "
			      "to date, and where from");
	else if (!strcmp(p->code, "package_unknown"))
		cli_hint(cli, "it is damaged, or from somewhere else: download it again");
	else if (!strcmp(p->code, "no_space"))
		cli_hint(cli, "make room, or name another place with --output");
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

err app_explain(struct app *app, enum slipway_status status)
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

err app_read_text(struct cli *cli, const char *path, const char **ret)
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
		e = app_read_text(cli, files[i], &keys[i]);
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
		e = app_read_text(cli, cli_text(cli, "licence-key-file"), &t.licence_key);
	if (e == OK)
		e = read_keys(cli, &t.publisher_keys);
	*ret = t;
	return e;
}

static void close_client(void *client)
{
	slipway_close(client);
}

err app_open(struct cli *cli, struct app *app)
{
	struct slipway_settings settings;
	struct slipway_problem problem;
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
	interrupt_watch();
	return OK;
}
