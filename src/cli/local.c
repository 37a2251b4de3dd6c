/*
 * Commands that need no server: keys and signatures of a publisher, completion, version.
 */
#include "cli/commands.h"

#include <unistd.h>

#include "base/json.h"
#include "cli/program.h"
#include "cli/signing.h"
#include "crypto/secret.h"
#include "sys/files.h"

#include "base/banned.h"

static err create_file(struct cli *cli, const char *path, span text, mode_t mode)
{
	err e = file_create_atomic(path, text, mode);

	if (e == ERR_CONFLICT)
		return cli_fail(
			cli, e, "file_exists", "%s exists already and is left as it is", path);
	if (e != OK)
		return cli_fail(cli, e, "file", "%s cannot be written: %s", path, err_title(e));
	return OK;
}

static void print_json_pair(
	struct cli *cli, const char *a, const char *a_value, const char *b, const char *b_value)
{
	AUTO(buf) out = {0};
	struct json_writer w;

	buf_init(&out, 1 << 16);
	json_writer_init(&w, &out);
	json_begin_object(&w, NULL);
	json_cstr(&w, a, a_value);
	json_cstr(&w, b, b_value);
	json_end(&w);
	fprintf(cli->out, "%s\n", buf_str(&out));
}

static err run_keygen(struct cli *cli)
{
	const char *prefix = cli_text(cli, "output");
	const char *secret_path = arena_printf(cli->arena, "%s.key", prefix);
	const char *public_path = arena_printf(cli->arena, "%s.pub", prefix);
	struct minisign_secret key;
	AUTO(buf) secret = {0};
	AUTO(buf) public = {0};
	err e;

	buf_init(&secret, MINISIGN_TEXT_MAX);
	buf_init(&public, MINISIGN_TEXT_MAX);
	minisign_generate(&key);
	minisign_format_secret(&secret, &key);
	minisign_format_public(&public, &key.public);
	wipe(&key, sizeof(key));
	e = create_file(cli, secret_path, buf_span(&secret), 0600);
	buf_wipe(&secret);
	if (e == OK) {
		e = create_file(cli, public_path, buf_span(&public), 0644);
		if (e != OK) /* a secret key without its public half helps nobody */
			(void)unlink(secret_path);
	}
	if (e != OK)
		return e;
	if (cli->json)
		print_json_pair(
			cli, "secret_key_file", secret_path, "public_key_file", public_path);
	else
		fprintf(cli->out,
			"secret key  %s  (keep it; whoever has it can sign as you)\n"
			"public key  %s  (give it to `slipway product add-key`)\n",
			secret_path, public_path);
	return OK;
}

static err sign_one(struct cli *cli, const struct minisign_secret *key, const char *path)
{
	const char *signature_path = arena_printf(cli->arena, "%s.minisig", path);
	struct file_digest digest;
	AUTO(buf) text = {0};
	err e;

	buf_init(&text, MINISIGN_TEXT_MAX);
	e = file_digest(cli, path, &digest);
	if (e == OK)
		e = signing_sign(cli, key, path, &digest, &text);
	if (e != OK)
		return e;
	e = file_write_atomic(signature_path, buf_span(&text), 0644);
	if (e != OK)
		return cli_fail(
			cli, e, "file", "%s cannot be written: %s", signature_path, err_title(e));
	if (cli->json)
		print_json_pair(cli, "file", path, "signature_file", signature_path);
	else
		fprintf(cli->out, "%s\n", signature_path);
	return OK;
}

static err run_sign(struct cli *cli)
{
	size_t count;
	const char *const *files = cli_texts(cli, "file", &count);
	struct minisign_secret key;
	err e = signing_key_read(cli, cli_text(cli, "key"), &key);

	for (size_t i = 0; e == OK && i < count; i++)
		e = sign_one(cli, &key, files[i]);
	wipe(&key, sizeof(key));
	return e;
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

static err run_version(struct cli *cli)
{
	if (cli->json)
		print_json_pair(cli, "program", cli->program->name, "version", SLIPWAY_VERSION);
	else
		fprintf(cli->out, "%s %s\n", cli->program->name, SLIPWAY_VERSION);
	return OK;
}

static const struct option keygen_options[] = {
	{"output", "PREFIX", VALUE_PATH, OPTION_REQUIRED,
		"where to: PREFIX.key gets the secret key, PREFIX.pub the public one"},
	{0},
};

static const struct option sign_arguments[] = {
	{"file", "FILE", VALUE_FILE, OPTION_REQUIRED | OPTION_MANY, "files to sign"},
	{0},
};

static const struct option sign_options[] = {
	{"key", "FILE", VALUE_FILE, OPTION_REQUIRED, "the secret key, made by `slipway keygen`"},
	{0},
};

static const struct option completion_arguments[] = {
	{"shell", "SHELL", VALUE_TEXT, OPTION_REQUIRED, "the shell", .choices = "bash zsh fish"},
	{0},
};

static const struct command commands[] = {
	{.path = "keygen",
		.summary = "make a publisher's key pair (on this machine)",
		.about = "Signatures let clients check that a package comes from its publisher, "
			 "even if the server were broken into. The format is minisign's.",
		.options = keygen_options,
		.run = run_keygen,
		.examples = "slipway keygen --output ~/keys/myvpn",
		.next = "`slipway product add-key` makes the server know the public key; `slipway "
			"publish --sign-key` signs what it uploads."},
	{.path = "sign",
		.summary = "sign files (on this machine)",
		.about = "Writes FILE.minisig beside each file; `minisign -V` can check it.",
		.arguments = sign_arguments,
		.options = sign_options,
		.run = run_sign,
		.examples = "slipway sign myvpn_1.0.0_amd64.deb --key ~/keys/myvpn.key",
		.next = "`slipway publish FILE --signature FILE.minisig` uploads both."},
	{.path = "completion",
		.summary = "print the completion script of a shell",
		.arguments = completion_arguments,
		.run = run_completion,
		.examples = "eval \"$(slipway completion bash)\"\n"
			    "slipway completion fish | source"},
	{.path = "version", .summary = "print the version", .run = run_version},
	{.path = "reference", .summary = "print docs/cli.md", .run = run_reference, .hidden = true},
};
const struct command_table local_commands = {commands, ARRAY_LEN(commands)};
