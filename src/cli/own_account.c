/*
 * One's own account: its address, its password, who one is elsewhere, its end. The links of mails
 * work here as in a browser.
 */
#include "cli/commands.h"

#include "cli/confirm.h"
#include "cli/people.h"
#include "cli/secret_input.h"
#include "cli/sign_in.h"

#include "base/banned.h"

/* Address -------------------------------------------------------------------------------------- */

static err run_change_email(struct cli *cli)
{
	json_t *body = request_body(cli), *answer = NULL;
	err e = session_call(cli, "POST", "/me/email", body, &answer);

	json_decref(body);
	json_decref(answer);
	if (e == OK && !cli->json)
		view_line(cli,
			"A link is on its way to %s. The address counts once it was opened, "
			"within a day; until then the one before does",
			cli_text(cli, "email"));
	return e;
}

static err run_verify_email(struct cli *cli)
{
	json_t *body = json_object(), *answer = NULL;
	err e = secret_link_member(cli, body, "token", "link-file");

	if (e != OK) {
		json_decref(body);
		return e;
	}
	e = session_call_as_anybody(cli, "/auth/email-verification", body, &answer);
	return e == OK ? command_answer(cli, answer) : e;
}

/* Password ------------------------------------------------------------------------------------- */

static err run_change_password(struct cli *cli)
{
	json_t *body = json_object(), *tokens = NULL;
	struct session *s;
	err e = secret_member(
		cli, body, "current_password", "password-file", "Present password: ", false);

	if (e == OK)
		e = secret_member(
			cli, body, "new_password", "new-password-file", "New password: ", true);
	if (e == OK)
		e = session_call(cli, "POST", "/me/password", body, &tokens);
	json_decref(body);
	s = cli->data;
	if (e == OK && s->identity == IDENTITY_SIGNED_IN)
		e = sign_in_store(cli, s->credentials.email, tokens);
	else if (e == OK) /* whoever gave us a token has to sign in anew */
		cli_note(cli, "the token given has ended with the others");
	json_decref(tokens);
	if (e == OK && !cli->json)
		fputs("The password is changed; all your other sessions have ended\n", cli->out);
	return e;
}

static err run_forgot_password(struct cli *cli)
{
	json_t *answer = NULL;
	err e = session_call_as_anybody(cli, "/auth/password-reset", request_body(cli), &answer);

	json_decref(answer);
	if (e == OK && !cli->json)
		view_line(cli,
			"If %s has an account here, a link is on its way; it is good for an hour",
			cli_text(cli, "email"));
	return e;
}

static err run_reset_password(struct cli *cli)
{
	json_t *body = json_object(), *answer = NULL;
	err e = secret_link_member(cli, body, "token", "link-file");

	if (e == OK)
		e = secret_member(cli, body, "password", "password-file", "New password: ", true);
	if (e != OK) {
		json_decref(body);
		return e;
	}
	e = session_call_as_anybody(cli, "/auth/password-reset/confirm", body, &answer);
	json_decref(answer);
	if (e == OK && !cli->json)
		fputs("The password is set; sign in with `slipway login`\n", cli->out);
	return e;
}

/* The end -------------------------------------------------------------------------------------- */

static err run_close(struct cli *cli)
{
	json_t *me = NULL, *answer = NULL;
	struct session *s;
	err e = session_call(cli, "GET", "/me", NULL, &me);
	const char *email = json_string_value(json_object_get(me, "email"));

	if (e == OK && command_will_ask(cli))
		fputs("With it go your sessions, API keys and second factors, and licences that "
		      "have ended; for good.\n",
			cli->out);
	if (e == OK)
		e = command_confirm(
			cli, arena_printf(cli->arena, "Delete your account %s?", email));
	if (e == OK)
		e = session_call(cli, "DELETE", request_query(cli, "/me"), NULL, &answer);
	if (e == OK) {
		s = cli->data;
		if (s->identity == IDENTITY_SIGNED_IN)
			e = sign_in_forget(cli);
	}
	if (e == OK && !cli->json)
		view_line(cli, "Deleted %s", email);
	json_decref(me);
	json_decref(answer);
	return e;
}

/* Elsewhere ------------------------------------------------------------------------------------ */

static err run_identities(struct cli *cli)
{
	static const struct view views[] = {
		{"PROVIDER", "provider", VIEW_TEXT, 0},
		{"AS", "email", VIEW_TEXT, COLUMN_SHRINK},
		{"LINKED", "created_at", VIEW_TIME, COLUMN_DROP},
		{"LAST USED", "last_used_at", VIEW_TIME, COLUMN_DROP},
		{"ID", "id", VIEW_TEXT, COLUMN_BELOW},
	};
	struct session *s;
	err e = session_get(cli, &s);

	return e ? e
		 : command_list(cli, "/me/identities", views, ARRAY_LEN(views),
			   arena_printf(cli->arena,
				   "None is linked; a browser does it: "
				   "%s/account/identities",
				   s->server));
}

static err run_unlink(struct cli *cli)
{
	return command_act(cli, "DELETE", "/me/identities/{identity}", "Unlinked");
}

#define LINK_FILE                                                                                  \
	{                                                                                          \
		"link-file", "FILE", VALUE_FILE, 0,                                                \
			"file with the link of the mail; asked for without it"                     \
	}

static const struct option email_argument[] = {
	{"email", "EMAIL", VALUE_TEXT, OPTION_REQUIRED, "the e-mail address", .member = "email"},
	{0},
};
static const struct option link_options[] = {LINK_FILE, {0}};
static const struct option change_password_options[] = {
	{"password-file", "FILE", VALUE_FILE, 0,
		"file with the present password, without it it is asked for"},
	{"new-password-file", "FILE", VALUE_FILE, 0,
		"file with the new one, without it it is asked for"},
	{0},
};
static const struct option reset_options[] = {LINK_FILE, PASSWORD_OPTION, {0}};
static const struct option close_options[] = {
	{"licences", "WHAT", VALUE_TEXT, 0, "what becomes of licences that have not ended",
		.choices = "delete", .member = "licences"},
	YES_OPTION,
	{0},
};
static const struct option list_options[] = {LIMIT_OPTION, {0}};
static const struct option identity_argument[] = {
	{"identity", "IDENTITY", VALUE_TEXT, OPTION_REQUIRED,
		"its id, from `slipway identity list`"},
	{0},
};

static const struct command commands[] = {
	{.path = "account change-email",
		.summary = "change your own e-mail address",
		.about = "A link is mailed to the new address, which counts once the link was "
			 "opened; the address before is told. An administrator changes somebody "
			 "else's with `slipway account update`.",
		.arguments = email_argument,
		.run = run_change_email,
		.examples = "slipway account change-email jo@new.example.com",
		.next = "open the link, or `slipway account verify-email`."},
	{.path = "account verify-email",
		.summary = "confirm an e-mail address, with the link of the mail",
		.options = link_options,
		.run = run_verify_email},
	{.path = "account change-password",
		.summary = "change your own password; your other sessions end",
		.options = change_password_options,
		.run = run_change_password},
	{.path = "account forgot-password",
		.summary = "have a link mailed to choose a new password",
		.about = "The answer is the same whether there is such an account or not.",
		.arguments = email_argument,
		.run = run_forgot_password,
		.examples = "slipway account forgot-password jo@example.com",
		.next = "open the link, or `slipway account reset-password`."},
	{.path = "account reset-password",
		.summary = "choose a new password, with the link of the mail",
		.options = reset_options,
		.run = run_reset_password},
	{.path = "account close",
		.summary = "delete your own account with all that is its own, for good",
		.options = close_options,
		.run = run_close},
	{.path = "identity list",
		.summary = "list who you are at identity providers",
		.about = "Linking one needs a browser: the page /account/identities of the server.",
		.options = list_options,
		.run = run_identities},
	{.path = "identity unlink",
		.summary = "unlink an identity; never the last way in",
		.arguments = identity_argument,
		.run = run_unlink},
};
const struct command_table own_account_commands = {commands, ARRAY_LEN(commands)};
