/*
 * The program `slipway`: the commands that work on this machine's own data directory, together with
 * those that talk to a server (cli/).
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "catalog/inspect.h"
#include "cli/cli.h"
#include "conf/conf.h"
#include "crypto/password.h"
#include "event/tailer.h"
#include "server/control.h"
#include "server/data_layout.h"
#include "server/init.h"
#include "server/names.h"
#include "server/supervise.h"
#include "sys/files.h"
#include "sys/log.h"

#include "base/banned.h"

#define DATA_OPTION                                                                                \
	{                                                                                          \
		"data", "DIR", VALUE_PATH, OPTION_REQUIRED, "The server's data directory", NULL,   \
			NULL, "SLIPWAY_DATA"                                                       \
	}

static err read_password(struct cli *cli, const char *path, struct buf *out)
{
	bool wide = false;
	err e = secret_file_read(path, out, &wide);

	if (e)
		return cli_fail(
			cli, e, "password_file", "%s cannot be read: %s", path, err_title(e));
	if (wide)
		cli_note(cli, "%s can be read by others; chmod 600 it.", path);
	return OK;
}

static void show_init(struct cli *cli, const char *data, const struct init_result *result)
{
	AUTO(buf) text = {0};
	struct json_writer w;

	if (cli->json) {
		buf_init(&text, 65536);
		json_writer_init(&w, &text);
		json_begin_object(&w, NULL);
		json_cstr(&w, "data", data);
		json_cstr(&w, "setup_token", result->setup_token);
		json_end(&w);
		fprintf(cli->out, "%s\n", buf_str(&text));
		return;
	}
	fprintf(cli->out, "%s is ready.\n", data);
	if (result->joined)
		fprintf(cli->out,
			"It is another node of a server that has its administrators already.\n");
	if (result->setup_token)
		fprintf(cli->out,
			"\nThe first administrator is made with this token; it works once, and for "
			"24 hours\n(`slipway setup-token` makes another one):\n\n"
			"  %s\n\n"
			"Start the server, and in another terminal give the token to `setup`:\n\n"
			"  slipway serve --data %s\n"
			"  slipway setup --server https://localhost:8443 --ca %s/" DATA_TLS
			"/ca.pem --email EMAIL\n",
			result->setup_token, data, data);
}

static err run_init(struct cli *cli)
{
	const char *password_file = cli_text(cli, "admin-password-file");
	struct init_plan plan = {
		.data = cli_text(cli, "data"),
		.database = cli_text(cli, "database"),
		.admin_email = cli_text(cli, "admin-email"),
	};
	struct init_result result;
	const char *problem = NULL;
	struct buf password;
	err e = OK;

	if (!plan.database)
		plan.database = "sqlite";
	if (!plan.admin_email != !password_file)
		return cli_fail(cli, ERR_INVALID, "admin",
			"--admin-email and --admin-password-file go together");
	log_init("init", LOG_WARN_LEVEL, STDERR_FILENO);
	buf_init(&password, PASSWORD_MAX_BYTES);
	if (password_file)
		e = read_password(cli, password_file, &password);
	if (e) {
		buf_wipe(&password);
		return e;
	}
	plan.admin_password = buf_span(&password);
	e = init_run(cli->arena, &plan, &result, &problem);
	buf_wipe(&password);
	if (e)
		return cli_fail(cli, e, "init", "%s", problem);
	show_init(cli, plan.data, &result);
	return OK;
}

/* Enters the data directory and loads its settings with the overrides of the command line. */
static err enter(struct cli *cli, const char *component, struct conf **ret)
{
	const char *data = cli_text(cli, "data"), *problem = NULL;
	size_t count;
	const char *const *overrides = cli_texts(cli, "set", &count);
	enum log_level level = LOG_INFO_LEVEL;

	if (!path_exists(arena_printf(cli->arena, "%s/%s", data, DATA_CONF)))
		return cli_fail(cli, ERR_NOT_FOUND, "no_server",
			"%s holds no Slipway server; make one with `slipway init --data %s`", data,
			data);
	if (chdir(data) != 0)
		return cli_fail(cli, ERR_IO, "data", "%s cannot be entered", data);
	err e = conf_load(cli->arena, DATA_CONF, overrides, count, ret, &problem);

	if (e)
		return cli_fail(cli, e, "settings", "%s", problem);
	if (log_level_from_name(span_from(conf_str(*ret, CONF_LOG_LEVEL)), &level))
		log_init(component, level, STDERR_FILENO);
	return OK;
}

static err run_setup_token(struct cli *cli)
{
	AUTO_PTR(conf) conf = NULL;
	const char *token = NULL;
	struct json_writer w;
	AUTO(buf) text = {0};
	err e = enter(cli, "setup-token", &conf);

	if (e)
		return e;
	log_init("setup-token", LOG_WARN_LEVEL, STDERR_FILENO);
	e = init_setup_token(cli->arena, conf, &token);
	if (e)
		return cli_fail(
			cli, e, "database", "the database cannot be changed: %s", err_title(e));
	if (!cli->json) {
		fprintf(cli->out, "%s\n", token);
		return OK;
	}
	buf_init(&text, 1024);
	json_writer_init(&w, &text);
	json_begin_object(&w, NULL);
	json_cstr(&w, "setup_token", token);
	json_end(&w);
	fprintf(cli->out, "%s\n", buf_str(&text));
	return OK;
}

static err run_control(struct cli *cli)
{
	AUTO_PTR(conf) conf = NULL;
	err e = enter(cli, "control", &conf);

	if (e)
		return e;
	int code = control_main(conf);

	return code ? cli_fail(cli, ERR_UNAVAILABLE, "control",
			      "the control plane did not start; "
			      "the log says why")
		    : OK;
}

static int run_tailer(const struct conf *conf)
{
	const struct tailer_plan plan = {
		.directory = DATA_LOG, .socket = DATA_SOCKET, .edge = EDGE_NAME};

	(void)conf; /* nothing of it concerns the tailer */
	return tailer_main(&plan);
}

static err run_tailer_alone(struct cli *cli)
{
	AUTO_PTR(conf) conf = NULL;
	err e = enter(cli, "tailer", &conf);

	if (e)
		return e;
	return run_tailer(conf) ? cli_fail(cli, ERR_UNAVAILABLE, "tailer",
					  "the tailer did not start; the log says why")
				: OK;
}

static err run_serve(struct cli *cli)
{
	const char *https = cli_text(cli, "https"), *http = cli_text(cli, "http"), *problem = NULL;
	size_t count;
	const char *const *settings = cli_texts(cli, "set", &count);
	const char **overrides = arena_alloc(cli->arena, (count + 2) * sizeof(*overrides));
	struct serve_plan plan = {.data_dir = cli_text(cli, "data"),
		.overrides = overrides,
		.control = control_main,
		.tailer = run_tailer};
	err e;

	for (size_t i = 0; i < count; i++)
		overrides[plan.overrides_count++] = settings[i];
	if (https)
		overrides[plan.overrides_count++] =
			arena_printf(cli->arena, "listen.https=%s", https);
	if (http)
		overrides[plan.overrides_count++] =
			arena_printf(cli->arena, "listen.http=%s", http);
	e = serve(cli->arena, &plan, &problem);
	return e ? cli_fail(cli, e, "serve", "%s", problem) : OK;
}

static const struct option init_options[] = {
	DATA_OPTION,
	{"database", "URL", VALUE_TEXT, 0,
		"`sqlite` (default: a file in the data directory) or postgresql://…"},
	{"admin-email", "EMAIL", VALUE_TEXT, 0, "Makes the first administrator right away"},
	{"admin-password-file", "FILE", VALUE_FILE, 0, "Its password, on one line"},
	{0},
};

static const struct option control_options[] = {
	DATA_OPTION,
	{"set", "NAME=VALUE", VALUE_TEXT, OPTION_MANY, "Overrules a setting of slipway.conf"},
	{0},
};

static const struct option serve_options[] = {
	DATA_OPTION,
	{"https", "ADDR:PORT", VALUE_TEXT, 0, "Where to listen for HTTPS (listen.https)"},
	{"http", "ADDR:PORT", VALUE_TEXT, 0,
		"Where to listen for HTTP, which redirects (listen.http)"},
	{"set", "NAME=VALUE", VALUE_TEXT, OPTION_MANY, "Overrules a setting of slipway.conf"},
	{0},
};

static const struct command commands[] = {
	{
		.path = "init",
		.summary = "Make a new server's data directory",
		.about =
			"Makes the directory with its settings, database and signing keys. Without "
			"--admin-email it prints a token, good for one use, by which the first "
			"administrator is made over the network.",
		.options = init_options,
		.run = run_init,
		.examples = "slipway init --data /srv/slipway\n"
			    "slipway init --data /srv/slipway --database "
			    "postgresql://slipway@db/slipway\n",
		.next = "Start it with `slipway serve --data DIR`.",
	},
	{
		.path = "setup-token",
		.summary = "Make a new set-up token (on this machine)",
		.about =
			"For when the token of `slipway init` was lost, or an administrator has lost "
			"the password or the second factor. It replaces an unused token made before, "
			"works once and for 24 hours, and its making and its use are in the audit log. The server may "
			"be running.",
		.options = control_options,
		.run = run_setup_token,
		.examples = "slipway setup-token --data /srv/slipway >token\n",
		.next = "`slipway setup --token-file token --email EMAIL` makes an administrator; "
			"with the address of one who is there it gives that account a new password, "
			"removes its second factors and ends its sessions.",
	},
	{
		.path = "serve",
		.summary = "Run the server in the foreground",
		.about =
			"Starts nginx, the control plane and the event tailer, and starts again what "
			"dies. Prints `ready https://ADDR:PORT` once it answers. Started as root it "
			"runs as the accounts slipway and slipway-web, which it creates. SIGTERM stops "
			"it; SIGHUP makes it read settings and certificates again.",
		.options = serve_options,
		.run = run_serve,
		.examples =
			"slipway serve --data /srv/slipway\n"
			"slipway serve --data /srv/slipway --https 0.0.0.0:443 --http 0.0.0.0:80\n",
	},
	{
		.path = "control",
		.summary = "Run the control plane alone, in the foreground",
		.about =
			"For service managers that run nginx, control plane and tailer as units of "
			"their own; `slipway serve` runs all of them.",
		.options = control_options,
		.run = run_control,
	},
	{
		.path = "tailer",
		.summary = "Run the event tailer alone, in the foreground",
		.about = "Ships nginx's event log to the control plane. For service managers, like "
			 "`slipway control`; it may be stopped and started at any time.",
		.options = control_options,
		.run = run_tailer_alone,
	},
};

int main(int argc, char **argv)
{
	static const struct command_table table = {commands, ARRAY_LEN(commands)};

	if (argc == 1 && !strcmp(argv[0], INSPECT_PROGRAM))
		_exit(inspect_main());
	return cli_main(argc, argv, &table);
}
