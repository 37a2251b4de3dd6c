/*
 * Workload identities: which CI jobs may publish without a secret, and the token of such a job.
 */
#include "cli/commands.h"

#include <string.h>

#include "base/time.h"
#include "cli/ci_token.h"
#include "cli/request.h"

#include "base/banned.h"

#define GITHUB_ISSUER "https://token.actions.githubusercontent.com"
#define GITLAB_ISSUER "https://gitlab.com"

/* From the command line to a request ------------------------------------------------------------
 */

static void add_condition(json_t *list, const char *claim, const char *pattern)
{
	if (pattern)
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "claim", claim, "pattern", pattern));
}

/* What --github and --gitlab stand for: an issuer, and what its tokens say of the project. */
static err apply_preset(struct cli *cli, json_t *body, json_t *list)
{
	const char *github = cli_text(cli, "github"), *gitlab = cli_text(cli, "gitlab");
	const char *ref = cli_text(cli, "ref"), *environment = cli_text(cli, "environment");

	if (github && gitlab)
		return cli_fail(cli, ERR_INVALID, "usage",
			"--github and --gitlab exclude each other: make an identity for each");
	if (!github && !gitlab)
		return ref || environment
			       ? cli_fail(cli, ERR_INVALID, "usage",
					 "--ref and --environment belong to --github and --gitlab; "
					 "of other providers write --condition CLAIM=PATTERN")
			       : OK;
	/* That of a server of one's own is given; that of an identity never changes. */
	if (!cli_text(cli, "workload") && !cli_text(cli, "issuer"))
		json_object_set_new(
			body, "issuer", json_string(github ? GITHUB_ISSUER : GITLAB_ISSUER));
	add_condition(list, github ? "repository" : "project_path", github ? github : gitlab);
	add_condition(list, github ? "ref" : "ref_path", ref);
	add_condition(list, "environment", environment);
	return OK;
}

/* "ref=refs/tags/v*" */
static err add_given(struct cli *cli, json_t *list)
{
	size_t count;
	const char *const *texts = cli_texts(cli, "condition", &count);

	for (size_t i = 0; i < count; i++) {
		const char *equals = strchr(texts[i], '=');

		if (!equals || equals == texts[i] || !equals[1])
			return cli_fail(cli, ERR_INVALID, "usage",
				"--condition: write CLAIM=PATTERN, like ref=refs/tags/v*; '%s' is "
				"not",
				texts[i]);
		add_condition(list,
			arena_str(cli->arena, span_of(texts[i], (size_t)(equals - texts[i]))),
			equals + 1);
	}
	return OK;
}

static err add_conditions(struct cli *cli, json_t *body)
{
	json_t *list = json_array();
	err e = apply_preset(cli, body, list);

	if (e == OK)
		e = add_given(cli, list);
	if (e != OK || json_array_size(list) == 0)
		json_decref(list);
	else
		json_object_set_new(body, "conditions", list);
	return e;
}

/* What publishing to a channel takes, besides what --permission names. */
static void add_permissions(struct cli *cli, json_t *body)
{
	static const char *const always[] = {"upload.write", "release.write", "release.read.draft"};
	size_t channels, count;
	const char *const *channel = cli_texts(cli, "channel", &channels);
	const char *const *name = cli_texts(cli, "permission", &count);
	json_t *list = json_array();

	for (size_t i = 0; channels && i < ARRAY_LEN(always); i++)
		json_array_append_new(list, json_string(always[i]));
	for (size_t i = 0; i < channels; i++)
		json_array_append_new(list,
			json_string(arena_printf(cli->arena, "release.publish.%s", channel[i])));
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(name[i]));
	if (json_array_size(list))
		json_object_set_new(body, "permissions", list);
	else
		json_decref(list);
}

static err add_lifetime(struct cli *cli, json_t *body)
{
	const char *text = cli_text(cli, "lifetime");
	int64_t us;

	if (!text)
		return OK;
	if (duration_parse(span_from(text), &us) != OK)
		return cli_fail(cli, ERR_INVALID, "usage",
			"--lifetime: \"%s\" is no duration; write 15m, 1h at most", text);
	json_object_set_new(body, "lifetime_s", json_integer(us / TIME_SECOND));
	return OK;
}

static err make_body(struct cli *cli, json_t **ret)
{
	json_t *body = request_body(cli);
	err e = add_conditions(cli, body);

	if (e == OK)
		e = add_lifetime(cli, body);
	add_permissions(cli, body);
	if (e == OK)
		*ret = body;
	else
		json_decref(body);
	return e;
}

/* Answers ---------------------------------------------------------------------------------------
 */

/* For people conditions are short texts: ref=refs/tags/v* */
static void shorten(struct cli *cli, json_t *workload)
{
	json_t *list = json_object_get(workload, "conditions"), *texts = json_array(), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *claim = json_string_value(json_object_get(one, "claim"));
		const char *pattern = json_string_value(json_object_get(one, "pattern"));

		if (claim && pattern)
			json_array_append_new(texts,
				json_string(arena_printf(cli->arena, "%s=%s", claim, pattern)));
	}
	json_object_set_new(workload, "conditions", texts);
}

static err answer(struct cli *cli, json_t *workload)
{
	if (workload && !cli->json)
		shorten(cli, workload);
	return command_answer(cli, workload);
}

static err run_create(struct cli *cli)
{
	json_t *body = NULL, *workload = NULL;
	err e = make_body(cli, &body);

	if (e != OK)
		return e;
	if (!json_object_get(body, "conditions") || !json_object_get(body, "issuer"))
		e = cli_fail(cli, ERR_INVALID, "usage",
			"which jobs? Give --github OWNER/REPOSITORY, --gitlab GROUP/PROJECT, or "
			"--issuer URL with --condition CLAIM=PATTERN");
	else if (!json_object_get(body, "permissions"))
		e = cli_fail(cli, ERR_INVALID, "usage",
			"what may they do? Give --channel CHANNEL to publish to, or --permission "
			"NAME");
	else
		e = session_call(cli, "POST", "/admin/workload-identities", body, &workload);
	json_decref(body);
	if (e == OK && cli->json)
		json_object_set(workload, "workload_id", json_object_get(workload, "id"));
	return e == OK ? answer(cli, workload) : e;
}

static err run_update(struct cli *cli)
{
	json_t *body = NULL, *workload = NULL;
	err e = make_body(cli, &body);

	if (e != OK)
		return e;
	if (json_object_size(body) == 0)
		e = cli_fail(cli, ERR_INVALID, "usage", "say what is to be changed");
	else
		e = session_call(cli, "PATCH",
			request_path(cli, "/admin/workload-identities/{workload}"), body,
			&workload);
	json_decref(body);
	return e == OK ? answer(cli, workload) : e;
}

static err run_list(struct cli *cli)
{
	static const struct view views[] = {
		{"NAME", "name", VIEW_TEXT, 0},
		{"STATE", "state", VIEW_TEXT, COLUMN_TONE},
		{"CONDITIONS", "conditions", VIEW_TEXT, COLUMN_SHRINK},
		{"PRODUCTS", "products", VIEW_TEXT, COLUMN_SHRINK},
		{"OWNER", "owner", VIEW_TEXT, COLUMN_SHRINK | COLUMN_DROP},
		{"LAST USED", "last_used_at", VIEW_TIME, COLUMN_DROP},
	};
	json_t *list = NULL, *one;
	size_t i;
	err e = request_list(cli, "/admin/workload-identities", &list);

	if (e != OK)
		return e;
	json_array_foreach(json_object_get(list, "items"), i, one) if (!cli->json)
		shorten(cli, one);
	return command_show_list(cli, list, views, ARRAY_LEN(views), "No workload identities");
}

static err run_show(struct cli *cli)
{
	json_t *workload = NULL;
	err e = session_call(cli, "GET", request_path(cli, "/admin/workload-identities/{workload}"),
		NULL, &workload);

	return e == OK ? answer(cli, workload) : e;
}

static err run_delete(struct cli *cli)
{
	return command_act(cli, "DELETE", "/admin/workload-identities/{workload}",
		"Removed; its tokens have ended");
}

/* The access token of this job, for commands and programs that follow. */
static err run_token(struct cli *cli)
{
	struct session *s;
	const char *advice;
	err e = session_get_anonymous(cli, &s);

	if (e != OK)
		return e;
	if (!ci_token_is_given(cli) && !ci_token_can_be_asked_for()) {
		advice = ci_token_advice(cli, s);
		cli_hint(cli, "%s",
			advice ? advice
			       : "elsewhere put the provider's token into SLIPWAY_ID_TOKEN or "
				 "a file: --id-token-file FILE");
		return cli_fail(cli, ERR_UNAUTHENTICATED, "no_id_token",
			"this job has no token of its CI provider");
	}
	e = ci_token_exchange(cli, s);
	if (e != OK)
		return e;
	if (cli->json)
		return command_answer(
			cli, json_pack("{s:s, s:s}", "access_token", s->bearer, "scope", s->scope));
	fprintf(cli->out, "%s\n", s->bearer);
	return OK;
}

/* Rows ------------------------------------------------------------------------------------------
 */

#define WORKLOAD_OPTIONS                                                                           \
	{"github", "OWNER/REPOSITORY", VALUE_TEXT, 0,                                              \
		"jobs of this repository in GitHub Actions; OWNER/*: of all of an owner's"},       \
		{"gitlab", "GROUP/PROJECT", VALUE_TEXT, 0, "jobs of this project in GitLab CI"},   \
		{"ref", "PATTERN", VALUE_TEXT, 0,                                                  \
			"only on this branch or tag, like 'refs/tags/v*' or refs/heads/main"},     \
		{"environment", "NAME", VALUE_TEXT, 0,                                             \
			"only in this environment, which may want somebody's approval"},           \
		{"condition", "CLAIM=PATTERN", VALUE_TEXT, OPTION_MANY,                            \
			"what else the provider's token must say; all must fit, `*` is anything "  \
			"but '/'"},                                                                \
		{"channel", "CHANNEL", VALUE_TEXT, OPTION_MANY, "may publish to this channel",     \
			.choices = CHANNEL_CHOICES},                                               \
		{"permission", "NAME", VALUE_TEXT, OPTION_MANY, "may do this, besides"},           \
		{"product", "PRODUCT", VALUE_TEXT, OPTION_MANY,                                    \
			"only for this product; without it for all you reach",                     \
			.member = "products"},                                                     \
		{"audience", "TEXT", VALUE_TEXT, 0,                                                \
			"what its tokens must be for; without it this server's URL",               \
			.member = "audience"},                                                     \
	{                                                                                          \
		"lifetime", "TIME", VALUE_TEXT, 0,                                                 \
			"how long its access tokens live: 1m to 1h, 15m without it"                \
	}

static const struct option create_arguments[] = {
	{"name", "NAME", VALUE_TEXT, OPTION_REQUIRED, "what it is called", .member = "name"},
	{0},
};
static const struct option create_options[] = {
	WORKLOAD_OPTIONS,
	{"issuer", "URL", VALUE_TEXT, 0,
		"another CI provider, or a server of your own, as its tokens name it (`iss`)",
		.member = "issuer"},
	{0},
};
static const struct option workload_argument[] = {
	{"workload", "WORKLOAD", VALUE_TEXT, OPTION_REQUIRED, "its name or id"},
	{0},
};
static const struct option update_options[] = {
	WORKLOAD_OPTIONS,
	{"name", "NAME", VALUE_TEXT, 0, "a new name", .member = "name"},
	{"state", "STATE", VALUE_TEXT, 0, "whether it can be used", .choices = "active disabled",
		.member = "state"},
	{0},
};
static const struct option list_options[] = {LIMIT_OPTION, {0}};

static const struct command commands[] = {
	{.path = "workload create",
		.summary = "let jobs of a CI provider publish without a secret",
		.about =
			"A job shows the token its provider signs for it, and gets an access token "
			"for some minutes that permits what is listed here, as far as you may. "
			"Conditions say which jobs; without --ref or --environment it is every job "
			"of the project, on any branch.",
		.arguments = create_arguments,
		.options = create_options,
		.run = run_create,
		.examples =
			"slipway workload create release --github acme/vpn --ref 'refs/tags/v*' "
			"--product vpn --channel stable\n"
			"slipway workload create nightly --gitlab acme/vpn --issuer "
			"https://gitlab.example.com --ref refs/heads/main --product vpn "
			"--channel dev",
		.next = "the job itself: deploy/ci/github-actions.yml, deploy/ci/gitlab-ci.yml."},
	{.path = "workload list",
		.summary = "list workload identities",
		.options = list_options,
		.run = run_list},
	{.path = "workload show",
		.summary = "show a workload identity",
		.arguments = workload_argument,
		.run = run_show},
	{.path = "workload update",
		.summary = "change a workload identity",
		.about =
			"Conditions, permissions and products that are given replace all there were. "
			"It is yours from then on: it permits no more than you may. Its tokens end "
			"at once.",
		.arguments = workload_argument,
		.options = update_options,
		.run = run_update,
		.examples = "slipway workload update release --github acme/vpn --environment "
			    "production\n"
			    "slipway workload update release --state disabled"},
	{.path = "workload delete",
		.summary = "remove a workload identity; its tokens end at once",
		.arguments = workload_argument,
		.run = run_delete},
	{.path = "workload token",
		.summary = "in a CI job: print its access token",
		.about =
			"Every command does this by itself, in GitHub Actions as often as needed. "
			"Elsewhere a job has one token of its provider, which is good for one "
			"exchange: this makes it last for several commands, and for other programs.",
		.run = run_token,
		.examples = "export SLIPWAY_TOKEN=\"$(slipway workload token)\""},
};
const struct command_table workload_commands = {commands, ARRAY_LEN(commands)};
