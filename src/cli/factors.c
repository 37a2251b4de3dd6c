/*
 * Second factors: one's own, and taking away another's.
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/qr_code.h"
#include "cli/people.h"
#include "cli/secret_input.h"
#include "sys/files.h"

#include "base/banned.h"

/* Authenticator app ---------------------------------------------------------------------------- */

static err write_secret(struct cli *cli, const char *option, const char *text)
{
	const char *path = cli_text(cli, option);
	err e;

	if (!path)
		return OK;
	e = file_write_atomic(path, span_from(arena_printf(cli->arena, "%s\n", text)), 0600);
	return e ? cli_fail(cli, e, "file", "%s cannot be written: %s", path, err_title(e)) : OK;
}

static err show_codes(struct cli *cli, json_t *answer)
{
	const json_t *codes = json_object_get(answer, "recovery_codes");
	AUTO(buf) text = {0};
	size_t i;
	json_t *code;
	err e;

	buf_init(&text, 4096);
	json_array_foreach((json_t *)(uintptr_t)codes, i, code)
		buf_addf(&text, "%s%s", i ? "\n" : "", json_string_value(code));
	e = buf_len(&text) ? write_secret(cli, "codes-file", buf_str(&text)) : OK;
	if (e || cli->json) {
		if (!e)
			return command_answer(cli, answer);
		json_decref(answer);
		return e;
	}
	json_decref(answer);
	if (cli_text(cli, "codes-file"))
		fprintf(cli->out, "Recovery codes are in %s\n", cli_text(cli, "codes-file"));
	else if (buf_len(&text))
		fprintf(cli->out,
			"Recovery codes, each good once, for when the app is lost. Keep them "
			"safe:\n\n%s\n",
			buf_str(&text));
	return OK;
}

static err confirm(struct cli *cli, const char *otp)
{
	json_t *body = json_pack("{s:s}", "otp", otp), *answer = NULL;
	err e = body ? session_call(cli, "POST", "/me/totp/confirm", body, &answer)
		     : cli_fail(cli, ERR_INVALID, "otp", "the code must be UTF-8 text");

	json_decref(body);
	if (!e)
		e = session_renew(cli); /* the next tokens say that the factor was shown */
	if (e) {
		json_decref(answer);
		return e;
	}
	if (!cli->json)
		fprintf(cli->out, "The authenticator app is your second factor now\n");
	return show_codes(cli, answer);
}

static err run_enrol(struct cli *cli)
{
	json_t *answer = NULL;
	AUTO(buf) code = {0};
	err e = session_call(cli, "POST", "/me/totp", NULL, &answer);

	if (e)
		return e;
	const char *secret = json_string_value(json_object_get(answer, "secret"));
	const char *uri = json_string_value(json_object_get(answer, "uri"));

	e = secret && uri
		    ? write_secret(cli, "secret-file", secret)
		    : cli_fail(cli, ERR_CORRUPT, "answer", "the server's answer is incomplete");
	if (!e && cli->json)
		return command_answer(cli, answer);
	if (!e && !cli_text(cli, "secret-file")) {
		fprintf(cli->out, "Give this to an authenticator app:\n\n");
		if (qr_code_print(cli->out, &cli->terminal, uri))
			fprintf(cli->out, "\nor type it:\n\n");
		fprintf(cli->out, "  %s\n\n", secret);
	}
	json_decref(answer);
	if (e)
		return e;
	fflush(cli->out);
	buf_init(&code, 64);
	if (cli_text(cli, "secret-file") || line_input("Code the app shows: ", &code) != OK) {
		fprintf(cli->out, "Finish with: slipway factor confirm --otp CODE\n");
		return OK;
	}
	return confirm(cli, buf_str(&code));
}

static err run_confirm(struct cli *cli)
{
	return confirm(cli, cli_text(cli, "otp"));
}

/* Seeing and removing -------------------------------------------------------------------------- */

static err get_factors(struct cli *cli, json_t **ret)
{
	return session_call(cli, "GET", "/me/factors", NULL, ret);
}

static err run_list(struct cli *cli)
{
	static const struct view views[] = {
		{"KIND", "kind", VIEW_TEXT, 0},
		{"NAME", "name", VIEW_TEXT, COLUMN_SHRINK},
		{"ENROLLED", "created_at", VIEW_TIME, 0},
		{"LAST USED", "last_used_at", VIEW_TIME, COLUMN_DROP},
		{"ID", "id", VIEW_TEXT, COLUMN_BELOW},
	};
	json_t *answer = NULL;
	err e = get_factors(cli, &answer);

	if (e || cli->json)
		return e ? e : command_answer(cli, answer);
	e = view_table(cli, json_object_get(answer, "factors"), views, ARRAY_LEN(views),
		"No second factors; `slipway factor enrol` adds an authenticator app");
	if (!e && json_array_size(json_object_get(answer, "factors")))
		fprintf(cli->out, "%lld recovery codes left\n",
			(long long)json_integer_value(json_object_get(answer, "recovery_codes")));
	if (!e)
		view_prose(cli, "Passkeys are made in a browser: %s/account/security",
			((struct session *)cli->data)->server);
	json_decref(answer);
	return e;
}

/* The factor named, or the only one there is. */
static err find_factor(struct cli *cli, const json_t *list, const json_t **ret)
{
	const char *id = cli_text(cli, "factor");
	size_t i;
	json_t *one;

	*ret = id ? NULL : json_array_get(list, 0);
	json_array_foreach((json_t *)(uintptr_t)list, i,
		one) if (id && !strcmp(id, json_string_value(json_object_get(one, "id")))) *ret =
		one;
	if (!*ret)
		return cli_fail(cli, ERR_NOT_FOUND, "not_found",
			id ? "you have no factor %s" : "you have no second factor", id ? id : "");
	if (!id && json_array_size(list) > 1)
		return cli_fail(cli, ERR_INVALID, "usage",
			"you have several factors; name one of `slipway factor list`");
	return OK;
}

static err run_remove(struct cli *cli)
{
	json_t *answer = NULL, *nothing = NULL;
	const json_t *factor = NULL;
	const char *id, *kind;
	err e = get_factors(cli, &answer);

	if (!e)
		e = find_factor(cli, json_object_get(answer, "factors"), &factor);
	id = json_string_value(json_object_get(factor, "id"));
	kind = json_string_value(json_object_get(factor, "kind"));
	if (!e && (!id || !kind))
		e = cli_fail(cli, ERR_CORRUPT, "answer", "the server's answer is incomplete");
	if (!e)
		e = session_call(cli, "DELETE",
			request_under(
				cli, strcmp(kind, "passkey") ? "/me/totp" : "/me/passkeys", id),
			NULL, &nothing);
	json_decref(answer);
	json_decref(nothing);
	if (!e && !cli->json)
		fprintf(cli->out, "Removed; your other sessions have ended\n");
	return e;
}

static err run_codes(struct cli *cli)
{
	json_t *answer = NULL;
	err e = session_call(cli, "POST", "/me/recovery-codes", NULL, &answer);

	return e ? e : show_codes(cli, answer);
}

static err run_reset(struct cli *cli)
{
	return command_act(cli, "DELETE", "/admin/accounts/{account}/factors",
		"Taken away; its sessions have ended");
}

#define CODES_FILE                                                                                 \
	{                                                                                          \
		"codes-file", "FILE", VALUE_PATH, 0,                                               \
			"write the recovery codes to this file instead of showing them"            \
	}

static const struct option enrol_options[] = {
	{"secret-file", "FILE", VALUE_PATH, 0,
		"write the secret to this file instead of showing it; finish with `factor confirm`"},
	CODES_FILE,
	{0},
};
static const struct option confirm_options[] = {
	{"otp", "CODE", VALUE_TEXT, OPTION_REQUIRED, "the code the app shows"},
	CODES_FILE,
	{0},
};
static const struct option remove_arguments[] = {
	{"factor", "FACTOR", VALUE_TEXT, 0, "id of `factor list`; not needed when there is one"},
	{0},
};
static const struct option reset_arguments[] = {ACCOUNT_ARGUMENT, {0}};
static const struct option codes_options[] = {CODES_FILE, {0}};
static const struct command commands[] = {
	{.path = "factor list",
		.summary = "list your second factors",
		.about = "Authenticator apps and passkeys. A passkey is made in a browser, on the "
			 "page /account/security of the server.",
		.run = run_list},
	{.path = "factor enrol",
		.summary = "make an authenticator app your second factor",
		.about = "Any app for one-time passwords (TOTP, RFC 6238) will do. From then on a "
			 "sign-in asks for the code it shows.",
		.options = enrol_options,
		.run = run_enrol,
		.examples = "slipway factor enrol"},
	{.path = "factor confirm",
		.summary = "finish what `factor enrol` began",
		.options = confirm_options,
		.run = run_confirm,
		.examples = "slipway factor confirm --otp 123456"},
	{.path = "factor remove",
		.summary = "remove a second factor of yours: an authenticator app or a passkey",
		.arguments = remove_arguments,
		.run = run_remove},
	{.path = "factor recovery-codes",
		.summary = "make new recovery codes; the old ones end",
		.options = codes_options,
		.run = run_codes},
	{.path = "factor reset",
		.summary = "take away another account's second factors; its sessions end",
		.about = "For somebody who has lost them. A role that must have one asks for a new "
			 "one at the next sign-in.",
		.arguments = reset_arguments,
		.run = run_reset,
		.examples = "slipway factor reset jo@example.com"},
};
const struct command_table factor_commands = {commands, ARRAY_LEN(commands)};
