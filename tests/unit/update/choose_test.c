#include "update/fixture.h"

#define SHELF(...) shelf_of((const char *const[]){__VA_ARGS__, NULL})

static void expect_at(const struct update_choice *c, enum update_reason reason, const char *version,
	const char *file, int line)
{
	if (c->reason != reason) {
		print_error("got %s, want %s\n", update_reason_name(c->reason),
			update_reason_name(reason));
		_fail(file, line);
	}
	if (c->update != (version != NULL))
		_fail(file, line);
	if (version)
		assert_span_at(c->release.version_text, version, file, line);
}
/* The choice is this version (NULL: none) for this reason. */
#define expect(c, reason, version) expect_at(&(c), (reason), (version), __FILE__, __LINE__)

static void nothing_there(void **state UNUSED)
{
	struct shelf s = {.count = 0};
	struct update_request rq = request("1.0.0");
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_CHANNEL_EMPTY, NULL);
	s = SHELF("2.0.0", "1.5.0");
	s.releases[0].state = RELEASE_WITHDRAWN;
	s.releases[1].state = RELEASE_DRAFT;
	c = choose(&s, &rq);
	expect(c, UPDATE_CHANNEL_EMPTY, NULL);
}

static void never_backwards(void **state UNUSED)
{
	struct shelf s = SHELF("2.0.0", "1.0.0");
	struct update_request rq = request("2.0.0");
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_CURRENT, NULL);
	rq = request("3.0.0-beta.1");
	c = choose(&s, &rq);
	expect(c, UPDATE_CURRENT, NULL);
	rq = request("2.0.0+other.build");
	c = choose(&s, &rq);
	expect(c, UPDATE_CURRENT, NULL);
	rq = request("2.0.0");
	rq.pin = SPAN("1.0.0"); /* a pin does not go back by itself */
	rq.manual = true;
	c = choose(&s, &rq);
	expect(c, UPDATE_CURRENT, NULL);
}

static void newest_first(void **state UNUSED)
{
	struct shelf s = SHELF("2.0.0", "1.5.0", "1.0.0");
	struct update_request rq = request("1.0.0");
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_AVAILABLE, "2.0.0");
	assert_int_equal(c.package, 0);
	assert_int_equal(c.requires_count, 0);
	rq = request(NULL);
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "2.0.0");
	rq = request("2.0.0-rc.1"); /* from a pre-release to its release */
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "2.0.0");
	s = SHELF("2.1.0-beta.2", "2.0.0");
	rq = request("2.1.0-beta.1");
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "2.1.0-beta.2");
}

static void withdrawn_newest(void **state UNUSED)
{
	struct shelf s = SHELF("2.0.0", "1.5.0", "1.0.0");
	struct update_request rq = request("1.0.0");

	s.releases[0].state = RELEASE_WITHDRAWN;
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_AVAILABLE, "1.5.0");
	rq = request("1.5.0");
	c = choose(&s, &rq);
	expect(c, UPDATE_CURRENT, NULL);
	rq = request("2.0.0"); /* who has it already stays */
	c = choose(&s, &rq);
	expect(c, UPDATE_CURRENT, NULL);
}

static void rollout_waits(void **state UNUSED)
{
	struct shelf s = SHELF("2.0.0", "1.5.0");
	struct update_request rq = request("1.5.0");
	uint32_t cohort = update_cohort(SPAN("seed"), SPAN("dev_1"), 0);

	s.releases[0].rollout_seed = SPAN("seed");
	s.releases[0].rollout_reach = cohort; /* up to but not including this one */
	rq.device = SPAN("dev_1");
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_ROLLOUT_WAIT, NULL);
	s.releases[0].rollout_reach = cohort + 1;
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "2.0.0");
	s.releases[0].rollout_reach = 0;
	c = choose(&s, &rq);
	expect(c, UPDATE_ROLLOUT_WAIT, NULL);
	rq = request("1.0.0"); /* meanwhile the release before it */
	rq.device = SPAN("dev_1");
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "1.5.0");
}

static void rollout_without_identity(void **state UNUSED)
{
	struct shelf s = SHELF("2.0.0");
	struct update_request rq = request("1.0.0");

	s.releases[0].rollout_seed = SPAN("seed");
	s.releases[0].rollout_reach = UPDATE_COHORTS - 1;
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_ROLLOUT_WAIT, NULL); /* served last */
	s.releases[0].rollout_reach = UPDATE_COHORTS;
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "2.0.0");
	rq.has_cohort = true;
	rq.cohort = 4711;
	s.releases[0].rollout_reach = update_cohort(SPAN("seed"), SPAN_EMPTY, 4711) + 1;
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "2.0.0");
	s.releases[0].rollout_reach--;
	c = choose(&s, &rq);
	expect(c, UPDATE_ROLLOUT_WAIT, NULL);
}

static void manual_and_critical(void **state UNUSED)
{
	struct shelf s = SHELF("2.0.0");
	struct update_request rq = request("1.0.0");

	s.releases[0].rollout_seed = SPAN("seed");
	s.releases[0].rollout_reach = 0;
	rq.manual = true;
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_AVAILABLE, "2.0.0");
	rq.manual = false;
	s.releases[0].critical = true;
	c = choose(&s, &rq);
	expect(c, UPDATE_ROLLOUT_WAIT, NULL); /* a critical release may be staged too */
	s.releases[0].critical_skips_wait = true;
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "2.0.0");
	s.releases[0].critical = false;
	c = choose(&s, &rq);
	expect(c, UPDATE_ROLLOUT_WAIT, NULL);
}

static void pause_holds_everybody(void **state UNUSED)
{
	struct shelf s = SHELF("2.0.0", "1.5.0");
	struct update_request rq = request("1.5.0");

	rq.manual = true;
	s.releases[0].critical = s.releases[0].critical_skips_wait = true;
	s.releases[0].rollout_paused = true;
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_ROLLOUT_PAUSED, NULL);
	s.releases[0].rollout_paused = false;
	s.releases[0].state = RELEASE_PAUSED;
	rq.subject.authenticated = true;
	rq.subject.permissions = role_permissions(SPAN("admin"));
	c = choose(&s, &rq);
	expect(c, UPDATE_ROLLOUT_PAUSED, NULL);
	rq = request("1.0.0");
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "1.5.0");
}

static void intermediates(void **state UNUSED)
{
	struct shelf s = SHELF("4.0.0", "3.0.0", "2.5.0", "2.0.0", "1.0.0");
	struct update_request rq = request("1.0.0");

	s.releases[0].min_from = SPAN("3.0.0");
	s.releases[1].min_from = SPAN("2.0.0");
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_INTERMEDIATE, "2.5.0");
	rq = request("2.5.0");
	c = choose(&s, &rq);
	expect(c, UPDATE_INTERMEDIATE, "3.0.0");
	rq = request("3.0.0");
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "4.0.0");
	rq = request(NULL); /* a first installation needs no steps */
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "4.0.0");
	rq = request("3.0.0-rc.1"); /* older than 3.0.0 */
	c = choose(&s, &rq);
	expect(c, UPDATE_INTERMEDIATE, "3.0.0");
}

static void no_path(void **state UNUSED)
{
	struct shelf s = SHELF("4.0.0", "1.0.0");
	struct update_request rq = request("1.0.0");

	s.releases[0].min_from = SPAN("3.0.0");
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_UNREACHABLE, NULL);
	s.releases[0].min_from = SPAN("damaged");
	c = choose(&s, &rq);
	expect(c, UPDATE_UNREACHABLE, NULL);
	/* The only step is waiting for its own rollout. */
	s = SHELF("4.0.0", "3.0.0", "1.0.0");
	s.releases[0].min_from = SPAN("3.0.0");
	s.releases[1].rollout_seed = SPAN("seed");
	s.releases[1].rollout_reach = 0;
	c = choose(&s, &rq);
	expect(c, UPDATE_UNREACHABLE, NULL);
}

static void pins(void **state UNUSED)
{
	struct shelf s = SHELF("3.0.0", "2.6.0", "2.5.0", "2.0.0");
	struct update_request rq = request("2.0.0");

	rq.pin = SPAN("2.5.0");
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_AVAILABLE, "2.5.0");
	rq.pin = SPAN("^2.0.0");
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "2.6.0");
	rq.pin = SPAN("2.0.0");
	c = choose(&s, &rq);
	expect(c, UPDATE_PINNED, NULL);
	rq.pin = SPAN("not a range");
	c = choose(&s, &rq);
	expect(c, UPDATE_PINNED, NULL);
	rq.pin = SPAN("3.0.0");
	rq.installed = s.releases[0].version;
	c = choose(&s, &rq);
	expect(c, UPDATE_CURRENT, NULL);
	/* Why the release inside the pin is not given is worth more than that newer ones are
	 * outside. */
	rq = request("2.0.0");
	rq.pin = SPAN("2.5.0");
	s.releases[2].rollout_paused = true;
	c = choose(&s, &rq);
	expect(c, UPDATE_ROLLOUT_PAUSED, NULL);
}

static void formats(void **state UNUSED)
{
	struct shelf s = SHELF("2.0.0", "1.5.0");
	struct update_request rq = request("1.0.0");

	s.releases[0].packages[1] = s.releases[0].packages[0];
	s.releases[0].packages[1].format = SPAN("rpm");
	s.releases[0].packages_count = 2;
	rq.format = SPAN("rpm");
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_AVAILABLE, "2.0.0");
	assert_int_equal(c.package, 1);
	rq.format = SPAN("msi");
	c = choose(&s, &rq);
	expect(c, UPDATE_NO_FORMAT, NULL);
	rq.format = SPAN_EMPTY;
	c = choose(&s, &rq);
	assert_int_equal(c.package, 0);
	s.releases[0].packages_count = 0;
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "1.5.0");
	s.count = 1;
	c = choose(&s, &rq);
	expect(c, UPDATE_NO_PACKAGE, NULL);
}

static void os_versions(void **state UNUSED)
{
	static const struct {
		const char *os, *least;
		bool enough;
	} rows[] = {
		{"", "10.0", true}, /* not told: not checked */
		{"10.0.19045", "", true},
		{"10.0.19045", "10.0.19045", true},
		{"10", "10.0.0", true},
		{"10.0.19044", "10.0.19045", false},
		{"10.15", "10.9", true},
		{"10.9", "10.15", false},
		{"11", "10.15.7", true},
		{"9.99", "10", false},
		{"unknown", "10", false},
		{"10.x", "10.1", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct shelf s = SHELF("2.0.0");
		struct update_request rq = request("1.0.0");

		rq.os_version = span_from(rows[i].os);
		s.releases[0].packages[0].min_os_version = span_from(rows[i].least);
		struct update_choice c = choose(&s, &rq);

		assert_row(c.update == rows[i].enough, rows[i].os);
		assert_row(c.reason == (rows[i].enough ? UPDATE_AVAILABLE : UPDATE_OS_TOO_OLD),
			rows[i].os);
	}
}

static void entitlement(void **state UNUSED)
{
	struct shelf s = SHELF("2.0.0", "1.5.0");
	struct update_request rq = request("1.0.0");

	s.releases[0].packages[0].class_ = CLASS_LICENSED;
	s.releases[1].packages[0].class_ = CLASS_LICENSED;
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_NOT_ENTITLED, NULL);
	assert_int_equal(c.policy, POLICY_AUTHENTICATION_REQUIRED);
	rq.subject.authenticated = true;
	c = choose(&s, &rq);
	assert_int_equal(c.policy, POLICY_LICENCE_REQUIRED);
	rq.subject.licence = LICENCE_ACTIVE;
	rq.subject.licence_expires_us = NOW;
	c = choose(&s, &rq);
	expect(c, UPDATE_NOT_ENTITLED, NULL);
	assert_int_equal(c.policy, POLICY_LICENCE_EXPIRED);
	s.releases[1].packages[0].class_ = CLASS_PUBLIC; /* an older one for everybody */
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "1.5.0");
	assert_int_equal(c.policy, POLICY_ALLOW);
	rq.subject.licence_expires_us = 0;
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "2.0.0");
	s.releases[0].countries_denied = SPAN("KP");
	rq.subject.country = SPAN("KP");
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "1.5.0");
}

/* Of several packages the caller gets the first that is open to him. */
static void first_permitted_package(void **state UNUSED)
{
	struct shelf s = SHELF("2.0.0");
	struct update_request rq = request("1.0.0");

	s.releases[0].packages[1] = s.releases[0].packages[0];
	s.releases[0].packages[0].class_ = CLASS_DEVELOPMENT;
	s.releases[0].packages_count = 2;
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_AVAILABLE, "2.0.0");
	assert_int_equal(c.package, 1);
}

static void stale_credentials(void **state UNUSED)
{
	struct shelf s = SHELF("2.0.0");
	struct update_request rq = request("2.0.0");

	rq.subject.authenticated = true;
	rq.subject.stale = true;
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_CREDENTIALS_STALE, NULL);
	assert_int_equal(s.at, 0);
}

static void dependencies(void **state UNUSED)
{
	struct shelf s = SHELF("2.0.0", "1.5.0");
	struct update_request rq = request("1.0.0");

	s.releases[0].requires_count = 1;
	s.releases[0].requires[0].product = SPAN("driver");
	s.releases[0].requires[0].range = SPAN("^1.2.0");
	struct update_choice c = choose(&s, &rq);

	expect(c, UPDATE_AVAILABLE, "1.5.0"); /* the driver does not exist */
	s.count = 1;
	c = choose(&s, &rq);
	expect(c, UPDATE_DEPENDENCY, NULL);
	s.needed_product = "driver";
	s.needed = release("1.1.0"); /* out of range */
	c = choose(&s, &rq);
	expect(c, UPDATE_DEPENDENCY, NULL);
	s.needed = release("1.3.0");
	s.needed.packages[0].class_ = CLASS_LICENSED; /* not for this caller */
	c = choose(&s, &rq);
	expect(c, UPDATE_DEPENDENCY, NULL);
	s.needed.packages[0].class_ = CLASS_PUBLIC;
	s.needed.state = RELEASE_PAUSED;
	c = choose(&s, &rq);
	expect(c, UPDATE_DEPENDENCY, NULL);
	s.needed.state = RELEASE_DRAFT; /* also not for those who may see drafts */
	rq.subject.authenticated = true;
	rq.subject.permissions = role_permissions(SPAN("admin"));
	c = choose(&s, &rq);
	expect(c, UPDATE_DEPENDENCY, NULL);
	rq.subject = (struct policy_subject){.authenticated = false};
	s.needed.state = RELEASE_PUBLISHED;
	s.needed.packages[1] = s.needed.packages[0];
	s.needed.packages[0].format = SPAN("rpm");
	s.needed.packages[1].id = SPAN("pkg_2");
	s.needed.packages_count = 2;
	c = choose(&s, &rq);
	expect(c, UPDATE_AVAILABLE, "2.0.0");
	assert_int_equal(c.requires_count, 1);
	assert_span(c.requires[0].product, "driver");
	assert_span(c.requires[0].range, "^1.2.0");
	assert_span(c.requires[0].version, "1.3.0");
	assert_span(c.requires[0].package_id, "pkg_2"); /* the deb, as the package itself */
	s.needed.packages_count = 1;
	c = choose(&s, &rq);
	assert_span(c.requires[0].package_id, "pkg_1"); /* an rpm is better than nothing */
}

static bool endless_next(void *ctx, struct update_release *ret)
{
	size_t *calls = ctx;

	(*calls)++;
	*ret = release("2.0.0");
	ret->packages_count = 0;
	return true;
}

static void walk_is_bounded(void **state UNUSED)
{
	size_t calls = 0;
	struct update_index index = {.next = endless_next, .resolve = shelf_resolve, .ctx = &calls};
	struct update_request rq = request("1.0.0");
	struct update_choice c;

	update_choose(&rq, &index, &c);
	expect(c, UPDATE_NO_PACKAGE, NULL);
	assert_int_equal(calls, UPDATE_MAX_WALK);
}

static void channels(void **state UNUSED)
{
	enum channel c;

	for (int i = 0; i < CHANNEL_COUNT; i++) {
		assert_true(channel_from_name(span_from(channel_name((enum channel)i)), &c));
		assert_int_equal(c, i);
	}
	assert_false(channel_from_name(SPAN("Stable"), &c));
	assert_false(channel_from_name(SPAN_EMPTY, &c));
	assert_true(channel_sees(CHANNEL_STABLE, CHANNEL_STABLE));
	assert_false(channel_sees(CHANNEL_STABLE, CHANNEL_BETA));
	assert_true(channel_sees(CHANNEL_BETA, CHANNEL_STABLE));
	assert_false(channel_sees(CHANNEL_BETA, CHANNEL_DEV));
	assert_true(channel_sees(CHANNEL_DEV, CHANNEL_BETA));
	assert_string_equal(update_reason_name(UPDATE_CURRENT), "up_to_date");
	assert_string_equal(update_reason_name((enum update_reason)99), "unknown");
}

static void cohorts(void **state UNUSED)
{
	char long_seed[600] = "x";

	assert_int_equal(update_cohort(SPAN("seed"), SPAN("dev_1"), 0),
		update_cohort(SPAN("seed"), SPAN("dev_1"), 999));
	assert_int_not_equal(update_cohort(SPAN("seed"), SPAN("dev_1"), 0),
		update_cohort(SPAN("other"), SPAN("dev_1"), 0));
	assert_int_equal(update_cohort(SPAN("ab"), SPAN("c"), 0), 0xba78); /* SHA-256("abc") */
	assert_int_equal(update_cohort(span_of(long_seed, sizeof(long_seed)), SPAN("dev_1"), 0),
		UPDATE_COHORTS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_there),
		cmocka_unit_test(never_backwards), cmocka_unit_test(newest_first),
		cmocka_unit_test(withdrawn_newest), cmocka_unit_test(rollout_waits),
		cmocka_unit_test(rollout_without_identity), cmocka_unit_test(manual_and_critical),
		cmocka_unit_test(pause_holds_everybody), cmocka_unit_test(intermediates),
		cmocka_unit_test(no_path), cmocka_unit_test(pins), cmocka_unit_test(formats),
		cmocka_unit_test(os_versions), cmocka_unit_test(entitlement),
		cmocka_unit_test(first_permitted_package), cmocka_unit_test(stale_credentials),
		cmocka_unit_test(dependencies), cmocka_unit_test(walk_is_bounded),
		cmocka_unit_test(channels), cmocka_unit_test(cohorts)};

	return cmocka_run_group_tests_name("update", tests, NULL, NULL);
}
