/* Which addresses are public, and networks in CIDR notation. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "net/networks.h"

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

static struct address address(const char *text)
{
	struct address a = {0};

	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
		a.v4.sin_family = AF_INET;
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &a.v6.sin6_addr), 1);
		a.v6.sin6_family = AF_INET6;
	}
	return a;
}

static void not_public(void **state UNUSED)
{
	static const char *const rows[] = {"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255",
		"100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254", "169.254.169.254",
		"172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.170", "192.0.2.1",
		"192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7",
		"203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
		"::ffff:169.254.169.254", "::ffff:0:10.0.0.1", "64:ff9b::10.0.0.1",
		"64:ff9b::169.254.169.254", "64:ff9b:1::808:808", "100::1", "2001::1",
		"2001:0:808:808::1", "2001:2::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::1",
		"2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1",
		"febf::1", "fec0::1", "ff02::1", "ff0e::1"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address a = address(rows[i]);

		assert_row(!address_is_public(&a.any), rows[i]);
	}
}

static void public(void **state UNUSED)
{
	static const char *const rows[] = {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255",
		"100.128.0.0", "126.0.0.1", "128.0.0.1", "169.253.1.1", "172.15.255.255",
		"172.32.0.0", "192.0.1.1", "192.167.0.1", "198.17.0.1", "198.20.0.0",
		"223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2001:200::1",
		"2001:4860:4860::8888", "2003::1", "2606:4700:4700::1111", "3ffe::1"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address a = address(rows[i]);

		assert_row(address_is_public(&a.any), rows[i]);
	}
}

static void other_families(void **state UNUSED)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	struct networks all;

	assert_ok(networks_parse(SPAN("0.0.0.0/0 ::/0"), &all));
	assert_false(address_is_public((struct sockaddr *)&local));
	assert_false(address_is_loopback((struct sockaddr *)&local));
	assert_false(networks_contain(&all, (struct sockaddr *)&local));
}

static void loopback(void **state UNUSED)
{
	static const struct {
		const char *address;
		bool is;
	} rows[] = {{"127.0.0.1", true}, {"127.8.9.10", true}, {"::1", true},
		{"::ffff:127.0.0.1", true}, {"128.0.0.1", false}, {"0.0.0.0", false}, {"::", false},
		{"::127.0.0.1", false}, {"fe80::1", false}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address a = address(rows[i].address);

		assert_row(address_is_loopback(&a.any) == rows[i].is, rows[i].address);
	}
}

static void membership(void **state UNUSED)
{
	static const struct {
		const char *networks, *address;
		bool contains;
	} rows[] = {
		{"", "10.0.0.1", false},
		{"10.0.0.0/8", "10.200.0.1", true},
		{"10.0.0.0/8", "11.0.0.1", false},
		{"10.0.0.0/8", "::ffff:10.1.1.1", true},
		{"10.1.2.3", "10.1.2.3", true},
		{"10.1.2.3", "10.1.2.2", false},
		{"10.1.2.3/9", "10.127.0.1", true},
		{"10.1.2.3/9", "10.128.0.1", false},
		{"0.0.0.0/0", "fe80::1", false},
		{"::/0", "10.0.0.1", true},
		{"  192.168.0.0/16   fd00::/8 ", "fdff::1", true},
		{"fd00::/8", "fc00::1", false},
		{"::ffff:10.0.0.0/104", "10.2.3.4", true},
		{"fe80::/10", "febf::1", true},
		{"fe80::/10", "fec0::1", false},
		{"fe80::1/128", "fe80::1", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct networks n;
		struct address a = address(rows[i].address);

		assert_ok(networks_parse(span_from(rows[i].networks), &n));
		assert_row(networks_contain(&n, &a.any) == rows[i].contains, rows[i].address);
	}
}

static void bad_networks(void **state UNUSED)
{
	static const char *const rows[] = {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8",
		"fd00::/129", "/8", "a", "10.0.0.0/8,10.1.0.0/8", "10.0.0.0/08x", "fe80::1%lo",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999"};
	struct networks n;
	AUTO(buf) many = {0};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(networks_parse(span_from(rows[i]), &n) == ERR_INVALID, rows[i]);
	buf_init(&many, 4096);
	for (size_t i = 0; i < NETWORKS_MAX; i++)
		buf_add_str(&many, "10.0.0.1 ");
	assert_ok(networks_parse(buf_span(&many), &n));
	buf_add_str(&many, "10.0.0.1");
	assert_int_equal(networks_parse(buf_span(&many), &n), ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_public),
		cmocka_unit_test(public),
		cmocka_unit_test(other_families),
		cmocka_unit_test(loopback),
		cmocka_unit_test(membership),
		cmocka_unit_test(bad_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
