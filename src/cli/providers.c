/*
 * Identity providers: who people can sign in through.
 */
#include "cli/commands.h"

#include "cli/request.h"
#include "cli/secret_input.h"
#include "cli/value_sources.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define SECRET_MAX 1024

/* "group=ops,role=admin": members of a rule, separated by commas. NULL for anything else. */
static json_t *parse_rule(span text)
{
	json_t *rule = json_object();
	span part, name;

	while (span_cut(&text, ',', &part)) {
		AUTO(buf) key = {0};

		buf_init(&key, 64);
		if (!span_cut(&part, '=', &name) || !part.ptr) {
			json_decref(rule);
			return NULL;
		}
		buf_add(&key, name);
		json_object_set_new(rule, buf_str(&key), json_stringn(part.ptr, part.len));
	}
	return rule;
}

/* Turns the texts of --rule into objects. */
static err read_rules(struct cli *cli, json_t *body)
{
	json_t *texts = json_object_get(body, "rules"), *text, *rules;
	size_t i;

	if (!texts)
		return OK;
	rules = json_array();
	json_array_foreach(texts, i, text)
	{
		json_t *rule = parse_rule(span_from(json_string_value(text)));

		if (!rule) {
			json_decref(rules);
			return cli_fail(cli, ERR_INVALID, "usage",
				"a rule is like group=ops,role=admin; '%s' is not",
				json_string_value(text));
		}
		json_array_append_new(rules, rule);
	}
	json_object_set_new(body, "rules", rules);
	return OK;
}

static err read_secret(struct cli *cli, json_t *body)
{
	AUTO(buf) secret = {0};
	err e;

	if (!cli_text(cli, "secret-file"))
		return OK;
	buf_init(&secret, SECRET_MAX);
	e = secret_input(cli, "secret-file", "", false, &secret);
	if (e == OK)
		json_object_set_new(
			body, "client_secret", json_stringn(buf_str(&secret), buf_len(&secret)));
	buf_wipe(&secret);
	return e;
}

static err run_create(struct cli *cli)
{
	json_t *body = request_body(cli), *provider = NULL;
	err e = read_rules(cli, body);

	if (e == OK)
		e = read_secret(cli, body);
	if (e == OK)
		e = session_call(cli, "POST", "/admin/identity-providers", body, &provider);
	json_decref(body);
	return e == OK ? command_answer(cli, provider) : e;
}

static err run_update(struct cli *cli)
{
	json_t *body = request_body(cli), *provider = NULL;
	err e = read_rules(cli, body);

	if (e == OK)
		e = read_secret(cli, body);
	if (cli_flag(cli, "no-trusted-factor"))
		json_object_set_new(body, "trusted_factor", json_false());
	if (e == OK && json_object_size(body) == 0)
		e = cli_fail(cli, ERR_INVALID, "usage", "say what to change: see --help");
	if (e == OK)
		e = session_call(cli, "PATCH",
			request_path(cli, "/admin/identity-providers/{provider}"), body, &provider);
	json_decref(body);
	return e == OK ? command_answer(cli, provider) : e;
}

static err run_list(struct cli *cli)
{
	static const struct view views[] = {
		{"NAME", "name", VIEW_TEXT, 0},
		{"TITLE", "title", VIEW_TEXT, COLUMN_SHRINK},
		{"KIND", "kind", VIEW_TEXT, 0},
		{"STATE", "state", VIEW_TEXT, COLUMN_TONE},
		{"ISSUER", "issuer", VIEW_TEXT, COLUMN_SHRINK},
	};

	return command_list(
		cli, "/admin/identity-providers", views, ARRAY_LEN(views), "No identity providers");
}

static err run_show(struct cli *cli)
{
	return command_show(cli, "/admin/identity-providers/{provider}");
}

static err run_delete(struct cli *cli)
{
	return command_act(cli, "DELETE", "/admin/identity-providers/{provider}",
		"Removed, with everybody's identities there");
}

static err run_test(struct cli *cli)
{
	json_t *trial = NULL;
	err e = session_call(cli, "POST",
		request_path(cli, "/admin/identity-providers/{provider}/test"), NULL, &trial);
	const char *problem = json_string_value(json_object_get(trial, "problem"));

	if (e == OK && problem)
		e = cli_fail(cli, ERR_UNAVAILABLE, "provider_unavailable", "%s", problem);
	if (e != OK) {
		json_decref(trial);
		return e;
	}
	return command_answer(cli, trial);
}

static const struct option list_options[] = {LIMIT_OPTION, {0}};
static const struct option provider_argument[] = {
	{"provider", "PROVIDER", VALUE_TEXT, OPTION_REQUIRED, "the provider's name or id",
		.source = &source_providers},
	{0},
};
static const struct option create_arguments[] = {
	{"name", "NAME", VALUE_TEXT, OPTION_REQUIRED, "its name, as it will stand in URLs",
		.member = "name"},
	{0},
};
#define PROVIDER_OPTIONS                                                                                  \
	{"title", "TEXT", VALUE_TEXT, 0, "what people call it", .member = "title"},                       \
		{"secret-file", "FILE", VALUE_FILE, 0, "file with the client secret"},                    \
		{"client-auth", "HOW", VALUE_TEXT, 0, "how the secret is sent",                           \
			.choices = "basic post", .member = "client_auth"},                                \
		{"scope", "NAME", VALUE_TEXT, OPTION_MANY,                                                \
			"what to ask for, instead of the preset's", .member = "scopes"},                  \
		{"groups-claim", "NAME", VALUE_TEXT, 0, "where the provider says groups",                 \
			.member = "groups_claim"},                                                        \
		{"email-verified-claim", "NAME", VALUE_TEXT, 0,                                           \
			"where it says that an address was verified",                                     \
			.member = "email_verified_claim"},                                                \
		{"domain", "DOMAIN", VALUE_TEXT, OPTION_MANY,                                             \
			"its word on verified addresses of this domain links existing accounts",          \
			.member = "domains"},                                                             \
		{"rule", "RULE", VALUE_TEXT, OPTION_MANY,                                                 \
			"who gets an account: group=…,domain=…,role=…,organisation=…; the first " \
			"that fits",                                                                      \
			.member = "rules"},                                                               \
		{"trusted-factor", NULL, VALUE_FLAG, 0, "its sign-ins count as two factors",              \
			.member = "trusted_factor"},                                                      \
		{"authorization-url", "URL", VALUE_TEXT, 0, "oauth only",                                 \
			.member = "authorization_url"},                                                   \
		{"token-url", "URL", VALUE_TEXT, 0, "oauth only", .member = "token_url"},                 \
		{"user-url", "URL", VALUE_TEXT, 0, "oauth only", .member = "user_url"},                   \
		{"emails-url", "URL", VALUE_TEXT, 0, "oauth only", .member = "emails_url"},               \
	{                                                                                                 \
		"subject-claim", "NAME", VALUE_TEXT, 0, "oauth only: who somebody is",                    \
			.member = "subject_claim"                                                         \
	}

static const struct option create_options[] = {
	{"preset", "KIND", VALUE_TEXT, 0, "what it is; without it any OpenID provider",
		.choices = "oidc oauth google entra okta keycloak github", .member = "preset"},
	{"issuer", "URL", VALUE_TEXT, 0, "its issuer; google and github have theirs",
		.member = "issuer"},
	{"client-id", "ID", VALUE_TEXT, OPTION_REQUIRED, "what we are there",
		.member = "client_id"},
	PROVIDER_OPTIONS,
	{0},
};
static const struct option update_options[] = {
	{"name", "NAME", VALUE_TEXT, 0, "its new name, as it will stand in URLs", .member = "name"},
	{"client-id", "ID", VALUE_TEXT, 0, "what we are there", .member = "client_id"},
	{"state", "STATE", VALUE_TEXT, 0, "whether it can be used", .choices = "active disabled",
		.member = "state"},
	PROVIDER_OPTIONS,
	{"no-trusted-factor", NULL, VALUE_FLAG, 0, "its sign-ins do not count as two factors"},
	{0},
};

static const struct command commands[] = {
	{.path = "provider create",
		.summary = "let people sign in through an identity provider",
		.about = "The answer says the redirect URI to enter there. "
			 "docs/identity-providers.md goes through it for Keycloak, Entra, Google, "
			 "Okta and GitHub.",
		.arguments = create_arguments,
		.options = create_options,
		.run = run_create,
		.examples = "slipway provider create work --preset keycloak --issuer "
			    "https://sso.example.com/realms/staff --client-id slipway "
			    "--secret-file secret --rule group=release-engineers,role=admin",
		.next = "`slipway provider test` asks it."},
	{.path = "provider list",
		.summary = "list identity providers",
		.options = list_options,
		.run = run_list},
	{.path = "provider show",
		.summary = "show an identity provider",
		.arguments = provider_argument,
		.run = run_show},
	{.path = "provider update",
		.summary = "change an identity provider",
		.about = "--scope, --domain and --rule replace all there were.",
		.arguments = provider_argument,
		.options = update_options,
		.run = run_update,
		.examples = "slipway provider update work --state disabled\n"
			    "slipway provider update work --rule group=ops,role=admin --rule "
			    "domain=example.com,role=user"},
	{.path = "provider delete",
		.summary = "remove an identity provider and everybody's identities there",
		.arguments = provider_argument,
		.run = run_delete},
	{.path = "provider test",
		.summary = "try whether an identity provider can be asked",
		.arguments = provider_argument,
		.run = run_test},
};
const struct command_table provider_commands = {commands, ARRAY_LEN(commands)};
