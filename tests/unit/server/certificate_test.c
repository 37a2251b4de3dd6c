#include "test.h"

#include "base/time.h"
#include "server/certificate.h"

#define NOW (INT64_C(1900000000) * TIME_SECOND)

struct pair {
	struct buf certificate, key;
};

static void pair_init(struct pair *p)
{
	buf_init(&p->certificate, CERTIFICATE_PEM_MAX);
	buf_init(&p->key, CERTIFICATE_PEM_MAX);
}

static void pair_done(struct pair *p)
{
	buf_done(&p->certificate);
	buf_wipe(&p->key);
}

static void make_ca(struct pair *p)
{
	pair_init(p);
	assert_ok(certificate_make_ca(
		"Test CA", NOW, NOW + 100 * TIME_DAY, &p->certificate, &p->key));
}

static void garbage_is_told_apart(void **state UNUSED)
{
	struct certificate_names none = {.count = 0};
	struct certificate_facts facts;
	AUTO(pair) ca = {0};

	make_ca(&ca);
	assert_int_equal(
		certificate_inspect(SPAN_EMPTY, buf_span(&ca.key), SPAN_EMPTY, &none, &facts),
		ERR_INVALID);
	assert_int_equal(certificate_inspect(
				 buf_span(&ca.key), buf_span(&ca.key), SPAN_EMPTY, &none, &facts),
		ERR_INVALID);
	assert_int_equal(certificate_inspect(buf_span(&ca.certificate), SPAN("-----BEGIN"),
				 SPAN_EMPTY, &none, &facts),
		ERR_DENIED);
	assert_int_equal(certificate_inspect(buf_span(&ca.certificate), buf_span(&ca.certificate),
				 SPAN_EMPTY, &none, &facts),
		ERR_DENIED);
}

static void a_leaf_is_for_its_names(void **state UNUSED)
{
	struct certificate_names names = {.count = 0}, more;
	struct certificate_facts facts;
	AUTO(pair) ca = {0};
	AUTO(pair) leaf = {0};

	make_ca(&ca);
	pair_init(&leaf);
	certificate_names_add(&names, "localhost");
	certificate_names_add(&names, "localhost");
	certificate_names_add(&names, "::1");
	certificate_names_add(&names, "192.0.2.7");
	certificate_names_add(&names, "*.example.org");
	assert_int_equal(names.count, 4);
	assert_ok(certificate_issue(buf_span(&ca.certificate), buf_span(&ca.key), &names, NOW,
		NOW + 9 * TIME_DAY, &leaf.certificate, &leaf.key));
	assert_ok(certificate_inspect(buf_span(&leaf.certificate), buf_span(&leaf.key),
		buf_span(&ca.certificate), &names, &facts));
	assert_true(facts.key_matches && facts.is_issued && facts.has_names);
	assert_int_equal(facts.from_us, NOW);
	assert_int_equal(facts.until_us, NOW + 9 * TIME_DAY);

	more = names;
	certificate_names_add(&more, "192.0.2.8");
	assert_ok(certificate_inspect(buf_span(&leaf.certificate), buf_span(&leaf.key),
		buf_span(&ca.certificate), &more, &facts));
	assert_false(facts.has_names);
	more.count = 0;
	certificate_names_add(&more, "a.example.org");
	assert_ok(certificate_inspect(
		buf_span(&leaf.certificate), buf_span(&ca.key), SPAN_EMPTY, &more, &facts));
	assert_true(facts.has_names);
	assert_false(facts.key_matches); /* the CA's key */
	assert_false(facts.is_issued);
	more.count = 0;
	certificate_names_add(&more, "*.example.com");
	assert_ok(certificate_inspect(
		buf_span(&leaf.certificate), buf_span(&leaf.key), SPAN_EMPTY, &more, &facts));
	assert_false(facts.has_names);
}

static void another_ca_of_the_same_name_is_another(void **state UNUSED)
{
	struct certificate_names names = {.name = {"localhost"}, .count = 1};
	struct certificate_facts facts;
	AUTO(pair) ca = {0};
	AUTO(pair) other = {0};
	AUTO(pair) leaf = {0};

	make_ca(&ca);
	make_ca(&other);
	pair_init(&leaf);
	assert_int_equal(certificate_issue(buf_span(&ca.certificate), buf_span(&other.key), &names,
				 NOW, NOW + TIME_DAY, &leaf.certificate, &leaf.key),
		ERR_INVALID);
	assert_ok(certificate_issue(buf_span(&ca.certificate), buf_span(&ca.key), &names, NOW,
		NOW + TIME_DAY, &leaf.certificate, &leaf.key));
	assert_ok(certificate_inspect(buf_span(&leaf.certificate), buf_span(&leaf.key),
		buf_span(&other.certificate), &names, &facts));
	assert_false(facts.is_issued);
}

static void names_are_bounded(void **state UNUSED)
{
	struct certificate_names names = {.count = 0};
	static char text[100][8];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "h%d", i);
		certificate_names_add(&names, text[i]);
	}
	assert_int_equal(names.count, CERTIFICATE_MAX_NAMES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(garbage_is_told_apart),
		cmocka_unit_test(a_leaf_is_for_its_names),
		cmocka_unit_test(another_ca_of_the_same_name_is_another),
		cmocka_unit_test(names_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
