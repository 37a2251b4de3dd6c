/*
 * Becoming somebody at a server, and ceasing to be.
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/request.h"
#include "cli/secret_input.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define PASSWORD_MAX 1024

/* POST without credentials; the body may hold secrets and is wiped by session_call. */
static err sign_in_call(struct cli *cli, const char *path, json_t *body, json_t **ret)
{
	struct session *s;
	err e = session_get_anonymous(cli, &s);

	if (e == OK)
		e = session_call(cli, "POST", path, body, ret);
	json_decref(body);
	return e;
}

static err get_email(struct cli *cli, const char **ret)
{
	AUTO(buf) typed = {0};
	err e;

	*ret = cli_text(cli, "email");
	if (*ret)
		return OK;
	buf_init(&typed, 320);
	e = line_input("E-mail address: ", &typed);
	if (e != OK)
		return cli_fail(cli, ERR_INVALID, "usage",
			"--email EMAIL is missing, and there is no terminal to ask on");
	*ret = arena_str(cli->arena, span_trim(buf_span(&typed)));
	return OK;
}

/* One try; otp NULL: without a second factor. */
static err try_login(struct cli *cli, const char *email, const struct buf *password,
	const char *otp, json_t **ret)
{
	json_t *body = json_pack(
		"{s:s, s:s%}", "email", email, "password", buf_str(password), buf_len(password));

	if (!body)
		return cli_fail(cli, ERR_INVALID, "password",
			"e-mail address and password must be UTF-8 text");
	if (otp)
		json_object_set_new(body, "otp", json_string(otp));
	return sign_in_call(cli, "/auth/login", body, ret);
}

/* Asks for the code of the second factor when it turns out that one is due. */
static err log_in(struct cli *cli, const char *email, json_t **ret)
{
	const char *otp = cli_text(cli, "otp");
	AUTO(buf) password = {0};
	AUTO(buf) code = {0};
	err e;

	buf_init(&password, PASSWORD_MAX);
	buf_init(&code, 64);
	e = secret_input(cli, "password-file", "Password: ", false, &password);
	if (e == OK)
		e = try_login(cli, email, &password, otp, ret);
	if (e != OK && cli->code && !strcmp(cli->code, "mfa_required") && !otp &&
		line_input("Code of the second factor: ", &code) == OK) {
		cli->code = cli->detail = cli->hint = cli->request_id = NULL;
		e = try_login(cli, email, &password, buf_str(&code), ret);
	}
	buf_wipe(&password);
	return e;
}

static err store(struct cli *cli, const char *email, const json_t *tokens)
{
	struct session *s = cli->data;
	int lock = -1;
	err e = credentials_lock(cli->arena, &lock);

	if (e == OK) {
		e = session_store_tokens(cli, s, email, tokens);
		credentials_unlock(lock);
	}
	if (e != OK)
		return cli_fail(cli, e, "credentials", "the credentials cannot be stored: %s",
			err_title(e));
	return OK;
}

static err run_login(struct cli *cli)
{
	const char *email;
	json_t *tokens = NULL;
	bool enrol;
	err e = get_email(cli, &email);

	if (e == OK)
		e = log_in(cli, email, &tokens);
	if (e == OK)
		e = store(cli, email, tokens);
	enrol = json_is_true(json_object_get(tokens, "mfa_enrolment_required"));
	json_decref(tokens);
	if (e != OK)
		return e;
	if (cli->json)
		return command_answer(
			cli, json_pack("{s:s, s:s}", "server",
				     ((struct session *)cli->data)->server, "email", email));
	fprintf(cli->out, "Signed in to %s as %s\n", ((struct session *)cli->data)->server, email);
	if (enrol)
		fprintf(cli->out,
			"This account must have a second factor before it may do anything else: "
			"slipway factor enrol\n");
	return OK;
}

static err run_logout(struct cli *cli)
{
	struct session *s;
	json_t *body, *answer = NULL;
	int lock = -1;
	err e = session_get(cli, &s), told;

	if (e != OK)
		return e;
	if (!s->credentials.refresh_token)
		return cli_fail(
			cli, ERR_NOT_FOUND, "signed_out", "nobody is signed in to %s", s->server);
	body = json_pack("{s:s}", "refresh_token", s->credentials.refresh_token);
	told = session_call(cli, "POST", "/auth/logout", body, &answer);
	json_decref(body);
	json_decref(answer);
	/* Here it ends in any case; a server that is away lets it run out by itself. */
	e = credentials_lock(cli->arena, &lock);
	if (e == OK) {
		e = credentials_remove(cli->arena, s->server);
		credentials_unlock(lock);
	}
	if (e != OK)
		return cli_fail(cli, e, "credentials", "the credentials cannot be removed: %s",
			err_title(e));
	if (told != OK && told != ERR_UNAUTHENTICATED)
		cli_note(cli, "forgotten here, but the server was not told: %s", cli->detail);
	else if (!cli->json)
		fprintf(cli->out, "Signed out of %s\n", s->server);
	cli->detail = cli->hint = cli->code = cli->request_id = NULL;
	return OK;
}

static err run_whoami(struct cli *cli)
{
	return command_show(cli, "/me");
}

static err run_setup(struct cli *cli)
{
	AUTO(buf) token = {0};
	AUTO(buf) password = {0};
	const char *email = NULL;
	json_t *answer = NULL, *body = NULL;
	err e = get_email(cli, &email);

	buf_init(&token, 1024);
	buf_init(&password, PASSWORD_MAX);
	if (e == OK)
		e = secret_input(cli, "token-file", "Set-up token: ", false, &token);
	if (e == OK)
		e = secret_input(
			cli, "password-file", "Password of the administrator: ", true, &password);
	if (e == OK) {
		body = json_pack("{s:s, s:s, s:s%}", "token", buf_str(&token), "email", email,
			"password", buf_str(&password), buf_len(&password));
		e = body ? sign_in_call(cli, "/setup", body, &answer)
			 : cli_fail(cli, ERR_INVALID, "password",
				   "e-mail address and password must be UTF-8 text");
	}
	buf_wipe(&token);
	buf_wipe(&password);
	if (e != OK)
		return e;
	if (cli->json)
		return command_answer(cli, answer);
	json_decref(answer);
	fprintf(cli->out, "The first administrator is %s\n", email);
	return OK;
}

#define EMAIL_OPTION                                                                               \
	{                                                                                          \
		"email", "EMAIL", VALUE_TEXT, 0, "e-mail address; asked for without it"            \
	}

static const struct option login_options[] = {
	EMAIL_OPTION,
	{"password-file", "FILE", VALUE_FILE, 0,
		"file with the password, without it it is asked for"},
	{"otp", "CODE", VALUE_TEXT, 0, "code of the second factor; asked for when it is due"},
	{0},
};
static const struct option setup_options[] = {
	{"token-file", "FILE", VALUE_FILE, 0,
		"file with the set-up token `slipway init` printed; asked for without it"},
	EMAIL_OPTION,
	{"password-file", "FILE", VALUE_FILE, 0,
		"file with the password, without it it is asked for"},
	{0},
};

static const struct command commands[] = {
	{.path = "login",
		.summary = "sign in to a server",
		.about = "Later commands use this sign-in and this server until `slipway logout`. "
			 "It "
			 "is kept in ~/.config/slipway/credentials.json, readable by you only.",
		.options = login_options,
		.run = run_login,
		.examples = "slipway login --server https://packages.example.com --email "
			    "jo@example.com",
		.next = "`slipway whoami`; `slipway release list`"},
	{.path = "logout", .summary = "end the sign-in", .run = run_logout},
	{.path = "whoami",
		.summary = "show who you are at the server, and what you may do",
		.run = run_whoami},
	{.path = "setup",
		.summary = "create the first administrator, or recover one, with a set-up token",
		.about =
			"`slipway init` prints a one-time token for this; with "
			"--admin-password-file it has made the administrator already. `slipway "
			"setup-token` makes another one on the server's machine. The address of an "
			"administrator who is there gets the new password; its second factors and "
			"sessions end.",
		.options = setup_options,
		.run = run_setup,
		.examples = "slipway setup --server https://127.0.0.1:8443 --ca DATA/tls/ca.pem "
			    "--token-file token --email admin@example.com",
		.next = "`slipway login` with the same address and password."},
};
const struct command_table sign_in_commands = {commands, ARRAY_LEN(commands)};
