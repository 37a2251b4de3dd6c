/*
 * Becoming somebody at a server, and ceasing to be.
 */
#include "cli/sign_in.h"

#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/device_sign_in.h"
#include "cli/people.h"
#include "cli/secret_input.h"
#include "cli/proof.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define PASSWORD_MAX 1024
#define SCOPE_MAX    4096

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
	return session_call_as_anybody(cli, "/auth/login", body, ret);
}

static bool has_way(const json_t *ways, const char *name)
{
	size_t i;
	json_t *way;

	json_array_foreach((json_t *)(uintptr_t)ways, i,
		way) if (json_is_string(way) && !strcmp(json_string_value(way), name)) return true;
	return false;
}

/*
 * Finishes a sign-in that waits, with what is typed: a code of the app or a recovery code. Where
 * there is no terminal, or only a browser can answer, the refusal stands.
 */
static err answer_factor(struct cli *cli, err refused, json_t **ret)
{
	const json_t *problem = ((struct session *)cli->data)->problem;
	const json_t *ways = json_object_get(problem, "methods");
	bool app = has_way(ways, "totp");
	AUTO(buf) code = {0};
	json_t *body;

	if (!app && has_way(ways, "passkey"))
		cli_hint(cli,
			"the passkey is used in a browser: `slipway login` without --email; or type "
			"a recovery code");
	buf_init(&code, 64);
	if (line_input(app ? "Code of the second factor, or a recovery code: " : "Recovery code: ",
		    &code) != OK ||
		buf_len(&code) == 0)
		return refused;
	body = json_pack("{s:O, s:s%}", "mfa_token", json_object_get(problem, "mfa_token"),
		is_app_code(buf_span(&code)) ? "otp" : "recovery_code", buf_str(&code),
		buf_len(&code));
	cli_forgive(cli);
	return body ? session_call_as_anybody(cli, "/auth/second-factor", body, ret)
		    : cli_fail(cli, ERR_INVALID, "otp", "the code must be UTF-8 text");
}

/* Asks for the second factor when it turns out that one is due. */
static err log_in(struct cli *cli, const char *email, json_t **ret)
{
	const char *otp = cli_text(cli, "otp");
	AUTO(buf) password = {0};
	err e;

	buf_init(&password, PASSWORD_MAX);
	e = secret_input(cli, "password-file", "Password: ", false, &password);
	if (e == OK)
		e = try_login(cli, email, &password, otp, ret);
	buf_wipe(&password);
	if (e != OK && cli->code && !strcmp(cli->code, "mfa_required") && !otp)
		e = answer_factor(cli, e, ret);
	return e;
}

err sign_in_store(struct cli *cli, const char *email, const json_t *tokens)
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

static err login_by_password(struct cli *cli)
{
	const char *server, *email;
	json_t *tokens = NULL;
	bool enrol;
	err e = get_email(cli, &email);

	if (e == OK)
		e = log_in(cli, email, &tokens);
	if (e == OK)
		e = sign_in_store(cli, email, tokens);
	enrol = json_is_true(json_object_get(tokens, "mfa_enrolment_required"));
	json_decref(tokens);
	if (e != OK)
		return e;
	server = ((struct session *)cli->data)->server;
	if (cli->json)
		return command_answer(
			cli, json_pack("{s:s, s:s}", "server", server, "email", email));
	fprintf(cli->out, "Signed in to %s as %s\n", server, email);
	if (enrol)
		fprintf(cli->out,
			"This account must have a second factor before it may do anything else: "
			"slipway factor enrol\n");
	return OK;
}

/* The words of --scope with spaces between; NULL: all. */
static const char *wanted_scope(struct cli *cli)
{
	AUTO(buf) out = {0};
	size_t count;
	const char *const *words = cli_texts(cli, "scope", &count);

	buf_init(&out, SCOPE_MAX);
	for (size_t i = 0; i < count; i++)
		buf_addf(&out, "%s%s", i ? " " : "", words[i]);
	return count ? arena_str(cli->arena, buf_span(&out)) : NULL;
}

/* Whose tokens they are, only the server knows; without its word they are good all the same. */
static err learn_email(struct cli *cli, const json_t *tokens, const char **ret)
{
	json_t *me = NULL;
	const char *email;

	if (session_call(cli, "GET", "/me", NULL, &me) != OK) {
		cli_forgive(cli);
		*ret = "?";
		return OK;
	}
	email = json_string_value(json_object_get(me, "email"));
	*ret = arena_strdup(cli->arena, email ? email : "?");
	json_decref(me);
	return email ? sign_in_store(cli, *ret, tokens) : OK;
}

static err login_by_code(struct cli *cli)
{
	const char *folder, *server, *email = NULL;
	json_t *tokens = NULL;
	err e = credentials_folder(cli->arena, &folder);

	if (e) /* before somebody approves it in vain */
		return cli_fail(cli, e, "credentials", "the credentials cannot be stored: %s",
			err_title(e));
	e = device_sign_in(cli, wanted_scope(cli), &tokens);
	if (e)
		return e;
	e = sign_in_store(cli, NULL, tokens);
	if (e)
		session_give_back(cli, json_string_value(json_object_get(tokens, "refresh_token")));
	else
		e = learn_email(cli, tokens, &email);
	json_decref(tokens);
	if (e)
		return e;
	server = ((struct session *)cli->data)->server;
	if (cli->json)
		return view_json_line(
			cli, json_pack("{s:s, s:s}", "server", server, "email", email));
	fprintf(cli->out, "Signed in to %s as %s\n", server, email);
	return OK;
}

/* The sign-in there was at this server ends: nobody could end it any more. */
static err replace_sign_in(struct cli *cli, command_run *login)
{
	const char *before;
	struct session *s;
	err e = session_get_anonymous(cli, &s);

	if (e)
		return e;
	before = s->credentials.refresh_token;
	e = login(cli);
	if (e == OK && before)
		session_give_back(cli, before);
	return e;
}

static err run_login(struct cli *cli)
{
	bool password =
		cli_text(cli, "email") || cli_text(cli, "password-file") || cli_text(cli, "otp");
	bool code = cli_flag(cli, "device-code");

	if (password && (code || cli_text(cli, "scope")))
		return cli_fail(cli, ERR_INVALID, "usage",
			"--device-code and --scope are for signing in with a browser, --email, "
			"--password-file and --otp for signing in with a password");
	if (password || code || isatty(STDIN_FILENO))
		return replace_sign_in(cli, password ? login_by_password : login_by_code);
	cli_hint(cli,
		"with a password: --email EMAIL --password-file FILE. With a browser elsewhere: "
		"--device-code. Jobs need no sign-in: SLIPWAY_API_KEY");
	return cli_fail(cli, ERR_INVALID, "usage",
		"there is no terminal to show a code on, and no --email");
}

err sign_in_forget(struct cli *cli)
{
	const struct session *s = cli->data;
	int lock = -1;
	err e = credentials_lock(cli->arena, &lock);

	if (e == OK) {
		e = credentials_remove(cli->arena, s->server);
		credentials_unlock(lock);
	}
	return e == OK ? OK
		       : cli_fail(cli, e, "credentials", "the credentials cannot be removed: %s",
				 err_title(e));
}

static err run_logout(struct cli *cli)
{
	struct session *s;
	json_t *body, *answer = NULL;
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
	e = sign_in_forget(cli);
	if (e != OK)
		return e;
	if (told != OK && told != ERR_UNAUTHENTICATED)
		cli_note(cli, "forgotten here, but the server was not told: %s", cli->detail);
	else if (!cli->json)
		fprintf(cli->out, "Signed out of %s\n", s->server);
	cli_forgive(cli);
	return OK;
}

/* For people: to whom, and with what, before who. */
static err run_whoami(struct cli *cli)
{
	static const char *const with[] = {
		[IDENTITY_GIVEN] = "the token given",
		[IDENTITY_SIGNED_IN] = "slipway login",
		[IDENTITY_JOB] = "the token of this CI job",
	};
	const struct session *s;
	const char *how;
	json_t *me = NULL, *shown, *permissions;
	err e = session_call(cli, "GET", "/me", NULL, &me);

	if (e || cli->json)
		return e ? e : command_answer(cli, me);
	s = cli->data;
	how = with[s->identity];
	if (!strcmp(json_string_value(json_object_get(me, "kind")), "api_key"))
		how = "an API key";
	shown = json_pack("{s:s, s:s*}", "server", s->server, "signed_in_with", how);
	json_object_update(shown, me);
	methods_to_words(shown);
	permissions = json_incref(json_object_get(me, "permissions")); /* the long part, last */
	json_object_del(shown, "permissions");
	json_object_set_new(shown, "permissions", permissions);
	json_decref(me);
	return command_answer(cli, shown);
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
		e = body ? session_call_as_anybody(cli, "/setup", body, &answer)
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
	{"email", "EMAIL", VALUE_TEXT, 0,
		"sign in with a password, as this address; without it a code is shown to be "
		"approved in a browser"},
	{"password-file", "FILE", VALUE_FILE, 0,
		"file with the password, without it it is asked for"},
	{"otp", "CODE", VALUE_TEXT, 0, "code of the second factor; asked for when it is due"},
	{"device-code", NULL, VALUE_FLAG, 0,
		"with a code and a browser, though there is no terminal here"},
	{"scope", "NAME", VALUE_TEXT, OPTION_MANY,
		"only this permission of yours, like release.read.draft, or product:NAME for its "
		"products; with a code only"},
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
		.about =
			"Shows a short code and a QR code; you approve it in a browser, on any "
			"machine where you are signed in, with whatever you sign in with there: "
			"password, passkey or identity provider. With --email it asks for the "
			"password here instead.\n"
			"Later commands use this sign-in and this server until `slipway logout`. "
			"It is kept in ~/.config/slipway/credentials.json, readable by you only. "
			"With --json and --device-code, the code is a line of JSON and the sign-in "
			"another one.",
		.options = login_options,
		.run = run_login,
		.examples = "slipway login --server https://packages.example.com\n"
			    "slipway login --scope release.read.draft --scope product:myvpn\n"
			    "slipway login --server https://packages.example.com --email "
			    "jo@example.com",
		.next = "`slipway whoami`; `slipway release list`"},
	{.path = "logout",
		.summary = "end the sign-in",
		.about =
			"Ends the session at the server and forgets it here; a server that is away is not "
			"waited for.",
		.run = run_logout},
	{.path = "whoami",
		.summary =
			"show who you are at the server, how you are signed in, and what you may do",
		.run = run_whoami},
	{.path = "setup",
		.summary = "create the first administrator, or recover one, with a set-up token",
		.about =
			"`slipway init` prints a one-time token for this, good for 24 hours; with "
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
