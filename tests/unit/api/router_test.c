#include "test.h"

#include "api/router.h"

#include <string.h>

static err nothing(struct request *rq UNUSED)
{
	return OK;
}

#define END                                                                                        \
	{                                                                                          \
		NULL, FIELD_END, false, 0, 0, NULL, NULL, NULL                                     \
	}

static const struct route good = {"GET", "/api/v1/x", ALLOW_ANYONE, nothing, NULL, NULL, NULL, 200,
	"Shows x", "account", false};
static const struct field fine[] = {{"a", FIELD_STRING, true, 0, 10, NULL, NULL, "A"}, END};
static const struct field unbounded[] = {{"a", FIELD_STRING, true, 0, 0, NULL, NULL, "A"}, END};
static const struct field helpless[] = {{"a", FIELD_BOOL, true, 0, 0, NULL, NULL, NULL}, END};
static const struct field anything[] = {{"a", FIELD_JSON, true, 0, 9, NULL, NULL, "A"}, END};
static const struct field list[] = {{"a", FIELD_STRINGS, true, 0, 9, NULL, NULL, "A"}, END};
static const struct field inner[] = {{"b", FIELD_OBJECT, true, 0, 0, NULL, fine, "B"}, END};
static const struct field deep[] = {{"a", FIELD_OBJECT, true, 0, 0, NULL, inner, "A"}, END};
static const struct body_sink sink = {NULL, NULL, NULL};

/* Each row spoils one thing of a good route: the server must not start with it. */
static void bad_tables(void **state UNUSED)
{
	struct route r[13];
	AUTO(buf) problems;

	buf_init(&problems, 65536);
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		r[i] = good;
	r[0].permission = NULL;
	r[1].permission = "product.raed";
	r[2].handler = NULL;
	r[3].sink = &sink;
	r[4].status = 404;
	r[5].answer = "acount";
	r[6].summary = "";
	r[7].method = "FETCH";
	r[8].body = fine; /* of GET */
	r[9].query = unbounded;
	r[10].query = list;
	r[11].answer = NULL;
	r[12].path = "api";
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		buf_clear(&problems);
		if (route_table_check(&r[i], 1, &problems) != ERR_INVALID)
			fail_msg("row %zu was accepted", i);
		assert_true(buf_len(&problems) > 0);
	}
	buf_clear(&problems);
	assert_ok(route_table_check(&good, 1, &problems));
	assert_int_equal(buf_len(&problems), 0);
}

static void bad_bodies(void **state UNUSED)
{
	static const struct field *const bodies[] = {unbounded, helpless, anything, deep};
	struct route r = good;
	AUTO(buf) problems;

	buf_init(&problems, 65536);
	r.method = "POST";
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		r.body = bodies[i];
		if (route_table_check(&r, 1, &problems) != ERR_INVALID)
			fail_msg("body %zu was accepted", i);
	}
	r.body = inner;
	buf_clear(&problems);
	assert_ok(route_table_check(&r, 1, &problems));
}

static void twice(void **state UNUSED)
{
	const struct route r[] = {good, good};
	AUTO(buf) problems;

	buf_init(&problems, 65536);
	assert_int_equal(route_table_check(r, 2, &problems), ERR_INVALID);
}

static void the_table_is_complete(void **state UNUSED)
{
	AUTO(buf) problems;

	buf_init(&problems, 65536);
	if (route_table_check(routes, routes_count, &problems))
		fail_msg("%s", buf_str(&problems));
}

static void dispatch(void **state UNUSED)
{
	static const struct {
		const char *method, *path, *route, *param;
		bool path_known;
	} rows[] = {
		{"GET", "/healthz", "/healthz", NULL, true},
		{"HEAD", "/healthz", "/healthz", NULL, true},
		{"POST", "/healthz", NULL, NULL, true},
		{"GET", "/healthz/", NULL, NULL, false},
		{"GET", "//healthz", NULL, NULL, false},
		{"GET", "", NULL, NULL, false},
		{"GET", "/", NULL, NULL, false},
		{"GET", "/api/v1", NULL, NULL, false},
		{"GET", "/API/v1/me", NULL, NULL, false},
		{"GET", "/api/v1/admin/accounts", "/api/v1/admin/accounts", NULL, true},
		{"GET", "/api/v1/admin/accounts/", NULL, NULL, false},
		{"GET", "/api/v1/admin/accounts/acc_1", "/api/v1/admin/accounts/{id}", "acc_1",
			true},
		{"HEAD", "/api/v1/admin/accounts/acc_1", "/api/v1/admin/accounts/{id}", "acc_1",
			true},
		{"PATCH", "/api/v1/admin/accounts/a%2Fb", "/api/v1/admin/accounts/{id}", "a%2Fb",
			true},
		{"PUT", "/api/v1/admin/accounts/acc_1", NULL, NULL, true},
		{"get", "/healthz", NULL, NULL, true},
		{"GET", "/api/v1/admin/accounts/a/b/c/d", NULL, NULL, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct route_match m;

		router_find(span_from(rows[i].method), span_from(rows[i].path), &m);
		assert_row(m.path_known == rows[i].path_known, rows[i].path);
		assert_row(!m.route == !rows[i].route, rows[i].path);
		if (m.route)
			assert_string_equal(m.route->path, rows[i].route);
		if (rows[i].param)
			assert_span(m.params[0], rows[i].param);
	}
}

static void allow(void **state UNUSED)
{
	AUTO(buf) text;

	buf_init(&text, 200);
	router_allow(SPAN("/api/v1/admin/accounts/x"), &text);
	assert_span(buf_span(&text), "GET, HEAD, PATCH, DELETE, OPTIONS");
	buf_clear(&text);
	router_allow(SPAN("/nothing"), &text);
	assert_span(buf_span(&text), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(bad_tables),
		cmocka_unit_test(bad_bodies), cmocka_unit_test(twice),
		cmocka_unit_test(the_table_is_complete), cmocka_unit_test(dispatch),
		cmocka_unit_test(allow)};

	return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
