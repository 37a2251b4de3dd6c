/* Properties of the choice of a release. */
#include "gen.h"

#include "update/fixture.h"

static const char *const ladder[] = {
	"5.0.0", "4.0.0-rc.1", "3.1.0", "3.0.0", "2.0.0", "1.0.0", NULL};

/* A shelf with every release changed in some way. */
static struct shelf gen_shelf(struct gen *g)
{
	struct shelf s = shelf_of(ladder);

	for (size_t i = 0; i < s.count; i++) {
		struct update_release *r = &s.releases[i];

		if (gen_chance(g, 4))
			r->state = (enum release_state)gen_below(g, RELEASE_STATES);
		if (gen_chance(g, 3)) {
			r->rollout_seed = SPAN("seed");
			r->rollout_reach = (uint32_t)gen_below(g, UPDATE_COHORTS + 1);
		}
		r->rollout_paused = gen_chance(g, 8);
		r->critical = gen_chance(g, 4);
		r->critical_skips_wait = gen_chance(g, 2);
		if (gen_chance(g, 3))
			r->min_from = span_from(ladder[gen_below(g, s.count)]);
		if (gen_chance(g, 4))
			r->packages[0].class_ = (enum package_class)gen_below(g, CLASS_COUNT);
		if (gen_chance(g, 4))
			r->packages[0].format = SPAN("rpm");
	}
	return s;
}

static struct update_request gen_request(struct gen *g)
{
	static const char *const installed[] = {
		NULL, "1.0.0", "2.0.0", "2.5.0", "3.0.0", "4.0.0", "5.0.0"};
	static const char *const pins[] = {"", "", "^3.0.0", "3.1.0", "bad pin"};
	struct update_request rq = request(installed[gen_below(g, ARRAY_LEN(installed))]);

	rq.has_cohort = gen_chance(g, 2);
	rq.cohort = (uint32_t)gen_below(g, UPDATE_COHORTS);
	rq.manual = gen_chance(g, 4);
	rq.format = gen_chance(g, 2) ? SPAN_EMPTY : SPAN("deb");
	rq.pin = span_from(pins[gen_below(g, ARRAY_LEN(pins))]);
	rq.subject.authenticated = gen_chance(g, 2);
	rq.subject.licence = gen_chance(g, 2) ? LICENCE_ACTIVE : LICENCE_NONE;
	return rq;
}

/* A cohort reached stays reached as the rollout grows, and its numbers spread evenly. */
static void rollout_grows(void **state UNUSED)
{
	struct gen g = gen_new("rollout grows");
	size_t reached = 0;

	for (int i = 0; i < CASES; i++) {
		char memory[2][30];
		struct shelf s = shelf_of((const char *const[]){"2.0.0", NULL});
		struct update_request rq = request("1.0.0");
		uint32_t small = (uint32_t)gen_below(&g, UPDATE_COHORTS + 1);
		uint32_t large = small + (uint32_t)gen_below(&g, UPDATE_COHORTS + 1 - small);

		s.releases[0].rollout_seed = gen_bytes(&g, memory[0], 30);
		if (gen_chance(&g, 2)) {
			rq.device = gen_bytes(&g, memory[1], 30);
		} else {
			rq.has_cohort = true;
			rq.cohort = (uint32_t)gen_below(&g, UPDATE_COHORTS);
		}
		s.releases[0].rollout_reach = small;
		bool before = choose(&s, &rq).update;

		s.releases[0].rollout_reach = large;
		assert_true(!before || choose(&s, &rq).update);
		s.releases[0].rollout_reach = UPDATE_COHORTS;
		assert_true(choose(&s, &rq).update); /* in the end everybody */
		s.releases[0].rollout_reach = UPDATE_COHORTS / 4;
		reached += choose(&s, &rq).update;
	}
	/* A quarter of 2000, seven standard deviations wide, and the few cases without an identity.
	 */
	assert_in_range(reached, CASES / 4 - 140, CASES / 4 + 160);
}

/* What is offered is newer, out, permitted, within the pin, installable. */
static void offers_are_sound(void **state UNUSED)
{
	struct gen g = gen_new("offers are sound");
	size_t offers = 0;

	for (int i = 0; i < CASES * 5; i++) {
		struct shelf s = gen_shelf(&g);
		struct update_request rq = gen_request(&g);
		struct update_choice c = choose(&s, &rq);
		struct semver least;

		assert_true(c.update ==
			    (c.reason == UPDATE_AVAILABLE || c.reason == UPDATE_INTERMEDIATE));
		if (!c.update)
			continue;
		const struct update_release *r = &c.release;
		struct policy_object o = {
			.class_ = r->packages[c.package].class_, .state = r->state};

		offers++;
		assert_int_equal(r->state, RELEASE_PUBLISHED);
		assert_false(r->rollout_paused);
		assert_true(c.package < r->packages_count);
		assert_true(!rq.has_installed || semver_cmp(&r->version, &rq.installed) > 0);
		assert_true(!rq.pin.len || semver_range_matches(rq.pin, &r->version));
		assert_true(!rq.format.len || span_eq(rq.format, r->packages[c.package].format));
		assert_int_equal(policy_decide(&rq.subject, &o, rq.now_us), POLICY_ALLOW);
		if (rq.has_installed && r->min_from.len) {
			assert_ok(semver_parse(r->min_from, &least));
			assert_true(semver_cmp(&rq.installed, &least) >= 0);
		}
	}
	assert_true(offers > 100);
}

/* Following the offers ends, at a release after which there is no further one. */
static void following_ends(void **state UNUSED)
{
	struct gen g = gen_new("following ends");

	for (int i = 0; i < CASES; i++) {
		struct shelf s = gen_shelf(&g);
		struct update_request rq = gen_request(&g);
		size_t steps = 0;

		for (;;) {
			struct update_choice c = choose(&s, &rq);

			if (!c.update)
				break;
			rq.installed = c.release.version;
			rq.has_installed = true;
			assert_true(++steps <= s.count);
		}
	}
}

/* A person who asks gets at least what a background check gets. */
static void asking_never_hurts(void **state UNUSED)
{
	struct gen g = gen_new("asking never hurts");

	for (int i = 0; i < CASES; i++) {
		struct shelf s = gen_shelf(&g);
		struct update_request rq = gen_request(&g);

		rq.manual = false;
		struct update_choice background = choose(&s, &rq);

		rq.manual = true;
		struct update_choice asked = choose(&s, &rq);

		if (background.update)
			assert_true(asked.update && semver_cmp(&asked.release.version,
							    &background.release.version) >= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(rollout_grows),
		cmocka_unit_test(offers_are_sound), cmocka_unit_test(following_ends),
		cmocka_unit_test(asking_never_hurts)};

	return cmocka_run_group_tests_name("update properties", tests, gen_setup, NULL);
}
