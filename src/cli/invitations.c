/*
 * Invitations: how accounts begin whose holder chooses the password.
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/people.h"
#include "cli/secret_input.h"
#include "cli/sign_in.h"

#include "base/banned.h"

static err run_create(struct cli *cli)
{
	json_t *body = request_body(cli), *made = NULL;
	bool mailed;
	err e = session_call(cli, "POST", "/admin/invitations", body, &made);

	json_decref(body);
	if (e != OK)
		return e;
	mailed = !json_is_string(json_object_get(made, "link"));
	e = command_answer(cli, made);
	if (e == OK && !cli->json)
		cli_note(cli,
			mailed ? "the link was mailed"
			       : "this server sends no mail: hand the link over; it is not shown again");
	return e;
}

static err run_list(struct cli *cli)
{
	static const struct view views[] = {
		{"EMAIL", "email", VIEW_TEXT, COLUMN_SHRINK},
		{"ROLE", "role", VIEW_TEXT, COLUMN_SHRINK},
		{"EXPIRES", "expires_at", VIEW_TIME, 0},
		{"INVITED BY", "inviter", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
		{"ORGANISATION", "organisation_name", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
		{"ID", "id", VIEW_TEXT, COLUMN_DROP},
	};

	return command_list(
		cli, "/admin/invitations", views, ARRAY_LEN(views), "No invitation stands");
}

/* The id of the invitation to an address. */
static err find_by_email(struct cli *cli, const char *email, const char **ret)
{
	json_t *list = NULL, *item;
	size_t i;
	err e = request_all(cli, "/admin/invitations", &list);

	if (e != OK)
		return e;
	*ret = NULL;
	json_array_foreach(list, i, item)
	{
		const char *to = json_string_value(json_object_get(item, "email"));

		if (to && span_eq_nocase(span_from(to), span_from(email)))
			*ret = arena_strdup(
				cli->arena, json_string_value(json_object_get(item, "id")));
	}
	json_decref(list);
	return *ret ? OK
		    : cli_fail(cli, ERR_NOT_FOUND, "invitation_not_found",
			      "no invitation of %s stands", email);
}

static err run_withdraw(struct cli *cli)
{
	const char *id = cli_text(cli, "invitation");
	json_t *answer = NULL;
	err e = strchr(id, '@') ? find_by_email(cli, id, &id) : OK;

	if (e == OK)
		e = session_call(
			cli, "DELETE", request_under(cli, "/admin/invitations", id), NULL, &answer);
	json_decref(answer);
	if (e == OK && !cli->json)
		fputs("Withdrawn: the link opens nothing any more\n", cli->out);
	return e;
}

static err run_accept(struct cli *cli)
{
	json_t *body = json_object(), *tokens = NULL, *me = NULL;
	const char *email;
	struct session *s;
	err e = secret_link_member(cli, body, "token", "link-file");

	if (e == OK)
		e = secret_member(cli, body, "password", "password-file",
			"Password of your account to be: ", true);
	if (e == OK)
		e = session_get_anonymous(cli, &s);
	if (e == OK)
		e = session_call(cli, "POST", "/auth/invitation", body, &tokens);
	json_decref(body);
	if (e == OK)
		e = sign_in_store(cli, NULL, tokens);
	if (e == OK)
		e = session_call(cli, "GET", "/me", NULL, &me);
	email = json_string_value(json_object_get(me, "email"));
	if (e == OK)
		e = sign_in_store(cli, email, tokens);
	if (e == OK && cli->json)
		e = view_json(cli, me);
	else if (e == OK)
		view_line(cli, "Welcome. Signed in to %s as %s", s->server, email);
	if (e == OK && json_is_true(json_object_get(tokens, "mfa_enrolment_required")))
		cli_note(cli, "this account must have a second factor before it may do anything "
			      "else: slipway factor enrol");
	json_decref(tokens);
	json_decref(me);
	return e;
}

static const struct option create_arguments[] = {
	{"email", "EMAIL", VALUE_TEXT, OPTION_REQUIRED, "who is invited", .member = "email"},
	{0},
};
static const struct option create_options[] = {
	ROLE_OPTION(OPTION_REQUIRED, "what they may do: admin, user, guest or a role of your own"),
	ORGANISATION_OPTION("organisation they will belong to: name or id"),
	{0},
};
static const struct option list_options[] = {LIMIT_OPTION, {0}};
static const struct option invitation_argument[] = {
	{"invitation", "INVITATION", VALUE_TEXT, OPTION_REQUIRED, "its id, or who it invites"},
	{0},
};
static const struct option accept_options[] = {
	{"link-file", "FILE", VALUE_FILE, 0, "file with the link; asked for without it"},
	PASSWORD_OPTION,
	{0},
};

static const struct command commands[] = {
	{.path = "invitation create",
		.summary = "invite somebody, who then chooses a password",
		.about =
			"Mails a link that works once, for seven days; inviting the same address "
			"again replaces it. Where the server sends no mail the answer has the "
			"link, to be handed over. Roles that permit more than personal things must "
			"enrol a second factor before anything else.",
		.arguments = create_arguments,
		.options = create_options,
		.run = run_create,
		.examples = "slipway invitation create jo@example.com --role user\n"
			    "slipway invitation create jo@example.com --role release-manager --org "
			    "\"Example Ltd\""},
	{.path = "invitation list",
		.summary = "list invitations that still stand",
		.options = list_options,
		.run = run_list},
	{.path = "invitation withdraw",
		.summary = "withdraw an invitation",
		.arguments = invitation_argument,
		.run = run_withdraw,
		.examples = "slipway invitation withdraw jo@example.com"},
	{.path = "invitation accept",
		.summary = "accept an invitation to you: makes the account and signs in",
		.about = "What its link does in a browser, for machines without one.",
		.options = accept_options,
		.run = run_accept,
		.examples = "slipway invitation accept --server https://packages.example.com"},
};
const struct command_table invitation_commands = {commands, ARRAY_LEN(commands)};
