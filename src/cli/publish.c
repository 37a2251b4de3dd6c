/*
 * `slipway publish`: from files to a published release. Each step can be done again: a second run
 * after a failure finds the release, the packages and the part of an upload that are there.
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/release_ref.h"
#include "cli/request.h"
#include "cli/signing.h"
#include "cli/upload.h"
#include "crypto/secret.h"
#include "sys/files.h"

#include "base/banned.h"

#define NOTES_MAX (256 * 1024)
#define FILES_MAX 64

struct publication {
	struct cli *cli;
	const char *product, *version;
	size_t count;
	const char *const *files;
	struct file_digest *digests;
	const char **uploads;    /* ids at the server */
	const char **signatures; /* minisign's text, or NULL */
	json_t *release, *packages;
	bool drafted; /* the release was made by this run */
};

static err read_signature(struct publication *p)
{
	const char *path = cli_text(p->cli, "signature");
	struct minisign_signature parsed;
	AUTO(buf) text = {0};
	err e;

	if (p->count != 1)
		return cli_fail(p->cli, ERR_INVALID, "usage",
			"--signature belongs to one file; publish the files one by one or use "
			"--sign-key");
	buf_init(&text, MINISIGN_TEXT_MAX);
	e = file_read(path, &text);
	if (e == OK)
		e = minisign_parse_signature(buf_span(&text), &parsed);
	if (e != OK)
		return cli_fail(p->cli, e, "signature", "%s is no minisign signature", path);
	p->signatures[0] = arena_str(p->cli->arena, buf_span(&text));
	return OK;
}

static err make_signatures(struct publication *p)
{
	struct minisign_secret key;
	err e = signing_key_read(p->cli, cli_text(p->cli, "sign-key"), &key);

	for (size_t i = 0; e == OK && i < p->count; i++) {
		AUTO(buf) text = {0};

		buf_init(&text, MINISIGN_TEXT_MAX);
		e = signing_sign(p->cli, &key, p->files[i], &p->digests[i], &text);
		p->signatures[i] = arena_str(p->cli->arena, buf_span(&text));
	}
	wipe(&key, sizeof(key));
	return e;
}

static err check_options(struct cli *cli)
{
	const char *class_ = cli_text(cli, "class");
	bool enterprise = class_ && !strcmp(class_, "enterprise");

	if (enterprise && !cli_text(cli, "org"))
		return cli_fail(cli, ERR_INVALID, "usage",
			"--class enterprise needs --org ORGANISATION: whose package it is");
	if (!enterprise && cli_text(cli, "org"))
		return cli_fail(cli, ERR_INVALID, "usage",
			"--org belongs to --class enterprise: packages of other classes are "
			"nobody's own");
	if (cli_text(cli, "signature") && cli_text(cli, "sign-key"))
		return cli_fail(
			cli, ERR_INVALID, "usage", "--signature and --sign-key exclude each other");
	return OK;
}

/* Everything that can be known to be wrong before the server is bothered. */
static err read_files(struct publication *p)
{
	err e = OK;

	p->files = cli_texts(p->cli, "file", &p->count);
	if (p->count > FILES_MAX)
		return cli_fail(p->cli, ERR_INVALID, "usage", "more than %d files", FILES_MAX);
	p->digests = arena_alloc(p->cli->arena, p->count * sizeof(*p->digests));
	p->signatures = arena_alloc(p->cli->arena, p->count * sizeof(*p->signatures));
	p->uploads = arena_alloc(p->cli->arena, p->count * sizeof(*p->uploads));
	for (size_t i = 0; e == OK && i < p->count; i++) {
		if (!filename_is_safe(span_from(path_basename(p->files[i]))))
			return cli_fail(p->cli, ERR_INVALID, "filename",
				"\"%s\" cannot be the name of a package: letters, digits and "
				"._+~@=- only, not beginning with a dot or hyphen",
				path_basename(p->files[i]));
		e = file_digest(p->cli, p->files[i], &p->digests[i]);
		if (e == OK && p->digests[i].size == 0)
			e = cli_fail(p->cli, ERR_INVALID, "empty", "%s is empty", p->files[i]);
	}
	if (e == OK && cli_text(p->cli, "signature"))
		e = read_signature(p);
	else if (e == OK && cli_text(p->cli, "sign-key"))
		e = make_signatures(p);
	return e;
}

static err check_product(struct publication *p)
{
	json_t *product;
	err e = session_call(
		p->cli, "GET", request_path(p->cli, "/admin/products/{product}"), NULL, &product);

	if (e == ERR_NOT_FOUND) {
		cli_hint(p->cli, "slipway product create %s", p->product);
		return cli_fail(
			p->cli, e, "product_unknown", "there is no product \"%s\"", p->product);
	}
	if (e == OK)
		json_decref(product);
	if (e != ERR_DENIED)
		return e;
	/* Who may publish need not see products: the release says what is wrong with this one. */
	cli_forgive(p->cli);
	return OK;
}

static err add_notes(struct publication *p, json_t *body)
{
	const char *path = cli_text(p->cli, "notes");
	AUTO(buf) text = {0};
	json_t *value;
	err e;

	if (!path)
		return OK;
	buf_init(&text, NOTES_MAX);
	e = file_read(path, &text);
	value = e == OK ? json_stringn(buf_str(&text), buf_len(&text)) : NULL;
	if (!value)
		return cli_fail(p->cli, e == OK ? ERR_INVALID : e, "notes",
			"%s cannot be used as notes: %s", path,
			e == OK ? "it is no UTF-8 text" : err_title(e));
	json_object_set_new(body, "notes", value);
	return OK;
}

/* What the command line says about the release itself. Gives. */
static err release_body(struct publication *p, json_t **ret)
{
	json_t *body = request_body(p->cli);
	err e = add_notes(p, body);

	if (e != OK) {
		json_decref(body);
		return e;
	}
	*ret = body;
	return OK;
}

static err create_release(struct publication *p, json_t *body)
{
	json_object_set_new(body, "product", json_string(p->product));
	json_object_set_new(body, "version", json_string(p->version));
	if (!json_object_get(body, "channels"))
		json_object_set_new(body, "channels", json_pack("[s]", "stable"));
	p->drafted = true;
	return session_call(p->cli, "POST", "/admin/releases", body, &p->release);
}

static bool has_channel(const json_t *release, const char *channel)
{
	json_t *value;
	size_t i;

	json_array_foreach(json_object_get(release, "channels"), i,
		value) if (json_is_string(value) &&
			   !strcmp(json_string_value(value), channel)) return true;
	return false;
}

/* An existing release is taken as it is; a draft also takes over what the command line says. */
static err adopt_release(struct publication *p, json_t *body)
{
	const char *state = json_string_value(json_object_get(p->release, "state"));
	const char *id = json_string_value(json_object_get(p->release, "id"));
	size_t count;
	const char *const *channels = cli_texts(p->cli, "channel", &count);
	json_t *changed;
	err e;

	for (size_t i = 0; i < count; i++)
		if (!has_channel(p->release, channels[i]))
			cli_note(p->cli,
				"%s %s exists already and is not in channel %s; "
				"`slipway release promote %s@%s --channel %s` adds it",
				p->product, p->version, channels[i], p->product, p->version,
				channels[i]);
	json_object_del(body, "channels");
	if (json_object_size(body) == 0)
		return OK;
	if (!state || strcmp(state, "draft") != 0)
		return cli_fail(p->cli, ERR_CONFLICT, "release_published",
			"%s %s exists already; packages can be added, but not notes and marks",
			p->product, p->version);
	e = session_call(p->cli, "PATCH", arena_printf(p->cli->arena, "/admin/releases/%s", id),
		body, &changed);
	if (e == OK) {
		json_decref(p->release);
		p->release = changed;
	}
	return e;
}

static err get_release(struct publication *p)
{
	json_t *body;
	err e = release_body(p, &body);

	if (e != OK)
		return e;
	e = p->release ? adopt_release(p, body) : create_release(p, body);
	json_decref(body);
	return e;
}

static err add_requires(struct publication *p, json_t *body)
{
	size_t count;
	const char *const *texts = cli_texts(p->cli, "requires", &count);
	json_t *list = json_array();

	json_object_set_new(body, "requires", list);
	for (size_t i = 0; i < count; i++) {
		size_t at = span_find(span_from(texts[i]), '@');

		if (at == 0 || at + 1 >= strlen(texts[i]))
			return cli_fail(p->cli, ERR_INVALID, "requires",
				"--requires: write PRODUCT@RANGE, like openvpn@^2.6");
		json_array_append_new(list, json_pack("{s:s#, s:s}", "product", texts[i], (int)at,
						    "range", texts[i] + at + 1));
	}
	return OK;
}

static err package_body(struct publication *p, size_t i, json_t **ret)
{
	static const char *const options[][2] = {{"platform", "platform"}, {"format", "format"},
		{"class", "class"}, {"entitlement", "entitlement"}, {"org", "organisation"},
		{"min-os", "min_os_version"}};
	json_t *body = json_pack(
		"{s:s, s:s}", "upload_id", p->uploads[i], "filename", path_basename(p->files[i]));
	err e = OK;

	for (size_t o = 0; o < ARRAY_LEN(options); o++)
		if (cli_text(p->cli, options[o][0]))
			json_object_set_new(
				body, options[o][1], json_string(cli_text(p->cli, options[o][0])));
	if (p->signatures[i])
		json_object_set_new(body, "signature", json_string(p->signatures[i]));
	if (cli_flag(p->cli, "strict"))
		json_object_set_new(body, "strict", json_true());
	if (cli_text(p->cli, "requires"))
		e = add_requires(p, body);
	if (e != OK) {
		json_decref(body);
		return e;
	}
	*ret = body;
	return OK;
}

static void show_warnings(struct cli *cli, const json_t *package)
{
	json_t *warning;
	size_t i;

	json_array_foreach(json_object_get(package, "warnings"), i, warning)
	{
		const char *text = json_is_object(warning)
					   ? json_string_value(json_object_get(warning, "detail"))
					   : json_string_value(warning);

		if (text)
			cli_note(cli, "warning: %s", text);
	}
}

static err add_package(struct publication *p, size_t i)
{
	const char *release_id = json_string_value(json_object_get(p->release, "id"));
	json_t *body, *package;
	err e = package_body(p, i, &body);

	if (e != OK)
		return e;
	e = session_call(p->cli, "POST",
		arena_printf(p->cli->arena, "/admin/releases/%s/packages", release_id), body,
		&package);
	json_decref(body);
	if (e != OK)
		return e;
	upload_forget(p->cli, &p->digests[i]);
	show_warnings(p->cli, package);
	json_array_append_new(p->packages, package);
	return OK;
}

/* A draft this run has made, and could put nothing into, would be in the way of the next try. */
static void discard_draft(struct publication *p)
{
	struct cli failed = *p->cli;
	json_t *answer = NULL;

	if (!p->drafted || !p->release || json_array_size(p->packages))
		return;
	/* At worst it stays: an empty draft does no harm. */
	(void)!session_call(p->cli, "DELETE",
		arena_printf(p->cli->arena, "/admin/releases/%s",
			json_string_value(json_object_get(p->release, "id"))),
		NULL, &answer);
	json_decref(answer);
	p->cli->error = failed.error;
	p->cli->code = failed.code;
	p->cli->detail = failed.detail;
	p->cli->hint = failed.hint;
	p->cli->request_id = failed.request_id;
}

static err publish_release(struct publication *p)
{
	const char *id = json_string_value(json_object_get(p->release, "id"));
	const char *state = json_string_value(json_object_get(p->release, "state"));
	json_t *published;
	err e;

	if (cli_flag(p->cli, "draft") || !state || strcmp(state, "draft") != 0)
		return OK;
	e = session_call(p->cli, "POST",
		arena_printf(p->cli->arena, "/admin/releases/%s/publish", id), NULL, &published);
	if (e == OK) {
		json_decref(p->release);
		p->release = published;
	}
	return e;
}

static err print(struct publication *p)
{
	static const struct view views[] = {
		{"PACKAGE", "id", VIEW_TEXT, 0},
		{"FILE", "filename", VIEW_TEXT, COLUMN_SHRINK},
		{"SIZE", "size", VIEW_SIZE, COLUMN_RIGHT},
		{"SHA-256", "sha256", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
	};
	const char *state = json_string_value(json_object_get(p->release, "state"));

	if (p->cli->json) {
		json_t *answer = json_object();

		json_object_set(answer, "release_id", json_object_get(p->release, "id"));
		json_object_set_new(answer, "product", json_string(p->product));
		json_object_set(answer, "version", json_object_get(p->release, "version"));
		json_object_set(answer, "state", json_object_get(p->release, "state"));
		json_object_set(answer, "channels", json_object_get(p->release, "channels"));
		json_object_set(answer, "packages", p->packages);
		return command_answer(p->cli, answer);
	}
	fprintf(p->cli->out, "%s %s: %s\n", p->product, p->version, state ? state : "-");
	return view_table(p->cli, p->packages, views, ARRAY_LEN(views), "No packages");
}

static err run_publish(struct cli *cli)
{
	struct publication p = {.cli = cli,
		.product = cli_text(cli, "product"),
		.version = cli_text(cli, "version"),
		.packages = json_array()};
	err e = check_options(cli);

	if (e == OK)
		e = read_files(&p);
	if (e == OK)
		e = check_product(&p);
	if (e == OK)
		e = release_find(cli, p.product, p.version, &p.release);
	for (size_t i = 0; e == OK && i < p.count; i++)
		e = upload_file(cli, p.files[i], &p.digests[i], &p.uploads[i]);
	if (e == OK)
		e = get_release(&p);
	for (size_t i = 0; e == OK && i < p.count; i++)
		e = add_package(&p, i);
	if (e != OK)
		discard_draft(&p);
	if (e == OK)
		e = publish_release(&p);
	if (e == OK)
		e = print(&p);
	json_decref(p.release);
	json_decref(p.packages);
	return e;
}

static const struct option publish_arguments[] = {
	{"file", "FILE", VALUE_FILE, OPTION_REQUIRED | OPTION_MANY, "package files"},
	{0},
};

/* Those with a member describe the release, the others the packages. */
static const struct option publish_options[] = {
	{"product", "PRODUCT", VALUE_TEXT, OPTION_REQUIRED, "product it is a release of"},
	{"version", "VERSION", VALUE_TEXT, OPTION_REQUIRED,
		"semantic version, like 1.2.0 or 1.2.0-rc.1"},
	{"platform", "OS-ARCH", VALUE_TEXT, OPTION_REQUIRED, "what the files run on",
		.choices = PLATFORM_CHOICES},
	{"channel", "CHANNEL", VALUE_TEXT, OPTION_MANY,
		"who is offered it (stable when left out); clients on dev see beta and stable "
		"too, those on beta also stable",
		.choices = CHANNEL_CHOICES, .member = "channels"},
	{"class", "CLASS", VALUE_TEXT, 0,
		"who may have it: everyone (when left out), holders of a licence, one "
		"organisation, or our own people",
		.choices = CLASS_CHOICES},
	{"entitlement", "CODE", VALUE_TEXT, 0, "code the licence must have"},
	{"org", "ORGANISATION", VALUE_TEXT, 0, "whose it is, with --class enterprise"},
	{"draft", NULL, VALUE_FLAG, 0, "leave it a draft; `slipway release publish` publishes it"},
	{"notes", "FILE", VALUE_FILE, 0, "release notes in Markdown"},
	{"critical", NULL, VALUE_FLAG, 0, "a critical update: clients are told to hurry",
		.member = "critical"},
	{"mandatory", NULL, VALUE_FLAG, 0, "an update that must be installed",
		.member = "mandatory"},
	{"min-from", "VERSION", VALUE_TEXT, 0,
		"least version it can be installed over; older clients get that one first",
		.member = "min_from"},
	{"eol", "TIME", VALUE_TIME, 0, "when support for it ends", .member = "eol_at"},
	{"requires", "PRODUCT@RANGE", VALUE_TEXT, OPTION_MANY,
		"another product it needs, like openvpn@^2.6"},
	{"min-os", "VERSION", VALUE_TEXT, 0, "least version of the operating system"},
	{"format", "FORMAT", VALUE_TEXT, 0,
		"format of the packages (deb, rpm, msi …); found out from the file without it"},
	{"signature", "FILE", VALUE_FILE, 0, "the publisher's signature, made by minisign"},
	{"sign-key", "FILE", VALUE_FILE, 0, "sign with this key, made by `slipway keygen`"},
	{"strict", NULL, VALUE_FLAG, 0, "a version in the file that differs is an error"},
	{0},
};

static const struct command commands[] = {
	{.path = "publish",
		.summary = "upload packages and publish them as a release",
		.about = "Uploads the files, adds them to the release (which is created if it is "
			 "not "
			 "there) and publishes it. An interrupted upload goes on when the same "
			 "command is run again. Publishing the same bytes again changes nothing; "
			 "other bytes under the same version and platform are refused.",
		.arguments = publish_arguments,
		.options = publish_options,
		.run = run_publish,
		.examples =
			"slipway publish myvpn_1.2.0_amd64.deb --product myvpn --version 1.2.0 \\\n"
			"    --channel stable --platform linux-amd64 --class public\n"
			"slipway publish myvpn.msi --product myvpn --version 1.3.0-rc.1 --channel "
			"beta \\\n"
			"    --platform windows-amd64 --class licensed --entitlement vpn-client "
			"\\\n"
			"    --sign-key ~/keys/myvpn.key",
		.next = "`slipway release show PRODUCT@VERSION` shows it; `slipway stats` who "
			"takes "
			"it; `slipway release pause` stops it."},
};
const struct command_table publish_commands = {commands, ARRAY_LEN(commands)};
