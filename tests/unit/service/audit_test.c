#include "test.h"

#include "service/audit.h"

static void prefixes(void **state UNUSED)
{
	static const struct {
		const char *address, *prefix;
	} rows[] = {{"203.0.113.77", "203.0.113.0/24"}, {"10.1.2.3", "10.1.2.0/24"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"}, {"::1", "::/48"}, {"", ""},
		{"nonsense", ""}, {"203.0.113.77.1", ""}, {"203.0.113.0/24", ""}};
	AUTO_PTR(arena) a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_span(address_prefix(a, span_from(rows[i].address)), rows[i].prefix);
}

static void networks(void **state UNUSED)
{
	static const struct {
		const char *address, *network;
	} rows[] = {{"203.0.113.77", "203.0.113.77"}, {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
		{"2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::"}, {"::1", "::"}, {"", ""},
		{"nonsense", "nonsense"}};
	AUTO_PTR(arena) a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_span(address_network(a, span_from(rows[i].address)), rows[i].network);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(prefixes), cmocka_unit_test(networks)};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
