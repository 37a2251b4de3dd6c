/*
 * The decision is monotonic: taking a fact away from a caller, or adding a condition to a package,
 * never turns a denial into a permission. A caller cannot gain by hiding something.
 */
#include "gen.h"

#include "policy/policy.h"

#define NOW 1000000

static const char *const permissions[] = {"package.read.licensed", "package.read.enterprise",
	"package.read.development", "release.read.draft", "self.read"};
static const char *const entitlements[] = {"pro", "team", "extra"};
static const char *const countries[] = {"CH", "KP", "DE"};
static const char *const orgs[] = {"", "org_1", "org_2"};

struct texts {
	struct buf permissions, entitlements, denied, allowed;
};

#define PICK(g, list) span_from((list)[gen_below((g), ARRAY_LEN(list))])

static void gen_case(
	struct gen *g, struct texts *t, struct policy_subject *s, struct policy_object *o)
{
	static const int64_t moments[] = {0, NOW - 1, NOW, NOW + 1};

	gen_list(g, permissions, ARRAY_LEN(permissions), 2, &t->permissions);
	gen_list(g, entitlements, ARRAY_LEN(entitlements), 3, &t->entitlements);
	gen_list(g, countries, ARRAY_LEN(countries), 1, &t->denied);
	gen_list(g, countries, ARRAY_LEN(countries), 2, &t->allowed);
	*s = (struct policy_subject){.authenticated = !gen_chance(g, 8),
		.disabled = gen_chance(g, 8),
		.stale = gen_chance(g, 8),
		.org = PICK(g, orgs),
		.permissions = buf_span(&t->permissions),
		.entitlements = buf_span(&t->entitlements),
		.country = gen_chance(g, 4) ? SPAN_EMPTY : PICK(g, countries),
		.licence = (enum licence_state)gen_below(g, 3),
		.licence_starts_us = moments[gen_below(g, 4)],
		.licence_expires_us = moments[gen_below(g, 4)],
		.device = (enum device_state)gen_below(g, 3),
		.device_required = gen_chance(g, 2)};
	*o = (struct policy_object){.class_ = (enum package_class)gen_below(g, CLASS_COUNT),
		.state = gen_chance(g, 3) ? (enum release_state)gen_below(g, RELEASE_STATES)
					  : RELEASE_PUBLISHED,
		.blocked = gen_chance(g, 8),
		.org = PICK(g, orgs),
		.entitlement = gen_chance(g, 2) ? SPAN_EMPTY : PICK(g, entitlements),
		.countries_denied = gen_chance(g, 2) ? SPAN_EMPTY : buf_span(&t->denied),
		.countries_allowed = gen_chance(g, 2) ? SPAN_EMPTY : buf_span(&t->allowed)};
}

/* Without its last word. */
static span shorten(span list)
{
	size_t at = span_rfind(list, ' ');

	return at < list.len ? span_sub(list, 0, at) : SPAN_EMPTY;
}

#define TAKINGS 12

/*
 * Takes one fact away. Two facts speak against a caller and are not his to hide, so they are not
 * among them: a licence that is suspended or over, and a device that was revoked.
 */
static void take_away(int which, struct policy_subject *s, struct policy_object *o)
{
	switch (which) {
	case 0:
		s->authenticated = false;
		break;
	case 1:
		s->permissions = shorten(s->permissions);
		break;
	case 2:
		s->permissions = SPAN_EMPTY;
		break;
	case 3:
		s->entitlements = shorten(s->entitlements);
		break;
	case 4:
		s->org = SPAN_EMPTY;
		break;
	case 5:
		s->country = SPAN_EMPTY;
		break;
	case 6: /* members of an organisation may have no licence; a bad one still denies */
		if (o->class_ != CLASS_ENTERPRISE)
			s->licence = LICENCE_NONE;
		break;
	case 7:
		if (s->device == DEVICE_ACTIVE)
			s->device = DEVICE_NONE;
		break;
	case 8:
		if (s->licence == LICENCE_ACTIVE)
			s->licence = LICENCE_SUSPENDED;
		break;
	case 9:
		s->stale = true;
		break;
	case 10:
		o->blocked = true;
		break;
	default:
		o->state = RELEASE_WITHDRAWN;
	}
}

static void facts_only_help(void **state UNUSED)
{
	struct gen g = gen_new("facts only help");
	struct texts t;
	size_t allowed = 0, turned = 0;

	buf_init(&t.permissions, 1000);
	buf_init(&t.entitlements, 1000);
	buf_init(&t.denied, 1000);
	buf_init(&t.allowed, 1000);
	for (int i = 0; i < CASES * 25; i++) {
		struct policy_subject s;
		struct policy_object o;

		gen_case(&g, &t, &s, &o);
		enum policy_reason before = policy_decide(&s, &o, NOW);
		struct policy_subject less = s;
		struct policy_object harder = o;
		int which = (int)gen_below(&g, TAKINGS);

		take_away(which, &less, &harder);
		enum policy_reason after = policy_decide(&less, &harder, NOW);

		if (before && !after)
			fail_msg("fact %d: %s became allowed", which, policy_reason_name(before));
		allowed += !before;
		turned += !before && after;
	}
	assert_true(allowed > 100 && turned > 50); /* the cases do meet both answers */
	buf_done(&t.permissions);
	buf_done(&t.entitlements);
	buf_done(&t.denied);
	buf_done(&t.allowed);
}

/* A licence once over stays over. */
static void time_only_ends(void **state UNUSED)
{
	struct gen g = gen_new("time only ends");
	struct texts t;

	buf_init(&t.permissions, 1000);
	buf_init(&t.entitlements, 1000);
	buf_init(&t.denied, 1000);
	buf_init(&t.allowed, 1000);
	for (int i = 0; i < CASES * 5; i++) {
		struct policy_subject s;
		struct policy_object o;

		gen_case(&g, &t, &s, &o);
		s.licence_starts_us = 0;
		if (policy_decide(&s, &o, NOW))
			assert_int_not_equal(policy_decide(&s, &o, NOW + 1), POLICY_ALLOW);
	}
	buf_done(&t.permissions);
	buf_done(&t.entitlements);
	buf_done(&t.denied);
	buf_done(&t.allowed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_only_help), cmocka_unit_test(time_only_ends)};

	return cmocka_run_group_tests_name("policy properties", tests, gen_setup, NULL);
}
