#include "test.h"

#include "policy/policy.h"

#define NOW INT64_C(1700000000000000)

/* A caller who may have the licensed package below: each row of the table takes something away. */
static struct policy_subject licensee(void)
{
	return (struct policy_subject){.authenticated = true,
		.org = SPAN("org_1"),
		.permissions = SPAN("self.read download.request"),
		.entitlements = SPAN("pro extra"),
		.country = SPAN("CH"),
		.licence = LICENCE_ACTIVE,
		.licence_starts_us = NOW - 1,
		.licence_expires_us = NOW + 1,
		.device = DEVICE_ACTIVE,
		.device_required = true};
}

static struct policy_object licensed(void)
{
	return (struct policy_object){.class_ = CLASS_LICENSED,
		.state = RELEASE_PUBLISHED,
		.entitlement = SPAN("pro"),
		.countries_denied = SPAN("KP IR"),
		.countries_allowed = SPAN("CH DE")};
}

#define DENY(name, change, reason)                                                                 \
	{                                                                                          \
		struct policy_subject s = licensee();                                              \
		struct policy_object o = licensed();                                               \
		change;                                                                            \
		enum policy_reason got = policy_decide(&s, &o, NOW);                               \
		if (got != (reason))                                                               \
			fail_msg("%s: got %s", name, policy_reason_name(got));                     \
	}
#define ALLOW(name, change) DENY(name, change, POLICY_ALLOW)

static void nothing_known(void **state UNUSED)
{
	struct policy_subject nobody = {.authenticated = false};
	struct policy_object nothing = {.class_ = CLASS_PUBLIC};

	assert_int_equal(policy_decide(&nobody, &nothing, NOW), POLICY_RELEASE_NOT_PUBLISHED);
	nothing.state = RELEASE_PUBLISHED;
	assert_int_equal(policy_decide(&nobody, &nothing, NOW), POLICY_ALLOW);
	nothing.class_ = (enum package_class)77;
	assert_int_equal(policy_decide(&nobody, &nothing, NOW), POLICY_AUTHENTICATION_REQUIRED);
	nobody.authenticated = true;
	assert_int_equal(policy_decide(&nobody, &nothing, NOW), POLICY_CLASS_NOT_PERMITTED);
	nothing.state = (enum release_state)77;
	assert_int_equal(policy_decide(&nobody, &nothing, NOW), POLICY_RELEASE_WITHDRAWN);
}

static void each_rule_denies(void **state UNUSED)
{
	DENY("disabled", s.disabled = true, POLICY_ACCOUNT_DISABLED);
	DENY("stale", s.stale = true, POLICY_CREDENTIALS_STALE);
	DENY("draft", o.state = RELEASE_DRAFT, POLICY_RELEASE_NOT_PUBLISHED);
	DENY("paused", o.state = RELEASE_PAUSED, POLICY_RELEASE_NOT_PUBLISHED);
	DENY("withdrawn", o.state = RELEASE_WITHDRAWN, POLICY_RELEASE_WITHDRAWN);
	DENY("blocked", o.blocked = true, POLICY_PACKAGE_BLOCKED);
	DENY("denied country", s.country = SPAN("KP"), POLICY_COUNTRY_RESTRICTED);
	DENY("other country", s.country = SPAN("FR"), POLICY_COUNTRY_RESTRICTED);
	DENY("unknown country", s.country = SPAN_EMPTY, POLICY_COUNTRY_RESTRICTED);
	DENY("two countries", s.country = SPAN("CH DE"), POLICY_COUNTRY_RESTRICTED);
	DENY("anonymous", s.authenticated = false, POLICY_AUTHENTICATION_REQUIRED);
	DENY("no licence", s.licence = LICENCE_NONE, POLICY_LICENCE_REQUIRED);
	DENY("no entitlement", s.entitlements = SPAN_EMPTY, POLICY_ENTITLEMENT_MISSING);
	DENY("other entitlement", s.entitlements = SPAN("pro-max"), POLICY_ENTITLEMENT_MISSING);
	DENY("suspended", s.licence = LICENCE_SUSPENDED, POLICY_LICENCE_SUSPENDED);
	DENY("not started", s.licence_starts_us = NOW + 1, POLICY_LICENCE_NOT_STARTED);
	DENY("expired", s.licence_expires_us = NOW, POLICY_LICENCE_EXPIRED);
	DENY("no device", s.device = DEVICE_NONE, POLICY_DEVICE_NOT_ACTIVATED);
	DENY("revoked device", s.device = DEVICE_REVOKED, POLICY_DEVICE_NOT_ACTIVATED);
	DENY("revoked device, no limit", (s.device = DEVICE_REVOKED, s.device_required = false),
		POLICY_DEVICE_NOT_ACTIVATED);
	DENY("enterprise, other organisation", (o.class_ = CLASS_ENTERPRISE, o.org = SPAN("org_2")),
		POLICY_ORGANISATION_MISMATCH);
	DENY("enterprise, no organisation", (o.class_ = CLASS_ENTERPRISE, s.org = SPAN_EMPTY),
		POLICY_ORGANISATION_MISMATCH);
	DENY("enterprise of nobody", (o.class_ = CLASS_ENTERPRISE, s.org = o.org = SPAN_EMPTY),
		POLICY_ORGANISATION_MISMATCH);
	DENY("enterprise, suspended licence",
		(o.class_ = CLASS_ENTERPRISE, o.org = s.org, s.licence = LICENCE_SUSPENDED,
			o.entitlement = SPAN_EMPTY),
		POLICY_LICENCE_SUSPENDED);
	DENY("development", o.class_ = CLASS_DEVELOPMENT, POLICY_CLASS_NOT_PERMITTED);
	DENY("public with entitlement, anonymous",
		(o.class_ = CLASS_PUBLIC, s.authenticated = false), POLICY_AUTHENTICATION_REQUIRED);
	DENY("public with entitlement, no licence",
		(o.class_ = CLASS_PUBLIC, s.licence = LICENCE_NONE), POLICY_LICENCE_REQUIRED);
	DENY("public in a restricted country", (o.class_ = CLASS_PUBLIC, s.country = SPAN("IR")),
		POLICY_COUNTRY_RESTRICTED);
}

/* Of two failing rules the earlier names the reason. */
static void order_of_reasons(void **state UNUSED)
{
	DENY("1 before 2", (s.stale = true, o.state = RELEASE_WITHDRAWN), POLICY_CREDENTIALS_STALE);
	DENY("2 before 3", (o.state = RELEASE_DRAFT, o.blocked = true),
		POLICY_RELEASE_NOT_PUBLISHED);
	DENY("3 before 4", (o.blocked = true, s.country = SPAN("KP")), POLICY_PACKAGE_BLOCKED);
	DENY("4 before 5", (s.country = SPAN("KP"), s.licence = LICENCE_NONE),
		POLICY_COUNTRY_RESTRICTED);
	DENY("5 before 6", (s.licence = LICENCE_NONE, s.entitlements = SPAN_EMPTY),
		POLICY_LICENCE_REQUIRED);
	DENY("6 before 7", (s.entitlements = SPAN_EMPTY, s.licence = LICENCE_SUSPENDED),
		POLICY_ENTITLEMENT_MISSING);
	DENY("7 before 8", (s.licence_expires_us = NOW - 1, s.device = DEVICE_NONE),
		POLICY_LICENCE_EXPIRED);
}

static void allowed(void **state UNUSED)
{
	ALLOW("licensee", (void)0);
	ALLOW("unlimited licence", (s.licence_starts_us = 0, s.licence_expires_us = 0));
	ALLOW("no device needed", (s.device_required = false, s.device = DEVICE_NONE));
	ALLOW("enterprise by licence", (o.class_ = CLASS_ENTERPRISE, o.org = s.org));
	ALLOW("enterprise by account",
		(o.class_ = CLASS_ENTERPRISE, o.org = s.org, s.licence = LICENCE_NONE,
			o.entitlement = SPAN_EMPTY));
	ALLOW("licensed by permission",
		(s.permissions = SPAN("x package.read.licensed"), s.licence = LICENCE_NONE,
			s.entitlements = SPAN_EMPTY, s.device = DEVICE_NONE));
	ALLOW("enterprise by permission",
		(s.permissions = SPAN("package.read.enterprise"), o.class_ = CLASS_ENTERPRISE));
	ALLOW("development by permission",
		(s.permissions = SPAN("package.read.development"), o.class_ = CLASS_DEVELOPMENT));
	ALLOW("draft by permission",
		(s.permissions = SPAN("release.read.draft"), o.state = RELEASE_DRAFT));
	ALLOW("no lists", (s.country = o.countries_denied = o.countries_allowed = SPAN_EMPTY));
}

/* Permissions count only for someone who is known, and only as whole words. */
static void permissions_need_an_identity(void **state UNUSED)
{
	DENY("anonymous with a permission",
		(s.permissions = SPAN("package.read.licensed"), s.authenticated = false),
		POLICY_AUTHENTICATION_REQUIRED);
	DENY("anonymous with release.read.draft",
		(s.permissions = SPAN("release.read.draft"), s.authenticated = false,
			o.state = RELEASE_DRAFT),
		POLICY_RELEASE_NOT_PUBLISHED);
	DENY("part of a permission",
		(s.permissions = SPAN("package.read.development2"), o.class_ = CLASS_DEVELOPMENT),
		POLICY_CLASS_NOT_PERMITTED);
	DENY("withdrawn is final",
		(s.permissions = role_permissions(SPAN("admin")), o.state = RELEASE_WITHDRAWN),
		POLICY_RELEASE_WITHDRAWN);
}

static void names(void **state UNUSED)
{
	enum package_class c;
	enum release_state s;

	for (int i = 0; i < CLASS_COUNT; i++) {
		assert_true(class_from_name(span_from(class_name((enum package_class)i)), &c));
		assert_int_equal(c, i);
	}
	for (int i = 0; i < RELEASE_STATES; i++) {
		assert_true(release_state_from_name(
			span_from(release_state_name((enum release_state)i)), &s));
		assert_int_equal(s, i);
	}
	assert_false(class_from_name(SPAN("Public"), &c));
	assert_false(class_from_name(SPAN_EMPTY, &c));
	assert_false(release_state_from_name(SPAN("gone"), &s));
	assert_string_equal(policy_reason_name(POLICY_DEVICE_LIMIT), "device_limit");
	assert_string_equal(policy_reason_name((enum policy_reason)999), "unknown");
	for (int r = 0; r < POLICY_REASON_COUNT; r++)
		assert_true(policy_reason_text((enum policy_reason)r)[0] != '\0');
}

static void roles(void **state UNUSED)
{
	static const char *const names_of_roles[] = {"admin", "user", "guest"};
	size_t of_admin = 0;

	for (size_t i = 0; i < ARRAY_LEN(names_of_roles); i++) {
		span rest = role_permissions(span_from(names_of_roles[i])), name;

		assert_true(role_exists(span_from(names_of_roles[i])));
		while (span_cut(&rest, ' ', &name)) {
			assert_true(permission_exists(name));
			of_admin += i == 0;
		}
	}
#define COUNT(name, meaning) +1
	assert_int_equal(of_admin, POLICY_PERMISSIONS(COUNT));
#undef COUNT
	assert_false(role_exists(SPAN("root")));
	assert_false(role_exists(SPAN_EMPTY));
	assert_false(permission_exists(SPAN("product")));
	assert_false(permission_exists(SPAN_EMPTY));
	assert_false(span_contains(role_permissions(SPAN("user")), SPAN("package.read")));
}

static void narrowing(void **state UNUSED)
{
	static const struct {
		const char *a, *b, *both;
	} cases[] = {
		{"", "", ""},
		{"release.write audit.read", "audit.read", "audit.read"},
		{"release.write product:a", "release.write", "release.write product:a"},
		{"release.write", "release.write product:a", "release.write product:a"},
		{"release.write product:a product:b", "release.write product:b product:c",
			"release.write product:b"},
		/* Nothing in common must not read as not narrowed. */
		{"release.write product:a", "release.write product:b", "release.write product:-"},
		{"release.write organisation:own", "release.write",
			"release.write organisation:own"},
		{"release.write", "release.write organisation:own product:a",
			"release.write product:a organisation:own"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char memory[200];
		struct buf both;

		buf_init_fixed(&both, memory, sizeof(memory));
		permissions_narrow(span_from(cases[i].a), span_from(cases[i].b), &both);
		assert_span(buf_span(&both), cases[i].both);
	}
}

static void reach(void **state UNUSED)
{
	assert_true(permissions_reach_product(SPAN("release.write"), SPAN("a")));
	assert_true(permissions_reach_product(SPAN("product:b product:a"), SPAN("a")));
	assert_false(permissions_reach_product(SPAN("release.write product:ab"), SPAN("a")));
	assert_false(permissions_reach_product(SPAN("release.write product:-"), SPAN("a")));
	assert_false(permissions_are_for_organisation(SPAN("organisation.write")));
	assert_true(permissions_are_for_organisation(SPAN("x organisation:own")));
	assert_true(permissions_are_personal(SPAN_EMPTY));
	assert_true(permissions_are_personal(SPAN("self.read product:vpn organisation:own")));
	assert_false(permissions_are_personal(SPAN("self.read audit.read")));
	assert_span(permissions_for_packages(SPAN("x product:a"), SPAN("a")), "x product:a");
	assert_span(permissions_for_packages(SPAN("x product:a"), SPAN("b")), "");
	assert_span(permissions_for_packages(SPAN("x organisation:own"), SPAN("b")), "");
}

static void covering(void **state UNUSED)
{
	static const struct {
		const char *list, *other, *beyond; /* NULL: covered */
	} cases[] = {
		{"account.write", "", NULL},
		{"account.write", "self.read self.write product.read download.request", NULL},
		{"account.write", "audit.read", "audit.read"},
		{"account.write audit.read", "audit.read", NULL},
		{"account.write", "account.write product:a organisation:own", NULL},
		{"account.write organisation:own", "account.write", "every organisation"},
		{"account.write organisation:own", "account.write organisation:own", NULL},
		{"account.write organisation:own", "self.read", NULL},
		{"account.write product:a", "account.write", "every product"},
		{"account.write product:a", "account.write product:a product:b", "product:b"},
		{"account.write product:a product:b", "account.write product:b", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		span beyond = SPAN_EMPTY;
		bool covered = permissions_cover(
			span_from(cases[i].list), span_from(cases[i].other), &beyond);

		assert_int_equal(covered, cases[i].beyond == NULL);
		if (cases[i].beyond)
			assert_span(beyond, cases[i].beyond);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_known),
		cmocka_unit_test(each_rule_denies), cmocka_unit_test(order_of_reasons),
		cmocka_unit_test(allowed), cmocka_unit_test(permissions_need_an_identity),
		cmocka_unit_test(names), cmocka_unit_test(roles), cmocka_unit_test(narrowing),
		cmocka_unit_test(reach), cmocka_unit_test(covering)};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
