/* Which jobs are meant: patterns, and conditions that would mean everybody's. */
#include "test.h"

#include <string.h>

#include "federation/conditions.h"
#include "federation/strict_json.h"

#define GITHUB "https://token.actions.githubusercontent.com"
#define GITLAB "https://gitlab.com"
#define OWN    "https://gitlab.example.com"

static void patterns(void **state UNUSED)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} rows[] = {
		{"acme/vpn", "acme/vpn", true},
		{"acme/vpn", "acme/vpn-evil", false},
		{"acme/vpn", "evil/acme/vpn", false},
		{"acme/vpn", "acme/vp", false},
		{"acme/vpn", "Acme/vpn", false},
		{"acme/vpn", "acme/vpn/", false},
		{"acme/vpn", "", false},
		{"", "", true},
		{"refs/tags/v*", "refs/tags/v1.2.3", true},
		{"refs/tags/v*", "refs/tags/v", true},
		{"refs/tags/v*", "refs/tags/v1/evil", false},
		{"refs/tags/v*", "refs/heads/v1", false},
		{"refs/*", "refs/tags/v1", false},
		{"refs/*/v1", "refs/tags/v1", true},
		{"refs/*/v1", "refs/tags/x/v1", false},
		{"*", "anything but a slash", true},
		{"*", "a/b", false},
		{"*", "", true},
		{"*/*", "a/b", true},
		{"v*.*.*", "v1.20.3", true},
		{"v*.*.*", "v1.20", false},
		{"*a*a*b", "aaaaaaaaaaaaaaaaaaaaab", true},
		{"*a*a*b", "aaaaaaaaaaaaaaaaaaaaac", false},
		{"a.c", "abc", false},
		{"a?c", "abc", false},
		{"[a]", "a", false},
		{"a\\*", "a*", false},
		{"repo:acme/vpn:*", "repo:acme/vpn:ref:refs", true},
		{"repo:acme/vpn:*", "repo:acme/vpn-evil:x", false},
		{"repo:acme/vpn:ref:refs/heads/*", "repo:acme/vpn:ref:refs/heads/main", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (pattern_fits(span_from(rows[i].pattern), span_from(rows[i].text)) !=
			rows[i].fits)
			fail_msg("%s %s %s", rows[i].pattern,
				rows[i].fits ? "does not fit" : "fits", rows[i].text);
	}
}

/* "claim=pattern claim=pattern" */
static struct conditions conditions_of(const char *text)
{
	struct conditions c = {.count = 0};
	span rest = span_from(text), word;

	while (rest.len && span_cut(&rest, ' ', &word)) {
		span claim;

		assert_true(span_cut(&word, '=', &claim));
		c.list[c.count++] = (struct condition){claim, word};
	}
	return c;
}

static void conditions_that_anybody_could_fit_are_refused(void **state UNUSED)
{
	static const struct {
		const char *issuer, *conditions, *why; /* why NULL: they are good */
	} rows[] = {
		{GITHUB, "", "whose jobs"},
		{GITHUB, "ref=refs/tags/v1", "whose jobs"},
		{GITHUB, "environment=production ref=refs/heads/main", "whose jobs"},
		{GITHUB, "repository=*", "whose jobs"},
		{GITHUB, "repository=*/*", "whose jobs"},
		{GITHUB, "repository=*/vpn", "whose jobs"},
		{GITHUB, "repository=ac*/vpn", "whose jobs"},
		{GITHUB, "repository=/*", "whose jobs"},
		{GITHUB, "repository_id=12*", "whose jobs"},
		{GITHUB, "sub=*", "whose jobs"},
		{GITHUB, "sub=repo:*", "whose jobs"},
		{GITHUB, "sub=repo:*/vpn:ref:refs/heads/main", "whose jobs"},
		/* Anybody can have a `sub` of this form. */
		{GITHUB, "sub=environment:production", "whose jobs"},
		{GITHUB, "sub=environment:a/*", "whose jobs"},
		{GITHUB, "sub=repo:", "whose jobs"},
		{GITHUB "/enterprise", "ref=refs/heads/main", "whose jobs"},
		{GITHUB, "repository=acme/vpn", NULL},
		{GITHUB, "repository=acme/*", NULL},
		{GITHUB, "repository_id=123", NULL},
		{GITHUB, "sub=repo:acme/vpn:ref:refs/heads/main", NULL},
		{GITHUB, "sub=repo:acme/vpn:*", NULL},
		{GITLAB, "ref=main", "whose jobs"},
		{GITLAB, "project_path=*/vpn", "whose jobs"},
		{GITLAB, "sub=user:1/x", "whose jobs"},
		{GITLAB, "project_path=acme/vpn ref_protected=true", NULL},
		{GITLAB, "project_id=7", NULL},
		{GITLAB, "sub=project_path:acme/vpn:ref_type:tag:ref:v*", NULL},
		{"https://gitlab.com.example.com", "ref=main", NULL},
		{OWN, "", "not every job"},
		{OWN, "sub=*", "not every job"},
		{OWN, "sub=*/*", "not every job"},
		{OWN, "ref=main", NULL},
		{OWN, "ref=refs/**", "'**'"},
		{OWN, "ref=main ref=dev", "two patterns"},
		{OWN, "iss=x", "always checked"},
		{OWN, "aud=x", "always checked"},
		{OWN, "ref=", "empty"},
		{OWN, "=x", "name"},
	};
	AUTO_PTR(arena) a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conditions c = conditions_of(rows[i].conditions);
		const char *why = conditions_problem(a, span_from(rows[i].issuer), &c);

		if (rows[i].why ? !why || !strstr(why, rows[i].why) : why != NULL)
			fail_msg("%s %s: %s", rows[i].issuer, rows[i].conditions,
				why ? why : "accepted");
	}
}

static void audiences_of_other_services_are_refused(void **state UNUSED)
{
	static const struct {
		const char *audience;
		bool good;
	} rows[] = {
		{"https://packages.example.com", true},
		{"https://10.0.0.1:8443", true},
		{"slipway:example", true},
		{"", false},
		{"slipway:", false},
		{"https://", false},
		{"sts.amazonaws.com", false},
		{"sigstore", false},
		{"pypi", false},
		{"npm:registry.npmjs.org", false},
		{"api://AzureADTokenExchange", false},
		{"http://packages.example.com", false},
		{"https://packages.example.com/ x", false},
		{"https://github.com/acme", false},
		{"https://gitlab.com", false},
		{"https://iam.googleapis.com/projects/1", false},
		{OWN, false},
		{OWN "/group", false},
	};
	AUTO_PTR(arena) a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(rows[i].good ==
				   !audience_problem(a, SPAN(OWN), span_from(rows[i].audience)),
			rows[i].audience);
}

static void all_conditions_must_fit(void **state UNUSED)
{
	static const struct {
		const char *conditions;
		size_t misfit; /* SIZE_MAX: none */
	} rows[] = {
		{"repository=acme/vpn ref=refs/tags/v*", SIZE_MAX},
		{"repository=acme/vpn ref=refs/heads/*", 1},
		{"repository=acme/other ref=refs/tags/v*", 0},
		{"run_number=12", SIZE_MAX},
		{"run_number=1*", SIZE_MAX},
		{"protected=true", SIZE_MAX},
		{"protected=false", 0},
		{"absent=*", 0},
		{"nothing=*", 0},
		{"groups=*", 0},
		{"owner=*", 0},
		{"ratio=*", 0},
	};
	AUTO_PTR(arena) a = arena_new();
	json_t *claims = strict_object(
		a, SPAN("{\"repository\":\"acme/vpn\",\"ref\":\"refs/tags/v1\",\"run_number\":12,"
			"\"protected\":true,\"nothing\":null,\"groups\":[\"x\"],"
			"\"owner\":{\"x\":\"y\"},\"ratio\":1.5}"));

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conditions c = conditions_of(rows[i].conditions);
		size_t want = rows[i].misfit == SIZE_MAX ? c.count : rows[i].misfit;

		assert_row(conditions_misfit(a, &c, claims) == want, rows[i].conditions);
	}
}

static void who_is_meant_is_looked_at_first(void **state UNUSED)
{
	struct conditions c = conditions_of("ref=main environment=p repository=acme/vpn");

	conditions_sort(SPAN(GITHUB), &c);
	assert_span(c.list[0].claim, "repository");
	assert_span(c.list[1].claim, "ref");
	assert_span(c.list[2].claim, "environment");
}

static void stored_and_read_again(void **state UNUSED)
{
	static const char *const bad[] = {"", "[]", "{\"a\":1}", "{\"a\":\"x\",\"a\":\"y\"}", "{"};
	struct conditions c = conditions_of("sub=a\"b ref=refs/tags/v*"), again;
	AUTO_PTR(arena) a = arena_new();
	AUTO(buf) text = {0};

	buf_init(&text, CONDITIONS_JSON_MAX);
	conditions_format(&c, &text);
	assert_span(buf_span(&text), "{\"sub\":\"a\\\"b\",\"ref\":\"refs/tags/v*\"}");
	assert_ok(conditions_parse(a, buf_span(&text), &again));
	assert_int_equal(again.count, 2);
	assert_span(again.list[0].pattern, "a\"b");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(conditions_parse(a, span_from(bad[i]), &again) == ERR_CORRUPT, bad[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(conditions_that_anybody_could_fit_are_refused),
		cmocka_unit_test(audiences_of_other_services_are_refused),
		cmocka_unit_test(all_conditions_must_fit),
		cmocka_unit_test(who_is_meant_is_looked_at_first),
		cmocka_unit_test(stored_and_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
