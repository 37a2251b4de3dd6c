#include "test.h"

#include <string.h>

#include "base/typeid.h"

static void refused(void **state UNUSED)
{
	static const char *const bad[] = {"", "pkg", "pkg_", "01h455vb4pex5vsknk084sn02q",
		"rel_01h455vb4pex5vsknk084sn02q", "pkg-01h455vb4pex5vsknk084sn02q",
		"pkg_01h455vb4pex5vsknk084sn02", "pkg_01h455vb4pex5vsknk084sn02qq",
		"pkg_81h455vb4pex5vsknk084sn02q", /* more than 128 bits */
		"pkg_01H455VB4PEX5VSKNK084SN02Q", /* upper case */
		"pkg_01h455vb4pex5vsknk084sn0iq", /* i, l, o, u are not in the alphabet */
		"pkg_01h455vb4pex5vsknk084sn0lq", "pkg_01h455vb4pex5vsknk084sn0oq",
		"pkg_01h455vb4pex5vsknk084sn0uq", "pkg__1h455vb4pex5vsknk084sn02q",
		"Pkg_01h455vb4pex5vsknk084sn02q", "pkg_01h455vb4pex5vsknk084sn02 "};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(!typeid_is(span_from(bad[i]), "pkg"), bad[i]);
	assert_false(typeid_is(span_of("pkg_01h455vb4pex5vsknk084sn0\0q", 30), "pkg"));
}

/* The example of the TypeID specification: 01890a5d-ac96-774b-bcce-b302099a8057. */
static void example(void **state UNUSED)
{
	const uint8_t entropy[TYPEID_RANDOM] = {
		0x07, 0x4b, 0x3c, 0xce, 0xb3, 0x02, 0x09, 0x9a, 0x80, 0x57};
	const int64_t us = INT64_C(0x01890a5dac96) * 1000;
	char id[TYPEID_SIZE];

	typeid_make("prefix", us + 999, entropy, id);
	assert_string_equal(id, "prefix_01h455vb4pex5vsknk084sn02q");
	assert_true(typeid_is(span_from(id), "prefix"));
	assert_false(typeid_is(span_from(id), "prefi"));
	assert_int_equal(typeid_time(span_from(id)), us);
}

static void bounds(void **state UNUSED)
{
	uint8_t entropy[TYPEID_RANDOM];
	char id[TYPEID_SIZE];

	memset(entropy, 0xff, sizeof(entropy));
	typeid_make("abcdefghijklmno", (INT64_C(1) << 48) * 1000 - 1, entropy, id);
	assert_int_equal(strlen(id), TYPEID_SIZE - 1);
	assert_true(typeid_is(span_from(id), "abcdefghijklmno"));
	assert_int_equal(typeid_time(span_from(id)), ((INT64_C(1) << 48) - 1) * 1000);
	memset(entropy, 0, sizeof(entropy));
	typeid_make("a", 0, entropy, id);
	assert_string_equal(
		id, "a_0000000000e008000000000000"); /* only version and variant are set */
	assert_int_equal(typeid_time(span_from(id)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused), cmocka_unit_test(example), cmocka_unit_test(bounds)};

	return cmocka_run_group_tests_name("typeid", tests, NULL, NULL);
}
