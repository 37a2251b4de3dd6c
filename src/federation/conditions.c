/* Hard rule: what a pattern does not say is not said by its absence; no claim fits by being odd. */
#include "federation/conditions.h"

#include "base/json.h"
#include "federation/strict_json.h"

#include "base/banned.h"

#define ANCHORS_MAX    4
#define AUDIENCE_LEAST 8
#define AUDIENCE_MOST  255

/*
 * Issuers that give tokens to anybody's jobs, and the claims that say whose. WHOLE: the pattern has
 * no `*`. OWNER: what stands before its first `*` has the owner in it, up to a '/'. What people may
 * choose freely is no anchor: everybody may have a branch `main` or an environment `production`,
 * and at GitHub a `sub` made of nothing but these; so a `sub` must begin as the usual ones do.
 */
enum anchor_kind { WHOLE, OWNER };

static const struct issuer_rule {
	const char *issuer; /* itself, and what is below it */
	const char *whose;
	struct {
		const char *claim;
		enum anchor_kind kind;
		const char *prefix; /* or NULL */
	} anchors[ANCHORS_MAX];
} public_issuers[] = {
	{"https://token.actions.githubusercontent.com", "github.com",
		{{"repository", OWNER, NULL}, {"repository_id", WHOLE, NULL},
			{"sub", OWNER, "repo:"}}},
	{"https://gitlab.com", "gitlab.com",
		{{"project_path", OWNER, NULL}, {"project_id", WHOLE, NULL},
			{"sub", OWNER, "project_path:"}}},
	{"https://agent.buildkite.com", "buildkite.com",
		{{"organization_id", WHOLE, NULL}, {"pipeline_id", WHOLE, NULL},
			{"sub", WHOLE, "organization:"}}},
	{"https://oidc.codefresh.io", "codefresh.io",
		{{"account_id", WHOLE, NULL}, {"pipeline_id", WHOLE, NULL},
			{"sub", WHOLE, "account:"}}},
	{"https://app.terraform.io", "app.terraform.io",
		{{"terraform_organization_id", WHOLE, NULL},
			{"terraform_workspace_id", WHOLE, NULL}, {"sub", WHOLE, "organization:"}}},
	{"https://accounts.google.com", "Google", {{"sub", WHOLE, NULL}, {"email", WHOLE, NULL}}},
};

static bool is_below(span url, span base)
{
	return span_starts_with(url, base) && (url.len == base.len || url.ptr[base.len] == '/');
}

static const struct issuer_rule *rule_for(span issuer)
{
	for (size_t i = 0; i < ARRAY_LEN(public_issuers); i++)
		if (is_below(issuer, span_from(public_issuers[i].issuer)))
			return &public_issuers[i];
	return NULL;
}

/* Patterns --------------------------------------------------------------------------------------
 */

/* Within one segment: after a mismatch the last `*` takes one character more. */
static bool segment_fits(span pattern, span text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, taken = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			taken = t;
		} else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++taken;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

bool pattern_fits(span pattern, span text)
{
	span wanted, given;

	while (span_cut(&pattern, '/', &wanted))
		if (!span_cut(&text, '/', &given) || !segment_fits(wanted, given))
			return false;
	return text.ptr == NULL;
}

static bool is_plain(span text, size_t most)
{
	for (size_t i = 0; i < text.len; i++)
		if ((uint8_t)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
			return false;
	return text.len > 0 && text.len <= most && span_is_utf8(text);
}

/* Conditions ------------------------------------------------------------------------------------
 */

static bool is_anchor(const struct issuer_rule *r, const struct condition *c)
{
	span literal = span_sub(c->pattern, 0, span_find(c->pattern, '*'));

	for (size_t i = 0; r && i < ANCHORS_MAX && r->anchors[i].claim; i++) {
		span prefix = span_from(r->anchors[i].prefix);

		if (!span_is(c->claim, r->anchors[i].claim))
			continue;
		if (!span_starts_with(literal, prefix))
			return false;
		literal = span_from_offset(literal, prefix.len);
		if (r->anchors[i].kind == WHOLE)
			return literal.len > 0 && prefix.len + literal.len == c->pattern.len;
		return span_find(literal, '/') > 0 && span_find(literal, '/') < literal.len;
	}
	return false;
}

void conditions_sort(span issuer, struct conditions *c)
{
	const struct issuer_rule *r = rule_for(issuer);
	struct conditions sorted = {.count = c->count};
	size_t n = 0;

	for (int anchors = 1; anchors >= 0; anchors--)
		for (size_t i = 0; i < c->count; i++)
			if (is_anchor(r, &c->list[i]) == (anchors == 1))
				sorted.list[n++] = c->list[i];
	*c = sorted;
}

/* Claims that are looked at anyway, each in its own way. */
static bool is_reserved(span claim)
{
	static const char *const names[] = {"iss", "aud", "exp", "nbf", "iat", "jti"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (span_is(claim, names[i]))
			return true;
	return false;
}

static const char *condition_problem(struct arena *a, const struct conditions *c, size_t at)
{
	const struct condition *one = &c->list[at];

	if (!is_plain(one->claim, CLAIM_NAME_MAX) || span_find(one->claim, ' ') < one->claim.len)
		return "have a claim whose name is none";
	if (is_reserved(one->claim))
		return arena_printf(a, "cannot be about '%.*s': that claim is always checked",
			SPAN_ARG(one->claim));
	if (!is_plain(one->pattern, PATTERN_MAX))
		return arena_printf(a, "have a pattern for '%.*s' that is empty or too long",
			SPAN_ARG(one->claim));
	if (span_contains(one->pattern, SPAN("**")))
		return arena_printf(a,
			"have '**' in the pattern for '%.*s': '*' stands for characters other "
			"than '/', and there is nothing that stands for more",
			SPAN_ARG(one->claim));
	for (size_t i = 0; i < at; i++)
		if (span_eq(c->list[i].claim, one->claim))
			return arena_printf(a, "have two patterns for '%.*s'; all must fit",
				SPAN_ARG(one->claim));
	return NULL;
}

static bool has_anchor(const struct issuer_rule *r, const struct conditions *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (is_anchor(r, &c->list[i]))
			return true;
	return false;
}

static const char *anchor_problem(struct arena *a, const struct issuer_rule *r)
{
	const char *names = "";

	for (size_t i = 0; i < ANCHORS_MAX && r->anchors[i].claim; i++)
		names = arena_printf(a, "%s%s'%s'", names, *names ? ", " : "", r->anchors[i].claim);
	return arena_printf(a,
		"must say whose jobs are meant, or anybody's at %s would do: one of %s with the "
		"owner's name before any '*'",
		r->whose, names);
}

const char *conditions_problem(struct arena *a, span issuer, const struct conditions *c)
{
	const struct issuer_rule *r = rule_for(issuer);
	bool says_something = false;

	for (size_t i = 0; i < c->count; i++) {
		const char *problem = condition_problem(a, c, i);

		if (problem)
			return problem;
		for (size_t b = 0; b < c->list[i].pattern.len; b++)
			says_something |= c->list[i].pattern.ptr[b] != '*' &&
					  c->list[i].pattern.ptr[b] != '/';
	}
	if (r && !has_anchor(r, c))
		return anchor_problem(a, r);
	return says_something ? NULL : "must have at least one that not every job fits";
}

/* Addresses everybody's tokens are for, unless they ask for another audience. */
static bool is_providers_own(span issuer, span audience)
{
	static const char *const hosts[] = {"https://github.com", "https://gitlab.com",
		"https://iam.googleapis.com", "https://accounts.google.com"};

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (is_below(audience, span_from(hosts[i])))
			return true;
	return is_below(audience, issuer) || is_below(issuer, audience);
}

const char *audience_problem(struct arena *a, span issuer, span audience)
{
	bool url = span_starts_with(audience, SPAN("https://"));
	bool name = span_starts_with(audience, SPAN("slipway:"));

	for (size_t i = 0; i < audience.len; i++)
		if ((uint8_t)audience.ptr[i] <= ' ' || (uint8_t)audience.ptr[i] >= 0x7f)
			return "has characters that are not in a URL";
	if (!(url || name) || audience.len <= AUDIENCE_LEAST || audience.len > AUDIENCE_MOST)
		return "must be a URL of this server (https://…) or slipway:NAME: a token for "
		       "another service must not be good here";
	if (url && is_providers_own(issuer, audience))
		return arena_printf(a,
			"is the provider's own: its tokens for other servers could have it as "
			"well");
	return NULL;
}

/* Claims ----------------------------------------------------------------------------------------
 */

bool claim_as_text(struct arena *a, const json_t *claims, span name, span *ret)
{
	const json_t *value = json_object_get(claims, arena_str(a, name));

	if (json_is_string(value))
		*ret = span_of(json_string_value(value), json_string_length(value));
	else if (json_is_integer(value))
		*ret = span_from(arena_printf(a, "%lld", (long long)json_integer_value(value)));
	else if (json_is_boolean(value))
		*ret = span_from(json_is_true(value) ? "true" : "false");
	else
		return false;
	return true;
}

size_t conditions_misfit(struct arena *a, const struct conditions *c, const json_t *claims)
{
	size_t i = 0;
	span text;

	while (i < c->count && claim_as_text(a, claims, c->list[i].claim, &text) &&
		pattern_fits(c->list[i].pattern, text))
		i++;
	return i;
}

/* Stored ----------------------------------------------------------------------------------------
 */

void conditions_format(const struct conditions *c, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w, NULL);
	for (size_t i = 0; i < c->count; i++) {
		json_key(&w, c->list[i].claim);
		json_str(&w, NULL, c->list[i].pattern);
	}
	json_end(&w);
}

err conditions_parse(struct arena *a, span json, struct conditions *ret)
{
	json_t *object = json.len > CONDITIONS_JSON_MAX ? NULL : strict_object(a, json), *value;
	struct conditions c = {.count = 0};
	const char *name;

	if (!object || json_object_size(object) > CONDITIONS_MAX)
		return ERR_CORRUPT;
	json_object_foreach(object, name, value)
	{
		if (!json_is_string(value))
			return ERR_CORRUPT;
		c.list[c.count++] = (struct condition){span_from(name),
			span_of(json_string_value(value), json_string_length(value))};
	}
	*ret = c;
	return OK;
}
