/*
 * `slipway doctor`: what is wrong, here and at the server, before it hurts.
 */
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/time.h"
#include "cli/commands.h"
#include "cli/request.h"
#include "sys/clock.h"

#include "base/banned.h"

void checkup_add(struct checkup *c, const char *check, enum finding finding, const char *remedy,
	const char *format, ...)
{
	static const char *const names[] = {"ok", "warning", "problem"};
	const char *detail;
	va_list args;

	va_start(args, format);
	detail = arena_vprintf(c->cli->arena, format, args);
	va_end(args);
	c->problems += finding == FINDING_PROBLEM;
	c->warnings += finding == FINDING_WARNING;
	json_array_append_new(c->findings,
		json_pack("{s:s, s:s, s:s, s:s?}", "check", check, "status", names[finding],
			"detail", detail, "remedy", finding == FINDING_OK ? NULL : remedy));
}

/* "Sun, 22 Nov 2026 19:04:46 GMT" (RFC 9110, 5.6.7) as seconds; false for anything else. */
static bool parse_http_date(span text, int64_t *ret_us)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char iso[32];
	unsigned month = 0;
	struct buf out;

	if (text.len != 29 || !span_ends_with(text, SPAN(" GMT")))
		return false;
	while (month < 12 && !span_eq(span_sub(text, 8, 3), span_of(months + month * 3, 3)))
		month++;
	buf_init_fixed(&out, iso, sizeof(iso));
	buf_addf(&out, "%.*s-%02u-%.*sT%.*sZ", SPAN_ARG(span_sub(text, 12, 4)), month + 1,
		SPAN_ARG(span_sub(text, 5, 2)), SPAN_ARG(span_sub(text, 17, 8)));
	return month < 12 && buf_error(&out) == OK && time_parse(buf_span(&out), ret_us) == OK;
}

static void check_remote_clock(struct checkup *c, const struct http_answer *a)
{
	int64_t server_us, apart_s;

	if (!parse_http_date(http_answer_header(a, "date"), &server_us))
		return;
	apart_s = (server_us - clock_wall_us()) / TIME_SECOND;
	if (apart_s > 5 || apart_s < -5)
		checkup_add(c, "server clock", FINDING_WARNING,
			"one of the two clocks is wrong; tokens are judged by the server's",
			"differs from this machine's by %lld s", (long long)apart_s);
	else
		checkup_add(c, "server clock", FINDING_OK, NULL, "agrees with this machine's");
}

static void check_reachable(struct checkup *c, struct session *s, bool *ret_good)
{
	struct http_request rq = {.method = "GET", .url = session_url(c->cli, s, "/healthz")};
	struct http_answer a;
	err e;

	http_answer_init(&a);
	e = http_send(s->http, &rq, &a);
	*ret_good = e == OK;
	if (e == OK)
		checkup_add(c, "server", FINDING_OK, NULL, "%s answers", s->server);
	else
		checkup_add(c, "server", FINDING_PROBLEM,
			"is the URL right, does it run, is its authority named with --ca?",
			"%s: %s", s->server, buf_str(&a.detail));
	if (e == OK)
		check_remote_clock(c, &a);
	http_answer_done(&a);
}

static void check_sign_in(struct checkup *c, const struct session *s)
{
	json_t *me = NULL;

	if (s->identity == IDENTITY_NOBODY) {
		checkup_add(c, "sign-in", FINDING_WARNING, "slipway login", "nobody is signed in");
		return;
	}
	if (session_call(c->cli, "GET", "/me", NULL, &me) != OK) {
		checkup_add(c, "sign-in", FINDING_PROBLEM, c->cli->hint, "%s", c->cli->detail);
		c->cli->detail = c->cli->hint = c->cli->code = c->cli->request_id = NULL;
		return;
	}
	checkup_add(c, "sign-in", FINDING_OK, NULL, "as %s",
		json_string_value(json_object_get(me, "email"))
			? json_string_value(json_object_get(me, "email"))
			: "an API key");
	if (s->identity == IDENTITY_SIGNED_IN && !json_is_true(json_object_get(me, "mfa")))
		checkup_add(c, "second factor", FINDING_WARNING,
			"use a long password of your own for this account",
			"this account signs in with a password alone");
	json_decref(me);
}

static err check_remote(struct checkup *c)
{
	struct session *s;
	bool good = false;
	err e = session_get(c->cli, &s);

	if (e != OK && cli_text(c->cli, "data")) { /* no server named: the local part will do */
		c->cli->detail = c->cli->hint = c->cli->code = NULL;
		return OK;
	}
	if (e != OK)
		return e;
	check_reachable(c, s, &good);
	if (good)
		check_sign_in(c, s);
	return OK;
}

static err show(struct checkup *c)
{
	static const struct view views[] = {
		{"CHECK", "check", VIEW_TEXT, 0},
		{"STATUS", "status", VIEW_TEXT, COLUMN_TONE},
		{"DETAIL", "detail", VIEW_TEXT, 0},
	};
	json_t *finding;
	size_t i;
	err e = view_table(c->cli, c->findings, views, ARRAY_LEN(views), "");

	json_array_foreach(c->findings, i, finding)
	{
		const char *remedy = json_string_value(json_object_get(finding, "remedy"));

		if (remedy)
			fprintf(c->cli->out, "  %s: %s\n",
				json_string_value(json_object_get(finding, "check")), remedy);
	}
	return e;
}

static err run_doctor(struct cli *cli)
{
	struct checkup c = {.cli = cli, .findings = json_array()};
	err e;

	if (cli_text(cli, "data"))
		checkup_local(&c, cli_text(cli, "data"));
	e = check_remote(&c);
	if (e == OK && cli->json)
		e = command_answer(cli, json_pack("{s:O, s:i, s:i}", "checks", c.findings,
						"problems", c.problems, "warnings", c.warnings));
	else if (e == OK)
		e = show(&c);
	json_decref(c.findings);
	if (e == OK && c.problems)
		return cli_fail(cli, ERR_CONFLICT, "problems_found", "%u problem%s found",
			c.problems, c.problems == 1 ? "" : "s");
	return e;
}

static const struct option doctor_options[] = {
	{"data", "DIR", VALUE_PATH, 0, "also look at this data directory, on this machine",
		.env = "SLIPWAY_DATA"},
	{0},
};

static const struct command commands[] = {
	{.path = "doctor",
		.summary = "look for what is wrong, here and at the server",
		.about =
			"With --data: settings, rights of files, accounts of the processes, "
			"certificate, disk, nginx and its module, mail server, Redis, clock. And, when a server is "
			"known: whether it answers, its clock, the sign-in. Changes nothing. "
			"Exits with 6 when there is a problem; warnings alone are no failure.",
		.options = doctor_options,
		.run = run_doctor,
		.examples = "slipway doctor\nsudo slipway doctor --data /srv/slipway"},
};
const struct command_table doctor_commands = {commands, ARRAY_LEN(commands)};
